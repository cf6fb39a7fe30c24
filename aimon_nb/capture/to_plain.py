"""A value of the user's as dicts, lists and scalars, within a budget of characters.

Values are hostile by nature: models that fail to dump, objects whose `str`
raises, trees that contain themselves, arrays of a million numbers. Each is
looked at inside a guard, at its type rather than at itself (a mock has every
attribute), and shallowly, so that the budget ends the walk wherever it is.
"""

from __future__ import annotations

import dataclasses
import math
from collections import UserString
from collections.abc import Iterable, Mapping, Sequence, ValuesView
from collections.abc import Set as AbstractSet
from datetime import date, time, timedelta
from enum import Enum
from typing import Any

DEPTH = 16
_AS_LIST = (Sequence, AbstractSet, ValuesView)


class Plain:
    """One walk over one value."""

    def __init__(self, budget: int, *, unpack: bool) -> None:
        self._left, self._unpack = budget, unpack
        self._above: list[int] = []

    def of(self, value: Any) -> Any:
        """The value as plain data; what cannot be looked at leaves a mark."""
        self._left -= 2
        try:
            if value is None or _is_missing(value):
                return None
            scalar = _scalar(value)
            if scalar is None:
                return self._below(value)
        except Exception as error:
            scalar = f"[cut: {type(value).__name__}, {type(error).__name__}]"
        return self._text(scalar) if isinstance(scalar, str) else self._number(scalar)

    def _below(self, value: Any) -> Any:
        if id(value) in self._above:
            return self._text("[cut: cycle]")
        if len(self._above) >= DEPTH:
            return self._text("[cut: too deep]")
        self._above.append(id(value))
        try:
            return self._compound(value)
        finally:
            self._above.pop()

    def _compound(self, value: Any) -> Any:
        if isinstance(value, Enum):
            return self.of(value.value)
        fields = _fields(value)
        if fields is not None:
            return self._object(fields)
        items = _items(value, self._left)
        if items is None:
            return self._text(str(value))
        if isinstance(items, str) or not isinstance(items, _AS_LIST):
            return self.of(items)
        plain = self._list(items)
        if isinstance(items, AbstractSet):
            plain.sort(key=repr)
        return plain[0] if self._unpack and len(plain) == 1 else plain

    def _list(self, items: Iterable[Any]) -> list[Any]:
        taken: list[Any] = []
        try:
            for item in items:
                if self._left <= 0:
                    taken.append("[cut: more]")
                    break
                taken.append(self.of(item))
        except Exception as error:  # it breaks off: what was read stays
            if not taken:
                raise
            taken.append(f"[cut: {type(error).__name__}]")
        return taken

    def _object(self, fields: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
        taken: dict[str, Any] = {}
        try:
            for key, item in fields:
                if self._left <= 0:
                    taken["[cut]"] = "more"
                    break
                taken[self._name(key, taken)] = self.of(item)
        except Exception as error:
            if not taken:
                raise
            taken["[cut]"] = type(error).__name__
        return taken

    def _name(self, key: Any, taken: dict[str, Any]) -> str:
        name = text = self._text(_key(key))
        count = len(taken)
        while name in taken:  # 1 and "1"
            name, count = f"{text} ({count})", count + 1
        return name

    def _number(self, number: float) -> float:
        self._left -= len(repr(number))
        return number

    def _text(self, text: str) -> str:
        room = max(self._left, 0)
        kept = storable(text[:room])
        self._left -= len(kept) + 2
        return kept if len(text) <= room else f"{kept}[cut: {len(text) - room} more]"


def storable(text: str) -> str:
    """Text as Sentry takes it: for a lone surrogate it would refuse the whole envelope."""
    return text.encode("utf-8", "replace").decode()


def _is_missing(value: Any) -> bool:
    """Whether it is pandas' NA or NaT (the latter is a datetime by class)."""
    return type(value).__name__ in {"NAType", "NaTType"}


def _scalar(value: Any) -> str | float | None:
    """Whatever is one word in JSON, as that; None for what is not."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return _int64_or_text(int.__int__(value))
    if isinstance(value, float):
        return _finite(float.__float__(value))
    if isinstance(value, timedelta):
        return value.total_seconds()
    return _scalar_text(value)


def _scalar_text(value: Any) -> str | None:
    if isinstance(value, (bytes, bytearray)):
        return f"<{len(value)} bytes>"
    if isinstance(value, memoryview):
        return f"<{value.nbytes} bytes>"
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, UserString):
        return str(value)
    return f"<class {value.__qualname__}>" if isinstance(value, type) else None


def _int64_or_text(number: int) -> int | str:
    """A whole number of 64 bits, Sentry's limit; a bigger one as text."""
    if -(2**63) <= number < 2**63:
        return number
    bits = number.bit_length()  # Python refuses to print the biggest
    return str(number) if bits < 4096 else f"<int of {bits} bits>"


def _finite(number: float) -> float | str:
    if math.isnan(number):
        return "NaN"
    return number if math.isfinite(number) else f"{'-' * (number < 0)}Infinity"


def key_text(key: Any) -> str:
    """A mapping's key as JSON has it: text that can be stored."""
    return storable(_key(key))


def _key(key: Any) -> str:
    if isinstance(key, Enum):
        key = key.value
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    try:
        return str(_scalar(key) if isinstance(key, (str, int, float)) else key)
    except Exception as error:
        return f"[cut: {type(key).__name__}, {type(error).__name__}]"


def _fields(value: Any) -> Iterable[tuple[Any, Any]] | None:
    """Names and values of what becomes an object; None for what does not."""
    kind = type(value)
    if isinstance(value, Mapping):
        return value.items()
    if callable(getattr(kind, "model_dump", None)):
        return _dumped(value).items()
    if callable(getattr(kind, "dict", None)) and hasattr(kind, "__fields__"):  # pydantic 1
        return dict(value.dict()).items()
    if callable(getattr(kind, "itertuples", None)):  # a pandas DataFrame, by its columns
        return ((name, value.iloc[:, at]) for at, name in enumerate(value.columns))
    names: Iterable[str]
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value)]
    elif hasattr(kind, "__attrs_attrs__"):
        names = [field.name for field in kind.__attrs_attrs__]
    elif isinstance(value, tuple) and hasattr(kind, "_fields"):
        names = kind._fields
    else:
        return None
    return ((name, getattr(value, name)) for name in names if hasattr(value, name))


def _dumped(model: Any) -> Mapping[Any, Any]:
    """A pydantic model as its own rules dump it: what they exclude stays out."""
    try:
        dumped = model.model_dump(warnings=False)  # they would stand on stderr
    except TypeError:  # somebody else's `model_dump`
        dumped = model.model_dump()
    return dumped if isinstance(dumped, Mapping) else {"root": dumped}


def _items(value: Any, room: int) -> Any:
    """What becomes a list, as something to walk over; None for what does not.

    An array without dimensions gives its only item.
    """
    kind = type(value)
    if not (callable(getattr(kind, "tolist", None)) and hasattr(value, "shape")):
        return value if isinstance(value, _AS_LIST) else None
    if math.prod(value.shape) > room:
        shape = " by ".join(str(size) for size in value.shape)
        return f"[cut: {kind.__name__} of {shape}]"
    # numpy's own list of moments would be bare numbers of nanoseconds
    moments = kind.__module__ == "numpy" and value.dtype.kind in "mM"
    items = (value.astype(str) if moments else value).tolist()
    return None if type(items) is kind else items  # numpy's long doubles give themselves
