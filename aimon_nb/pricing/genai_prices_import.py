"""genai-prices without the HTTP client that fetches newer lists.

The list is imported on a thread of ours while the user's code runs. Client
libraries look into `sys.modules` for the HTTP clients they may meet (openai for
httpx2), and would take up one that is half imported. So that part of genai-prices
waits until somebody asks for it, on the thread of whoever asks.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

_PACKAGE = "genai_prices"
_FETCHING = f"{_PACKAGE}.update_prices"


def library() -> Any:
    """The package, imported at the first call."""
    found = sys.modules.get(_PACKAGE)
    return found if hasattr(found, "__version__") else _never_fetching()


def _never_fetching() -> ModuleType:
    lent = _PlaceholderModule(_FETCHING)
    sys.modules.setdefault(_FETCHING, lent)
    try:
        package = import_module(_PACKAGE)
    finally:
        if sys.modules.get(_FETCHING) is lent:
            del sys.modules[_FETCHING]
    lent.give_back(package)
    return package


class _PlaceholderModule(ModuleType):
    """Stands for the module while the package is imported, and notes what is taken from it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def give_back(self, package: ModuleType) -> None:
        """What the package took is there again as soon as it is asked for."""
        taken = [name for name, value in vars(package).items() if value is self]
        for name in taken:
            delattr(package, name)

        def __getattr__(name: str) -> Any:  # a module's own, PEP 562
            if name not in taken:
                raise AttributeError(f"module {_PACKAGE!r} has no attribute {name!r}")
            fetching = import_module(_FETCHING)
            value = fetching if _FETCHING.endswith(f".{name}") else getattr(fetching, name)
            setattr(package, name, value)
            return value

        if taken:
            vars(package)["__getattr__"] = __getattr__
