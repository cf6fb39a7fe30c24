"""`progress`: a loop over the rows of a batch, each of which is an item."""

from __future__ import annotations

import reprlib
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from contextlib import suppress
from decimal import Decimal
from functools import partial
from typing import Any, Generic

from aimon_nb.app.batch_rows import Key, Rows, T
from aimon_nb.app.budgets import checked
from aimon_nb.app.items import current_run_state, leave_item
from aimon_nb.app.open_batch import OpenBatch, open_batch
from aimon_nb.app.pilot import Pilot
from aimon_nb.app.pilot import checked as checked_pilot
from aimon_nb.capture.items import OpenItem
from aimon_nb.capture.redact import redact_secrets
from aimon_nb.model.text import encodable


class Progress(Generic[T]):
    """What `progress` gives: a loop over rows, which tells of each where its calls belong.

    Outside of tracked code it is the rows' own iterator.

    Example:
        rows = progress([1, 2, 3])
        len(rows)

    Source: tqdm, whose `total` and `desc` it has.
    """

    def __init__(
        self,
        rows: Rows[T],
        desc: str | None,
        usd: Decimal | None,
        pilot: int | None,
        *,
        keep_items: bool,
    ) -> None:
        self._rows, self._desc, self._usd, self._keeps = rows, desc, usd, keep_items
        self._pilot = pilot

    def __len__(self) -> int:
        total = self._rows.total
        if total is None:
            raise TypeError("nobody knows how many rows there are: total= says it")
        return total

    def __bool__(self) -> bool:
        return self._rows.total != 0

    def __iter__(self) -> Iterator[T]:
        return _Loop(self._rows, self._opener()) if self._is_counted() else iter(self._rows)

    def __aiter__(self) -> AsyncIterator[T]:
        return _AsyncLoop(self._rows, self._opener()) if self._is_counted() else self._rows.each()

    def _is_counted(self) -> bool:
        opens_run = self._usd is not None or self._pilot is not None
        return opens_run or current_run_state() is not None

    def _opener(self) -> Callable[[], OpenBatch | None]:
        return partial(
            open_batch,
            self._rows,
            self._desc,
            self._usd,
            self._pilot,
            keeps_key=self._keeps,
        )


class _Stamping:
    """The item that a loop is in; thrown away with the loop, which so is left early.

    It opens at its first row: tqdm.auto makes an iterator that it does not use.
    """

    def __init__(self, rows: Rows[Any], opener: Callable[[], OpenBatch | None]) -> None:
        self._rows, self._opener, self._keys = rows, opener, rows.keys()
        self._batch: OpenBatch | None = None
        self._item: OpenItem | None = None
        self._is_open = False

    def _open(self) -> None:
        if not self._is_open:
            self._is_open = True
            self._batch = self._opener()

    @property
    def _pilot(self) -> Pilot | None:
        return None if self._batch is None else self._batch.pilot

    def _begin(self, row: Any) -> None:
        if self._batch is not None:
            self._item = self._batch.begin(self._rows.key_of(row, next(self._keys, None)))

    def _leave(self) -> None:
        open_item, self._item = self._item, None
        leave_item(open_item)

    def _end(self) -> None:
        if self._batch is not None:
            self._batch.end()

    def _drop(self, error: BaseException | None = None) -> None:
        if self._batch is not None:
            self._batch.drop(error)

    def __del__(self) -> None:
        with suppress(Exception):
            if self._item is not None:
                self._item.run_state.left_loops.note(self._item)
            self._leave()
            self._drop()


class _Loop(_Stamping, Iterator[T]):
    """A `for` loop over rows in a run."""

    def __init__(self, rows: Rows[T], opener: Callable[[], OpenBatch | None]) -> None:
        super().__init__(rows, opener)
        self._values = iter(rows)

    def __next__(self) -> T:
        __tracebackhide__ = True
        self._open()
        self._leave()
        try:
            if self._pilot is not None:
                self._pilot.wait()
            row = next(self._values)
            self._begin(row)
        except StopIteration:
            self._end()
            raise
        except BaseException as error:
            self._drop(error)
            raise
        return row


class _AsyncLoop(_Stamping, AsyncIterator[T]):
    """An `async for` loop over rows in a run."""

    def __init__(self, rows: Rows[T], opener: Callable[[], OpenBatch | None]) -> None:
        super().__init__(rows, opener)
        self._values = rows.each()

    async def __anext__(self) -> T:
        __tracebackhide__ = True
        self._open()
        self._leave()
        try:
            if self._pilot is not None:
                await self._pilot.wait_async()
            row = await anext(self._values)
            self._begin(row)
        except StopAsyncIteration:
            self._end()
            raise
        except BaseException as error:
            self._drop(error)
            raise
        return row


def progress(
    iterable: Iterable[T] | AsyncIterable[T],
    key: Key = None,
    *,
    total: int | None = None,
    desc: str | None = None,
    pilot: int | None = None,
    budget: float | Decimal | None = None,
    keep_items: bool = False,
) -> Progress[T]:
    """Loop over the rows of a batch, so that each call is counted under its row.

    In a tracked cell every span that the body of the loop makes has the row's key as `item`,
    in tasks, threads and jobs of pools too that the body begins; the bar above the tree fills
    as rows are done. It stands around tqdm or inside of it. Elsewhere it is a plain loop.

    A coroutine that was made in a comprehension and is awaited later has left the loop: use
    `map` for these.

    Args:
        iterable: the rows, for `for` or `async for`; of a DataFrame those of `itertuples()`.
        key: a row's name: a function of the row, or the name of its field. Without it a
            DataFrame or a Series gives its index, and all others the place, from 0.
        total: how many rows there are, where `len` does not know.
        desc: a word for the loop, which stands before its numbers.
        pilot: how many rows to begin with: the next one waits until they are done, and a line says
            what all are heading for. With a `budget` the others follow only if the upper end of
            that is within it, else `BudgetExceeded` is raised. Tasks that a plain `for` merely
            makes never are done meanwhile: use `async for` or `map`.
        budget: US dollars that the calls of the loop may cost: one that does not fit in is not
            sent, and raises `BudgetExceeded`. Outside of tracked code the loop is then a run,
            with a `pilot` too, which ends with it: tasks and jobs that it leaves behind need
            `%%ai_track` or `track` around them to be shown.
        keep_items: whether a saved notebook keeps keys that are no whole numbers; it has their
            number (`#77`) otherwise, for a key may be a name or an address.

    Returns:
        The rows, to be looped over.

    Raises:
        TypeError: `iterable` cannot be looped over, or another argument is of a wrong type.
        ValueError: `total` is negative, `budget` or `pilot` not more than 0, or with a budget
            `pilot` less than 10; or nobody knows how many rows a pilot is of.

    Example:
        for row in progress(df.itertuples(), key="Index"):
            answers[row.Index] = ask(row.text)

    Source: tqdm (`total`, `desc`), and `%ai_usage --by item`, which has a row for each.
    """
    if desc is not None and not isinstance(desc, str):
        raise TypeError(f"desc must be text or None, not {reprlib.repr(desc)}")
    rows: Rows[T] = Rows(iterable, key, total)
    word = None if desc is None else redact_secrets(encodable(desc))
    [usd, *_] = checked(budget)
    number = checked_pilot(pilot, usd, rows)
    return Progress(rows, word, usd, number, keep_items=bool(keep_items))
