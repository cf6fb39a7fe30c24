"""When a run is priced and added up: what changed at once, a large run less often."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Iterable, Iterator
from itertools import chain

from aimon_nb.capture.budget import note_beside
from aimon_nb.capture.hooks import before_each_import
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.state import RunState

SHORT = 1.0  # seconds from its first model call on in which a run has no prices before its end
WORK, REST = 0.0005, 0.001  # seconds, in turns, while the price list is imported
PATIENCE = 1.0  # seconds that the rests may make it longer
PAUSE_FACTOR = 10  # the next pricing of a run waits so many times as long as the last one took
NEW = 3  # pricing a span takes so many times as long as adding it up


class Repricing:
    """Prices for the runs in memory.

    The price list takes up to a second to import, and nobody holds the recorder's lock
    meanwhile: whoever calls `take_changes` calls one of the two loaders before.

    The import is not to be felt in the times of the user's calls. A thread that computes keeps
    the interpreter for 5 ms before it is made to let go, reading the list's file keeps it for 20,
    and a call on the wire takes it a dozen times. So a short run gets its prices when it is over,
    and while a long one goes on the list is imported in small steps, with a rest after each.
    """

    def __init__(self) -> None:
        self.is_ready = False  # the price list is in memory
        self.is_stale = False  # prices changed: all runs are to be counted again
        self._waiting: list[None] = []  # an item for each thread that waits for prices
        self._called: float | None = None  # since when an open run has a model call, monotonic
        self._begun = self._rested = 0.0  # of the import, monotonic

    @contextlib.contextmanager
    def hurry(self) -> Iterator[None]:
        """Import the list at once and without a rest while this block lasts: it waits for it."""
        self._waiting.append(None)
        try:
            yield
        finally:
            self._waiting.pop()

    def load_ahead(self, open_runs: Iterable[RunState]) -> None:
        """Import the price list if an open run has had a model call for some time."""
        if self.is_ready:
            return
        if not any(_has_model_call(one) or _is_to_be_priced(one) for one in open_runs):
            self._called = None
            return
        if self._called is None:
            self._called = time.monotonic()
        if time.monotonic() - self._called >= SHORT:
            self._load()

    def load_if_needed(self, run_states: Iterable[RunState]) -> None:
        """Import the price list where a call is to be priced now."""
        if not self.is_ready and any(self._is_awaited(one) for one in run_states):
            self._load()

    def _is_awaited(self, run_state: RunState) -> bool:
        """Whether a run has a call to be priced for which nobody is to wait longer."""
        from aimon_nb.pricing import is_ready

        is_now = self._waiting or not run_state.run.running or is_ready()
        return bool(is_now) and _is_to_be_priced(run_state)

    def _load(self) -> None:
        from aimon_nb.pricing import prepare
        from aimon_nb.pricing.genai_prices_import import in_steps

        # A list that cannot be imported is no error of ours: each price that needs it says so.
        with contextlib.suppress(Exception):
            self._begun = self._rested = time.monotonic()
            with before_each_import(self._rest), in_steps(self._rest):
                prepare()
        self.is_ready = True

    def _rest(self) -> None:
        """Let go of the interpreter if enough was done since the last time."""
        now = time.monotonic()
        if now - self._rested < WORK or self._waiting or now - self._begun > PATIENCE:
            return
        time.sleep(REST)
        self._rested = time.monotonic()

    def _may_price(self, run_state: RunState) -> bool:
        return run_state.may_price and (self.is_ready or not _is_to_be_priced(run_state))

    def _has_news(self, run_state: RunState) -> bool:
        """Whether there is something new to show of a run."""
        news = run_state.changed or (run_state.unpriced and self._may_price(run_state))
        return bool(news) and not run_state.ending

    def take_changes(
        self, run_states: Collection[RunState], ended: set[RunState]
    ) -> list[tuple[RunState, set[str]]]:
        """Return the ids of the changed spans by run, with runs priced and added up; forget them.

        Runs in `ended` are among them even without a change, quiet ones not until a model
        was called in them.
        """
        if self.is_stale:
            self.is_stale = False
            for run_state in run_states:
                run_state.changed.update(run_state.run.spans)
        for run_state in ended:
            run_state.ending = False
        # A run that a restart let go is shown once more, too: somebody waits for its end.
        known = dict.fromkeys([*run_states, *ended])
        new = [one for one in known if self._has_news(one) or one in ended]
        changes = [(one, self._take_changes_of(one)) for one in new]
        return [(one, changed) for one, changed in changes if not one.quiet]

    def _take_changes_of(self, run_state: RunState) -> set[str]:
        changed, run_state.changed = run_state.changed, set()
        run_state.run.faults = internal_errors.count - run_state.faults_before
        with internal_errors.suppress("pricing"):
            self._add_up(run_state, changed)
        totals = run_state.run.totals
        if run_state.quiet and (totals.calls or totals.cached_locally or totals.uncounted):
            run_state.quiet = False
        return changed

    def _add_up(self, run_state: RunState, changed: set[str]) -> None:
        """Price the `changed` spans and add the run up; a large one less often while it runs.

        A span that has ended and waits for its price goes out of `changed`, to come with it, once.
        """
        from aimon_nb.pricing import price_run
        from aimon_nb.pricing.item_costs import forecast_batches

        spans, unpriced = run_state.run.spans, run_state.unpriced
        new = {i for i in changed if i in spans and spans[i].may_cost}
        unpriced |= new
        if not self._may_price(run_state):
            changed -= {i for i in new if spans[i].status != "running"}
            return
        begun = time.thread_time()
        run_state.unpriced = set()
        try:
            price_run(run_state.run, unpriced)
            if not run_state.run.running or time.monotonic() >= run_state.forecast_at:
                # Once a second is often enough, and a look at all spans is not for nothing.
                run_state.forecast_at = time.monotonic() + 1
                forecast_batches(run_state.run)
                if run_state.budgets:
                    note_beside(run_state)
        finally:
            # Without those past the cap that have ended and gone.
            changed |= unpriced & spans.keys()
        # What is new is priced but once; the rest of the time goes again next time.
        again = len(spans) / (len(spans) + NEW * len(unpriced) or 1)
        pause = PAUSE_FACTOR * again * (time.thread_time() - begun)
        run_state.price_at = time.monotonic() + pause


def _has_model_call(run_state: RunState) -> bool:
    return run_state.has_request or any(
        open_span.span is not None and open_span.span.is_call
        for open_span in list(run_state.open_spans)
    )


def _is_to_be_priced(run_state: RunState) -> bool:
    spans = run_state.run.spans
    new = (spans.get(span_id) for span_id in chain(run_state.changed, run_state.unpriced))
    return any(one is not None and one.usage.known and one.status != "running" for one in new)
