"""The HTTP clients whose requests are heard: one file each, none imported by us."""
