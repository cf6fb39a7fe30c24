"""One file a framework: its ways, and how its usual instrumentation is set up."""
