"""A module that is imported when it is used: every start of pytest reads the parts, few tests use them."""

from importlib import import_module


class Lazy:
    """Stands for a module: `nbformat = Lazy("nbformat")`."""

    def __init__(self, name):
        self._name = name

    def __getattr__(self, name):
        if name.startswith(("_", "pytest")):  # what pytest asks of everything in a file of fixtures
            raise AttributeError(name)
        return getattr(import_module(self._name), name)
