"""Ways that cannot be right: {(framework, way, setup or None for all): (the reason, what the tree says)}."""

KNOWN = {}
