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
from typing import Any, NamedTuple

from aimon_nb.capture.context import started_at, this_thread
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.model.caller import Caller, Place
from aimon_nb.model.code_files import is_users

_STEPS = range(2, 150)  # frames, and no more
_MOST_FILES = 10_000
_MOST_PLACES = 1_000
_MODULE = "<module>"
_LIBRARY, _USERS, _EVENT_LOOP = range(3)
_TRIO = "/trio/_core/_run.py"
_RUNS_A_TASK = frozenset({"_run", "unrolled_run"})  # asyncio's, trio's
_LONGEST = 100  # characters of a name
_ANY_ARGUMENTS = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS
_WRAPPERS = frozenset({"wrapper", "wrapped", "_wrapper", "_wrapped", "inner", "decorated"})


class _Path(NamedTuple):
    """The way from a request to the user's frames: whoever takes it again is there at once."""

    depth: int  # of the nearest frame of the user's
    nearest: CodeType
    at: int  # the instruction of it
    entry: CodeType  # the library's function that it called
    middle: CodeType  # halfway
    passed: tuple[CodeType, ...]  # from there, to the outer frame
    outer: CodeType


class CallerFinder:
    """Finds the user's frames above a request; what it remembers are files and places."""

    def __init__(self) -> None:
        self._kinds: dict[str, int] = {}  # by file name
        self._known: dict[tuple[int, int, int, int], tuple[Caller, CodeType, CodeType]] = {}
        self._path: _Path | None = None

    def find(self) -> Caller:
        """Return the nearest places of the user's that lead here, the nearest first.

        At most two; () where nobody knows. Never raises.
        """
        try:
            path = self._path
            return (path and self._again(*path)) or self._walk(sys._getframe(1))
        except Exception:
            internal_errors.record("finding the function that asked")
            return ()

    def _again(
        self,
        depth: int,
        nearest: CodeType,
        at: int,
        entry: CodeType,
        middle: CodeType,
        passed: tuple[CodeType, ...],
        outer: CodeType,
    ) -> Caller | None:
        """Return the places at the end of a path, if this is the same way to them."""
        get_frame = sys._getframe
        try:
            frame: Any = get_frame(depth)
        except ValueError:  # the stack is not that deep
            return None
        if (
            frame.f_code is not nearest
            or frame.f_lasti != at
            or get_frame(depth - 1).f_code is not entry
            or get_frame(depth // 2).f_code is not middle
        ):
            return None
        above = frame.f_back
        for code in passed:
            # A function of the user's may stand where a lambda or a library's stood.
            if above is None or above.f_code is not code:
                return None
            above = above.f_back
        return None if above is None or above.f_code is not outer else self._places(frame, above)

    def _walk(self, frame: FrameType | None) -> Caller:
        # Past a dozen frames of a client: nothing is called for a library's.
        kind_of = self._kinds.get
        nearest: FrameType | None = None
        skipped, depth = False, 0
        for step in _STEPS:
            if frame is None:
                break
            code = frame.f_code
            kind = kind_of(code.co_filename)
            if kind is None:
                kind = self._kind(code.co_filename)
            if kind == _USERS:
                name = code.co_name
                is_first = nearest is None and not skipped
                if name != _MODULE and _is_passed_over(name, code, is_nearest=is_first):
                    skipped = True
                elif nearest is not None:
                    self._remember(nearest, depth, frame)
                    return self._places(nearest, frame)
                elif name == _MODULE:
                    return (_place(frame),)
                else:
                    nearest, depth = frame, step
            elif kind == _EVENT_LOOP and code.co_name in _RUNS_A_TASK:
                break  # above it stands whoever runs the loop, not who made the task
            frame = frame.f_back
        # In a copied context (`to_thread`) stands what began the code that copied it.
        begun = (this_thread.job_begun_at if frame is None else None) or started_at.get() or ()
        return begun if nearest is None else (_place(nearest), *begun[:1])

    def _kind(self, file: str) -> int:
        kind = _USERS if is_users(file) else _LIBRARY
        if file == asyncio.events.__file__ or file.replace("\\", "/").endswith(_TRIO):
            kind = _EVENT_LOOP
        if len(self._kinds) >= _MOST_FILES:
            self._kinds.clear()  # each cell is a file of its own
        self._kinds[file] = kind
        return kind

    def _remember(self, nearest: FrameType, depth: int, outer: FrameType) -> None:
        # As deep as `_again` sees them: it and this stand one below `find` and two below.
        entry, middle = sys._getframe(depth).f_code, sys._getframe(depth // 2 + 1).f_code
        passed, frame = [], nearest.f_back
        while frame is not None and frame is not outer:
            passed.append(frame.f_code)
            frame = frame.f_back
        self._path = _Path(
            depth, nearest.f_code, nearest.f_lasti, entry, middle, tuple(passed), outer.f_code
        )

    def _places(self, nearest: FrameType, outer: FrameType) -> Caller:
        """Return the places of two frames: at once, where the same two asked before."""
        first, second = nearest.f_code, outer.f_code
        # By identity, for the hash of code is dear; the ids are theirs as long as we hold them.
        key = id(first), nearest.f_lasti, id(second), outer.f_lasti
        known = self._known.get(key)
        if known is not None:
            return known[0]
        if len(self._known) >= _MOST_PLACES:
            self._known.clear()
        caller = (_place(nearest), _place(outer))
        self._known[key] = caller, first, second
        return caller


def _place(frame: FrameType) -> Place:
    code = frame.f_code
    function = None if code.co_name == _MODULE else _shown(code)
    return Place(function, frame.f_lineno, code.co_filename)


def _is_passed_over(name: str, code: CodeType, *, is_nearest: bool) -> bool:
    """Whether its name says nothing: a lambda, a comprehension, a decorator's wrapper."""
    if name[0] == "<":
        return True
    if not is_nearest and code.co_flags & inspect.CO_NESTED and code.co_freevars:
        return bool(code.co_flags & _ANY_ARGUMENTS) or name in _WRAPPERS
    # What a dataclass was made of.
    return name[:2] == "__" and code.co_filename == "<string>"


def _shown(code: CodeType) -> str:
    """Return its name; of a method like `__call__` with its class, where Python knows that."""
    name = code.co_name
    if name[:2] == "__":
        name = ".".join(getattr(code, "co_qualname", name).split(".")[-2:])
    return name[:_LONGEST].encode("utf-8", "replace").decode()  # half a surrogate pair is no text


find_caller = CallerFinder().find
"""The process's own, for requests."""
find_beginner = CallerFinder().find
"""Its own for what begins a thread, a job or a task: they take other ways than requests do."""
