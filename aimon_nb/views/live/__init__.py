"""The view under the cell while it runs, on whatever screen there is."""
