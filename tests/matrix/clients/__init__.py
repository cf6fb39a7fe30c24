"""One file a client: its modes, and the integration of Sentry that is its own."""
