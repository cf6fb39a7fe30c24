"""What went into a step and came out of it, copied on the user's thread.

Values are hostile by nature, and they are the user's: none is consumed, and no code of theirs
runs. A value is read by its exact type or by the base class's own methods, an object by
the names in its `__dict__`, and everything else is its type's name (`step_words`). The copy
is bounded, so that it costs the same whatever there is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from itertools import islice
from typing import Any

from aimon_nb.capture.step_words import BY_REFERENCE, describe, named_fields

ELEMENTS = 100  # of mutable values, all levels together
CHARACTERS = 20_000
LEVELS = 3
FILTERED = "[filtered]"
# What each further argument of a call gets when those before it were large.
_LEAST_ELEMENTS, _LEAST_CHARACTERS = 10, 2_000
_LONGEST_NAME = 200
_OWNERS = ("self", "cls")
_MORE = "…"


class NotTaken:
    """In the place of what was not looked at: `None` is a value."""

    def __repr__(self) -> str:
        return "NOT_TAKEN"


NOT_TAKEN = NotTaken()
# Whose values are never copied, in small letters; the room above fills it.
_secret_names: set[str] = set()


def add_secret_names(names: Iterable[str]) -> None:
    """Have the values under these names left out, of arguments and at every level of dicts."""
    _secret_names.update(name.lower().replace("-", "_") for name in names)


def is_secret(name: str) -> bool:
    """Return whether a value of this name is never shown: a password, a key."""
    return len(name) <= _LONGEST_NAME and (
        name in _secret_names or name.lower().replace("-", "_") in _secret_names
    )


def snapshot(value: Any) -> Any:
    """Return a value as it is now: plain data, and immutable values themselves.

    Never raises, runs no code of the value's own, and costs at most what `ELEMENTS` and
    `CHARACTERS` cost.
    """
    kind = type(value)
    if kind is str or value is None:
        return value
    return _Copy().guarded(value)


def snapshot_arguments(named: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a call, by name, as they are now; without `self` and `cls`."""
    copy = _Copy()
    arguments: dict[str, Any] = {}
    for name, value in named.items():
        if name in _OWNERS:
            continue
        copy.elements = max(copy.elements, _LEAST_ELEMENTS)
        copy.characters = max(copy.characters, _LEAST_CHARACTERS)
        if is_secret(name):
            arguments[name] = FILTERED
        elif type(value) is str or value is None:
            arguments[name] = value
        else:
            arguments[name] = copy.guarded(value)
    return arguments


class _Copy:
    """One bounded copy; `elements` and `characters` are what it may still take."""

    __slots__ = ("characters", "elements")

    def __init__(self) -> None:
        self.elements, self.characters = ELEMENTS, CHARACTERS

    def guarded(self, value: Any) -> Any:
        """Return the copy of a value, or in words that there is none."""
        try:
            return self.of(value, 0)
        except Exception:  # another thread changed it meanwhile, say
            return "<unreadable>"

    def of(self, value: Any, level: int) -> Any:
        """Return the copy of a value, `level` containers down."""
        # Compared by identity: a class may have a metaclass with an `__eq__` of its own.
        kind = type(value)
        if kind is str:
            return self._text(value) if level else value
        if value is None or kind is int or kind is float or kind is bool:
            return value
        if kind is dict:
            return self._named(iter(value.items()), len(value), level)
        if kind is list or kind is tuple:
            return self._items(iter(value), len(value), level)
        for known in BY_REFERENCE:
            if kind is known:
                return value
        return self._derived(value, kind, level)

    def _derived(self, value: Any, kind: type, level: int) -> Any:
        """Return the copy of a value of a derived class: by the methods of the base class."""
        # Not `isinstance`, which asks the object for its `__class__`.
        if issubclass(kind, _SCALARS):
            return self._scalar(value, kind)
        if issubclass(kind, dict):
            return self._named(iter(dict.items(value)), dict.__len__(value), level)
        fields = named_fields(value, kind)
        if fields is not None:
            return self._named(iter(fields), len(fields), level)
        for collection in _COLLECTIONS:
            if issubclass(kind, collection):
                length = collection.__len__(value)
                return self._items(collection.__iter__(value), length, level)
        return self._text(describe(value, kind))

    def _scalar(self, value: Any, kind: type) -> Any:
        if issubclass(kind, Enum):
            return describe(value, kind)
        if issubclass(kind, str):
            return self._text(str.__getitem__(value, slice(0, CHARACTERS + 1)))
        return int.__int__(value) if issubclass(kind, int) else float.__float__(value)

    def _text(self, text: str) -> str:
        room = max(self.characters, 0)
        self.characters -= len(text)
        if len(text) <= room:
            return text
        return f"{text[:room]}{_MORE} {len(text) - room:,} more"

    def _room(self, length: int, level: int) -> int:
        """Return how many of a container's elements are copied at most."""
        return min(length, self.elements) if level < LEVELS and self.characters > 0 else 0

    def _items(self, items: Iterator[Any], length: int, level: int) -> list[Any]:
        copied: list[Any] = []
        for item in islice(items, self._room(length, level)):
            if self.elements <= 0 or self.characters <= 0:
                break
            self.elements -= 1
            copied.append(self.of(item, level + 1))
        if len(copied) < length:
            copied.append(f"{_MORE} {length - len(copied):,} more")
        return copied

    def _named(self, items: Iterator[tuple[Any, Any]], length: int, level: int) -> dict[str, Any]:
        copied: dict[str, Any] = {}
        for key, item in islice(items, self._room(length, level)):
            if self.elements <= 0 or self.characters <= 0:
                break
            self.elements -= 1
            name = self._name(key, copied)
            copied[name] = FILTERED if is_secret(name) else self.of(item, level + 1)
        if len(copied) < length:
            copied[_MORE] = f"{length - len(copied):,} more"
        return copied

    def _name(self, key: Any, taken: dict[str, Any]) -> str:
        text = key if type(key) is str else _key_text(key, type(key))
        if len(text) > _LONGEST_NAME:
            text = f"{text[:_LONGEST_NAME]}{_MORE}"
        self.characters -= len(text)
        name, count = text, len(taken)
        while name in taken:  # 1 and "1" are two keys with one text
            name, count = f"{text} ({count})", count + 1
        return name


def _key_text(key: Any, kind: type) -> str:
    if issubclass(kind, str) and not issubclass(kind, Enum):
        return str.__getitem__(key, slice(0, _LONGEST_NAME + 1))
    is_short = kind is int and key.bit_length() <= 64
    if key is None or kind is bool or kind is float or is_short:
        return str(key)
    return describe(key, kind)


_SCALARS = (str, int, float)
_COLLECTIONS: tuple[Any, ...] = (list, tuple, set, frozenset, deque)
