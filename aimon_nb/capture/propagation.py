"""The context goes along into threads and jobs of pools, as ContextVars go into tasks.

While we are installed, and only ours. With it goes the place that began the thread, job or task.
"""

from __future__ import annotations

import asyncio
import functools
import threading
import types
from collections.abc import Callable
from concurrent.futures.thread import _WorkItem
from typing import Any

from aimon_nb.capture.callers import find_beginner
from aimon_nb.capture.context import (
    PROPAGATED,
    attach,
    current_context,
    current_run,
    started_at,
    this_thread,
)
from aimon_nb.capture.hooks import Patches, named_like
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.items import current_item, hold_begun
from aimon_nb.capture.left_loops import end_with
from aimon_nb.model.caller import Caller
from aimon_nb.model.errors import BudgetExceeded, RefusedInPoolError, RequestRefusedError

_EMPTY = (None,) * len(PROPAGATED)
_STARTED_AT = PROPAGATED.index(started_at)
_POOLS = ("concurrent.futures.thread", "multiprocessing.pool")
_ITEM = "_aimon_nb_item"  # of a thread that has not ended
_CONTEXT = "_aimon_nb_place"  # of a thread or job that has not begun yet


def install_thread_propagation(patches: Patches) -> None:
    """Let new threads and pool jobs start where they were made.

    Outside of what may fail there: no traceback of the user's shows a frame of ours.
    """
    patches.wrap(threading.Thread, "start", functools.partial(_keep_context_of_thread, patches))
    patches.wrap(threading.Thread, "_bootstrap_inner", _bootstrap_in_context)
    patches.wrap(_WorkItem, "__init__", functools.partial(_keep_context_of_job, patches))
    patches.wrap(_WorkItem, "run", _run_in_context)
    patches.set_attribute(threading, "excepthook", _without_refused(patches, threading.excepthook))
    patches.wrap(
        asyncio.BaseEventLoop, "create_task", functools.partial(_keep_place_of_task, patches)
    )
    patches.wrap(
        asyncio.BaseEventLoop,
        "default_exception_handler",
        functools.partial(_without_refused_tasks, patches),
    )
    patches.on_import("multiprocessing.pool", functools.partial(_install_pool_propagation, patches))


def _install_pool_propagation(patches: Patches, module: types.ModuleType) -> None:
    pool = module.ThreadPool  # its methods are those of the pool of processes, which would pickle
    for name in ("apply_async", "_map_async", "imap", "imap_unordered"):
        patches.set_attribute(pool, name, _propagating(patches, getattr(pool, name)))


def _context_here() -> tuple[Any, ...]:
    """Return the context that what begins here gets: this place is where it was begun."""
    if current_run.get() is None:
        return current_context()
    values = current_context()
    return (*values[:_STARTED_AT], find_beginner(), *values[_STARTED_AT + 1 :])


def _begin(place: tuple[Any, ...]) -> tuple[tuple[Any, ...], Caller | None]:
    """A job stands at this place; return where its thread stood before."""
    before = current_context(), this_thread.job_begun_at
    attach(place)
    this_thread.job_begun_at = place[_STARTED_AT]
    return before


def _leave(place: tuple[Any, ...], begun_at: Caller | None) -> None:
    attach(place)
    this_thread.job_begun_at = begun_at


def _keep_place_of_task(patches: Patches, original: Callable[..., Any]) -> Callable[..., Any]:
    def create_task(self: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        if not patches.live or current_run.get() is None:
            return original(self, *args, **kwargs)
        before = started_at.get()
        started_at.set(find_beginner())  # the task copies the context as it is made
        try:
            task = original(self, *args, **kwargs)
        finally:
            started_at.set(before)
        made_at = getattr(task, "_source_traceback", None)
        if made_at:  # in a loop's debug mode: asyncio takes its own frame out, and this is ours
            made_at.pop()
        if current_item.get() is not None:
            _release_when_done(task)
        return task

    return create_task


def _keep_context_of_thread(patches: Patches, original: Callable[..., Any]) -> Callable[..., Any]:
    def start(self: threading.Thread) -> Any:
        # The one frame of ours in the traceback where no thread can be started.
        __tracebackhide__ = True
        # No tracked call above: the error of a thread reaches nobody who started it.
        place = (*_context_here()[:-1], None)
        if patches.live and place != _EMPTY and not _is_pool_worker(self):
            self.__dict__[_CONTEXT] = place
            if current_item.get() is not None:
                self.__dict__[_ITEM] = hold_begun()
        try:
            return original(self)
        except BaseException:
            self.__dict__.pop(_CONTEXT, None)
            _release_item(self)
            raise

    return start


def _bootstrap_in_context(original: Callable[..., Any]) -> Callable[..., Any]:
    def _bootstrap_inner(self: threading.Thread) -> Any:
        place = self.__dict__.pop(_CONTEXT, None)
        if place is not None:
            own = getattr(self, "_context", None)  # Python 3.14 runs a thread in one
            attach(place) if own is None else own.run(attach, place)
        try:
            return original(self)
        finally:
            _release_item(self)

    return _bootstrap_inner


def _release_item(thread: threading.Thread) -> None:
    open_item = thread.__dict__.pop(_ITEM, None)
    if open_item is not None:
        open_item.release()


def _release_when_done(future: Any) -> None:
    """Have the item of the code that runs wait for a task or a job, unless a library began it."""
    with internal_errors.suppress("having an item wait"):
        open_item = hold_begun()
        if open_item is not None and not open_item.item.is_left:
            # Else what runs in it began it.
            future.add_done_callback(functools.partial(end_with, open_item))
        if open_item is not None and isinstance(future, asyncio.Task):
            open_item.hold_task(future)
        elif open_item is not None:
            future.add_done_callback(open_item.release)


def _without_refused(patches: Patches, original: Callable[..., Any]) -> Callable[..., Any]:
    """Return a hook that prints no traceback of a thread whose call a budget refused.

    The cell ends with that error, however many threads have it.
    """

    def excepthook(args: Any) -> Any:
        return None if patches.live and _is_told_by_run(args.exc_value) else original(args)

    hook: Callable[..., Any] = named_like(original, excepthook)
    return hook


def _without_refused_tasks(patches: Patches, original: Callable[..., Any]) -> Callable[..., Any]:
    """Do the same for a task that nobody awaited."""

    def default_exception_handler(self: Any, context: dict[str, Any]) -> None:
        if not (patches.live and _is_told_by_run(context.get("exception"))):
            original(self, context)

    return default_exception_handler


def _is_told_by_run(error: object) -> bool:
    return isinstance(error, BudgetExceeded) and error.is_told_by_run


def _is_pool_worker(thread: threading.Thread) -> bool:
    """A pool's worker outlives the job it was started for: it has no place of its own."""
    return getattr(getattr(thread, "_target", None), "__module__", None) in _POOLS


def _keep_context_of_job(patches: Patches, original: Callable[..., Any]) -> Callable[..., Any]:
    def __init__(self: Any, *args: Any) -> None:
        original(self, *args)
        place = _context_here()
        if patches.live and place != _EMPTY:
            self.__dict__[_CONTEXT] = place
            if current_item.get() is not None:
                _release_when_done(self.future)

    return __init__


def _run_in_context(original: Callable[..., Any]) -> Callable[..., Any]:
    def run(self: Any, *args: Any) -> Any:
        place = self.__dict__.pop(_CONTEXT, None)
        if place is None:
            return original(self, *args)
        before = _begin(place)
        try:
            return original(self, *args)
        finally:
            _leave(*before)

    return run


def _propagating(patches: Patches, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def method(self: Any, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        place = _context_here()
        if patches.live and place != _EMPTY:
            func = named_like(func, _in_context(place, func))
        return original(self, func, *args, **kwargs)

    return method


def _in_context(place: tuple[Any, ...], func: Callable[..., Any]) -> Callable[..., Any]:
    def carried(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        before = _begin(place)
        try:
            return func(*args, **kwargs)
        except RequestRefusedError as error:
            # The pool catches no other, and nobody would ever hear of the job again.
            raise RefusedInPoolError(str(error)) from error
        finally:
            _leave(*before)

    return carried
