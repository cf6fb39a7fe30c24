"""Which item of the user's batch code is in, and when an item is done.

The item stands in a ContextVar, which tasks copy and `propagation` takes into threads and jobs
of pools. An item is done when the user's code has left it and nothing that it waits for is
open: a model call, or a task, thread or job that the user's own code began in it. Those that
a library began may go on for ever.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from contextvars import ContextVar
from datetime import date
from functools import lru_cache
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

from aimon_nb.capture.exceptions import describe, status_of_item
from aimon_nb.capture.redact import redact_secrets
from aimon_nb.model.code_files import is_users
from aimon_nb.model.errors import BudgetExceeded
from aimon_nb.model.item import Batch, Item, ItemKey, ItemStatus

if TYPE_CHECKING:
    import asyncio
    from collections import deque

    from aimon_nb.capture.budget import Budget
    from aimon_nb.capture.state import OpenRequest, OpenSpan, RunState

Request = TypeVar("Request", bound="OpenRequest")
current_item: ContextVar[OpenItem | None] = ContextVar("aimon_nb_item", default=None)
# Through these a task, thread or job is begun for the code that called them.
_BEGINNERS = (
    *("asyncio", "concurrent.futures", "threading", "multiprocessing.pool", "aimon_nb"),
    # What wraps these for its own context.
    *("sentry_sdk", "opentelemetry", "wrapt", "ddtrace", "logfire"),
)
_MOST_FRAMES = range(20)
_is_users = lru_cache(maxsize=1000)(is_users)


class OpenItem:
    """An item while anything of it is open; an event, too: it was begun, left or done."""

    __slots__ = (
        *("_lock", "_log", "_open"),
        *("around", "batch", "budgets", "item", "outer", "run_state"),
    )

    def __init__(
        self,
        item: Item,
        batch: Batch | None,
        run_state: RunState,
        log: deque[Any],
        outer: OpenItem | None,
        around: OpenItem | None,
        budget: Budget | None,
    ) -> None:
        self.item, self.batch, self.run_state, self.outer = item, batch, run_state, outer
        # What is open in it is open in this one, too, which may have been left before.
        self.around = around
        self._lock, self._log, self._open = run_state.items.lock, log, 0
        # Of its loop, and of those around it.
        self.budgets: tuple[Budget, ...] = () if outer is None else outer.budgets
        if budget is not None:
            self.budgets = (budget, *self.budgets)

    def hold(self) -> None:
        """One thing more is open that it waits for."""
        with self._lock:
            self._open += 1
            if self.item.is_done:
                # A task of a library's goes on: it was too early.
                self._set_done(is_done=False)
            if self.around is not None:
                self.around.hold()

    def release(self, _: object = None) -> None:
        """One of these has ended."""
        with self._lock:
            self._open -= 1
            self._look()
            if self.around is not None:
                self.around.release()

    def hold_task(self, task: asyncio.Task[Any]) -> None:
        """It waits for a task, which cannot run while code waits for it in its loop's thread."""
        loop = task.get_loop()
        with self._lock:
            self.run_state.items.tasks[loop] += 1
        task.add_done_callback(self._release_task)

    def _release_task(self, task: asyncio.Task[Any]) -> None:
        tasks, loop = self.run_state.items.tasks, task.get_loop()
        with self._lock:
            tasks[loop] -= 1
            if tasks[loop] <= 0:
                del tasks[loop]
        self.release()

    def leave(self, error: BaseException | None = None) -> None:
        """The user's code has left it, with this exception or without one."""
        with self._lock:
            item = self.item
            if item.is_left:
                return
            item.is_left = True
            if error is not None:
                item.status = status_of_item(error)
                item.error_type, item.error = describe(error)
            self._look()
        self._log.append(self)

    def refuse(self, error: BaseException) -> None:
        """A call of it was not sent."""
        with self._lock:
            self.item.status = "error" if isinstance(error, BudgetExceeded) else "interrupted"
            self.item.is_refused = True
            self.item.error_type, self.item.error = describe(error)

    def _look(self) -> None:
        if self.item.is_left and not self._open and not self.item.is_done:
            self._set_done(is_done=True)

    def _set_done(self, *, is_done: bool) -> None:
        self.item.is_done = is_done
        if self.item.status in ("running", "ok"):
            self.item.status = "ok" if is_done else "running"
        # One of which nothing was sent, for a budget did not allow it, is over, and not done.
        if self.batch is not None and (self.item.is_sent or not self.item.is_refused):
            self.batch.done += 1 if is_done else -1
        if is_done:
            self.run_state.items.done.notify_all()
        self._log.append(self)


class RunItems:
    """The items of one run: their numbers, and how often each key came."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.done = threading.Condition(self.lock)  # an item is
        # How many tasks of an event loop items wait for.
        self.tasks: Counter[asyncio.AbstractEventLoop] = Counter()
        # As in a dict, and for a join of pandas', 1, 1.0 and True are one key.
        self._repeats: Counter[ItemKey] = Counter()

    def begin(
        self,
        key: Any,
        run_state: RunState,
        log: deque[Any],
        batch: Batch | None,
        *,
        keeps_key: bool,
        budget: Budget | None = None,
    ) -> OpenItem:
        """Begin an item of a run: what runs from here on, until it is left, is of it."""
        outer = not_left(current_item.get())
        around = _around(outer, run_state, batch)
        inside = None if around is None else around.item.number
        with self.lock:
            number = len(run_state.run.items) + 1
            plain = plain_key(key, number)
            self._repeats[plain] += 1
            of_batch = None if batch is None else run_state.run.batches.index(batch)
            repeat = self._repeats[plain]
            item = Item(plain, number, repeat, keeps_key, of_batch, inside)
            run_state.run.items.append(item)
            if batch is not None:
                batch.begun += 1
        open_item = OpenItem(item, batch, run_state, log, outer, around, budget)
        current_item.set(open_item)
        return open_item

    def end(self, run_state: RunState) -> None:
        """The run is over: what nobody has left was abandoned, or ended with it."""
        run = run_state.run
        status: ItemStatus = "abandoned" if run.status == "ok" else "error"
        with self.lock:
            for item in run.items:
                if not item.is_done and item.status == "running":
                    item.status = "interrupted" if run.status == "interrupted" else status
            for batch in run.batches:
                batch.is_over = True


def not_left(open_item: OpenItem | None) -> OpenItem | None:
    """Return the nearest item that the user's code has not left: itself, or one around it."""
    while open_item is not None and open_item.item.is_left:
        open_item = open_item.outer
    if open_item is not None:
        # Loops that take turns (`zip`) would make a chain as long as their rows.
        open_item.outer = not_left(open_item.outer)
    return open_item


def _around(
    open_item: OpenItem | None, run_state: RunState, batch: Batch | None
) -> OpenItem | None:
    """Return the item of this run that a new one is inside of.

    Of loops that take turns (`zip`) the second one's are inside the first one's, whose next is
    beside the one before.
    """
    if open_item is None or open_item.run_state is not run_state:
        return None
    sibling: OpenItem | None = open_item
    while sibling is not None:
        if batch is not None and sibling.batch is batch:
            return sibling.around
        sibling = sibling.around
    return open_item


def leave(open_item: OpenItem, error: BaseException | None = None) -> None:
    """Leave an item: the code that goes on is of the one around it, if of any."""
    open_item.leave(error)
    # In another context, where a loop is thrown away, say, another one stands.
    if current_item.get() is open_item:
        current_item.set(not_left(open_item.outer))


def item_of(open_span: OpenSpan | None, run_state: RunState) -> OpenItem | None:
    """Return the item that a span is of: where it was made, else that of a span above it."""
    if not run_state.run.items:
        return None
    while open_span is not None:
        if open_span.item is not None and open_span.item.run_state is run_state:
            return open_span.item
        open_span = open_span.parent
    return None


def hold_request(request: Request) -> Request:
    """Have the item of a request that is about to be sent wait for its answer; return it."""
    open_span = request.open_span
    request.item = item_of(open_span, open_span.run_state)
    if request.item is not None:
        request.item.hold()
    return request


def hold_begun() -> OpenItem | None:
    """Have the item that code is in wait for a task, thread or job that the user begins here.

    Returns the item, of which `release` is to be called; None where there is none, or where a
    library begins it.
    """
    open_item = current_item.get()
    if open_item is None or not _is_begun_by_user(sys._getframe(1)):
        return None
    open_item.hold()
    return open_item


def _is_begun_by_user(frame: FrameType | None) -> bool:
    for _ in _MOST_FRAMES:
        if frame is None:
            break
        name = frame.f_globals.get("__name__")
        if not (isinstance(name, str) and name.startswith(_BEGINNERS)):
            return _is_users(frame.f_code.co_filename)
        frame = frame.f_back
    return False


def plain_key(value: Any, number: int) -> ItemKey:
    """Return a key as plain data of its own type: a run holds no object of the user's.

    What is no number, text, date or tuple of these is its text; what has none, or is no
    value at all (None, NaN), is the item's number.
    """
    if type(value) in (int, bool):
        return value  # type: ignore[no-any-return]
    try:
        if isinstance(value, tuple):
            return tuple(plain_key(part, number) for part in value)
        if type(value).__module__ == "numpy" and callable(getattr(value, "item", None)):
            value = value.item()
        if value is None or value != value:  # noqa: PLR0124 (NaN, NaT)
            return f"#{number}"
        if isinstance(value, (int, float, date)):
            return value
        # A key of an API's is in no record.
        return redact_secrets(str.__str__(str(value)))
    except Exception:
        # A `__str__`, or a comparison, of the user's may do anything.
        return f"#{number}"
