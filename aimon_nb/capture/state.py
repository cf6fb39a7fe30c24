"""The state of a run and of a span while they are open."""

from __future__ import annotations

import asyncio
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from aimon_nb.capture.limits import SpanLimit
from aimon_nb.model import Run

if TYPE_CHECKING:
    from aimon_nb.model import Frame, Span, SpanStatus


class CapturedRequest(Protocol):
    """What the recorder needs to know of a request to a model and its answer."""

    open_span: OpenSpan
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

    ended: bool


TaskAndThread = tuple["weakref.ref[asyncio.Task[Any]] | None", "weakref.ref[threading.Thread]"]

# static · stream · noop (unsampled in the stream lifecycle) · dropped (the static
# API in the stream lifecycle) · bare (no SDK object at all)
SdkSpanKind = Literal["static", "stream", "noop", "dropped", "bare"]


class OpenSpan:
    """A span while it is open: the little that must be known at once.

    Everything else is read from the SDK's own object (`sdk`) when the record is
    built, away from the user's thread.
    """

    # Defaults stand on the class: to make one costs the user's thread only what differs.
    span_id: str
    kept_attributes: dict[str, Any]  # attributes of a span whose SDK object keeps none
    parent: OpenSpan | None = None
    entered_from: OpenSpan | None = None  # what was current when this one was entered
    t1: int | None = None
    # status, type, message, and the frames it came through
    error: tuple[SpanStatus, str, str, tuple[Frame, ...]] | None = None
    model_request: CapturedRequest | None = None
    is_duplicate = False  # a framework's span over the same request
    entered = False
    made_by_us = False  # by the wire
    task_and_thread: TaskAndThread | None = None
    is_recorded = False  # its start, into a record
    span: Span | None = None

    def __init__(self, sdk: Any, kind: SdkSpanKind, run_state: RunState, t0: int) -> None:
        self.sdk, self.kind, self.run_state, self.t0 = sdk, kind, run_state, t0

    @property
    def is_answered(self) -> bool:
        """Whether its request was answered well (or is being read): nobody's parent any more."""
        return self.model_request is not None and self.model_request.good is True

    @property
    def accepts_request(self) -> bool:
        """Whether it can take a request: none yet, or the last one failed."""
        return self.model_request is None or self.model_request.good is False


@dataclass(slots=True, eq=False)
class RunState:
    """A run while it is written: the plain `run` and what only the recorder needs."""

    run: Run
    t0: int
    root: OpenSpan | None = None
    open_spans: dict[OpenSpan, None] = field(default_factory=dict)
    requests: dict[CapturedRequest, None] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    captured: list[BaseException] = field(default_factory=list)  # sent to Sentry already
    span_limit: SpanLimit = field(default_factory=SpanLimit)
    faults_before: int = 0
    ending: bool = False  # its last news waits until all of it is known
    closed: bool = False
    quiet: bool = False  # nobody asked for this run: it is none until it has a model call
    stop: bool = False  # interrupted: no model call is sent any more
    unpriced: set[str] = field(default_factory=set)  # changed since the run was added up
    price_at: float = 0.0  # when it may be added up again

    @property
    def may_price(self) -> bool:
        """Whether the run is to be added up now: at its end always."""
        return not self.run.running or time.monotonic() >= self.price_at

    @property
    def has_news(self) -> bool:
        """Whether there is something new to show."""
        news = self.changed or (self.unpriced and self.may_price)
        return bool(news) and not self.ending

    def seconds(self, t: int) -> float:
        """From the start of the run to `t`."""
        return (t - self.t0) / 1e9
