"""The state of a run and of a span while they are open."""

from __future__ import annotations

import asyncio
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from aimon_nb.capture.caller_lines import CallerLines
from aimon_nb.capture.exceptions import ERROR_LENGTH
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.items import OpenItem, RunItems, current_item
from aimon_nb.capture.left_loops import LeftLoops
from aimon_nb.capture.limits import SpanLimit
from aimon_nb.capture.redact import redact_secrets
from aimon_nb.capture.span_adapter import SpanAdapter
from aimon_nb.capture.step_content import NOT_TAKEN
from aimon_nb.model import Frame, ModelCall, Run, Span
from aimon_nb.model.caller import Caller
from aimon_nb.model.errors import BudgetExceeded
from aimon_nb.model.span import SpanStatus

if TYPE_CHECKING:
    from aimon_nb.capture.budget import Budget

RequestProgress = Literal["sent", "receiving", "done"]


class OpenRequest:
    """The state of a request to a model that spans and their parents depend on.

    `ok` is None before the answer's head, then whether the model answers (a redirect
    does not). `progress` is written by the user's thread, `settled` by ours.
    """

    # Defaults stand on the class: to make one costs the user's thread only what differs.
    open_span: OpenSpan
    progress: RequestProgress = "sent"
    ok: bool | None = None
    caller: Caller = ()  # the user's code that sends it
    settled = False  # usage is on Sentry's span, and its end is not deferred any more
    item: OpenItem | None = None  # of the user's batch, which waits for the answer
    budgets: tuple[Budget, ...] = ()  # in which it is reserved

    def __init__(self) -> None:
        self._deferred_ends: list[Callable[[], Any]] = []

    @property
    def is_done(self) -> bool:
        """Whether the last byte is here, or nobody will read on."""
        return self.progress == "done"

    def tell_ended(self) -> None:
        """Tell whoever waits for its end: its budgets, and its item."""
        for budget in self.budgets:
            budget.ended.append(self)
        if self.item is not None:
            self.item.release()

    def requested_model(self) -> str | None:
        """Return the model that the request names; on our thread, for it may have to be read."""
        return None

    def defer_end(self, end: Callable[[], Any]) -> bool:
        """Keep the end of Sentry's span until usage is on it; False if it is too late to."""
        self._deferred_ends.append(end)
        if not self.settled:
            return True
        # Settled meanwhile, by our thread: it took this end along, or never saw it.
        try:
            self._deferred_ends.remove(end)
        except ValueError:
            return True
        return False

    def run_deferred_ends(self) -> None:
        """End Sentry's spans that waited for their usage."""
        while self._deferred_ends:
            with internal_errors.suppress("ending a span whose end was deferred"):
                self._deferred_ends.pop(0)()


class TrackedCall(Protocol):
    """A call of a function under `ai_track`."""

    ended: bool


TaskAndThread = tuple["weakref.ref[asyncio.Task[Any]] | None", "weakref.ref[threading.Thread]"]


class OpenSpan:
    """A span while it is open: the little that must be known at once.

    Everything else is read from the SDK's own object (`sdk`) when the record is
    built, away from the user's thread.
    """

    # Defaults stand on the class: to make one costs the user's thread only what differs.
    span_id: str
    attributes: dict[str, Any]  # the SDK object's own, or ours where it keeps none
    parent: OpenSpan | None = None
    entered_from: OpenSpan | None = None  # what was current when this one was entered
    t1: int | None = None
    # status, type, message, and the frames it came through
    error: tuple[SpanStatus, str, str, tuple[Frame, ...]] | None = None
    model_request: OpenRequest | None = None
    call_update: CallUpdate | None = None  # the latest; our thread's
    caller: Caller = ()  # the user's code that asked, of a call without a request
    is_duplicate = False  # a framework's span over the same request
    is_part = False  # a request of a batch, whose row is above
    is_alias = False  # another row says what it says
    is_unsent = False  # it came when Sentry's span of its call had ended
    entered = False
    token: Any = None  # OpenTelemetry's, of one that is its current span, until it is detached
    made_by_us = False  # by the wire, or for a framework's step
    source: Any = None  # another library's span that tells of it; `sdk` is Sentry's for it
    has_call_below = False  # a request was sent below it
    step_input: Any = NOT_TAKEN  # snapshots of what went in and came out, until a record has them
    step_output: Any = NOT_TAKEN
    sdk_parent: Any = None  # the SDK's object above one that is held: its own may be let go of
    task_and_thread: TaskAndThread | None = None
    is_recorded = False  # its start, into a record
    is_end_recorded = False
    item: OpenItem | None = None  # of the user's batch, in which it was made
    span: Span | None = None

    def __init__(self, sdk: Any, adapter: SpanAdapter, run_state: RunState, t0: int) -> None:
        self.sdk, self.adapter, self.run_state, self.t0 = sdk, adapter, run_state, t0
        item = current_item.get()
        if item is not None:
            self.item = item

    def release(self) -> None:
        """Let go of what it is read from: all of it is in its record."""
        self.sdk = self.source = None

    def set_error(self, kind: str, message: str) -> None:
        """Note that it failed, of which its framework made words: no exception leaves it."""
        if self.error is None:
            self.error = ("error", kind, redact_secrets(message)[:ERROR_LENGTH], ())

    @property
    def is_answered(self) -> bool:
        """Whether its request was answered well (or is being read): nobody's parent any more."""
        return self.model_request is not None and self.model_request.ok is True

    @property
    def accepts_request(self) -> bool:
        """Whether it can take a request: none yet, or the last one failed."""
        return self.model_request is None or self.model_request.ok is False

    def note_call(self) -> None:
        """Tell the spans above that a request is sent below them."""
        above = self.parent
        while above is not None and not above.has_call_below:
            above.has_call_below = True
            above = above.parent


@dataclass(slots=True, eq=False)
class CallUpdate:
    """What is known of a call on the wire now: the event that its reader posts to the recorder.

    `status` and `error` tell how the call ended and are None while nothing is wrong with it;
    times are in seconds.
    """

    open_span: OpenSpan
    request: OpenRequest
    call: ModelCall
    attempt: int
    is_read: bool  # to its end
    abandoned: bool  # the run ended before the answer did
    is_earlier_attempt: bool  # a retry took its span: this one is not at Sentry
    retry_group: int | None = None  # shared by the attempts at one request
    ttft: float | None = None
    duration: float | None = None  # None until the answer is over
    status: SpanStatus | None = None
    error: tuple[str, str | None] | None = None  # type, message
    frames: tuple[Frame, ...] = ()  # the way a failure took, or where the call was made
    not_sent: bool = False  # a budget or an interrupt refused it: there was no call


@dataclass(slots=True, eq=False)
class UnreadRequest:
    """A request that may have been billed, and of which nobody can tell what: an event, too."""

    open_span: OpenSpan
    host: str
    path: str


@dataclass(slots=True, eq=False)
class ForeignCall:
    """A call of code that another cell began, while this run is the only open one: an event, too.

    It is in no run. `is_request`: it crosses the wire; a span without one may be around it.
    """

    run_state: RunState
    is_request: bool


@dataclass(slots=True, eq=False)
class RunState:
    """A run while it is written: the plain `run` and what only the recorder needs."""

    run: Run
    t0: int
    root: OpenSpan | None = None
    open_spans: dict[OpenSpan, None] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    captured: list[BaseException] = field(default_factory=list)  # sent to Sentry already
    span_limit: SpanLimit = field(default_factory=SpanLimit)
    keeps_content: bool = True  # prompts, answers, arguments, results, and what crossed the wire
    takes_content: bool = True  # of steps, where they do not say: what went in and came out
    faults_before: int = 0
    has_thread: bool = True  # of ours, which brings it up to date while it is open
    has_request: bool = False  # to a model: its price will be wanted
    ending: bool = False  # its last news waits until all of it is known
    closed: bool = False
    forgotten: bool = False  # no longer in memory: what still comes of it is of no use
    quiet: bool = False  # not shown, listed or sent until it has a model call (`auto`)
    may_be_sent: bool = True  # to Sentry: one that `auto` opened only if the user says so
    unfinished: list[Span] = field(default_factory=list)  # whose answers it did not wait for
    told_others: bool = False  # usage was told in it that is another run's
    stop: bool = False  # interrupted: no model call is sent any more
    has_stopped_calls: bool = False  # and so some were not
    unpriced: set[str] = field(default_factory=set)  # changed since the run was added up
    price_at: float = 0.0  # when it may be added up again
    forecast_at: float = 0.0  # when its batches may be forecast again
    outer_id: str | None = None  # of the run that it was opened in
    untracked_cell: int | None = None  # the one it was opened in, if that has no run of its own
    callers: dict[str | None, CallerLines] = field(default_factory=dict)
    items: RunItems = field(default_factory=RunItems)
    left_loops: LeftLoops = field(default_factory=LeftLoops)
    budgets: tuple[Budget, ...] = ()  # its own, those of the runs around it, the kernel's
    refusal: BudgetExceeded | None = None  # the first call of it that a budget did not allow
    outer: RunState | None = None  # the open run that it was opened in
    foreign_requests: int = 0
    foreign_spans: int = 0
    # Spans that ended with content, which is to be packed; and those whose content is, by their
    # ids, with the bytes of it that are not.
    fresh_content: deque[Span] = field(default_factory=deque)
    kept_content: dict[str, tuple[Span, int]] = field(default_factory=dict)

    @property
    def may_price(self) -> bool:
        """Whether the run is to be added up now: at its end always."""
        return not self.run.running or time.monotonic() >= self.price_at

    def seconds(self, t: int) -> float:
        """From the start of the run to `t`."""
        return (t - self.t0) / 1e9
