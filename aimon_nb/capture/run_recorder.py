"""Event log → records → runs.

On the user's thread a span costs an append to a log. One daemon thread of ours
turns the log into records ten times a second while anything goes on, prices them,
and tells the listeners which spans of which run changed. Whoever needs the truth at
once (a table, the end of a cell) calls `drain` itself.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from aimon_nb.capture import span_builder
from aimon_nb.capture.content_keeper import ContentKeeper
from aimon_nb.capture.event_log import EventLog, PolledSource
from aimon_nb.capture.event_processor import EventProcessor, Listener
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.limits import Limits
from aimon_nb.capture.run_registry import RunRegistry
from aimon_nb.capture.state import RunState
from aimon_nb.capture.worker import Worker
from aimon_nb.model import Run
from aimon_nb.model.run import RunStatus


class Recorder:
    """The one place where spans become records."""

    def __init__(
        self,
        clock: Callable[[], int] = time.perf_counter_ns,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self.clock, self.now = clock, now
        self.limits = Limits()
        self.forked = False  # a child process has no thread of ours: it records nothing
        self.sources: list[PolledSource] = []
        self.listeners: list[Listener] = []
        self._begin(threading.RLock())
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)

    def _begin(self, lock: threading.RLock) -> None:
        self.log, self.content = EventLog(), ContentKeeper()
        self.registry = RunRegistry()
        self.sole: RunState | None = None  # the registry's: one look for the user's thread
        self.processor = EventProcessor(self, lock)
        self._worker = Worker(self._work, self.processor.is_busy)

    def restart(self) -> None:
        """Begin anew, as in a new process: only settings, sources and listeners stay."""
        self.processor.stop(self._worker)
        with self.processor.lock:  # the old thread may be at work for longer than it is waited for
            self.registry.forget_all()
            self._begin(self.processor.lock)

    def close(self) -> None:
        """Stop the thread; runs stay in memory."""
        self.processor.stop(self._worker)

    def _after_fork(self) -> None:
        self.forked = True
        registry = self.registry
        # With locks of its own: a thread of the parent may have held the others.
        self._begin(threading.RLock())
        self.registry = registry

    @property
    def run_states(self) -> dict[str, RunState]:
        """The runs in memory by run id, oldest first, those that are quiet too."""
        return self.registry.states

    def runs(self) -> list[Run]:
        """Every run in memory that is shown, oldest first, up to date."""
        self.drain()
        return [one.run for one in list(self.run_states.values()) if not one.quiet]

    def last_run(self) -> Run | None:
        """The run that a reader who names none means (`RunRegistry.last`), up to date."""
        self.drain()
        last = self.registry.last
        return None if last is None else last.run

    def open_run(self, name: str, *, quiet: bool = False, **facts: Any) -> RunState:
        """Start a run; `facts` are further fields of `Run` (cell_id, options …).

        One that is `quiet` is shown and listed only once it has a model call.
        """
        with self.processor.lock:
            run_state = self.registry.open(name, self.now(), self.clock(), self.limits, facts)
            run_state.quiet = quiet
            self.sole = self.registry.sole
        run_state.has_thread = self._worker.start()
        return run_state

    def begin_run(self, run_state: RunState) -> None:
        """Have the time of a run that was just opened begin now: its own code runs from here on."""
        with self.processor.lock:
            span_builder.move_start(run_state, self.now(), self.clock())

    def end_run(
        self,
        run_state: RunState,
        status: RunStatus,
        error: BaseException | None,
        before_last: Callable[[], None] = lambda: None,
        t1: int | None = None,
    ) -> None:
        """Drain, end what was left open, count, and tell the listeners: the run is over.

        `before_last` runs when all spans have ended, before the listeners are called.
        Its code was left at `t1`, by our clock; None: now. Whatever fails in between, the run
        is closed.
        """
        t1 = self.clock() if t1 is None else t1
        with internal_errors.suppress("settling a run"):
            self.processor.flush_ending_run(run_state)
        with self.processor.lock:
            with internal_errors.suppress("ending the spans left open"):
                span_builder.end_open_spans(run_state, status, t1)
            self.registry.close(run_state, status, error, t1)
            self.sole = self.registry.sole
            with internal_errors.suppress("noting what was sent"):
                before_last()
            # Only now: what was sent of them is decided by what they were when the run ended.
            span_builder.mark_unfinished_late(run_state)
        with internal_errors.suppress("showing that a run is over"):
            # By our thread: prices may not be in memory yet, and are none of the user's work.
            self.processor.tell_all(None if self.forked else self._worker, run_state)

    def add_source(self, source: PolledSource) -> None:
        """Poll this source before the log is read; adding it again changes nothing."""
        if source not in self.sources:
            self.sources.append(source)

    def on_event(self, listener: Listener) -> Callable[[], None]:
        """Call `listener(run_state, changed span ids)` after changes; returns its removal."""
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener) if listener in self.listeners else None

    def note_request(self, run_state: RunState) -> None:
        """A request to a model is about to be sent: prices will be wanted."""
        run_state.has_request = True
        # While a run is open our thread looks by itself, and not just when the request leaves.
        if run_state.closed:
            self.wake()

    def wake(self) -> None:
        """Wake our thread although no run is open (for a late span, a late answer)."""
        self._worker.wake()

    def reprice(self) -> None:
        """Prices changed: every run in memory is counted again and shown, on our thread."""
        self.processor.mark_stale()
        if not self.forked:
            self._worker.start()

    def drain(self) -> None:
        """Turn everything in the log into records and tell the listeners."""
        self.processor.drain_now()

    def settle_all(self) -> None:
        """Do as `drain` for Sentry alone, at the end of the process: no answer is waited for."""
        self.processor.settle_all()

    def catch_up(self) -> None:
        """Do as `drain`, but by our thread where there is one."""
        self.processor.tell_all(None if self.forked else self._worker)

    def _work(self) -> None:
        with internal_errors.suppress("bringing runs up to date"):
            self.processor.drain()
        self.processor.keep_content()
        with internal_errors.suppress("getting the prices ready"):
            self.processor.load_prices()
