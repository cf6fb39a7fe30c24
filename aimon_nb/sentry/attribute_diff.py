"""What somebody's patching changed, so that it can be taken back: the SDK itself never does."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any

from aimon_nb.capture.hooks import ABSENT

Change = tuple[Any, str, Any, Any]


def diff_attributes(places: Iterable[Any], patch: Callable[[], Any]) -> list[Change]:
    """Call `patch`; (owner, name, value now, value before) of each attribute it set.

    Places are classes, or names of packages: then all their loaded modules, classes
    and objects at module level are looked at.
    """
    before = {id(owner): (owner, dict(owner.__dict__)) for owner in _owners(places)}
    patch()
    return [
        (owner, name, value, old.get(name, ABSENT))
        for owner, old in before.values()
        for name, value in owner.__dict__.items()
        if old.get(name, ABSENT) is not value
    ]


def _owners(places: Iterable[Any]) -> Iterator[Any]:
    packages = tuple(place for place in places if isinstance(place, str))
    yield from (place for place in places if not isinstance(place, str))
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in packages and isinstance(module, ModuleType):
            yield module
            for thing in list(vars(module).values()):
                if _is_of(thing, packages):
                    yield thing


def _is_of(thing: Any, packages: tuple[str, ...]) -> bool:
    """Whether it is a class of the packages, or an object of one that keeps attributes."""
    kind = thing if isinstance(thing, type) else type(thing)
    home = kind.__dict__.get("__module__")
    if not isinstance(home, str) or home.partition(".")[0] not in packages:
        return False
    return isinstance(thing, type) or kind.__dictoffset__ != 0
