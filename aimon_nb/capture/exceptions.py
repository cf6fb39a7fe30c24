"""What is kept of an exception: its status, its words, its way. Never the exception itself."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import FrameType, TracebackType

from aimon_nb.capture.redact import redact_secrets
from aimon_nb.model import Frame
from aimon_nb.model.item import ItemStatus
from aimon_nb.model.span import SpanStatus

ERROR_LENGTH = 500  # characters of an error message kept
FRAMES = 30  # frames of a traceback kept, the innermost
_EXCEPTIONS = 100  # that led to one another are looked at
_OUR_FOLDER = f"{Path(__file__).parents[1]}{os.sep}"
# Classes of exceptions by which a framework leaves its own code, and nothing has failed.
no_errors: set[type[BaseException]] = set()


def status_of(error: BaseException) -> SpanStatus:
    """How a span ended that this exception left."""
    if isinstance(error, (KeyboardInterrupt, SystemExit)):
        return "interrupted"
    if no_errors and isinstance(error, tuple(no_errors)):
        return "ok"
    if type(error).__name__ in ("CancelledError", "Cancelled"):  # asyncio's and trio's
        return "cancelled"
    return "abandoned" if isinstance(error, GeneratorExit) else "error"


def status_of_item(error: BaseException) -> ItemStatus:
    """How a row of a batch ended that this exception left."""
    if isinstance(error, GeneratorExit):
        return "abandoned"
    return "error" if status_of(error) == "error" else "interrupted"


def failed(error: BaseException | None) -> bool:
    """Whether a span that this exception left has another end than a plain one."""
    return error is not None and status_of(error) != "ok"


def describe(error: BaseException) -> tuple[str, str]:
    """(type, message) of an exception, whatever its `__str__` does."""
    try:
        text = str(error)
    except KeyboardInterrupt:
        raise
    except BaseException:  # a `__str__` of the user's may do anything
        text = "(its message cannot be read)"
    return type(error).__name__, redact_secrets(text)[:ERROR_LENGTH]


def frames_of(error: BaseException) -> tuple[Frame, ...]:
    """The frames that an exception came through, in words: the frames themselves hold locals."""
    found: deque[Frame] = deque(maxlen=FRAMES)
    at = error.__traceback__
    while at is not None:
        code = at.tb_frame.f_code
        found.append(Frame(code.co_filename, at.tb_lineno, code.co_name))
        at = at.tb_next
    return tuple(found)


def leave_out_our_frames(error: BaseException) -> None:
    """Take our own frames out of the traceback of an exception, and of those that led to it."""
    waiting: list[BaseException | None] = [error]
    for one in islice(_each(waiting), _EXCEPTIONS):
        at = first = one.__traceback__
        while at is not None:
            below = at.tb_next
            while below is not None and _is_ours(below):
                at.tb_next = below = below.tb_next
            at = below
        if first is not None and _is_ours(first):
            one.__traceback__ = first.tb_next
        waiting += one.__cause__, one.__context__, *getattr(one, "exceptions", ())


def _each(waiting: list[BaseException | None]) -> Iterator[BaseException]:
    """Each exception that waits or comes to wait, once."""
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one


def _is_ours(at: TracebackType) -> bool:
    return at.tb_frame.f_code.co_filename.startswith(_OUR_FOLDER)


def current_stack() -> tuple[Frame, ...]:
    """The frames from the user's code to here, in words: where a call is made that fails."""
    found: list[Frame] = []
    at: FrameType | None = sys._getframe(1)
    while at is not None and len(found) < FRAMES and at.f_globals.get("__name__") not in _RUNNERS:
        found.append(Frame(at.f_code.co_filename, at.f_lineno, at.f_code.co_name))
        at = at.f_back
    return tuple(reversed(found))


# What runs the user's code: nothing above it says anything of an error.
_RUNNERS = frozenset(
    {"IPython.core.interactiveshell", "threading", "concurrent.futures.thread", "asyncio.events"}
)
