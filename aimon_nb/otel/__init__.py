"""OpenTelemetry's spans as structure: whoever makes them, and whether anybody gets them or not.

Neither its API nor its SDK is imported here: the hooks are put on when the user's code has
imported them.
"""
