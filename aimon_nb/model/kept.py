"""Content that is kept packed: the same bytes once, compressed where that helps.

A field of a dataclass that is `packable` reads as ever, whether it holds its value or a `Kept`.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from typing import Any, TypeVar

_C = TypeVar("_C", bound=type)
Restore = Callable[[Any], Any]
_LEVEL = 1  # of zlib: nearly what the slowest saves, in a tenth of its time
_SAMPLE = 65_536  # bytes
_HELPS = 0.9  # of its size, or less, is worth unpacking it


class Kept:
    """Bytes in memory, compressed if that makes them smaller; who needs them holds it."""

    __slots__ = ("__weakref__", "_data", "_is_packed")

    def __init__(self, data: bytes) -> None:
        # A picture or a sound is packed already, as its beginning shows.
        start = data[:_SAMPLE]
        helps = len(zlib.compress(start, _LEVEL)) <= _HELPS * len(start)
        self._is_packed = helps
        self._data = zlib.compress(data, _LEVEL) if helps else data

    @property
    def size(self) -> int:
        """The bytes that it takes."""
        return len(self._data)

    def data(self) -> bytes:
        """Return the bytes as they were."""
        return zlib.decompress(self._data) if self._is_packed else self._data


class _Packed:
    """The value of a field as a `Kept`: a text, or what JSON can hold."""

    __slots__ = ("is_text", "kept")

    def __init__(self, kept: Kept, *, is_text: bool) -> None:
        self.kept, self.is_text = kept, is_text


class _Field:
    """A slot of a dataclass that may hold a `_Packed` in the place of its value."""

    def __init__(self, slot: Any, restore: Restore | None) -> None:
        self.slot, self._restore = slot, restore

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        value = self.slot.__get__(owner, kind)
        if type(value) is not _Packed:
            return value
        text = value.kept.data().decode("utf-8", "surrogatepass")
        if value.is_text:
            return text
        return json.loads(text) if self._restore is None else self._restore(json.loads(text))

    def __set__(self, owner: Any, value: Any) -> None:
        self.slot.__set__(owner, value)


def packable(**fields: Restore | None) -> Callable[[_C], _C]:
    """Have these fields of a dataclass with slots hold their values packed, if so asked.

    Each with what makes its value again of what JSON made of it; None: nothing has to.
    """

    def decorate(kind: _C) -> _C:
        for name, restore in fields.items():
            setattr(kind, name, _Field(kind.__dict__[name], restore))
        return kind

    return decorate


def pack(owner: Any, keep: Callable[[bytes], Kept], least: int) -> int:
    """Pack the fields of a dataclass; return the bytes of those that are too small for that.

    Args:
        owner: The dataclass.
        keep: Returns what keeps these bytes.
        least: Bytes of a value that is packed.

    """
    small = 0
    for field in vars(type(owner)).values():
        if type(field) is not _Field:
            continue
        value = field.slot.__get__(owner)
        if not value or type(value) is _Packed:
            continue
        is_text = type(value) is str
        text = value if is_text else json.dumps(value)
        data = text.encode("utf-8", "surrogatepass")
        if len(data) < least:
            small += len(data)
        else:
            field.slot.__set__(owner, _Packed(keep(data), is_text=is_text))
    return small
