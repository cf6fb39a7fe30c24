"""The forms of a run that run no code: HTML, text, and what a saved output holds."""
