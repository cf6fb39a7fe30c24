"""A row of the user's batch, and the loop over its rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from aimon_nb.model.forecast import Forecast

ItemKey = str | int | float | date | tuple[Any, ...]
ItemStatus = Literal["running", "ok", "error", "interrupted", "abandoned"]


@dataclass(slots=True, eq=False)
class Item:
    """One row of a batch: what its calls are counted under.

    `key` is the user's own name of it, in its own type; `number` counts from 1 in its run, and
    `repeat` from 1 for a key that comes again. `batch` is its loop's place in `Run.batches`,
    `inside` the number of the item around it.
    It `is_left` when the user's code has gone on,
    and `is_done` when no call of it is open either.
    `is_sent`: a request of it was sent; `is_refused`: one was not, for a budget did not allow it.
    """

    key: ItemKey
    number: int
    repeat: int = 1
    keeps_key: bool = False
    batch: int | None = None
    inside: int | None = None
    status: ItemStatus = "running"
    error_type: str | None = None
    error: str | None = None
    is_left: bool = False
    is_done: bool = False
    is_sent: bool = False
    is_refused: bool = False

    @property
    def saved_key(self) -> str:
        """What a saved notebook may hold of its key.

        A whole number is that; any other key may be a name or an address, and is its number
        (`#77`) unless the user wants it kept.
        """
        if self.keeps_key or type(self.key) is int:
            return str(self.key)
        return f"#{self.number}"


@dataclass(slots=True, eq=False)
class Batch:
    """One loop over items: how many there are (None: nobody knows), have begun and are done.

    Not done is what was refused, of which nothing was sent. `has_own_bar`: the user's code draws
    a bar of its own for it (tqdm). It `began` then, UTC; `forecast` is what it is heading for.
    """

    desc: str | None = None
    total: int | None = None
    begun: int = 0
    done: int = 0
    is_over: bool = False
    has_own_bar: bool = False
    began: datetime | None = None
    forecast: Forecast | None = None
