"""Ways in which frameworks run that Sentry's integrations hear, and their trees as text."""
