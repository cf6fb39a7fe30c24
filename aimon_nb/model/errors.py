"""Errors of ours that the user's code may see."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from itertools import groupby
from types import TracebackType
from typing import Any

from aimon_nb.model.code_files import is_users, place


class RequestRefusedError(BaseException):
    """A model request that must not be sent, and was not.

    No `Exception`: an `except Exception` around each row, or a library that tries again, would
    go on with all the others.
    """

    results: list[Any] | None = None
    """What `map` had when it was refused, in the order of the rows; None where there is none."""
    carried_by: tuple[TracebackType | None, ...] = ()
    """The ways of the groups of errors that it came in, the outermost first."""

    def _render_traceback_(self) -> list[str]:
        # IPython asks an exception for this. It is a result, and no crash: of its way through a
        # client's code nobody learns anything.
        ways = (traceback.extract_tb(one) for one in (*self.carried_by, self.__traceback__))
        own = [one for way in ways for one in way if is_users(one.filename)]
        lines = [
            f"  {place(one.filename)}, line {one.lineno}: {one.line or one.name}" for one in own
        ]
        # One text: some of IPython's modes put nothing between those of a list.
        return ["\n".join([f"{type(self).__name__}: {self}", *_notes(self), *_folded(lines)])]

    # LangChain's `agenerate` reads these of all that is no `Exception`, as of an answer, and would
    # end with an AttributeError in place of the refusal.
    generations: tuple[Any, ...] = ()
    llm_output: Any = None


def _notes(error: BaseException) -> list[str]:
    return [str(note) for note in getattr(error, "__notes__", ())]


def _folded(lines: list[str]) -> Iterator[str]:
    """Yield lines, of a function that calls itself those that come again as one."""
    for line, same in groupby(lines):
        more = sum(1 for _ in same) - 1
        yield f"{line}  (and {more:,} more times)" if more > 1 else line
        if more == 1:
            yield line


class RunStopped(RequestRefusedError):  # noqa: N818  a state of the run, in the user's words
    """The run was interrupted: this model call was not sent."""


class BudgetExceeded(RequestRefusedError):  # noqa: N818  as RunStopped
    """A budget does not allow this model call: it was not sent, nor is any later one."""

    is_told_by_run = False  # the code of its run is still going on, and ends with it


class RefusedInPoolError(Exception):
    """A call of a job in a `multiprocessing` pool of threads was refused.

    Such a pool waits for ever for a job that ends with anything but an `Exception`; of others it
    raises what the call itself raised.
    """


class UnsupportedSDKError(ImportError):
    """The installed sentry-sdk is too old, or has no streamed spans."""

    def _render_traceback_(self) -> list[str]:
        # IPython asks an exception for this: where ours failed tells the user nothing.
        return [f"{type(self).__name__}: {self}"]
