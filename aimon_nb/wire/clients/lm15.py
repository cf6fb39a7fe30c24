"""lm15, which dspy carries inside: its own HTTP over sockets.

`StdlibTransport.stream` and `StdlibAsyncTransport._do_stream` send; an answer's
chunks, already decompressed, are handed on as the user's code asks for them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from types import ModuleType
from typing import Any

from aimon_nb.capture.hooks import Patches
from aimon_nb.sentry.span_tracker import SpanTracker
from aimon_nb.wire.capture import (
    Args,
    Interceptor,
    Kwargs,
    body_of,
    captured_chunks,
    captured_chunks_async,
    target_of,
)
from aimon_nb.wire.model_request import ModelRequest


def install(module: ModuleType, tracker: SpanTracker, patches: Patches) -> None:
    """Wrap the two transports' one way to send."""
    follow = partial(_follow, captured_chunks, _release)
    afollow = partial(_follow, captured_chunks_async, _async_release)
    interceptor = Interceptor(tracker, patches, target_of, body_of, follow)
    patches.wrap(module.StdlibTransport, "stream", interceptor.wrap)
    interceptor = Interceptor(tracker, patches, target_of, body_of, afollow)
    patches.wrap(module.StdlibAsyncTransport, "_do_stream", interceptor.wrap_async)


def _follow(
    chunks: Callable[[Any, ModelRequest], Any],
    release: Callable[[Any, ModelRequest], Any],
    model_request: ModelRequest,
    response: Any,
    _args: Args,
    _kwargs: Kwargs,
) -> None:
    model_request.on_response_head(
        response.status, {name.lower(): value for name, value in response.headers}
    )
    response._chunks = chunks(response._chunks, model_request)
    # A response that is closed before its end is released; its chunks never learn of it.
    response._release = release(response._release, model_request)


def _release(
    original: Callable[[bool], None], model_request: ModelRequest
) -> Callable[[bool], None]:
    def release(body_consumed: bool) -> None:  # noqa: FBT001  the client's own signature
        model_request.on_done(left=True)
        original(body_consumed)

    return release


def _async_release(
    original: Callable[[bool], Awaitable[None]], model_request: ModelRequest
) -> Callable[[bool], Awaitable[None]]:
    async def release(body_consumed: bool) -> None:  # noqa: FBT001  the client's own signature
        model_request.on_done(left=True)
        await original(body_consumed)

    return release
