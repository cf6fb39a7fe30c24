"""See what the AI work in a notebook cell does and costs, live under the cell."""
