"""Event log → records → runs.

On the user's thread a span costs an append to a log. One daemon thread of ours
turns the log into records ten times a second while anything goes on, reads the
answers of model calls, prices them, and tells the listeners which spans of
which run changed. Whoever needs the truth at once (a table, the end of a cell)
calls `drain` itself.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from aimon_nb.capture import limits, span_builder
from aimon_nb.capture.attributes import describe
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.limits import Limits
from aimon_nb.capture.state import CapturedRequest, OpenSpan, RunState
from aimon_nb.model import Run
from aimon_nb.model.run import RunStatus

PERIOD = 0.1  # seconds between two paints
PARSE_LIMIT = 2.0  # seconds the end of a cell waits for answers to be parsed
QUIET_KEPT = 10  # closed runs without a call, which a task they left may still make
PRICE_PAUSE = 10  # adding a run up takes at most one part in so many of the time
NEW = 3  # so many times as long as adding up a span does pricing it take

Listener = Callable[[RunState, set[str]], None]


class Recorder:
    """The one place where spans become records."""

    def __init__(
        self,
        clock: Callable[[], int] = time.perf_counter_ns,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self.clock, self.now = clock, now
        self.log: deque[OpenSpan | CapturedRequest] = deque()  # a span at its start and at its end
        self.run_states: dict[str, RunState] = {}
        self.sole: RunState | None = None  # the open run, when there is exactly one
        self.read: span_builder.Read  # set by whoever tracks spans
        self.limits = Limits()
        self.forgotten: datetime | None = None  # start of the latest run that max_runs let go
        self.forked = False  # a child process has no thread of ours: it records nothing
        self._open: list[RunState] = []
        self._listeners: list[Listener] = []
        self._lock = threading.RLock()  # records
        self._telling = threading.RLock()  # listeners, which may take their time
        self._wake, self._hurry = threading.Event(), threading.Event()
        self._over: deque[tuple[RunState, threading.Event]] = deque()  # to be told as finished
        self._thread: threading.Thread | None = None
        self._count = 0
        self._stale = False  # prices changed: all runs are to be counted again
        self._ready = False  # the price list is in memory
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)

    # -- runs ---------------------------------------------------------------

    def open_run(self, name: str, *, quiet: bool = False, **facts: Any) -> RunState:
        """Start a run; `facts` are further fields of `Run` (cell_id, options …).

        One that is `quiet` is shown and listed only once it has a model call.
        """
        started = self.now()
        self._count += 1
        run_id = f"{started:%Y%m%dT%H%M%S}-{self._count:03d}{os.urandom(2).hex()}"
        run_state = RunState(Run(run_id=run_id, name=name, started=started, **facts), self.clock())
        run_state.faults_before, run_state.quiet = internal_errors.count, quiet
        run_state.span_limit.limits = self.limits
        with self._lock:
            self.run_states[run_id] = run_state
            self._open.append(run_state)
            self._count_open()
            self._forget_old(run_state.run)
        self._start_thread()
        self._wake.set()
        return run_state

    def end_run(
        self,
        run_state: RunState,
        status: RunStatus,
        error: BaseException | None,
        before_last: Callable[[], None] = lambda: None,
    ) -> None:
        """Drain, end what was left open, count, and tell the listeners: the run is over.

        `before_last` runs when all spans have ended, before the listeners are called.
        Whatever fails in between, the run is closed.
        """
        with internal_errors.suppress("settling a run"):
            self._settle(run_state)
        t1 = self.clock()
        with self._lock:
            with internal_errors.suppress("ending the spans left open"):
                span_builder.end_open_spans(run_state, self.read, status, t1)
            self._close(run_state, status, error, t1)
            with internal_errors.suppress("noting what was sent"):
                before_last()
        with internal_errors.suppress("telling that a run is over"):
            self._hand_over(run_state)

    def _hand_over(self, run_state: RunState) -> None:
        """Have a run that is over added up and told by our thread; the user's waits, idle.

        Its prices may not be in memory yet, and are none of its work.
        """
        told = threading.Event()
        self._over.append((run_state, told))
        self._hurry.set()
        self._wake.set()
        while self._serves() and not told.wait(PERIOD):
            pass
        if not told.is_set():
            self.drain()

    def _serves(self) -> bool:
        """Whether our thread does what it is asked: not in a fork, and not when Python ends."""
        thread = self._thread
        if self.forked or sys.is_finalizing() or thread is None:
            return False
        return thread.is_alive() and thread is not threading.current_thread()

    def _close(
        self, run_state: RunState, status: RunStatus, error: BaseException | None, t1: int
    ) -> None:
        run = run_state.run
        run.duration = run_state.seconds(t1)
        run.ended = run.started + timedelta(seconds=run.duration)
        run.status = status
        run_state.closed = True
        run_state.captured.clear()
        if run_state in self._open:
            self._open.remove(run_state)
        self._count_open()
        if error is not None:
            run.error_type, run.error = describe(error)

    def runs(self) -> list[Run]:
        """Every run in memory, oldest first."""
        self.drain()
        return [one.run for one in list(self.run_states.values()) if not one.quiet]

    def reprice(self) -> None:
        """Prices changed: every run in memory is counted again and shown, on our thread."""
        self._stale = True
        if not self.forked:
            self._start_thread()
        self._wake.set()

    # -- listeners ----------------------------------------------------------

    def on_event(self, listener: Listener) -> Callable[[], None]:
        """Call `listener(run_state, changed span ids)` after changes; returns its removal."""
        self._listeners.append(listener)

        def remove() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return remove

    def close(self) -> None:
        """Stop the thread; runs stay in memory."""
        thread, self._thread = self._thread, None
        self._wake.set()
        self._hurry.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=2)

    # -- from the log to records ----------------------------------------------

    def ask(self, model_request: CapturedRequest) -> None:
        """A request to a model is about to be sent."""
        self.log.append(model_request)
        if not self._ready or model_request.open_span.run_state.closed:
            self._wake.set()

    def drain(self) -> None:
        """Turn everything in the log into records and tell the listeners.

        Runs that are over are told even where no span of theirs changed.
        """
        over: list[tuple[RunState, threading.Event]] = []
        try:
            with self._telling:
                with self._lock:
                    over += [self._over.popleft() for _ in range(len(self._over))]
                    self._absorb()
                    news = self._gather({run_state for run_state, _ in over})
                # The lock is free again: a listener sends to the page, and may wait.
                for run_state, changed in news:
                    for listener in list(self._listeners):
                        with internal_errors.suppress("showing a run"):
                            listener(run_state, changed)
        finally:
            for _, told in over:
                told.set()

    def _absorb(self) -> None:
        """Turn everything in the log into records."""
        with self._lock:
            self._take_log()
            for run_state in self.run_states.values():
                if run_state.open_spans or run_state.requests:
                    span_builder.update_open_spans(run_state, self.read)
            for open_span in self._take_log():  # ends of spans that we made; what began meanwhile
                span_builder.update_open_span(open_span, self.read)

    def _gather(self, over: set[RunState]) -> list[tuple[RunState, set[str]]]:
        """What there is to tell, added up, by run; of those that are `over` in any case."""
        if self._stale:
            self._stale = False
            for run_state in self.run_states.values():
                run_state.changed.update(run_state.run.spans)
        for run_state in over:
            run_state.ending = False
        told = [one for one in self.run_states.values() if one.has_news or one in over]
        news = [(one, self._news(one)) for one in told]
        return [(one, changed) for one, changed in news if not one.quiet]

    def _take_log(self) -> list[OpenSpan]:
        """Make and complete records; gives the spans that began, of which nothing is read yet."""
        log = self.log
        begun: list[OpenSpan] = []
        for _ in range(len(log)):
            thing = log.popleft()
            try:
                if not isinstance(thing, OpenSpan):
                    thing.open_span.run_state.requests[thing] = None
                    thing.open_span.run_state.changed.add(thing.open_span.span_id)
                elif thing.is_recorded:
                    span_builder.end_span(thing, self.read)
                else:
                    thing.is_recorded = True
                    span_builder.begin_span(thing)
                    begun.append(thing)
            except Exception:
                internal_errors.record("recording a span")
        return begun

    def _news(self, run_state: RunState) -> set[str]:
        changed, run_state.changed = run_state.changed, set()
        run_state.run.faults = internal_errors.count - run_state.faults_before
        with internal_errors.suppress("pricing"):
            self._price(run_state, changed)
        totals = run_state.run.totals
        if run_state.quiet and (totals.calls or totals.cached_locally):
            run_state.quiet = False
        return changed

    def _price(self, run_state: RunState, changed: set[str]) -> None:
        """Price what changed and add the run up; a large one less often while it runs.

        What has ended and waits for its price is told with it, once.
        """
        from aimon_nb.pricing import price_run

        spans, waiting = run_state.run.spans, run_state.unpriced
        new = {i for i in changed if i in spans and spans[i].may_cost}
        waiting |= new
        if not run_state.may_price:
            changed -= {i for i in new if spans[i].status != "running"}
            return
        begun = time.thread_time()
        run_state.unpriced = set()
        try:
            price_run(run_state.run, waiting)
        finally:
            changed |= waiting & spans.keys()  # without those past the cap that have ended and gone
        # What is new is priced but once; the rest of the time goes again next time.
        again = len(spans) / (len(spans) + NEW * len(waiting) or 1)
        pause = PRICE_PAUSE * again * (time.thread_time() - begun)
        run_state.price_at = time.monotonic() + pause

    def _settle(self, run_state: RunState) -> None:
        """Parse what has come, for a bounded time; then nobody waits for the rest."""
        limit = time.monotonic() + PARSE_LIMIT
        run_state.ending = True  # it is added up and told once, when all is known
        self._absorb()
        for model_request in list(run_state.requests):
            model_request.leave()
        while run_state.requests and time.monotonic() < limit:
            before = len(run_state.requests)
            self._absorb()
            if len(run_state.requests) >= before:
                break

    def _count_open(self) -> None:
        self.sole = self._open[0] if len(self._open) == 1 else None

    def _forget_old(self, new: Run) -> None:
        closed = [one for one in self.run_states.values() if one.closed]
        quiet = [one for one in closed if one.quiet]
        shown = [one for one in closed if not one.quiet]
        old = shown[: -self.limits.runs]
        for one in (*old, *quiet[:-QUIET_KEPT]):
            del self.run_states[one.run.run_id]
        if old:
            self.forgotten = old[-1].run.started
            new.caps[limits.RUNS] = self.said_of_old()
        if new.cell_id is not None:
            for one in shown[-self.limits.runs :]:
                if one.run.cell_id == new.cell_id:
                    one.run = limits.without_plain(one.run)

    def said_of_old(self) -> str:
        """What a reader who looks for an old run must know; "" while all are in memory."""
        if self.forgotten is None:
            return ""
        return f"older runs are no longer in memory: {limits.RUNS} = {self.limits.runs:,}"

    # -- the thread -------------------------------------------------------------

    def wake(self) -> None:
        """There is news although no run is open (a late span, a late answer)."""
        self._wake.set()

    def _start_thread(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._paint, name="aimon_nb", daemon=True)
            self._thread.start()

    def _paint(self) -> None:
        took = 0.0
        while self._thread is threading.current_thread():
            self._wake.wait(max(PERIOD - took, PERIOD / 4) if self._open else None)
            self._wake.clear()
            begun = time.monotonic()
            with internal_errors.suppress("painting"):
                self.drain()
            with internal_errors.suppress("getting the prices ready"):
                self._get_ready()
            took = time.monotonic() - begun
            if not self._open:
                self._hurry.wait(PERIOD)  # late news comes in batches, too
                self._hurry.clear()

    def _get_ready(self) -> None:
        """Import the price list while the first model still thinks: it takes a second.

        Else that second would be the user's, at the end of the cell.
        """
        if not self._ready and any(map(_awaits_a_model, list(self.run_states.values()))):
            from aimon_nb.pricing import prepare

            self._ready = True
            prepare()

    def _after_fork(self) -> None:
        self.forked, self.sole = True, None
        self._over.clear()
        self._lock, self._telling = threading.RLock(), threading.RLock()
        self.log.clear()


def _awaits_a_model(run_state: RunState) -> bool:
    calls = (
        open_span.span is not None and open_span.span.is_call
        for open_span in list(run_state.open_spans)
    )
    return bool(run_state.requests) or any(calls)
