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
from collections.abc import Collection, Iterable, Mapping, Sequence, ValuesView
from collections.abc import Set as AbstractSet
from datetime import date, time, timedelta
from enum import Enum
from typing import Any

from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.model.text import encodable

DEPTH = 16
_AS_LIST = (Sequence, AbstractSet, ValuesView)


class Plain:
    """One walk over one value; `budget` counts characters of its JSON.

    `unpack` has a list of one item become the item.
    """

    def __init__(self, budget: int, *, unpack: bool) -> None:
        self._budget, self._unpack = budget, unpack
        # The ids of the containers that the walk is in.
        self._parents: list[int] = []

    def of(self, value: Any) -> Any:
        """Return the value as plain data, with a mark where something could not be read."""
        self._budget -= 2
        try:
            if value is None or _is_missing(value):
                return None
            scalar = _scalar(value)
            if scalar is None:
                return self._container(value)
        except BaseException as error:
            _raise_interrupt(error)
            scalar = f"[cut: {type(value).__name__}, {type(error).__name__}]"
        return self._text(scalar) if isinstance(scalar, str) else self._number(scalar)

    def _container(self, value: Any) -> Any:
        if id(value) in self._parents:
            return self._text("[cut: cycle]")
        if len(self._parents) >= DEPTH:
            return self._text("[cut: too deep]")
        self._parents.append(id(value))
        try:
            return self._contents(value)
        finally:
            self._parents.pop()

    def _contents(self, value: Any) -> Any:
        if isinstance(value, Enum):
            return self.of(value.value)
        fields = _fields(value)
        if fields is not None:
            return self._object(fields)
        items = _items(value, self._budget)
        if items is None:
            return self._text(str(value))
        if isinstance(items, str) or not isinstance(items, _AS_LIST):
            return self.of(items)
        plain = self._list(items)
        if isinstance(items, AbstractSet):
            plain.sort(key=repr)
        return plain[0] if self._unpack and len(plain) == 1 else plain

    def _list(self, items: Iterable[Any]) -> list[Any]:
        plain: list[Any] = []
        try:
            for item in items:
                if self._budget <= 0:
                    plain.append("[cut: more]")
                    break
                plain.append(self.of(item))
        except BaseException as error:
            _raise_interrupt(error)
            # The iterator broke off: what was read stays.
            if not plain:
                raise
            plain.append(f"[cut: {type(error).__name__}]")
        return plain

    def _object(self, fields: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
        plain: dict[str, Any] = {}
        try:
            for key, item in fields:
                if self._budget <= 0:
                    plain["[cut]"] = "more"
                    break
                plain[self._unique_name(key, plain)] = self.of(item)
        except BaseException as error:
            _raise_interrupt(error)
            if not plain:
                raise
            plain["[cut]"] = type(error).__name__
        return plain

    def _unique_name(self, key: Any, names: Collection[str]) -> str:
        name = text = self._text(_key(key))
        count = len(names)
        # 1 and "1" are two keys with one text.
        while name in names:
            name, count = f"{text} ({count})", count + 1
        return name

    def _number(self, number: float) -> float:
        self._budget -= len(repr(number))
        return number

    def _text(self, text: str) -> str:
        room = max(self._budget, 0)
        start = encodable(text[:room])
        self._budget -= len(start) + 2
        return start if len(text) <= room else f"{start}[cut: {len(text) - room} more]"


def _raise_interrupt(error: BaseException) -> None:
    """Raise a Ctrl-C on; whatever else a value's own code raises is none of ours."""
    if internal_errors.is_interrupt(error):
        raise error


def _is_missing(value: Any) -> bool:
    """Return whether it is pandas' NA or NaT (the latter is a datetime by class)."""
    return type(value).__name__ in {"NAType", "NaTType"}


def _scalar(value: Any) -> str | float | None:
    """Return what JSON has as one text, number or bool; None for everything else."""
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
    """Return a whole number of 64 bits, Sentry's limit; a bigger one as text."""
    if -(2**63) <= number < 2**63:
        return number
    # Python refuses to print the biggest.
    bits = number.bit_length()
    return str(number) if bits < 4096 else f"<int of {bits} bits>"


def _finite(number: float) -> float | str:
    if math.isnan(number):
        return "NaN"
    return number if math.isfinite(number) else f"{'-' * (number < 0)}Infinity"


def key_text(key: Any) -> str:
    """Return a mapping's key as JSON has it: text that can be encoded."""
    return encodable(_key(key))


def _key(key: Any) -> str:
    if isinstance(key, Enum):
        key = key.value
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    try:
        return str(_scalar(key) if isinstance(key, (str, int, float)) else key)
    except BaseException as error:
        _raise_interrupt(error)
        return f"[cut: {type(key).__name__}, {type(error).__name__}]"


def _fields(value: Any) -> Iterable[tuple[Any, Any]] | None:
    """Return names and values of what becomes an object; None for what does not."""
    kind = type(value)
    if isinstance(value, Mapping):
        return value.items()
    if callable(getattr(kind, "model_dump", None)):
        return _dumped(value).items()
    # pydantic 1
    if callable(getattr(kind, "dict", None)) and hasattr(kind, "__fields__"):
        return dict(value.dict()).items()
    # A pandas DataFrame, by its columns.
    if callable(getattr(kind, "itertuples", None)):
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
    """Return a pydantic model as its own rules dump it: what they exclude stays out."""
    try:
        # Its warnings would stand on the user's stderr.
        dumped = model.model_dump(warnings=False)
    except TypeError:
        # A `model_dump` of another library.
        dumped = model.model_dump()
    return dumped if isinstance(dumped, Mapping) else {"root": dumped}


def _items(value: Any, room: int) -> Any:
    """Return what becomes a list, as something to walk over; None for what does not.

    An array without dimensions gives its only item.
    """
    kind = type(value)
    if not (callable(getattr(kind, "tolist", None)) and hasattr(value, "shape")):
        return value if isinstance(value, _AS_LIST) else None
    if math.prod(value.shape) > room:
        shape = " by ".join(str(size) for size in value.shape)
        return f"[cut: {kind.__name__} of {shape}]"
    # numpy's own list of moments would be bare numbers of nanoseconds.
    moments = kind.__module__ == "numpy" and value.dtype.kind in "mM"
    items = (value.astype(str) if moments else value).tolist()
    # numpy's long doubles return themselves.
    return None if type(items) is kind else items
