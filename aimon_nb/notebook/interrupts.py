"""An interrupt of a tracked cell reaches its threads, its pools and its waiting loop.

The flag must be up at the signal: `with ThreadPoolExecutor()` waits for its queue
before any hook of ours runs, and until then more calls would be sent. And
ipykernel cancels an async cell's task from the handler, but does not wake a loop
that only waits, so the cell would go on until its next timer.
"""

from __future__ import annotations

import _thread
import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aimon_nb.recording.records import Recording


def watch(recording: Recording) -> Callable[[], None]:
    """Raise the run's flag at SIGINT until the function given back is called.

    The handler found is called as before. Only the main thread has signals.
    """
    if threading.current_thread() is not threading.main_thread():
        return _nothing
    before: Any = signal.getsignal(signal.SIGINT)
    if not callable(before):
        return _nothing
    interrupted = _Interrupted(recording, before, _running_loop())
    signal.signal(signal.SIGINT, interrupted)

    def restore() -> None:
        if signal.getsignal(signal.SIGINT) is interrupted:
            signal.signal(signal.SIGINT, before)

    return restore


class _Interrupted:
    """The handler of a tracked cell: a property gives what to call, and is off the stack by then.

    So no frame of ours is in the traceback of a KeyboardInterrupt. IPython hides marked
    frames, but never the last one.
    """

    def __init__(
        self, recording: Recording, before: Any, loop: asyncio.AbstractEventLoop | None
    ) -> None:
        self._recording, self._before, self._loop = recording, before, loop

    @property
    def __call__(self) -> Callable[[int, Any], Any]:
        """Raise the flag; the loop wakes up when the handler found has done its part."""
        self._recording.stop = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(_nothing)
        return self._before  # type: ignore[no-any-return]


@contextmanager
def deferred(*, deliver: bool) -> Iterator[None]:
    """Let no interrupt fall into a block of ours, where IPython would swallow it.

    With `deliver` it reaches the user's code that runs next; without, the cell is
    over and there is nothing left to interrupt.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came = False

    def note(*_: Any) -> None:
        nonlocal came
        came = True

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is note:
            signal.signal(signal.SIGINT, before)
        if came and deliver:
            timer = threading.Timer(0.01, _thread.interrupt_main)
            timer.daemon = True
            timer.start()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _nothing() -> None:
    return None
