"""An interrupt of tracked code reaches its threads, its pools and its waiting loop.

The flag must be up at the signal: `with ThreadPoolExecutor()` waits for its queue
before any hook of ours runs, and until then more calls would be sent. And
ipykernel cancels an async cell's task from the handler, but does not wake a loop
that only waits, so the cell would go on until its next timer.
"""

from __future__ import annotations

import _thread
import asyncio
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import CodeType, FrameType
from typing import Any

from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.state import RunState


def watch(
    run_state: RunState,
    begins: frozenset[CodeType],
    ends: frozenset[CodeType],
    *,
    pending: bool,
) -> Callable[[], None]:
    """Raise the run's flag at SIGINT until the returned function is called.

    The handler that was there is called as before, unless the interrupt fell into a function of
    ours that `begins` or `ends` a run: there IPython would swallow it, or the run stay
    open. One that `pending` before is sent again. Only the main thread has signals.
    """
    if threading.current_thread() is not threading.main_thread():
        return _nothing
    before: Any = signal.getsignal(signal.SIGINT)
    if not callable(before):
        return _nothing
    interrupted = _Interrupted(run_state, before, begins, ends)
    signal.signal(signal.SIGINT, interrupted)
    if pending:
        resend(interrupted.delivered)
    return interrupted.restore


class _Interrupted:
    """The handler of a tracked cell: a property gives what to call, and is off the stack by then.

    So no frame of ours is in the traceback of a KeyboardInterrupt. IPython hides marked
    frames, but never the last one.
    """

    def __init__(
        self,
        run_state: RunState,
        before: Any,
        begins: frozenset[CodeType],
        ends: frozenset[CodeType],
    ) -> None:
        self._run_state, self._before, self._loop = run_state, before, _running_loop()
        self._begins, self._ends = begins, ends
        self.delivered = threading.Event()
        self._is_restored = False

    def restore(self) -> None:
        """Put back the handler that was there: that of the enclosing run, if it is open."""
        self._is_restored = True
        self.delivered.set()
        # Not in the `if`: mypy narrows `self` by it.
        on_top = signal.getsignal(signal.SIGINT) is self
        if on_top:
            signal.signal(signal.SIGINT, self._below())

    def _below(self) -> Any:
        before = self._before
        restored = isinstance(before, _Interrupted) and before._is_restored
        return before._below() if restored else before

    @property
    def __call__(self) -> Callable[[int, Any], Any]:
        """Raise the flag; the loop wakes up when the handler that was there has done its part."""
        running = _codes_on_stack(sys._getframe(1))
        if not self._ends.isdisjoint(running):
            # The cell is over: there is nothing left to interrupt.
            return _nothing
        if not self._begins.isdisjoint(running):
            resend(self.delivered)
            return _nothing
        self.delivered.set()
        self._run_state.stop = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_nothing)
        return self._before  # type: ignore[no-any-return]


def _codes_on_stack(frame: FrameType | None) -> set[CodeType]:
    """Return the code of a frame and of all that called it."""
    codes = set()
    while frame is not None:
        codes.add(frame.f_code)
        frame = frame.f_back
    return codes


@contextmanager
def deferred_sigint() -> Iterator[threading.Event]:
    """Let no interrupt fall into a block of ours, where IPython would swallow it.

    Gives an event that is set if one came: it is for the user's code that runs next, if any.
    """
    pending = threading.Event()
    in_main = threading.current_thread() is threading.main_thread()
    # None: the handler is not Python's own.
    if not in_main or signal.getsignal(signal.SIGINT) is None:
        yield pending
        return

    def note(*_: Any) -> None:
        pending.set()

    before = signal.signal(signal.SIGINT, note)
    internal_errors.deferring += 1
    try:
        yield pending
    finally:
        internal_errors.deferring -= 1
        if signal.getsignal(signal.SIGINT) is note:
            signal.signal(signal.SIGINT, before)


def resend(delivered: threading.Event | None = None) -> None:
    """Interrupt what runs in a moment: the user's code.

    Until it is `delivered`: a signal that falls just before a `sleep` does not end it.
    """

    def send() -> None:
        _interrupt()
        while delivered is not None and not delivered.wait(0.1):
            _interrupt()

    timer = threading.Timer(0.01, send)
    timer.daemon = True
    # Where no thread can be started it is lost, as one is that falls into a hook of IPython's.
    with suppress(RuntimeError):
        timer.start()


def _interrupt() -> None:
    # A signal proper ends a `sleep`, too.
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        _thread.interrupt_main()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _nothing(*_: object) -> None:
    return None
