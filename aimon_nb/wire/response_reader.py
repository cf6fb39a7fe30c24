"""The answer to a model request, read on our thread from the bytes that the user's thread kept."""

from __future__ import annotations

from typing import Any

from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.redact import redact_secrets
from aimon_nb.model import Message, Usage
from aimon_nb.wire.answer_headers import request_id
from aimon_nb.wire.dialects import known
from aimon_nb.wire.dialects.known_usage import NOT_FINAL
from aimon_nb.wire.dialects.parts import label_of
from aimon_nb.wire.exchanges import AnswerBytes, Sent, answered_media, exchange_of, note_head
from aimon_nb.wire.json_events import EventReader
from aimon_nb.wire.model_request import Decode, ModelRequest
from aimon_nb.wire.token_estimate import estimates


class ResponseReader:
    """Reads the answer to one request into its `ModelCall`, as far as it has come."""

    def __init__(self, model_request: ModelRequest) -> None:
        self.model_request = model_request
        self.is_read = False  # to its end
        self._events: EventReader | None = None
        self._decode: Decode | None = None
        self._answer = AnswerBytes()

    def read(self) -> bool:
        """Read what has arrived; True if the call changed. Never on the user's path."""
        # Before the bytes are looked at: the user's thread may bring the last ones just now.
        is_done = self.model_request.is_done
        self.model_request.requested_model()
        self._read_head()
        has_arrived = bool(self.model_request.chunks)
        if has_arrived:
            self._feed()
        ends = is_done and not self.is_read
        if ends:
            self.is_read = True
            self._finish()
        return has_arrived or ends

    def _read_head(self) -> None:
        request = self.model_request
        if not request.asks_model:
            request.answer_headers = None
            return
        with internal_errors.suppress("reading what crossed the wire"):
            call, headers = request.call, request.answer_headers
            sent, request.sent = request.sent, Sent()  # a client's objects are not held for long
            if call.exchange is None and request.open_span.run_state.keeps_content:
                host = call.host or ""
                call.exchange = exchange_of(sent, host, request.path, request.body)
            if headers is not None:
                request.answer_headers = None
                call.request_id = request_id(headers)
                if call.exchange is not None:
                    note_head(call.exchange, request.status, headers)

    def _feed(self) -> None:
        request = self.model_request
        if request.dialect.has_given_up:
            request.chunks.clear()
            return
        if self._events is None:
            self._events = EventReader()
        arrived = [request.chunks.popleft() for _ in range(len(request.chunks))]
        if request.decoder is None:
            arrived = [b"".join(arrived)]
        for data in arrived:
            request.bytes_read += len(data)
            # Piece by piece, for a small one may hold a very large one.
            for event in self._events.feed(self._decoded(data)):
                self._take(event)
                if request.dialect.has_given_up:
                    request.truncated = True  # nobody reads what still comes
                    request.chunks.clear()
                    return

    def _decoded(self, data: bytes) -> bytes:
        try:
            if self._decode is None and self.model_request.decoder is not None:
                self._decode = self.model_request.decoder()
            decoded = self._decode(data) if self._decode is not None else data
        except Exception:  # bytes that the client cannot decode either
            self._decode = lambda _: b""
            return b""
        self._answer.add(decoded)
        return decoded

    def _take(self, event: Any) -> None:
        if not isinstance(event, dict):
            return
        request = self.model_request
        if request.ok is False or event.get("error"):
            request.call.error = _error_text(event)
        if request.ok is False:
            return
        call, usage, details = request.call, request.call.usage, request.call.details
        grew = NOT_FINAL in call.shortfalls
        try:
            request.dialect.answer(call, event)
        except Exception:
            known.failed(type(request.dialect))
        # Some end a stream with zeros, or count anew: what was told once was used.
        if call.usage is not usage:
            if grew and _is_lost(usage, call.usage) and NOT_FINAL not in call.shortfalls:
                call.shortfalls.append(NOT_FINAL)
            call.usage = call.usage.no_less_than(usage)
        if call.details is not details:
            new = call.details
            call.details = {k: max(new.get(k, 0), details.get(k, 0)) for k in details | new}

    def _finish(self) -> None:
        request, call = self.model_request, self.model_request.call
        events, self._events = self._events, None
        for event in events.end() if events is not None else ():
            self._take(event)
        if request.headers and request.ok:
            try:
                request.dialect.read_headers(call, request.headers)
            except Exception:
                known.failed(type(request.dialect))
        if request.ok and call.error is None and call.untold is None:
            estimates.make(call, whole=not request.truncated)
        call.refused = self._is_refused()
        if call.exchange is not None and request.asks_model:
            self._answer.put_on(call.exchange, is_cut=request.is_cut or request.truncated)
            made = answered_media(call.exchange) if request.ok and not call.output else None
            if made is not None:
                call.output = [Message("assistant", label_of(made), [], [made])]

    def _is_refused(self) -> bool:
        request = self.model_request
        if request.dialect.bills_nothing:
            return True
        if request.status is not None:
            return request.ok is False
        return request.failure is not None and request.failure.never_sent


def _is_lost(before: Usage, after: Usage) -> bool:
    """Return whether a side's last count is missing, or makes no sense, after one that was told."""
    sides = (before.input, after.input), (before.output, after.output)
    return any(one is not None and other is None for one, other in sides)


def _error_text(event: dict[str, Any]) -> str:
    error = event.get("error", event)
    if isinstance(error, dict):
        error = error.get("message") or error.get("code") or error
    return redact_secrets(str(error)[:2000])[:500]
