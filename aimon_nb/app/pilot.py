"""The pilot of a batch: its first rows, and whether the others may follow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from aimon_nb.app.budgets import load_prices
from aimon_nb.capture import recorder
from aimon_nb.capture.state import RunState
from aimon_nb.model.budget import whole
from aimon_nb.model.errors import BudgetExceeded, RunStopped
from aimon_nb.model.forecast import LEAST, Forecast
from aimon_nb.model.item import Batch, Item
from aimon_nb.pricing import price_run
from aimon_nb.pricing.item_costs import forecast_batches
from aimon_nb.views.present.batches import heading_for
from aimon_nb.views.present.formatting import money

if TYPE_CHECKING:
    from aimon_nb.app.batch_rows import Rows

_PATIENCE = 0.05  # seconds between two looks of an event loop


class Pilot:
    """The first `number` rows of a batch: the next one waits until they are done, and judged."""

    def __init__(self, number: int, usd: Decimal | None, run_state: RunState, batch: Batch) -> None:
        self._number, self._usd = number, usd
        self._run_state, self._batch = run_state, batch
        self._given = 0

    def wait(self, goes_on: Callable[[], bool] = lambda: True) -> None:
        """Before a row is begun: wait for the pilot's rows, if it is the first after them.

        They are not judged where the batch does not go on anyway.

        Raises:
            BudgetExceeded: what the batch is heading for is not within its budget.
            RunStopped: the run was interrupted.
            RuntimeError: the rows are tasks, which do not run while this waits.

        """
        if not self._is_due():
            return
        items = self._run_state.items
        with items.done:
            while not self._is_done():
                if self._waits_for_tasks():
                    raise RuntimeError(
                        f"pilot= waits until the first {self._number:,} rows are done, and tasks "
                        "that a plain `for` makes do not run meanwhile: use `async for`, or "
                        "aimon_nb.map"
                    )
                items.done.wait(_PATIENCE)
        if goes_on():
            self._judge()

    async def wait_async(self, goes_on: Callable[[], bool] = lambda: True) -> None:
        """Do as `wait` in an event loop, whose tasks go on."""
        if not self._is_due():
            return
        while not self._is_done():  # noqa: ASYNC110 (threads tell of it, too)
            await asyncio.sleep(_PATIENCE)
        if goes_on():
            self._judge()

    def _is_due(self) -> bool:
        self._given += 1
        has_more = self._batch.total is None or self._batch.total > self._number
        return has_more and self._given == self._number + 1

    def _is_done(self) -> bool:
        if self._run_state.stop:
            raise RunStopped("the run was interrupted; the rows after its pilot were not begun")
        # In a pool a row may have been given, and not be begun.
        return self._batch.begun >= self._number and all(one.is_done for one in self._items())

    def _items(self) -> list[Item]:
        run = self._run_state.run
        at = run.batches.index(self._batch)
        return [item for item in list(run.items) if item.batch == at]

    def _waits_for_tasks(self) -> bool:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return False
        # Those of loops in other threads go on.
        return loop in self._run_state.items.tasks

    def _judge(self) -> None:
        run = self._run_state.run
        load_prices()
        with recorder.processor.lock:
            # Now, not when it is this run's turn: a large one is added up less often.
            recorder.processor.absorb()
            calls = (one for one in list(run.spans.values()) if one.may_cost)
            price_run(run, {one.span_id for one in calls if one.cost is None})
            forecast_batches(run)
        found = self._batch.forecast
        if found is None:
            return
        words = f"{heading_for(found)}, from the first {self._number:,} rows"
        if found.low is not None:
            words += ": right about 9 times in 10"
        why = None if self._usd is None else _why_not(found, self._usd)
        if why is not None:
            left = found.total - self._number
            error = BudgetExceeded(f"{words}. {why} {left:,} rows were not begun.")
            self._run_state.refusal = self._run_state.refusal or error
            raise error
        # Else the error says it.
        run.notes.append(f"pilot: {words}")
        if run.root_id is not None:
            self._run_state.changed.add(run.root_id)


def _why_not(found: Forecast, usd: Decimal) -> str | None:
    """Return why a batch may not go on under a budget; None where it may."""
    if found.expected is None:
        return "What it will cost is unknown, so its budget cannot hold."
    if found.is_correlated:
        return "The rows seem sorted, so the first say little of the others: shuffle them."
    if found.high is None or Decimal(repr(found.high)) > usd:
        return f"That may be more than its budget of {money(usd)}."
    return None


def checked(pilot: Any, usd: Decimal | None, rows: Rows[Any]) -> int | None:
    """Return how many rows the pilot has; None: there is none.

    Raises:
        TypeError: it is no whole number.
        ValueError: it is too small, or nobody knows how many rows there are.

    """
    if pilot is None:
        return None
    number = whole(pilot, "pilot")
    if rows.total is None:
        raise ValueError("pilot= needs to know how many rows there are: total= says it")
    if usd is not None and number < LEAST:
        raise ValueError(f"with a budget pilot must be at least {LEAST}: fewer rows give no range")
    return number
