"""What went into a step and came out of it, copied on the user's thread.

Values are hostile by nature, and they are the user's: none is consumed, and no code of theirs
runs. A value is read by its exact type or by the base class's own methods, an object by
the names in its `__dict__`, and everything else is its type's name (`step_words`). The copy
is bounded, so that it costs the same whatever there is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from itertools import islice
from typing import Any

from aimon_nb.capture.redact import FILTERED
from aimon_nb.capture.step_words import (
    BY_REFERENCE,
    describe,
    fields_reader,
    fixed_words,
    is_numpy_number,
)

ELEMENTS = 100  # of mutable values, all levels together
CHARACTERS = 20_000
LEVELS = 3
# What each further argument of a call gets when those before it were large.
_LEAST_ELEMENTS, _LEAST_CHARACTERS = 10, 2_000
_LONGEST_NAME = 200
# How a class is read is found for what some elements cost, and is known for a few classes.
_WAY_COSTS, _MOST_WAYS = 3, 8
_WORDS_COST = 2  # elements, beyond its own: what takes a look at the value
_MOST_SIZED = 4  # of the arrays and frames in a container, those whose size is told
_OWNERS = frozenset({"self", "cls"})
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
    """Return the arguments of a call, by name, as they are now.

    The first is left out if it is `self` or `cls`.
    """
    copy = _Copy()
    arguments: dict[str, Any] = {}
    for at, (name, value) in enumerate(named.items()):
        if at == 0 and name in _OWNERS:
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


Way = Callable[["_Copy", Any, int], Any]


class Yielded:
    """What a generator yields, copied as it passes by: the first of it, and how much more."""

    __slots__ = ("_copied", "_copy", "_count")

    def __init__(self) -> None:
        self._copy, self._count = _Copy(), 0
        self._copied: list[Any] = []

    def add(self, value: Any) -> None:
        """Copy a value on its way to who asked for it."""
        self._count += 1
        copy = self._copy
        if copy.elements > 0 and copy.characters > 0:
            copy.elements -= 1
            self._copied.append(copy.guarded(value, 1))

    def so_far(self) -> list[Any]:
        """Return what was copied, and in words how much was not."""
        left = self._count - len(self._copied)
        return [*self._copied, f"{_MORE} {left:,} more"] if left else self._copied


class _Copy:
    """One bounded copy; `elements` and `characters` are what it may still take."""

    __slots__ = ("_ways", "characters", "elements", "sized")

    def __init__(self) -> None:
        self.elements, self.characters = ELEMENTS, CHARACTERS
        self.sized = _MOST_SIZED
        self._ways: list[tuple[type, Way]] = []

    def guarded(self, value: Any, level: int = 0) -> Any:
        """Return the copy of a value, or in words that there is none."""
        try:
            return self.of(value, level)
        except Exception:  # another thread changed it meanwhile, say
            return "<unreadable>"

    def of(self, value: Any, level: int) -> Any:
        """Return the copy of a value, `level` containers down."""
        # Compared by identity: a class may have a metaclass with an `__eq__` of its own.
        kind = type(value)
        if kind is str:
            return self.text(value) if level else value
        if value is None or kind is int or kind is float or kind is bool:
            return value
        if kind is dict:
            return self.named(iter(value.items()), len(value), level)
        if kind is list or kind is tuple:
            return self.items(iter(value), len(value), level)
        return self._way(kind, level)(self, value, level)

    def _way(self, kind: type, level: int) -> Way:
        """Return how values of a class are copied: found once, for a list has many of a class."""
        for known, way in self._ways:
            if known is kind:
                return way
        way = _way_of(kind)
        if level:
            self.elements -= _WAY_COSTS
        if len(self._ways) < _MOST_WAYS:
            self._ways.append((kind, way))
        return way

    def text(self, text: str) -> str:
        room = max(self.characters, 0)
        self.characters -= len(text)
        if len(text) <= room:
            return text
        return f"{text[:room]}{_MORE} {len(text) - room:,} more"

    def _room(self, length: int, level: int) -> int:
        """Return how many of a container's elements are copied at most."""
        return min(length, self.elements) if level < LEVELS and self.characters > 0 else 0

    def items(self, items: Iterator[Any], length: int, level: int) -> list[Any]:
        copied: list[Any] = []
        for item in islice(items, self._room(length, level)):
            if self.elements <= 0 or self.characters <= 0:
                break
            self.elements -= 1
            copied.append(self.of(item, level + 1))
        if len(copied) < length:
            copied.append(f"{_MORE} {length - len(copied):,} more")
        return copied

    def named(self, items: Iterator[tuple[Any, Any]], length: int, level: int) -> dict[str, Any]:
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
        text: str = str.__getitem__(key, slice(0, _LONGEST_NAME + 1))
        return text
    is_short = kind is int and key.bit_length() <= 64
    if key is None or kind is bool or kind is float or is_short:
        return str(key)
    return str(describe(key, kind, with_size=False))


def _way_of(kind: type) -> Way:
    """Return how values of a class are copied: by the methods of its base class, or by name.

    `issubclass`, for `isinstance` asks the object for its `__class__`.
    """
    for known in BY_REFERENCE:
        if kind is known:
            return _itself
    for base, way in _WAYS:
        if issubclass(kind, base):
            return way
    read = fields_reader(kind)
    if read is not None:
        return lambda copy, value, level: copy.named(
            iter(fields := read(value)), len(fields), level
        )
    for collection in _COLLECTIONS:
        if issubclass(kind, collection):
            return _way_of_collection(collection)
    words = fixed_words(kind)
    if words is not None:
        return lambda copy, _value, _level: copy.text(words)
    return _number if is_numpy_number(kind) else _described


def _way_of_collection(base: Any) -> Way:
    length, items = base.__len__, base.__iter__
    return lambda copy, value, level: copy.items(items(value), length(value), level)


def _itself(_copy: _Copy, value: Any, _level: int) -> Any:
    return value


def _text(copy: _Copy, value: Any, _level: int) -> Any:
    return copy.text(str.__getitem__(value, slice(0, CHARACTERS + 1)))


def _int(_copy: _Copy, value: Any, _level: int) -> Any:
    return int.__int__(value)


def _float(_copy: _Copy, value: Any, _level: int) -> Any:
    return float.__float__(value)


def _dict(copy: _Copy, value: Any, level: int) -> Any:
    return copy.named(iter(dict.items(value)), dict.__len__(value), level)


def _number(_copy: _Copy, value: Any, _level: int) -> Any:
    plain = value.item()
    return plain if type(plain) in (int, float, bool) else describe(value, type(value))


def _described(copy: _Copy, value: Any, level: int) -> Any:
    """Return what a value is; of a list of frames the first have their sizes."""
    if level:
        copy.elements -= _WORDS_COST
    copy.sized -= 1
    return describe(value, type(value), with_size=copy.sized >= 0)


_COLLECTIONS: tuple[Any, ...] = (list, tuple, set, frozenset, deque)
_WAYS: tuple[tuple[type, Way], ...] = (
    (Enum, _described),
    (str, _text),
    (int, _int),
    (float, _float),
    (dict, _dict),
)
