"""One pass over the event log: records are made, changed runs priced, listeners called."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from aimon_nb.capture.event_log import absorb
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.repricing import Repricing
from aimon_nb.capture.state import RunState
from aimon_nb.capture.worker import Worker

if TYPE_CHECKING:
    from aimon_nb.capture.run_recorder import Recorder

PACKING = 0.02  # seconds that it may take at a time
Listener = Callable[[RunState, set[str]], None]  # (run state, ids of the changed spans)


class EventProcessor:
    """Absorbs the recorder's events, has runs added up, and tells the listeners.

    `lock` is the recorder's own, for one that is restarted may still have an older processor
    at work.
    """

    def __init__(self, recorder: Recorder, lock: threading.RLock) -> None:
        self._recorder, self.lock = recorder, lock  # of the records
        self._delivery = threading.RLock()  # listeners, which may take their time
        self._awaited: deque[tuple[RunState | None, threading.Event]] = deque()
        self._repricing = Repricing()

    def mark_stale(self) -> None:
        """Prices changed: all runs are counted again at the next look."""
        self._repricing.is_stale = True

    def load_prices(self) -> None:
        """Import the price list while a model still thinks."""
        self._repricing.load_ahead(list(self._recorder.registry.open_runs))

    def flush_ending_run(self, run_state: RunState) -> None:
        """Make records of all that an ending run has posted; its pending answers are abandoned."""
        run_state.ending = True  # it is added up and shown once, when all is known
        with self.lock:
            self.absorb()
            for source in self._recorder.sources:
                source.abandon(run_state)
            self.absorb()

    def settle_all(self) -> None:
        """Put usage on all spans that wait for it: nobody waits for the rest of any answer."""
        with self.lock:
            self.absorb()
            for run_state in list(self._recorder.run_states.values()):
                for source in self._recorder.sources:
                    source.abandon(run_state)
            self.absorb()

    def tell_all(self, worker: Worker | None, ended: RunState | None = None) -> None:
        """Have all that was posted so far told, a run that `ended` as finished; return then.

        By our thread if it can: the caller's does none of that work.
        """
        told = threading.Event()
        self._awaited.append((ended, told))
        with self._repricing.hurry():
            if worker is None or not worker.wait_for(told):
                self.drain()
                self.keep_content()

    def is_busy(self) -> bool:
        """Return whether there may be something to do at any moment: a run is open."""
        return bool(self._recorder.registry.open_runs) or self._recorder.content.is_behind

    def keep_content(self) -> None:
        """Pack what was said, away from whoever waits for news."""
        recorder = self._recorder
        recorder.content.work(recorder.registry, recorder.limits, PACKING)

    def stop(self, worker: Worker) -> None:
        """End our thread: if it imports prices, at once."""
        with self._repricing.hurry():
            worker.stop()

    def drain_now(self) -> None:
        """Do as `drain` for somebody who waits: prices are imported at once."""
        with self._repricing.hurry():
            self.drain()

    def drain(self) -> None:
        """Turn everything in the log into records and tell the listeners."""
        recorder = self._recorder
        awaited: list[tuple[RunState | None, threading.Event]] = []
        try:
            with self._delivery:
                with self.lock:
                    awaited += [self._awaited.popleft() for _ in range(len(self._awaited))]
                    self.absorb()
                # The lock is free: the import of the price list takes a second.
                self._repricing.load_if_needed(list(recorder.run_states.values()))
                with self.lock:
                    over = {run_state for run_state, _ in awaited if run_state is not None}
                    changes = self._repricing.take_changes(recorder.run_states.values(), over)
                # Free again: a listener sends to the page, and may block.
                for run_state, changed in changes:
                    for listener in list(recorder.listeners):
                        with internal_errors.suppress("showing a run"):
                            listener(run_state, changed)
        finally:
            for _, told in awaited:
                told.set()

    def absorb(self) -> None:
        """Make records of all that was posted; whoever calls it holds the lock."""
        recorder = self._recorder
        absorb(recorder.log, recorder.sources, recorder.run_states.values())
