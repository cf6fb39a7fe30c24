"""The extension in IPython: load and unload, cells, magics."""
