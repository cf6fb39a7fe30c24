"""The one thread of ours: it works ten times a second while anything goes on, else it sleeps."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

PERIOD = 0.1  # seconds between two rounds of work


class Worker:
    """A daemon thread that calls `work`, which raises nothing, as long as `is_busy()` or woken."""

    def __init__(self, work: Callable[[], None], is_busy: Callable[[], bool]) -> None:
        self._work, self._is_busy = work, is_busy
        self._wake, self._hurry = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def ident(self) -> int | None:
        """The thread's own id, None while there is none."""
        return self._thread.ident if self._thread is not None else None

    def start(self) -> bool:
        """Have a thread, and have it look at once; False where no thread can be started.

        Then whoever needs the truth does the work himself, and the next start tries again.
        """
        if self._thread is None or not self._thread.is_alive():
            thread = threading.Thread(target=self._run, name="aimon_nb", daemon=True)
            self._thread = thread
            try:
                thread.start()
            except RuntimeError:  # in Pyodide, at the limit of a container, when Python ends
                # Another run may have started one meanwhile.
                if self._thread is thread:
                    self._thread = None
                return False
        self._wake.set()
        return True

    def wake(self) -> None:
        """There is something to do although nothing is open."""
        self._wake.set()

    def stop(self) -> None:
        """End the thread, at once."""
        thread, self._thread = self._thread, None
        self._wake.set()
        self._hurry.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=2)

    def wait_for(self, done: threading.Event) -> bool:
        """Let the thread work at once until `done` is set; False where it cannot.

        It cannot when it waits for itself, in a fork, and when Python ends.
        """
        self._hurry.set()
        self._wake.set()
        while self._is_at_work() and not done.wait(PERIOD):
            pass
        return done.is_set()

    def _is_at_work(self) -> bool:
        thread = self._thread
        if sys.is_finalizing() or thread is None or thread is threading.current_thread():
            return False
        return thread.is_alive()

    def _run(self) -> None:
        took = 0.0
        while self._thread is threading.current_thread():
            self._wake.wait(max(PERIOD - took, PERIOD / 4) if self._is_busy() else None)
            self._wake.clear()
            begun = time.monotonic()
            self._work()
            took = time.monotonic() - begun
            if not self._is_busy():
                self._hurry.wait(PERIOD)  # late news comes in batches, too
                self._hurry.clear()
