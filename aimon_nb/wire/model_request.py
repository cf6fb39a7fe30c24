"""One request to a model and its answer, from the first byte to the settled span."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from aimon_nb.capture.attributes import (
    FRAMES,
    current_stack,
    describe,
    frames_of,
    redact_secrets,
    status_of,
)
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.span_adapter import Ending
from aimon_nb.capture.state import OpenSpan
from aimon_nb.model import Frame, ModelCall, Span
from aimon_nb.model.errors import RequestRefusedError
from aimon_nb.sentry.adapters import write_span
from aimon_nb.sentry.span_tracker import SpanTracker
from aimon_nb.wire.dialects import Dialect, known
from aimon_nb.wire.json_events import EventReader
from aimon_nb.wire.retries import never_sent, retries
from aimon_nb.wire.token_estimate import estimates

ORIGIN = "auto.http.aimon_nb"
BODY_LIMIT = 64 * 2**20  # bytes of an answer waiting to be read; beyond it nothing more is kept
Decode = Callable[[bytes], bytes]


class ModelRequest:
    """What crosses the wire, kept by the user's thread, read by ours.

    `good` is None before the answer's head, then whether the model answers (a
    redirect does not); `over` once the last byte is here or nobody will read on
    (`left`). What a transport calls never raises, whatever it is given.
    """

    # Defaults stand on the class: to make one costs the user's thread only what differs.
    open_span: OpenSpan
    tracker: SpanTracker
    status: int | None = None
    good: bool | None = None
    over = left = settled = False
    is_read = False  # to its end, by us
    error: BaseException | None = None
    frames: tuple[Frame, ...] = ()  # the way a failure took, or where it was asked
    t_first: float | None = None
    t1: float | None = None
    ended: float | None = None  # seconds since the epoch
    attempt = 1
    decoder: Callable[[], Decode] | None = None  # made only if there is a body
    is_earlier_attempt = False  # a retry took its span: a row of its own, not at Sentry
    _taken = _fed = 0  # bytes; the one is the user's thread's, the other ours
    _full = _asked = _deserted = False
    _reader: EventReader | None = None
    _decode: Decode | None = None

    def __init__(self, dialect: Dialect, host: str, path: str, body: bytes | None) -> None:
        self.dialect, self.path, self.body = dialect, path, body
        self.call = ModelCall(provider=dialect.provider, host=host, operation=dialect.operation)
        self.t0 = time.perf_counter()
        self.chunks: deque[bytes] = deque()
        self.duplicates: list[OpenSpan] = []  # spans of a framework over the same request
        self._counts: dict[str, str] = {}
        self._held: list[Callable[[], Any]] = []

    # -- on the user's thread ---------------------------------------------------

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        """The answer's status line is here; of its headers only the dialect's counts are read."""
        self.status, self.good = status, status < 300
        if not self.good:
            self._failed()
        for name in self.dialect.headers:
            if name in headers:
                self._counts[name] = str(headers[name])

    def chunk(self, data: bytes) -> None:
        """The user's code reads these bytes."""
        try:
            if self.t_first is None:
                self.t_first = time.perf_counter()
            if self.over or self._full:
                return
            self._taken += len(data)
            self.chunks.append(data)
            # What comes after a gap could be read wrongly: then it is all, or nothing more.
            self._full = self._taken - self._fed > BODY_LIMIT
        except Exception:
            internal_errors.record("keeping an answer")

    def done(self, *, left: bool = False, error: BaseException | None = None) -> None:
        """No more bytes will come; may be called twice."""
        if not self.over:
            try:
                self._close(error, left=left)
            except Exception:
                internal_errors.record("ending an answer")

    def _close(self, error: BaseException | None, *, left: bool) -> None:
        self.left, self.error = left, error
        if error is not None:
            self.frames = (*current_stack(), *frames_of(error))[-FRAMES:]
        if error is not None and self.good is None:
            self.good = False
            self._failed()
        self.t1, self.ended = time.perf_counter(), time.time()
        self.over = True
        if self.open_span.run_state.closed:
            self.tracker.recorder.wake()

    def _failed(self) -> None:
        with internal_errors.suppress("noting a failed request"):
            self.frames = self.frames or current_stack()
            retries.failed(self)

    def hold(self, end: Callable[[], Any]) -> bool:
        """Keep the end of Sentry's span until usage is on it."""
        if self.tracker.recorder.forked:
            return False
        self._held.append(end)
        if not self.settled:
            return True
        # Settled meanwhile, by our thread: it took this end along, or never saw it.
        try:
            self._held.remove(end)
        except ValueError:
            return True
        return False

    def detach_to(self, open_span: OpenSpan) -> None:
        """A retry takes its span: what failed goes on in a row of its own."""
        self.is_earlier_attempt, self.settled = True, False
        open_span.model_request, self.open_span = self, open_span

    # -- on ours ------------------------------------------------------------------

    def leave(self) -> None:
        """The run is over: its span ends now, here and at Sentry.

        What still comes (a thread that goes on, a stream read in the next cell) is
        taken into the record, late.
        """
        self._deserted = True

    @property
    def ready(self) -> bool:
        """Whether it can be settled: the answer is over, and the span too where it is the SDK's."""
        return self._deserted or (
            self.is_read and (self.open_span.made_by_us or self.open_span.t1 is not None)
        )

    def read(self) -> bool:
        """Take in what has arrived; True if the record changed."""
        # Before the bytes are looked at: the user's thread may bring the last ones just now.
        over = self.over
        before = len(self.call.output), self._reader
        self.ask()
        arrived = bool(self.chunks)
        if arrived:
            self._feed()
        if over and self._reader is not None:
            self._finish_reading()
        self.is_read = over
        changed = arrived or over or before != (len(self.call.output), self._reader)
        self.record()
        return changed

    def ask(self) -> str | None:
        """The model asked for, read from the request at once."""
        if not self._asked:
            self._asked = True
            self._read_request()
        return self.call.request_model

    def _read_request(self) -> None:
        try:
            asked = json.loads(self.body or b"{}")
        except (ValueError, RecursionError):
            asked = {}
        try:
            self.dialect.request(self.call, asked if isinstance(asked, dict) else {})
        except Exception:
            known.failed(type(self.dialect))

    def _feed(self) -> None:
        if self._reader is None:
            self._reader = EventReader()
        arrived = [self.chunks.popleft() for _ in range(len(self.chunks))]
        if self.decoder is None:
            arrived = [b"".join(arrived)]
        for data in arrived:
            self._fed += len(data)
            # Piece by piece, for a small one may hold a very large one.
            for event in self._reader.feed(self._decoded(data)):
                self._take(event)

    def _decoded(self, data: bytes) -> bytes:
        try:
            if self._decode is None and self.decoder is not None:
                self._decode = self.decoder()
            return self._decode(data) if self._decode is not None else data
        except Exception:  # bytes that the client cannot decode either
            self._decode = lambda _: b""
            return b""

    def _finish_reading(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            for event in reader.end():
                self._take(event)
        if self._counts and self.good:
            try:
                self.dialect.read_headers(self.call, self._counts)
            except Exception:
                known.failed(type(self.dialect))

    def _take(self, event: Any) -> None:
        if not isinstance(event, dict):
            return
        if self.good is False or event.get("error"):
            self.call.error = _error_text(event)
        try:
            if self.good is not False:
                self.dialect.answer(self.call, event)
        except Exception:
            known.failed(type(self.dialect))

    def record(self) -> None:
        """Bring the span's record up to date."""
        span, call = self.open_span.span, self.call
        if span is None or self.open_span.model_request is not self:
            return
        if span.call is not None and span.call is not call:
            self._take_over(span)
        span.call, span.streaming, span.attempt = call, call.streaming, self.attempt
        span.provider, span.operation = call.provider, call.operation
        span.request_model = call.request_model
        span.model = call.response_model or call.request_model
        span.finish_reason = call.finish_reason
        if self.is_read and self.good and call.error is None:
            estimates.make(call, whole=not self._full)
        by_hand = span.usage.input or span.usage.output  # an integration's zeros are no counts
        if call.usage.known:
            span.usage, span.usage_source = call.usage, "provider"
        elif not by_hand:
            estimate = call.estimate
            span.usage, span.usage_source = estimate, "estimate" if estimate.known else None
        if call.streaming and self.t_first is not None:
            span.ttft = self.t_first - self.t0
        if self.is_earlier_attempt and self.open_span.run_state.run.destination != "local":
            span.sent = "no: held back"
        if self.is_read:
            self._end(span)
        elif self._deserted and span.status != "interrupted":
            span.status = "abandoned" if self.call.finish_reason is None else "ok"

    def _take_over(self, span: Span) -> None:
        """A retry: what failed before says nothing of this row any more."""
        if self.open_span.error is None:
            span.error_type, span.error, span.frames = None, None, ()
            span.status = "running" if span.duration is None else "ok"

    def _end(self, span: Span) -> None:
        failure = self._failure()
        self.call.refused = failure is not None and self._refused()
        if failure is not None:
            span.status = status_of(self.error) if self.error is not None else "error"
            if span.error_type is None:
                span.error_type, span.error = failure
                span.frames = self.frames
        elif self.left and self.call.finish_reason is None:
            span.status = "abandoned"
        elif self._deserted and self.t1 is not None and span.late:
            span.status, span.duration = "ok", self.t1 - self.t0

    def _refused(self) -> bool:
        if self.status is not None:
            return self.good is False
        if self.error is None:
            return False
        return isinstance(self.error, RequestRefusedError) or never_sent(self.error)

    def _failure(self) -> tuple[str, str | None] | None:
        if self.error is not None:
            return describe(self.error)
        if self.good is False or self.call.error is not None:
            return f"HTTP {self.status}", self.call.error
        return None

    def settle(self) -> None:
        """Usage onto Sentry's span; a span that we made ends here."""
        if self.settled:
            return
        self.settled, open_span = True, self.open_span
        self.body = None
        with internal_errors.suppress("writing usage on a span"):
            if open_span.model_request is self:
                write_span(
                    open_span, attributes(self.call), self._name() if open_span.made_by_us else None
                )
        while self._held:
            with internal_errors.suppress("ending a span that was held"):
                self._held.pop(0)()
        if open_span.made_by_us:
            self._finish(open_span)
        elif self._deserted:
            for left in (open_span, *self.duplicates):
                if left.t1 is None:
                    self._finish(left)

    def _finish(self, open_span: OpenSpan) -> None:
        t1 = int((self.t1 or time.perf_counter()) * 1e9)
        self.tracker.finish(open_span, t1, self.ended or time.time(), self._how())

    def _how(self) -> Ending:
        # A client may stop at the last event: it reads no further and closes nothing.
        if (self.left or not self.over) and self.call.finish_reason is None:
            return "cancelled"
        return "ok" if self.good is True and self._failure() is None else "error"

    def _name(self) -> str:
        model = self.call.request_model or self.call.response_model
        return f"{self.call.operation} {model}" if model else self.call.operation


def attributes(call: ModelCall) -> dict[str, Any]:
    """A call in Sentry's attributes: the documented names, and beside them today's.

    No prompt and no answer: content is never sent because of the wire.
    """
    usage = call.usage
    found: dict[str, Any] = {
        "gen_ai.operation.name": call.operation,
        "gen_ai.system": call.provider,
        "gen_ai.provider.name": call.provider,
        "gen_ai.request.model": call.request_model,
        "gen_ai.response.model": call.response_model,
        "gen_ai.response.streaming": call.streaming or None,
        "gen_ai.usage.input_tokens": usage.input,
        "gen_ai.usage.input_tokens.cached": usage.cached,
        "gen_ai.usage.cache_read.input_tokens": usage.cached,
        "gen_ai.usage.input_tokens.cache_write": usage.cache_write,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_write,
        "gen_ai.usage.output_tokens": usage.output,
        "gen_ai.usage.output_tokens.reasoning": usage.reasoning,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning,
        "gen_ai.usage.total_tokens": usage.total,
    }
    return {key: value for key, value in found.items() if value is not None}


def _error_text(event: dict[str, Any]) -> str:
    error = event.get("error", event)
    if isinstance(error, dict):
        error = error.get("message") or error.get("code") or error
    return redact_secrets(str(error)[:2000])[:500]
