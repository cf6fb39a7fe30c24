"""lm15, which dspy carries inside: its own HTTP over sockets.

`StdlibTransport.stream` and `StdlibAsyncTransport._do_stream` send; an answer's
chunks, already decompressed, are handed on as the user's code asks for them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from types import ModuleType
from typing import Any

from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.sentry.span_tracker import SpanTracker
from aimon_nb.wire.admission import InFlight
from aimon_nb.wire.capture import never_raise, start_capture
from aimon_nb.wire.clients.urllib3 import body_of, parts_of
from aimon_nb.wire.model_request import ModelRequest


def install(module: ModuleType, tracker: SpanTracker, patches: Patches) -> None:
    """Wrap the two transports' one way to send."""

    def stream(original: Any) -> Any:
        def stream(transport: Any, request: Any) -> Any:
            __tracebackhide__ = True
            model_request = _intercept(request, tracker) if patches.live else None
            if model_request is None:
                return original(transport, request)
            with InFlight(model_request):
                response = original(transport, request)
            _follow(response, model_request, _chunks, _released)
            return response

        return stream

    def astream(original: Any) -> Any:
        async def _do_stream(transport: Any, request: Any) -> Any:
            __tracebackhide__ = True
            model_request = _intercept(request, tracker) if patches.live else None
            if model_request is None:
                return await original(transport, request)
            with InFlight(model_request):
                response = await original(transport, request)
            _follow(response, model_request, _achunks, _areleased)
            return response

        return _do_stream

    patches.wrap(module.StdlibTransport, "stream", stream)
    patches.wrap(module.StdlibAsyncTransport, "_do_stream", astream)


@never_raise
def _intercept(request: Any, tracker: SpanTracker) -> ModelRequest | None:
    if request.method != "POST":
        return None
    return start_capture(tracker, *parts_of(request.url), lambda: body_of(request.body))


def _follow(
    response: Any,
    model_request: ModelRequest,
    chunks: Callable[[Any, ModelRequest], Any],
    released: Callable[[Any, ModelRequest], Any],
) -> None:
    try:
        model_request.head(
            response.status, {name.lower(): value for name, value in response.headers}
        )
        response._chunks = chunks(response._chunks, model_request)
        response._release = released(response._release, model_request)
    except Exception:
        internal_errors.record("capturing an answer")


def _chunks(original: Iterator[bytes], model_request: ModelRequest) -> Iterator[bytes]:
    __tracebackhide__ = True
    try:
        for chunk in original:
            model_request.chunk(chunk)
            yield chunk
    except BaseException as error:
        _broken(model_request, error)
        raise
    model_request.done()


async def _achunks(
    original: AsyncIterator[bytes], model_request: ModelRequest
) -> AsyncIterator[bytes]:
    __tracebackhide__ = True
    try:
        async for chunk in original:
            model_request.chunk(chunk)
            yield chunk
    except BaseException as error:
        _broken(model_request, error)
        raise
    model_request.done()


def _released(
    original: Callable[[bool], None], model_request: ModelRequest
) -> Callable[[bool], None]:
    def release(body_consumed: bool) -> None:  # noqa: FBT001  the client's own signature
        model_request.done(left=True)
        original(body_consumed)

    return release


def _areleased(
    original: Callable[[bool], Awaitable[None]], model_request: ModelRequest
) -> Callable[[bool], Awaitable[None]]:
    async def release(body_consumed: bool) -> None:  # noqa: FBT001  the client's own signature
        model_request.done(left=True)
        await original(body_consumed)

    return release


def _broken(model_request: ModelRequest, error: BaseException) -> None:
    # An iterator that is dropped was left early: nothing went wrong.
    model_request.done(left=True, error=None if isinstance(error, GeneratorExit) else error)
