"""genai-prices without the HTTP client that fetches newer lists.

The list is imported on a thread of ours while the user's code runs. Client
libraries look into `sys.modules` for the HTTP clients they may meet (openai for
httpx2), and would take up one that is half imported. So that part of genai-prices
is imported only when somebody asks for it, on the thread of whoever asks.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

_PACKAGE = "genai_prices"
_FETCHING = f"{_PACKAGE}.update_prices"


@contextmanager
def in_steps(step: Callable[[], None]) -> Iterator[None]:
    """Call `step` before each model of the list that is made in this block, on this thread.

    The list is one module and most of the work of the import; a model takes a tenth of a
    millisecond.
    """
    made: Any = getattr(library().types, "ModelInfo", _Nothing)
    original, thread = made.__init__, threading.get_ident()

    @functools.wraps(original)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        if threading.get_ident() == thread:
            step()
        original(self, *args, **kwargs)

    made.__init__ = __init__
    try:
        yield
    finally:
        if made.__init__ is __init__:
            made.__init__ = original


class _Nothing:
    """In the place of a class that the library has no more."""


@functools.cache
def library() -> Any:
    """Return the package; the first call imports it."""
    package = sys.modules.get(_PACKAGE)
    # Without a version it is half imported, by another thread.
    return package if hasattr(package, "__version__") else _import_without_fetching()


def _import_without_fetching() -> ModuleType:
    placeholder = _PlaceholderModule(_FETCHING)
    sys.modules.setdefault(_FETCHING, placeholder)
    try:
        package = import_module(_PACKAGE)
    finally:
        if sys.modules.get(_FETCHING) is placeholder:
            del sys.modules[_FETCHING]
    placeholder.restore(package)
    return package


class _PlaceholderModule(ModuleType):
    """Stands in for the module while the package is imported: each name in it is itself."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def restore(self, package: ModuleType) -> None:
        """Import the true module as soon as one of the names that the package took is used."""
        names = [name for name, value in vars(package).items() if value is self]
        for name in names:
            delattr(package, name)

        # A module's own, PEP 562.
        def __getattr__(name: str) -> Any:
            if name not in names:
                raise AttributeError(f"module {_PACKAGE!r} has no attribute {name!r}")
            fetching = import_module(_FETCHING)
            value = fetching if _FETCHING.endswith(f".{name}") else getattr(fetching, name)
            setattr(package, name, value)
            return value

        if names:
            vars(package)["__getattr__"] = __getattr__
