"""Two model calls beside each other: what differs in prompts, parameters, numbers, answers."""
