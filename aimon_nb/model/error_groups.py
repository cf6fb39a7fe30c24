"""Errors that come as one group: a TaskGroup raises those of all its tasks together."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from aimon_nb.model.errors import RequestRefusedError

# Python 3.10 has none.
GROUP: Any = getattr(builtins, "BaseExceptionGroup", ())
Ways = tuple[TracebackType | None, ...]


def as_one(error: BaseException | None) -> RequestRefusedError | None:
    """Return the first refusal of what is nothing but refusals, without what it was raised in.

    None where something else is among them: the user's own errors are to be seen.
    """
    found = list(leaves(error))
    first, ways = found[0] if found else (None, ())
    if not isinstance(first, RequestRefusedError) or not all(
        isinstance(one, RequestRefusedError) for one, _ in found
    ):
        return None
    shown = type(first)(*first.args)
    shown.__dict__.update(first.__dict__)
    shown.carried_by = ways
    return shown.with_traceback(first.__traceback__)


def leaves(error: BaseException | None) -> Iterator[tuple[BaseException | None, Ways]]:
    """Yield the errors of a group that are no groups, each with the ways of those around it."""
    waiting: list[tuple[Any, Ways]] = [(error, ())]
    while waiting:
        one, ways = waiting.pop()
        if isinstance(one, GROUP):
            inside = (*ways, one.__traceback__)
            waiting += [(part, inside) for part in reversed(one.exceptions)]
        else:
            yield one, ways
