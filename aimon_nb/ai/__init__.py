"""The documented AI-monitoring API."""
