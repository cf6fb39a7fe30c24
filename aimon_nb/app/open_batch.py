"""A loop over rows in a run: where its items begin, and what it may spend."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from aimon_nb.app import api
from aimon_nb.app.batch_rows import Rows
from aimon_nb.app.budgets import load_prices
from aimon_nb.app.items import begin_item, current_run_state
from aimon_nb.app.pilot import Pilot
from aimon_nb.capture import context
from aimon_nb.capture.budget import Budget
from aimon_nb.capture.items import OpenItem
from aimon_nb.capture.state import RunState
from aimon_nb.model.budget import BudgetLimits
from aimon_nb.model.errors import BudgetExceeded
from aimon_nb.model.item import Batch


class OpenBatch:
    """A loop that goes on; it has a run of its own where it is in none and may not spend all.

    `end` is called once or more.
    """

    def __init__(
        self,
        run_state: RunState,
        batch: Batch,
        budget: Budget | None = None,
        own: api.Track | None = None,
        *,
        pilot: Pilot | None = None,
        keeps_key: bool = False,
    ) -> None:
        self.run_state, self.batch, self.budget = run_state, batch, budget
        self.pilot = pilot
        self._own, self._keeps = own, keeps_key

    def begin(self, key: Any) -> OpenItem | None:
        """Begin an item; None where the run is over, or our code fails."""
        if self.run_state.closed:
            return None
        begun = begin_item(
            self.run_state, key, self.batch, keeps_key=self._keeps, budget=self.budget
        )
        if begun is None:
            # A pilot is not to wait for it.
            self.batch.begun += 1
            self.batch.done += 1
        return begun

    def end(self, error: BaseException | None = None) -> None:
        """End the loop, and its own run: with an error, if it was left by one.

        Raises:
            BudgetExceeded: a call in its own run was refused, and its code went on.

        """
        self.batch.is_over = True
        own, self._own = self._own, None
        if own is not None:
            self._say_what_goes_on()
            own.__exit__(None, error, None)

    def _say_what_goes_on(self) -> None:
        """Note in its own run that rows are at work still, whose calls this does not wait for."""
        run = self.run_state.run
        number = sum(not item.is_done for item in list(run.items))
        if number:
            items, their = ("items were", "their") if number > 1 else ("item was", "its")
            run.notes.append(
                f"{number:,} {items} still at work when the loop ended, and this run with it: "
                f"%%ai_track on the cell, or track(…) around it, has {their} calls"
            )

    def drop(self, error: BaseException | None = None) -> None:
        """End a loop that was left early: its exception is on its way already, known or not."""
        if error is None and self.run_state.stop:
            error = KeyboardInterrupt()
        try:
            self.end(error)
        except BudgetExceeded:
            return


def open_batch(
    rows: Rows[Any],
    desc: str | None = None,
    usd: Decimal | None = None,
    pilot: int | None = None,
    *,
    keeps_key: bool = False,
) -> OpenBatch | None:
    """Open a loop over rows; None outside of tracked code, where nothing is to be counted."""
    run_state, own, budget = current_run_state(), None, None
    if run_state is None:
        if usd is None and pilot is None:
            return None
        own = api.track(desc or "progress", budget=usd)
        own.__enter__()
        run_state = context.current_run.get()
        if run_state is None:
            return None
    elif usd is not None:
        budget = Budget(BudgetLimits(usd=usd), "this loop's budget", owner=run_state)
        load_prices()
    began = datetime.now(timezone.utc)
    has_own_bar = rows.has_own_bar(run_state.run.started)
    batch = Batch(desc, rows.total, has_own_bar=has_own_bar, began=began)
    run_state.run.batches.append(batch)
    first = None if pilot is None else Pilot(pilot, usd, run_state, batch)
    return OpenBatch(run_state, batch, budget, own, pilot=first, keeps_key=keeps_key)
