"""Functions of a run: live widget, static HTML, text, DataFrames."""
