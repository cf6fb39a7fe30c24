"""Where code stands: the run, the span it is in, the pipeline.

Sentry's scopes are shared between the tasks of one `gather`, so its parents are
wrong there. Ours live in ContextVars, which tasks copy; threads and pools do
not, so while we are loaded those carry our variables (and only ours) along.
"""

from __future__ import annotations

import asyncio
import functools
import threading
import types
import weakref
from collections.abc import Callable
from concurrent.futures.thread import _WorkItem
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Literal, Protocol

from aimon_nb.recording.patches import Patches, named_like

if TYPE_CHECKING:
    from aimon_nb.model import Frame, Span, SpanStatus
    from aimon_nb.recording.records import Recording


class Exchange(Protocol):
    """What the recording needs to know of a request to a model and its answer."""

    node: Node
    good: bool | None
    over: bool
    is_read: bool  # to its end, by us
    settled: bool

    @property
    def ready(self) -> bool:
        """Whether it can be settled."""

    def read(self) -> bool:
        """Take in what has arrived; True if the record changed. Never on the user's path."""

    def record(self) -> None:
        """Bring the record of its span up to date."""

    def settle(self) -> None:
        """Put usage on Sentry's span, and end that span if we made it."""

    def hold(self, end: Callable[[], Any]) -> bool:
        """Keep the end of Sentry's span until usage is on it; False if it is too late to."""

    def leave(self) -> None:
        """Nobody will read the rest of the answer."""


class TrackedCall(Protocol):
    """A call of a function under `ai_track`."""

    over: bool


Home = tuple["weakref.ref[asyncio.Task[Any]] | None", "weakref.ref[threading.Thread]"]

# static · stream · noop (unsampled in the stream lifecycle) · dropped (the static
# API in the stream lifecycle) · bare (no SDK object at all)
Kind = Literal["static", "stream", "noop", "dropped", "bare"]


class Node:
    """A span while it is open: the little that must be known at once.

    Everything else is read from the SDK's own object (`sdk`) when the record is
    built, away from the user's thread.
    """

    # Defaults stand on the class: to make one costs the user's thread only what differs.
    span_id: str
    kept: dict[str, Any]  # attributes of a span whose SDK object keeps none
    parent: Node | None = None
    up: Node | None = None  # what was current when this one was entered
    t1: int | None = None
    # status, type, message, and the frames it came through
    error: tuple[SpanStatus, str, str, tuple[Frame, ...]] | None = None
    exchange: Exchange | None = None
    covers = False  # a framework's span over the same request
    entered = False
    made = False  # by the wire
    home: Home | None = None
    taken = False  # its start, into a record
    record: Span | None = None

    def __init__(self, sdk: Any, kind: Kind, recording: Recording, t0: int) -> None:
        self.sdk, self.kind, self.recording, self.t0 = sdk, kind, recording, t0

    @property
    def spent(self) -> bool:
        """Whether its request was answered well (or is being read): nobody's parent any more."""
        return self.exchange is not None and self.exchange.good is True

    @property
    def takes(self) -> bool:
        """Whether it can take a request: none yet, or the last one failed."""
        return self.exchange is None or self.exchange.good is False


current: ContextVar[Node | None] = ContextVar("aimon_nb_span", default=None)
recording: ContextVar[Recording | None] = ContextVar("aimon_nb_run", default=None)
pipeline: ContextVar[str | None] = ContextVar("aimon_nb_pipeline", default=None)
tracked: ContextVar[TrackedCall | None] = ContextVar("aimon_nb_tracked", default=None)
_CARRIED: tuple[ContextVar[Any], ...] = (recording, current, pipeline, tracked)

# The notebook's own (`%ai_pipeline`): for code in no pipeline of its own. A plain
# variable, for what an async cell sets in a ContextVar dies with its task.
default_pipeline: str | None = None


def pipeline_name() -> str | None:
    """The pipeline that code runs in."""
    return pipeline.get() or default_pipeline


def live(node: Node | None) -> Node | None:
    """The nearest span that may be a parent: open and, when a call, not answered yet.

    The walk ends: `up` is set once, before a span is current, and `parent` at birth.
    """
    while node is not None:
        if node.t1 is not None:
            node = node.up
        elif node.exchange is not None and node.exchange.good is True:
            node = node.parent
        else:
            return node
    return None


def home() -> Home:
    """The (task, thread) that runs now: references, for a dead one's id is soon another's."""
    thread = weakref.ref(threading.current_thread())
    try:
        task = asyncio.current_task()
    except RuntimeError:
        task = None
    return (None if task is None else weakref.ref(task)), thread


def carry(patches: Patches) -> None:
    """Let new threads and pool jobs start where they were made.

    Outside of what may fail there: no traceback of the user's shows a frame of ours.
    """
    patches.wrap(threading.Thread, "start", functools.partial(_start, patches))
    patches.wrap(threading.Thread, "_bootstrap_inner", _begin)
    patches.wrap(_WorkItem, "__init__", functools.partial(_submit, patches))
    patches.wrap(_WorkItem, "run", _work)
    patches.on_import("multiprocessing.pool", functools.partial(_carry_pool, patches))


def _carry_pool(patches: Patches, module: types.ModuleType) -> None:
    pool = module.ThreadPool  # its methods are those of the pool of processes, which would pickle
    for name in ("apply_async", "_map_async", "imap", "imap_unordered"):
        patches.put(pool, name, _pooled(patches, getattr(pool, name)))


def here() -> tuple[Any, ...]:
    """Where the code that runs now stands."""
    return tuple(var.get() for var in _CARRIED)


def put(place: tuple[Any, ...]) -> None:
    """Stand there. Never `reset(token)`: a cell or a generator may end in another context."""
    for var, value in zip(_CARRIED, place, strict=True):
        var.set(value)


_NOWHERE = (None,) * len(_CARRIED)
_POOLS = ("concurrent.futures.thread", "multiprocessing.pool")
_PLACE = "_aimon_nb_place"  # of a thread or job that has not begun yet


def _start(patches: Patches, original: Callable[..., Any]) -> Callable[..., Any]:
    def start(self: threading.Thread) -> Any:
        # No tracked call above: the error of a thread reaches nobody who started it.
        place = (*here()[:-1], None)
        if patches.live and place != _NOWHERE and not _serves_a_pool(self):
            self.__dict__[_PLACE] = place
        return original(self)

    return start


def _begin(original: Callable[..., Any]) -> Callable[..., Any]:
    def _bootstrap_inner(self: threading.Thread) -> Any:
        place = self.__dict__.pop(_PLACE, None)
        if place is not None:
            own = getattr(self, "_context", None)  # Python 3.14 runs a thread in one
            put(place) if own is None else own.run(put, place)
        return original(self)

    return _bootstrap_inner


def _serves_a_pool(thread: threading.Thread) -> bool:
    """A pool's worker outlives the job it was started for: it has no place of its own."""
    return getattr(getattr(thread, "_target", None), "__module__", None) in _POOLS


def _submit(patches: Patches, original: Callable[..., Any]) -> Callable[..., Any]:
    def __init__(self: Any, *args: Any) -> None:
        original(self, *args)
        place = here()
        if patches.live and place != _NOWHERE:
            self.__dict__[_PLACE] = place

    return __init__


def _work(original: Callable[..., Any]) -> Callable[..., Any]:
    def run(self: Any, *args: Any) -> Any:
        place = self.__dict__.pop(_PLACE, None)
        if place is None:
            return original(self, *args)
        before = here()
        put(place)
        try:
            return original(self, *args)
        finally:
            put(before)

    return run


def _pooled(patches: Patches, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def method(self: Any, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        place = here()
        if patches.live and place != _NOWHERE:
            func = named_like(func, _at(place, func))
        return original(self, func, *args, **kwargs)

    return method


def _at(place: tuple[Any, ...], func: Callable[..., Any]) -> Callable[..., Any]:
    def carried(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        before = here()
        put(place)
        try:
            return func(*args, **kwargs)
        finally:
            put(before)

    return carried
