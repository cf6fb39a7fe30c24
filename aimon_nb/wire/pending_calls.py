"""Calls whose answers are under way: read, posted to the recorder, and settled at Sentry.

The user's thread keeps the bytes (`wire.model_request`). Ten times a second, and whenever
somebody wants to know, the recorder polls this source: each answer is read as far as it
has come, and what is new of its call is posted as a `CallUpdate`.
"""

from __future__ import annotations

import time
from collections import deque
from datetime import datetime, timezone

from aimon_nb.capture.event_log import EventLog, PolledSource
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.span_adapter import Ending
from aimon_nb.capture.state import CallUpdate, OpenSpan, RunState, UnreadRequest
from aimon_nb.model import SpanStatus
from aimon_nb.model.span import CALL_OPS
from aimon_nb.sentry.adapters import attribute
from aimon_nb.sentry.call_attributes import call_attributes
from aimon_nb.wire.deferred import Asker, deferred
from aimon_nb.wire.known_paths import shown_path
from aimon_nb.wire.model_request import ModelRequest
from aimon_nb.wire.response_reader import ResponseReader
from aimon_nb.wire.server_tool_rows import add_server_tools
from aimon_nb.wire.unread import unread_requests


class PendingCall:
    """A call until its answer is read and its span is settled.

    It is `abandoned` when its run ends before the answer: its span ends then, here and at
    Sentry. What still comes (a thread that goes on, a stream read in the next cell) is read
    all the same.
    """

    def __init__(self, model_request: ModelRequest) -> None:
        self.model_request = model_request
        self.abandoned = False
        self.asker: Asker | None = None  # where a GET tells its usage
        self._reader = ResponseReader(model_request)
        self._is_new = True

    def advance(self) -> CallUpdate | UnreadRequest | None:
        """Read what has arrived and settle what can be; return what is new of the call."""
        has_news = self._reader.read() or self._is_new
        if has_news:
            deferred.note(self, is_read=self._reader.is_read)
        if self.model_request.is_held and not self._is_a_call():
            return self._unread()
        if self._reader.is_read:
            self.model_request.body = None  # its span may end, and be settled, much later
        self._is_new = False
        if self._waits and self.model_request.open_span.made_by_us:
            _end_record(self.model_request)
        if self._can_be_settled and not self.model_request.settled:
            self._settle()
            has_news = True
        return self.update() if has_news else None

    @property
    def is_finished(self) -> bool:
        """Whether nothing will come any more, and its span needs nothing more of us."""
        request = self.model_request
        return request.settled and (self._reader.is_read or request.is_held)

    def _is_a_call(self) -> bool:
        """Tell of the span that was held, once the answer's usage shows that this is a call."""
        request = self.model_request
        if not request.call.usage.known:
            return False
        unread_requests.remember(request.call.host or "", request.dialect)
        tell(request)
        return True

    def _unread(self) -> UnreadRequest | None:
        """Return what is said of a request whose answer told no usage, once that is sure."""
        request, above = self.model_request, self.model_request.open_span.parent
        if request.settled or not (self._reader.is_read or self.abandoned):
            return None
        is_open = above is not None and not above.is_end_recorded and not self.abandoned
        if above is not None and is_open and attribute(above, "sentry.op") in CALL_OPS:
            return None  # a framework's call, which may tell the usage when it ends
        request.settled = True
        request.let_go(is_prompt=not request.ok)  # what was answered, and by no model, is none
        if request.call.refused or request.call.cached_by is not None:
            return None  # nothing is billed
        return UnreadRequest(request.open_span, request.call.host or "", shown_path(request.path))

    @property
    def _can_be_settled(self) -> bool:
        """Whether the answer is over and, where the span is the SDK's, its attributes were read."""
        open_span = self.model_request.open_span
        return self.abandoned or (
            self._reader.is_read
            and not self._waits
            and (open_span.made_by_us or open_span.is_end_recorded)
        )

    @property
    def _waits(self) -> bool:
        """Whether the POST is over, and a GET in this run may still tell its usage to Sentry."""
        asker, call = self.asker, self.model_request.call
        is_awaited = asker is not None and bool(asker.keys) and not call.usage.known
        return is_awaited and self._reader.is_read and not self.abandoned

    def update(self) -> CallUpdate:
        """Return what is known of the call now."""
        request, t0, t1 = self.model_request, self.model_request.t0, self.model_request.t1
        return CallUpdate(
            request.open_span,
            request,
            request.call,
            request.attempt,
            retry_group=request.retry_group,
            is_read=self._reader.is_read,
            abandoned=self.abandoned,
            is_earlier_attempt=request.is_earlier_attempt,
            ttft=request.ttft,
            duration=t1 - t0 if self._reader.is_read and t1 is not None else None,
            status=self._status(),
            error=self._failure() if self._reader.is_read else None,
            frames=request.frames,
            not_sent=request.not_sent,
        )

    def _status(self) -> SpanStatus | None:
        request = self.model_request
        if self._reader.is_read:
            if self._failure() is not None:
                return request.failure.status if request.failure is not None else "error"
            unfinished = request.left_early and request.call.finish_reason is None
            return "abandoned" if unfinished else None
        if self.abandoned:
            return "abandoned" if request.call.finish_reason is None else "ok"
        return None

    def _failure(self) -> tuple[str, str | None] | None:
        request = self.model_request
        if request.failure is not None:
            return request.failure.type, request.failure.message
        if request.ok is False or request.call.error is not None:
            return f"HTTP {request.status}", request.call.error
        return None

    def _settle(self) -> None:
        """Put usage on Sentry's span, and end that span if we made it."""
        request = self.model_request
        request.settled, request.body, open_span = True, None, request.open_span
        with internal_errors.suppress("writing usage on a span"):
            if open_span.model_request is request:
                attributes = call_attributes(request.call, request.caller, request.ttft)
                name = self._span_name() if open_span.made_by_us else None
                open_span.adapter.write(open_span, attributes, name)
        request.run_deferred_ends()
        if open_span.made_by_us:
            self._finish_span(open_span)
        elif self.abandoned:
            for one in (open_span, *request.duplicates):
                if one.t1 is None:
                    self._finish_span(one)

    def _finish_span(self, open_span: OpenSpan) -> None:
        request = self.model_request
        t1 = int((request.t1 or time.perf_counter()) * 1e9)
        request.tracker.maker.finish(open_span, t1, request.ended or time.time(), self._ending())

    def _ending(self) -> Ending:
        request = self.model_request
        # A client may stop at the last event: it reads no further and closes nothing.
        if (request.left_early or not request.is_done) and request.call.finish_reason is None:
            return "cancelled"
        return "ok" if request.ok is True and self._failure() is None else "error"

    def _span_name(self) -> str:
        call = self.model_request.call
        model = call.request_model or call.response_model
        return f"{call.operation} {model}" if model else call.operation


def tell(model_request: ModelRequest) -> None:
    """Tell of the span of a request that was held, from the request's start."""
    model_request.is_held = False
    began = time.time() - (time.perf_counter() - model_request.t0)
    start = datetime.fromtimestamp(began, timezone.utc)
    model_request.tracker.maker.release(model_request.open_span, start)


def _end_record(model_request: ModelRequest) -> None:
    """End our record of a span; Sentry's stays open for its usage."""
    open_span, t1 = model_request.open_span, model_request.t1
    if open_span.t1 is None and t1 is not None:
        open_span.t1 = int(t1 * 1e9)
        model_request.tracker.recorder.log.append(open_span)


class PendingCalls:
    """The answers that are not finished yet: a source that the recorder polls."""

    def __init__(self) -> None:
        self._new: deque[ModelRequest] = deque()  # appended by users' threads
        self._calls: dict[ModelRequest, PendingCall] = {}

    def add(self, model_request: ModelRequest) -> None:
        """Read the answer to a request that is about to be sent, or the rest of a failed one."""
        self._new.append(model_request)
        recorder = model_request.tracker.recorder
        recorder.note_request(model_request.open_span.run_state)

    @property
    def waiting(self) -> int:
        """How many calls have no usage at Sentry yet, for their answers are still read."""
        requests = [*self._new, *self._calls]
        return sum(not request.settled for request in requests)

    @property
    def source(self) -> PolledSource:
        """What the recorder polls."""
        return PolledSource(self._poll, self._abandon)

    def _poll(self, log: EventLog) -> None:
        """Read what has arrived of every answer, and post what is new."""
        deferred.forget_old()
        # In the order in which they were sent: a POST is read before the GET that asks for it.
        for _ in range(len(self._new)):
            request = self._new.popleft()
            self._calls.setdefault(request, (request.pending_type or PendingCall)(request))
        for request, call in list(self._calls.items()):
            try:
                update = call.advance()
                if update is not None:
                    log.append(update)
                if isinstance(update, CallUpdate) and update.is_read:
                    add_server_tools(request)
                is_forgotten = request.open_span.run_state.forgotten
                if call.is_finished or is_forgotten:
                    del self._calls[request]
                if is_forgotten:
                    request.let_go()
            except Exception:
                self._calls.pop(request, None)
                request.let_go()
                internal_errors.record("reading a model's answer")

    def _abandon(self, run_state: RunState) -> None:
        """The run is over: nobody waits for the rest of its answers."""
        for request, call in self._calls.items():
            if request.open_span.run_state is run_state:
                call.abandoned = True


pending_calls = PendingCalls()
"""The process's own."""
