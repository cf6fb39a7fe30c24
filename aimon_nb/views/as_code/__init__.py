"""A model call as Python: what a person would write to send the same request again."""
