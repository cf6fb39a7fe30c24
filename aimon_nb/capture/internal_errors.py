"""Our own faults: never the user's problem, never silent.

Every hook of ours that stands in the user's way runs inside a guard. A fault is
logged once a process, counted, and the count is shown with the run.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

logger = logging.getLogger("aimon_nb")
logger.addHandler(logging.NullHandler())  # nothing goes to the user's stderr unasked


class InternalErrors:
    """A counter that logs its first fault with the traceback."""

    def __init__(self) -> None:
        self.count = 0
        # Blocks that the main thread is in, in which a Ctrl-C waits.
        self.deferring = 0

    def is_interrupt(self, error: BaseException) -> bool:
        """Whether an error may be a Ctrl-C, which is for the user's code.

        None is one where no signal arrives: in another thread, and where it waits. Then it is
        a value's own code that raised it.
        """
        if not isinstance(error, KeyboardInterrupt) or self.deferring:
            return False
        return threading.current_thread() is threading.main_thread()

    def record(self, where: str) -> None:
        """Count the exception being handled."""
        self.count += 1
        if self.count == 1:
            logger.warning(
                "aimon_nb: a fault of its own in %s; your cell is not affected",
                where,
                exc_info=sys.exc_info(),
            )

    @contextmanager
    def suppress(self, where: str) -> Iterator[None]:
        """Run a block of ours; an exception in it is recorded and suppressed.

        That of user code which we call there (a `__str__`) is suppressed, too; a
        KeyboardInterrupt that may be a Ctrl-C is not.
        """
        try:
            yield
        except BaseException as error:
            if self.is_interrupt(error):
                raise
            self.record(where)


internal_errors = InternalErrors()
