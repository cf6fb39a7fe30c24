"""httpx and httpx2 (which share their shape): `Client.send` and `AsyncClient.send`.

A whole answer is kept once the client has read it. A streamed one gets its byte
stream wrapped: the wrap hands on each chunk as the user's code asks for it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from types import ModuleType
from typing import Any

from aimon_nb.capture.hooks import Patches
from aimon_nb.sentry.span_tracker import SpanTracker
from aimon_nb.wire.cached_answers import cache_of_httpx, note
from aimon_nb.wire.capture import (
    Args,
    Interceptor,
    Kwargs,
    Target,
    captured_chunks,
    captured_chunks_async,
)
from aimon_nb.wire.deferred import IN_RESULTS, deferred
from aimon_nb.wire.exchanges import Sent
from aimon_nb.wire.model_request import ModelRequest
from aimon_nb.wire.sent_forms import form_of_httpx


def install(module: ModuleType, tracker: SpanTracker, patches: Patches) -> None:
    """Wrap the two `send` methods of an httpx module."""
    follow = partial(_follow, module, _stream_class(module.SyncByteStream))
    afollow = partial(_follow, module, _async_stream_class(module.AsyncByteStream))
    interceptor = Interceptor(tracker, patches, _target, _body, follow, _sent)
    patches.wrap(module.Client, "send", interceptor.wrap)
    interceptor = Interceptor(tracker, patches, _target, _body, afollow, _sent)
    patches.wrap(module.AsyncClient, "send", interceptor.wrap_async)


def _target(args: Args, kwargs: Kwargs) -> Target | None:
    request: Any = args[1] if len(args) > 1 else kwargs.get("request")
    method = getattr(request, "method", None)
    is_get = method == "GET"
    if not is_get and method != "POST":
        return None
    url = request.url
    # The public properties make anew what stands here; `path` costs ten times as much.
    parts = getattr(url, "_uri_reference", None)
    path = url.path if parts is None else parts.path
    if is_get and not deferred.pending and IN_RESULTS not in path:
        return None
    if parts is None:
        return url.netloc.decode("ascii"), url.raw_path, is_get
    return parts.netloc, path.encode("ascii"), is_get


def _body(args: Args, kwargs: Kwargs) -> bytes | None:
    request: Any = args[1] if len(args) > 1 else kwargs.get("request")
    # `request.content` raises where the body is a stream; the attribute is missing there.
    return getattr(request, "_content", None)


def _sent(args: Args, kwargs: Kwargs) -> Sent:
    request: Any = args[1] if len(args) > 1 else kwargs.get("request")
    form = [] if hasattr(request, "_content") else form_of_httpx(request)
    return Sent(request.url, request.headers, form)


def _follow(
    module: ModuleType,
    stream_class: Callable[[Any, ModelRequest], Any],
    model_request: ModelRequest,
    response: Any,
    _args: Args,
    _kwargs: Kwargs,
) -> None:
    note(model_request, response, cache_of_httpx)
    model_request.on_response_head(response.status_code, response.headers)
    if hasattr(response, "_content"):
        model_request.on_chunk(response._content)
        model_request.on_done()
        return
    encoding = response.headers.get("content-encoding")
    if encoding:
        model_request.decoder = partial(_decoder, module, encoding)
    response.stream = stream_class(response.stream, model_request)


def _stream_class(base: Any) -> Any:
    class Stream(base):  # type: ignore[misc]
        def __init__(self, stream: Any, model_request: ModelRequest) -> None:
            self._stream, self._model_request = stream, model_request

        def __iter__(self) -> Iterator[bytes]:
            return captured_chunks(self._stream, self._model_request)

        def close(self) -> None:
            try:
                self._stream.close()
            finally:
                self._model_request.on_done(left=True)

        def __getattr__(self, name: str) -> Any:
            # Libraries read attributes of their own transport's stream.
            return getattr(self._stream, name)

    return Stream


def _async_stream_class(base: Any) -> Any:
    class Stream(base):  # type: ignore[misc]
        def __init__(self, stream: Any, model_request: ModelRequest) -> None:
            self._stream, self._model_request = stream, model_request

        def __aiter__(self) -> AsyncIterator[bytes]:
            return captured_chunks_async(self._stream, self._model_request)

        async def aclose(self) -> None:
            try:
                await self._stream.aclose()
            finally:
                self._model_request.on_done(left=True)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._stream, name)

    return Stream


def _decoder(module: ModuleType, encoding: str) -> Callable[[bytes], bytes]:
    """Return the client library's own decoder, a second one beside the response's.

    Only the library knows which encodings it can decode here.
    """
    decoder = module.Response(200, headers={"content-encoding": encoding})._get_content_decoder()

    def decode(data: bytes) -> bytes:
        decoded = decoder.decode(data)
        # httpx returns bytes, httpx2 yields pieces.
        return decoded if isinstance(decoded, bytes) else b"".join(decoded)

    return decode
