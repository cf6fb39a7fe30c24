"""One request to a model and the bytes of its answer, as the user's thread brings them.

It runs on the user's thread: it stores the bytes and parses nothing. The answer is read by
our thread (`wire.response_reader`).
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from aimon_nb.capture.exceptions import FRAMES, current_stack, describe, frames_of, status_of
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.prompt_quotes import recent_prompts
from aimon_nb.capture.state import OpenRequest, OpenSpan
from aimon_nb.model import Frame, ModelCall, SpanStatus
from aimon_nb.model.errors import RequestRefusedError
from aimon_nb.sentry.span_tracker import SpanTracker
from aimon_nb.wire.dialects import Dialect, known
from aimon_nb.wire.exchanges import Sent
from aimon_nb.wire.request_settings import read_settings
from aimon_nb.wire.retries import never_sent, retries
from aimon_nb.wire.sent_forms import fields_of

BODY_LIMIT = 64 * 2**20  # bytes of an answer waiting to be read; beyond it nothing more is kept
Decode = Callable[[bytes], bytes]


class ClientFailure(NamedTuple):
    """The exception that ended a request, in words: it itself would hold frames and locals."""

    status: SpanStatus
    type: str
    message: str
    never_sent: bool  # nothing of it can be billed


class ModelRequest(OpenRequest):
    """A request as it is sent and its answer as it is received.

    What a client's hook calls never raises, whatever it is given.
    """

    # Defaults stand on the class: to make one costs the user's thread only what differs.
    tracker: SpanTracker
    status: int | None = None
    left_early = False  # nobody read the answer to its end
    truncated = False  # more of it may come than is kept
    is_cut = False  # more of it came
    not_sent = False  # a budget or an interrupt refused it
    failure: ClientFailure | None = None
    frames: tuple[Frame, ...] = ()  # the way a failure took, or where the call was made
    t_first: float | None = None
    t1: float | None = None
    ended: float | None = None  # seconds since the epoch
    attempt = 1
    retry_group: int | None = None  # shared by the attempts at one request, once one has failed
    decoder: Callable[[], Decode] | None = None  # made only if there is a body
    is_earlier_attempt = False  # a retry took its span: a row of its own, not at Sentry
    asks_model = True  # False for a GET that may tell the usage of an earlier request
    pending_type: type[Any] | None = None  # reads its answer on our thread, if not `PendingCall`
    is_held = False  # nobody knows of its span before its answer tells a usage
    tool_rows = 0  # of tools that the provider ran
    # What the client sent, and the head that it got, until our thread has read them.
    sent = Sent()
    answer_headers: Mapping[str, str] | None = None
    bytes_read = 0  # by our thread, which alone writes it
    _bytes_kept = 0
    _request_read = False

    def __init__(self, dialect: Dialect, host: str, path: str, body: bytes | None) -> None:
        super().__init__()
        self.dialect, self.path, self.body = dialect, path, body
        self.call = ModelCall(provider=dialect.provider, host=host, operation=dialect.operation)
        recent_prompts.note(body)
        self.t0 = time.perf_counter()
        self.chunks: deque[bytes] = deque()
        self.duplicates: list[OpenSpan] = []  # spans of a framework over the same request
        self.headers: dict[str, str] = {}  # those that hold the dialect's counts, and no other

    def on_response_head(self, status: int, headers: Mapping[str, str]) -> None:
        """Note the answer's status, and of its headers those that hold the dialect's counts."""
        self.status, self.ok = status, status < 300
        self.answer_headers = headers
        self.progress = "receiving"
        if not self.ok:
            self._remember_failure()
        for name in self.dialect.headers:
            if name in headers:
                self.headers[name] = str(headers[name])

    def on_chunk(self, data: bytes) -> None:
        """Store the bytes that the user's code reads."""
        try:
            if self.t_first is None:
                self.t_first = time.perf_counter()
            if self.is_done or self.truncated:
                self.is_cut = True
                return
            self._bytes_kept += len(data)
            self.chunks.append(data)
            # What comes after a gap could be read wrongly: then it is all, or nothing more.
            self.truncated = self._bytes_kept - self.bytes_read > BODY_LIMIT
        except Exception:
            internal_errors.record("keeping an answer")

    def on_done(self, *, left: bool = False, error: BaseException | None = None) -> None:
        """The answer has ended, or nobody reads it on; may be called twice."""
        if not self.is_done:
            try:
                self._close(error, left_early=left)
            except Exception:
                internal_errors.record("ending an answer")

    def _close(self, error: BaseException | None, *, left_early: bool) -> None:
        self.left_early = left_early
        if error is not None:
            self._fail(error)
        self.t1, self.ended = time.perf_counter(), time.time()
        self.progress = "done"  # the last thing: our thread reads all of the above after it
        self.tell_ended()
        if self.open_span.run_state.closed:
            self.tracker.recorder.wake()

    def _fail(self, error: BaseException) -> None:
        self.frames = (*current_stack(), *frames_of(error))[-FRAMES:]
        self.not_sent = isinstance(error, RequestRefusedError)
        unsent = self.not_sent or never_sent(error)
        # In words, here: the user's `__str__` must not run on our thread.
        self.failure = ClientFailure(status_of(error), *describe(error), unsent)
        before, self.ok = self.ok, bool(self.ok)
        if self.not_sent:  # it is no attempt
            self.attempt, self.retry_group = 1, None
        elif before is None or (before and self.failure.status == "error"):
            # One that broke off after a good head, too: a client may send the same bytes again.
            self._remember_failure()

    def _remember_failure(self) -> None:
        with internal_errors.suppress("noting a failed request"):
            recent_prompts.note(self.body, failed=True)
            self.frames = self.frames or current_stack()
            retries.failed(self)

    def let_go(self, *, is_prompt: bool = True) -> None:
        """Keep nothing of what was sent, and of what still comes: nobody reads it.

        An error may quote what was sent, if that `is_prompt`: so much is known of it still.
        """
        if not is_prompt:
            recent_prompts.forget_sent(self.body)
        self.body, self.sent, self.answer_headers = None, Sent(), None
        self.truncated = True
        self.chunks.clear()

    @property
    def ttft(self) -> float | None:
        """The seconds to the first piece of a stream."""
        if not self.call.streaming or self.t_first is None:
            return None
        return self.t_first - self.t0

    def move_to_span(self, open_span: OpenSpan) -> None:
        """Give a failed attempt a row of its own: a retry has taken its span."""
        self.is_earlier_attempt, self.settled = True, False
        open_span.model_request, self.open_span = self, open_span

    def requested_model(self) -> str | None:
        """The model that the request names; the request is read at the first call."""
        if not self._request_read:
            self._request_read = True
            self._read_request()
        return self.call.request_model

    def _read_request(self) -> None:
        try:
            content = fields_of(self.body, self.sent.form) or json.loads(self.body or b"{}")
        except (ValueError, RecursionError):
            content = {}
        content = content if isinstance(content, dict) else {}
        try:
            self.dialect.request(self.call, content)
        except Exception:
            known.failed(type(self.dialect))
        with internal_errors.suppress("reading what a request sets"):
            read_settings(self.call, content)
