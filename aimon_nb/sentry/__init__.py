"""The only room that knows sentry-sdk's insides."""
