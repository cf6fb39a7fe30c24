"""A thread that draws now and then, never more often than drawing is cheap."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

# Of the time, at the most, goes into drawing.
SHARE = 0.1


class Ticker:
    """Calls `draw` when woken, at least `pause` seconds apart; with `always` also unwoken.

    What `draw` raises ends the ticking and is raised by `stop`: it must not reach
    the user's stderr.
    """

    def __init__(self, draw: Callable[[], None], pause: float, *, always: bool = False) -> None:
        self._draw, self._pause, self._always = draw, pause, always
        self._awake, self._stopped = threading.Event(), threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="aimon_nb drawing", daemon=True)

    def start(self) -> bool:
        """Start the thread; False where none can be started: then it draws nothing."""
        try:
            self._thread.start()
        except RuntimeError:
            return False
        return True

    def wake(self) -> None:
        """Have it draw soon: there is something new."""
        self._awake.set()

    def stop(self) -> None:
        """End, and wait for a drawing that is on its way; raises what it raised."""
        self._stopped.set()
        self._awake.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout=5)
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _run(self) -> None:
        pause = self._pause
        while not self._stopped.wait(pause):
            if not self._always:
                self._awake.wait()
            if self._stopped.is_set():
                return
            self._awake.clear()
            began = time.perf_counter()
            try:
                self._draw()
            except RuntimeError:
                # The run grew while it was walked: draw it again.
                self._awake.set()
            except Exception as error:
                self._error = error
                return
            pause = max(self._pause, (time.perf_counter() - began) / SHARE)
