"""Our own faults: never the user's problem, never silent.

Every hook of ours that stands in the user's way runs inside a guard. A fault is
logged once a process, counted, and the count is shown with the run.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

logger = logging.getLogger("aimon_nb")
logger.addHandler(logging.NullHandler())  # nothing goes to the user's stderr unasked


class InternalErrors:
    """A counter that logs its first fault with the traceback."""

    def __init__(self) -> None:
        self.count = 0

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
        KeyboardInterrupt is not.
        """
        try:
            yield
        except KeyboardInterrupt:
            raise
        except BaseException:
            self.record(where)


internal_errors = InternalErrors()
