"""A thread that draws now and then, never more often than drawing is cheap."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

SHARE = 0.1  # of the time, at the most, goes into drawing


class Ticker:
    """Calls `draw` when woken, at least `pause` seconds apart; with `always` also unwoken.

    What `draw` raises ends the ticking and is raised by `stop`: it must not reach
    the user's stderr.
    """

    def __init__(self, draw: Callable[[], None], pause: float, *, always: bool = False) -> None:
        self._draw, self._pause, self._always = draw, pause, always
        self._news, self._over = threading.Event(), threading.Event()
        self._fault: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="aimon_nb drawing", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """There is something new to draw."""
        self._news.set()

    def stop(self) -> None:
        """End, and wait for a drawing that is on its way; raises what it raised."""
        self._over.set()
        self._news.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout=5)
        fault, self._fault = self._fault, None
        if fault is not None:
            raise fault

    def _run(self) -> None:
        pause = self._pause
        while not self._over.wait(pause):
            if not self._always:
                self._news.wait()
            if self._over.is_set():
                return
            self._news.clear()
            began = time.perf_counter()
            try:
                self._draw()
            except RuntimeError:
                self._news.set()  # the run grew under our hands: draw it again
            except Exception as fault:
                self._fault = fault
                return
            pause = max(self._pause, (time.perf_counter() - began) / SHARE)
