"""How a shell shows calls that were refused and come in a group of errors: as one.

A TaskGroup raises all of its tasks' errors together, and IPython prints those by Python's own
traceback: a page for each task, in the place of one sentence. It does so, too, for an error that
was raised while a group was handled.
"""

from __future__ import annotations

import sys
from typing import Any

from aimon_nb.model.error_groups import GROUP, as_one


def with_one_refusal(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the arguments of `showtraceback`, with one refusal where a group would be printed."""
    exc_tuple = args[0] if args else kwargs.get("exc_tuple")
    error = sys.exc_info()[1] if exc_tuple is None else exc_tuple[1]
    one = as_one(error) if _meets_group(error) else None
    if one is None:
        return args, kwargs
    kwargs = {name: value for name, value in kwargs.items() if name != "exc_tuple"}
    return ((type(one), one, one.__traceback__), *args[1:]), kwargs


def _meets_group(error: BaseException | None) -> bool:
    """Return whether it is a group, or was raised while one was handled."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, GROUP):
            return True
        seen.add(id(error))
        error = error.__context__
    return False
