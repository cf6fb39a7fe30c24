"""A run in words and rows, in no output format yet."""
