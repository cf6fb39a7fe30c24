"""From an HTTP client's request to a model request: the one wrapper, and what the clients share."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from typing import Any

from aimon_nb.capture.callers import find_caller
from aimon_nb.capture.context import current_run, is_of_another_cell
from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.items import hold_request
from aimon_nb.capture.state import RunState
from aimon_nb.sentry.span_tracker import SpanTracker
from aimon_nb.wire import admission
from aimon_nb.wire.deferred import IN_RESULTS, deferred
from aimon_nb.wire.dialects import Dialect, find, known
from aimon_nb.wire.exchanges import Sent
from aimon_nb.wire.foreign import pass_foreign
from aimon_nb.wire.model_request import ModelRequest
from aimon_nb.wire.polls import hold_poll
from aimon_nb.wire.sent_headers import learn_sent
from aimon_nb.wire.span_matching import attach_span, hold_span
from aimon_nb.wire.unread import unread_requests

Args = tuple[Any, ...]
Kwargs = dict[str, Any]
Target = tuple[str, bytes, bool]
"""Where a request goes: host (with its port where it has one), path with query; is it a GET."""


class Interceptor:
    """Wraps the method by which an HTTP client sends, so that what asks a model is captured.

    Three functions describe the client. They get the arguments of the call as its
    `args` (the client's object first) and `kwargs`, for handing them on by name costs
    every request a quarter of a µs. A call that lacks one is the client's to refuse.

    Args:
        tracker: Where spans are tracked and made.
        patches: The hooks that the wrapper is one of.
        target: Returns where a request goes; None for anything but a POST, or a GET that may
            tell the usage of an earlier request: nearly always two looks tell that it does not.
        body: Returns the request's bytes, None if they are not all in memory.
        follow: Called with the model request, the client's response and the arguments;
            keeps the answer, or sees to it that it is kept as the user's code reads it.
        sent: Returns the URL and the headers that are sent, by reference; None: those of a
            request object.

    """

    __slots__ = ("_body", "_follow", "_patches", "_sent", "_target", "_tracker")

    def __init__(
        self,
        tracker: SpanTracker,
        patches: Patches,
        target: Callable[[Args, Kwargs], Target | None],
        body: Callable[[Args, Kwargs], bytes | None],
        follow: Callable[[ModelRequest, Any, Args, Kwargs], None],
        sent: Callable[[Args, Kwargs], Sent] | None = None,
    ) -> None:
        self._tracker, self._patches = tracker, patches
        self._target, self._body, self._follow = target, body, follow
        self._sent = sent or sent_of

    def wrap(self, original: Any) -> Any:
        """Return the wrapper of a client's method; for `Patches.wrap`."""
        patches, start_capture, follow_answer = (
            self._patches,
            self.start_capture,
            self._follow_answer,
        )

        def send(*args: Any, **kwargs: Any) -> Any:
            # The one frame of ours in the traceback of the client's own exception.
            __tracebackhide__ = True
            model_request = start_capture(args, kwargs) if patches.live else None
            if model_request is None:
                return original(*args, **kwargs)
            with admission.InFlight(model_request, args, kwargs):
                response = original(*args, **kwargs)
            follow_answer(model_request, response, args, kwargs)
            return response

        return send

    def wrap_async(self, original: Any) -> Any:
        """Return the wrapper of a client's coroutine function; for `Patches.wrap`."""
        patches, start_capture, follow_answer = (
            self._patches,
            self.start_capture,
            self._follow_answer,
        )

        async def send(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            model_request = start_capture(args, kwargs) if patches.live else None
            if model_request is None:
                return await original(*args, **kwargs)
            with admission.InFlight(model_request, args, kwargs):
                response = await original(*args, **kwargs)
            follow_answer(model_request, response, args, kwargs)
            return response

        return send

    def start_capture(self, args: Args, kwargs: Kwargs) -> ModelRequest | None:
        """Return the model request, attached to its span; None for any other request.

        Where our code fails, the request is sent all the same, but not captured.
        """
        try:
            # What costs a variable's look comes first: most requests are no model's.
            run_state = current_run.get() or self._tracker.recorder.sole
            if run_state is None:
                return None
            target = self._target(args, kwargs)
            if target is None or self._tracker.recorder.forked:
                return None
            address, raw_path, is_get = target
            if is_get:
                return hold_poll(address, raw_path, self._tracker, run_state)
            body = self._body(args, kwargs)
            dialect, attach = _reader_of(address, raw_path, body)
            if known.off:
                run_state.run.notes += [
                    n for n in known.off.values() if n not in run_state.run.notes
                ]
            if dialect is not None and is_of_another_cell(run_state):
                # Of no run; and what no dialect reads is perhaps no call, either.
                dialect, attach = dialect if attach is attach_span else None, pass_foreign
            if dialect is None or admission.already_captured(body):
                return None
            model_request = ModelRequest(dialect, address, dialect.path, body)
            model_request.caller, model_request.sent = find_caller(), self._sent(args, kwargs)
            is_attached = attach(model_request, self._tracker, run_state)
            return hold_request(model_request) if is_attached else None
        except Exception:
            internal_errors.record("capturing a request")
            return None

    def _follow_answer(
        self,
        model_request: ModelRequest,
        response: Any,
        args: Args,
        kwargs: Kwargs,
    ) -> None:
        try:
            # Before anybody reads the answer: it may quote what was sent.
            if _has_failed(response):
                learn_sent(args, kwargs, response)
            self._follow(model_request, response, args, kwargs)
        except Exception:
            internal_errors.record("capturing an answer")


def _has_failed(response: Any) -> bool:
    status = getattr(response, "status_code", None) or getattr(response, "status", None)
    return isinstance(status, int) and status >= 400


def _reader_of(
    address: str, raw_path: bytes, body: bytes | None
) -> tuple[Dialect | None, Callable[[ModelRequest, SpanTracker, RunState], bool]]:
    """Return what reads a request, None if nothing does, and what gives it its span."""
    dialect = find(address, raw_path)
    if dialect is not None and dialect.matches_body(body):
        unread_requests.remember(address, dialect)
        return dialect, attach_span
    return unread_requests.dialect_for(address, raw_path, body), hold_span


def target_of(args: Args, kwargs: Kwargs) -> Target | None:
    """Return where a request object with `method` and `url` goes, as an interceptor's `target`."""
    request: Any = args[1] if len(args) > 1 else kwargs.get("request")
    method = getattr(request, "method", None)
    if method == "POST":
        return target_of_url(request.url)
    if method == "GET" and (deferred.pending or IN_RESULTS in request.url):
        return target_of_url(request.url, is_get=True)
    return None


def body_of(args: Args, kwargs: Kwargs) -> bytes | None:
    """Return the bytes of a request object's `body`; None if it is not all there."""
    request: Any = args[1] if len(args) > 1 else kwargs.get("request")
    return whole_body(getattr(request, "body", None))


def sent_of(args: Args, kwargs: Kwargs) -> Sent:
    """Return a request object's `url` and `headers`."""
    request: Any = args[1] if len(args) > 1 else kwargs.get("request")
    return Sent(getattr(request, "url", None), getattr(request, "headers", None))


def target_of_url(url: str, *, is_get: bool = False) -> Target:
    """Return address and path of a URL, by a cheap cut: what stands before an @ is a secret."""
    netloc, slash, path = url.partition("://")[2].partition("/")
    return netloc.rpartition("@")[2], (slash + path).encode("utf-8", "replace"), is_get


def whole_body(body: Any) -> bytes | None:
    """Return a body's bytes; None for a file or a generator, which the client reads as it sends."""
    return body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else None


def captured_chunks(chunks: Iterable[bytes], model_request: ModelRequest) -> Iterator[bytes]:
    """Hand on an answer's chunks as the user's code asks for them, and keep them."""
    __tracebackhide__ = True
    try:
        for chunk in chunks:
            model_request.on_chunk(chunk)
            yield chunk
    except GeneratorExit:
        # The user's code drops the iterator before its end: nothing went wrong.
        model_request.on_done(left=True)
        raise
    except BaseException as error:
        model_request.on_done(left=True, error=error)
        raise
    model_request.on_done()


async def captured_chunks_async(
    chunks: AsyncIterable[bytes], model_request: ModelRequest
) -> AsyncIterator[bytes]:
    """Do the same for chunks that are awaited."""
    __tracebackhide__ = True
    try:
        async for chunk in chunks:
            model_request.on_chunk(chunk)
            yield chunk
    except GeneratorExit:
        model_request.on_done(left=True)
        raise
    except BaseException as error:
        model_request.on_done(left=True, error=error)
        raise
    model_request.on_done()
