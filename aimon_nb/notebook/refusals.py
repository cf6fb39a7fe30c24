"""How a shell shows calls that were refused: one, whatever they come in, at the user's line.

A TaskGroup raises all of its tasks' errors together, and IPython prints those by Python's own
traceback: a page for each task, in the place of one sentence. It does so, too, for an error that
was raised while a group was handled.
"""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any

from aimon_nb.model.code_files import is_users
from aimon_nb.model.error_groups import GROUP, as_one
from aimon_nb.model.errors import RequestRefusedError


def with_one_refusal(
    shell: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """Return the arguments of `showtraceback`, with one refusal where a group would be printed.

    Its way ends in the user's own line: there `%debug` opens.
    """
    exc_tuple = args[0] if args else kwargs.get("exc_tuple")
    error = sys.exc_info()[1] if exc_tuple is None else exc_tuple[1]
    one = as_one(error) if _meets_group(error) else error
    if not isinstance(one, RequestRefusedError):
        return args, kwargs
    # IPython 8 debugs the error before: it keeps the way of those that it draws itself.
    shell.InteractiveTB.tb = None
    one.__traceback__ = _to_users_line(one.__traceback__)
    kwargs = {name: value for name, value in kwargs.items() if name != "exc_tuple"}
    return ((type(one), one, one.__traceback__), *args[1:]), kwargs


def _to_users_line(first: TracebackType | None) -> TracebackType | None:
    """Return a traceback up to its last line of the user's; as it is, if it has none."""
    ways, at = [], first
    while at is not None:
        ways.append(at)
        at = at.tb_next
    while ways and not is_users(ways[-1].tb_frame.f_code.co_filename):
        ways.pop()
    cut = None
    for way in reversed(ways):
        cut = TracebackType(cut, way.tb_frame, way.tb_lasti, way.tb_lineno)
    return cut or first


def _meets_group(error: BaseException | None) -> bool:
    """Return whether it is a group, or was raised while one was handled."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, GROUP):
            return True
        seen.add(id(error))
        error = error.__context__
    return False
