"""The rows of a batch, whatever they come from, and their keys."""

from __future__ import annotations

import reprlib
import sys
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from itertools import count
from numbers import Integral
from types import BuiltinMethodType, MethodType
from typing import Any, Generic, TypeVar

T = TypeVar("T")
Key = str | Callable[[Any], Any] | None


class Rows(Generic[T]):
    """The rows of a batch, sync or async, and their keys.

    Args:
        values: what is looped over; the rows of a DataFrame are those of `itertuples()`.
        key: makes a row's key: a function, or the name of a field. None: a DataFrame and a
            Series have their index, all others the place, from 0.
        total: how many rows there are; None: as many as `len` says.

    Raises:
        TypeError: one of them is of a wrong type.
        ValueError: `total` is negative.

    """

    def __init__(self, values: Any, key: Key, total: int | None) -> None:
        if not isinstance(values, (Iterable, AsyncIterable)) and not hasattr(values, "__getitem__"):
            raise TypeError(f"{reprlib.repr(values)} cannot be looped over")
        if key is not None and not isinstance(key, str) and not callable(key):
            raise TypeError(f"key must be a function or a field's name, not {reprlib.repr(key)}")
        if total is not None and (not isinstance(total, Integral) or isinstance(total, bool)):
            raise TypeError(f"total must be a whole number or None, not {reprlib.repr(total)}")
        if total is not None and total < 0:
            raise ValueError(f"total cannot be negative: {total}")
        self._values, self._key = values, key
        self._total = None if total is None else int(total)
        self._made = time.time()
        pandas = sys.modules.get("pandas")
        self._is_frame = pandas is not None and isinstance(values, pandas.DataFrame)
        # tqdm's loop over a Series has the rows of that.
        self._source: Any = getattr(values, "iterable", None) if self._is_tqdms else values
        self._is_series = pandas is not None and isinstance(self._source, pandas.Series)

    @property
    def total(self) -> int | None:
        """How many rows there are, as far as that is known."""
        if self._total is not None:
            return self._total
        with suppress(Exception):  # a `__len__` of the user's, whose loop needs none
            return len(self._values)
        return None

    @property
    def is_async(self) -> bool:
        """Whether they come one by one to an `async for` alone."""
        return hasattr(self._values, "__aiter__") and not isinstance(self._values, Iterable)

    def __iter__(self) -> Iterator[T]:
        return iter(self._values.itertuples() if self._is_frame else self._values)

    async def each(self) -> AsyncIterator[T]:
        """Yield the rows to an `async for`, whatever they come from."""
        if hasattr(self._values, "__aiter__"):
            async for row in self._values:
                yield row
        else:
            for row in self:
                yield row

    @property
    def _is_tqdms(self) -> bool:
        return any(kind.__module__.startswith("tqdm.") for kind in type(self._values).__mro__)

    def has_own_bar(self, began: datetime) -> bool:
        """Return whether the user's code draws a bar, in a run that began then.

        It does if these are tqdm's rows, or if a bar of tqdm's is open that was made in that run
        or since these were: around this loop, or moved by hand. An older one may only stand in
        the traceback of a cell that failed.
        """
        if self._is_tqdms:
            return True
        bars = getattr(getattr(sys.modules.get("tqdm.std"), "tqdm", None), "_instances", ())
        with suppress(Exception):  # what tqdm calls its own may change
            since = min(began.timestamp(), self._made)
            return any(bar.start_t >= since for bar in list(bars))
        return False

    def keys(self) -> Iterator[Any]:
        """Return the keys of those that have them beside their rows."""
        return iter(self._source.index) if self._is_frame or self._is_series else count()

    def key_of(self, row: Any, beside: Any) -> Any:
        """Return the key of a row; `beside` is the one out of `keys`.

        Raises:
            ValueError: the row has no such field.

        """
        if self._key is None:
            return beside
        if callable(self._key):
            return self._key(row)
        # An attribute of a Series may hide its field: `name`, `size`, `count`.
        with suppress(Exception):
            return row[self._key]
        with suppress(Exception):
            value = getattr(row, self._key)
            if not isinstance(value, (MethodType, BuiltinMethodType)):
                return value  # else it is no field: `index` of a tuple
        raise ValueError(f"a row has no {self._key!r}: key= is a field's name or a function")
