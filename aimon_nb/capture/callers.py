"""Which function of the user's asks a model: found on his thread, as the request is made.

The walk leaves out libraries, lambdas, comprehensions and the wrappers of decorators. It ends
at the top of a cell; where a thread's or a task's own code begins, the place that started it
goes on.
"""

from __future__ import annotations

import asyncio.events
import inspect
import sys
from types import CodeType, FrameType

from aimon_nb.capture.context import started_at
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.model.caller import Caller, Place
from aimon_nb.model.code_files import is_users

_NEAREST = 2  # functions that are kept
_MOST_FRAMES = 150
_MOST_FILES = 10_000
_MODULE = "<module>"
_LIBRARY, _USERS, _EVENT_LOOP = range(3)
_LOOP_FILE = asyncio.events.__file__
_kinds: dict[str, int] = {}  # by file name
_ANY_ARGUMENTS = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS
_WRAPPERS = frozenset({"wrapper", "wrapped", "_wrapper", "_wrapped", "inner", "decorated"})


def find_caller() -> Caller:
    """Return the nearest places of the user's that lead here, the nearest first.

    () where nobody knows; never raises.
    """
    try:
        return _find(sys._getframe(1))
    except Exception:
        internal_errors.record("finding the function that asked")
        return ()


def _find(frame: FrameType | None) -> Caller:
    places: Caller = ()
    is_nearest = True
    for _ in range(_MOST_FRAMES):
        if frame is None:
            break
        code = frame.f_code
        file = code.co_filename
        kind = _kinds.get(file)
        if kind is None:
            kind = _kind_of(file)
        if kind == _USERS:
            if code.co_name == _MODULE:
                return (*places, Place(None, frame.f_lineno, file))
            if not _is_passed_over(code, is_nearest=is_nearest):
                places = (*places, Place(_name(code), frame.f_lineno, file))
                if len(places) == _NEAREST:
                    return places
            is_nearest = False
        elif kind == _EVENT_LOOP and code.co_name == "_run":
            break  # above it stands whoever runs the loop, not who made the task
        frame = frame.f_back
    else:
        return places
    return (*places, *(started_at.get() or ()))[:_NEAREST]


def _kind_of(file: str) -> int:
    kind = _EVENT_LOOP if file == _LOOP_FILE else _USERS if is_users(file) else _LIBRARY
    if len(_kinds) >= _MOST_FILES:
        _kinds.clear()  # each cell is a file of its own
    _kinds[file] = kind
    return kind


def _is_passed_over(code: CodeType, *, is_nearest: bool) -> bool:
    """Whether its name says nothing: a lambda, a comprehension, a decorator's wrapper."""
    name = code.co_name
    if name.startswith("<"):
        return True
    if name.startswith("__") and code.co_filename == "<string>":
        return True  # that a dataclass was made of
    return (
        not is_nearest
        and bool(code.co_flags & inspect.CO_NESTED and code.co_freevars)
        and bool(code.co_flags & _ANY_ARGUMENTS or name in _WRAPPERS)
    )


def _name(code: CodeType) -> str:
    """Return its name; of a method like `__call__` with its class, where Python knows that."""
    name = code.co_name
    if not name.startswith("__"):
        return name
    return ".".join(getattr(code, "co_qualname", name).split(".")[-2:])
