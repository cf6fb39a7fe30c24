"""The end of the process: what is held back is settled, and what was heard is sent.

`atexit` calls us before the SDK's own flush, since what is registered last runs first. SIGTERM
ends a process without `atexit`; its handler does the same, and lets the signal end the process
then. After SIGKILL and `os._exit` nothing runs, and what was not sent yet is lost.
"""

from __future__ import annotations

import atexit
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from typing import Any

# Of the time that the end may take, what goes to settling where a lock cannot be had.
_SETTLE_SHARE = 0.25


class ProcessEnd:
    """Settles and sends at the end of the process; `watch` puts it in place, `unwatch` undoes it.

    Args:
        settle: Ends what is open or held back, so that the SDK has all of it.
        flush: Sends what the SDK has, within so many seconds; the text says what ends.

    """

    def __init__(self, settle: Callable[[], None], flush: Callable[[float, str], None]) -> None:
        self._settle, self._flush = settle, flush
        self.seconds = 2.0  # that the end may take for it, at most
        self._pid = 0  # of the process that is watched
        self._handler: Any = None
        self._is_over = False
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)

    def watch(self) -> None:
        """Be the first to know of the end; to be called again when somebody else may be."""
        self._pid = os.getpid()
        atexit.unregister(self._at_exit)
        atexit.register(self._at_exit)
        if self._handler is None and os.name == "posix" and _may_handle_sigterm():
            self._handler = self._on_sigterm
            signal.signal(signal.SIGTERM, self._handler)

    def unwatch(self) -> None:
        """Take all of that off again."""
        atexit.unregister(self._at_exit)
        self._restore_signal()

    def _restore_signal(self) -> None:
        handler, self._handler = self._handler, None
        if handler is not None and signal.getsignal(signal.SIGTERM) is handler:
            # Not from another thread: then it stays, and does what it did.
            with suppress(ValueError):
                signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def _after_fork(self) -> None:
        # What the parent holds is the parent's, and a pool ends its children by this signal.
        self._restore_signal()

    def _at_exit(self) -> None:
        if os.getpid() != self._pid or self._is_over:
            return
        self._is_over = True
        # Ctrl-C while this waits means to leave, and not to read a traceback of ours.
        with suppress(Exception, KeyboardInterrupt):
            self._settle()
        with suppress(Exception, KeyboardInterrupt):
            self._flush(self.seconds, "exit")

    def _on_sigterm(self, number: int, _: Any) -> None:
        try:
            if not self._is_over:
                self._is_over = True
                self._within_time()
        finally:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    def _within_time(self) -> None:
        """Do it on threads: the code that the signal interrupted may hold any lock."""
        until = time.monotonic() + self.seconds
        for work, share in (
            (self._settle, _SETTLE_SHARE),
            (lambda: self._flush(until - time.monotonic(), "signal"), 1.0),
        ):
            run = copy_context().run
            thread = threading.Thread(target=_quietly, args=(run, work), daemon=True)
            with suppress(RuntimeError, KeyboardInterrupt):
                thread.start()
                thread.join(max(0.0, until - time.monotonic()) * share)


def _may_handle_sigterm() -> bool:
    """Whether nobody else does: a handler of the user's ends the process as he wants."""
    is_main = threading.current_thread() is threading.main_thread()
    return is_main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def _quietly(run: Callable[..., Any], work: Callable[[], None]) -> None:
    with suppress(BaseException):
        run(work)
