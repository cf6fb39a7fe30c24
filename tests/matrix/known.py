"""Cells that cannot be right: {(client, mode, integrations): (the reason, what the view says)}."""

KNOWN = {}
