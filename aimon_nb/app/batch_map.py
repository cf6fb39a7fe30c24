"""`map`: a function for each row of a batch, in threads or tasks, each row an item."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncIterable, Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from typing import Any, TypeVar, overload

from aimon_nb.app.batch_rows import Key, Rows, T
from aimon_nb.app.budgets import checked
from aimon_nb.app.items import leave_item
from aimon_nb.app.open_batch import open_batch
from aimon_nb.app.pilot import checked as checked_pilot
from aimon_nb.capture.items import OpenItem

R = TypeVar("R")


class _Mapped:
    """The results of a function for each row, by the place of the row; None where there is none."""

    def __init__(
        self,
        function: Callable[[Any], Any],
        rows: Rows[Any],
        usd: Decimal | None,
        pilot: int | None,
        *,
        keeps: bool,
        returns: bool,
    ) -> None:
        self._function, self._rows = function, rows
        self._returns, self._keys = returns, rows.keys()
        self._batch = open_batch(rows, None, usd, pilot, keeps_key=keeps)
        self._pilot = None if self._batch is None else self._batch.pilot
        self.results: list[Any] = []
        self.failure: BaseException | None = None

    def _add(self, row: Any) -> tuple[int, Any]:
        """Take a row in; return its place and its key."""
        self.results.append(None)
        key = None
        if self._batch is not None:
            key = self._rows.key_of(row, next(self._keys, None))
        return len(self.results) - 1, key

    def _begin(self, key: Any) -> OpenItem | None:
        return None if self._batch is None else self._batch.begin(key)

    def _failed(self, at: int, error: BaseException) -> None:
        if self._returns and isinstance(error, Exception):
            self.results[at] = error
        elif self.failure is None:
            self.failure = error

    def _goes_on(self) -> bool:
        return self.failure is None

    def over(self) -> list[Any]:
        """Return the results; what a row failed with is raised, with the results in it."""
        if self.failure is not None:
            self.carry(self.failure)
            if self._batch is not None:
                self._batch.drop(self.failure)
            raise self.failure
        if self._batch is not None:
            self._batch.end()
        return self.results

    def carry(self, error: BaseException) -> None:
        """Put the results on an exception: what was paid for is not lost."""
        missing = (self._rows.total or 0) - len(self.results)
        with suppress(Exception):  # a `range` may have more places than there is memory
            self.results += [None] * missing
        with suppress(Exception):
            error.results = self.results  # type: ignore[attr-defined]


class _InThreads(_Mapped):
    """In threads, as many at once as there are workers; rows are made in this one."""

    def run(self, workers: int) -> list[Any]:
        __tracebackhide__ = True
        free = threading.Semaphore(workers)
        try:
            with ThreadPoolExecutor(workers, "aimon_nb.map") as pool:
                for row in self._rows:
                    free.acquire()
                    if self._pilot is not None and self._goes_on():
                        self._pilot.wait(self._goes_on)
                    if not self._goes_on():
                        break
                    pool.submit(self._one, row, *self._add(row), free)
        except BaseException as error:
            # An interrupt, or the rows themselves: what runs has been waited for.
            self.carry(error)
            if self._batch is not None:
                self._batch.drop(error)
            raise
        return self.over()

    def _one(self, row: Any, at: int, key: Any, free: threading.Semaphore) -> None:
        __tracebackhide__ = True
        error: BaseException | None = None
        open_item = self._begin(key)
        try:
            result = self._function(row)
            _refuse_coroutine(result)
            self.results[at] = result
        except BaseException as raised:
            error = raised
            self._failed(at, raised)
        finally:
            leave_item(open_item, error)
            free.release()


def _refuse_coroutine(result: Any) -> None:
    if inspect.iscoroutine(result):
        result.close()
        raise TypeError(
            "map got a coroutine from its function: give it the `async def` function itself, "
            "and await what map returns"
        )


class _InTasks(_Mapped):
    """In tasks, as many at once as there are workers."""

    async def run(self, workers: int) -> list[Any]:
        __tracebackhide__ = True
        values, lock = self._rows.each(), asyncio.Lock()

        async def work() -> None:
            while self.failure is None:
                async with lock:
                    try:
                        row = await anext(values)
                    except StopAsyncIteration:
                        return
                    await self._wait_for_pilot()
                    if not self._goes_on():
                        return
                    at, key = self._add(row)
                await self._one(row, at, key)

        tasks = [asyncio.ensure_future(work()) for _ in range(workers)]
        try:
            await asyncio.gather(*tasks)
        except BaseException as error:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.carry(error)
            if self._batch is not None:
                self._batch.drop(error)
            raise
        return self.over()

    async def _wait_for_pilot(self) -> None:
        if self._pilot is None:
            return
        try:
            await self._pilot.wait_async(self._goes_on)
        except BaseException as error:
            # Before another task takes a row.
            self.failure = self.failure or error
            raise

    async def _one(self, row: Any, at: int, key: Any) -> None:
        __tracebackhide__ = True
        error: BaseException | None = None
        open_item = self._begin(key)
        try:
            self.results[at] = await self._function(row)
        except asyncio.CancelledError as raised:
            error = raised
            raise
        except BaseException as raised:
            error = raised
            self._failed(at, raised)
        finally:
            leave_item(open_item, error)


@overload
def map(  # type: ignore[overload-overlap]  # noqa: A001 (who imports it by name wants it)
    function: Callable[[T], Coroutine[Any, Any, R]],
    iterable: Iterable[T] | AsyncIterable[T],
    *,
    max_workers: int = ...,
    return_exceptions: bool = ...,
    key: Key = ...,
    total: int | None = ...,
    pilot: int | None = ...,
    budget: float | Decimal | None = ...,
    keep_items: bool = ...,
) -> Awaitable[list[R]]: ...
@overload
def map(  # noqa: A001
    function: Callable[[T], R],
    iterable: Iterable[T],
    *,
    max_workers: int = ...,
    return_exceptions: bool = ...,
    key: Key = ...,
    total: int | None = ...,
    pilot: int | None = ...,
    budget: float | Decimal | None = ...,
    keep_items: bool = ...,
) -> list[R]: ...
def map(  # noqa: A001
    function: Callable[[Any], Any],
    iterable: Iterable[Any] | AsyncIterable[Any],
    *,
    max_workers: int = 8,
    return_exceptions: bool = False,
    key: Key = None,
    total: int | None = None,
    pilot: int | None = None,
    budget: float | Decimal | None = None,
    keep_items: bool = False,
) -> Any:
    """Call a function for each row of a batch, several at once, each counted under its row.

    An `async def` function runs in tasks, and the result is to be awaited; any other runs in
    threads. Rows begin in their order. When one fails no other begins, those that run are waited
    for, and its exception is raised with what there is in `error.results`.

    Args:
        function: what is called with each row.
        iterable: the rows; of a DataFrame those of `itertuples()`.
        max_workers: how many run at once, at least 1.
        return_exceptions: whether a row's exception is its result, and the others go on.
        key: a row's name, as in `progress`.
        total: how many rows there are, where `len` does not know.
        pilot: how many rows to begin with, as in `progress`.
        budget: US dollars that the calls may cost, as in `progress`.
        keep_items: whether a saved notebook keeps keys that are no whole numbers.

    Returns:
        The results in the order of the rows; of an `async def` function an awaitable of them.

    Raises:
        TypeError: an argument is of a wrong type.
        ValueError: `max_workers` is less than 1, `total` negative, or `pilot` or `budget` wrong, as
            `progress` says.

    Example:
        df["label"] = map(classify, df.text, max_workers=8)

    Source: `concurrent.futures.Executor.map`, and `asyncio.gather` (`return_exceptions`).
    """
    if not callable(function):
        raise TypeError(f"map needs a function first, not {type(function).__name__}")
    if not isinstance(max_workers, int) or isinstance(max_workers, bool):
        raise TypeError(f"max_workers must be a whole number, not {type(max_workers).__name__}")
    if max_workers < 1:
        raise ValueError(f"max_workers must be at least 1, not {max_workers}")
    rows: Rows[Any] = Rows(iterable, key, total)
    [usd, *_] = checked(budget)
    number = checked_pilot(pilot, usd, rows)
    flags = {"keeps": bool(keep_items), "returns": bool(return_exceptions)}
    called = getattr(function, "__call__", None)  # noqa: B004 (an object with an async one)
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called):
        return _in_tasks(function, rows, max_workers, usd, number, flags)
    if rows.is_async:
        raise TypeError("rows that come one by one to `async for` need an `async def` function")
    return _InThreads(function, rows, usd, number, **flags).run(max_workers)


async def _in_tasks(
    function: Callable[[Any], Any],
    rows: Rows[Any],
    workers: int,
    usd: Decimal | None,
    pilot: int | None,
    flags: dict[str, bool],
) -> list[Any]:
    __tracebackhide__ = True
    return await _InTasks(function, rows, usd, pilot, **flags).run(workers)
