"""httpx and httpx2 (which share their shape): `Client.send` and `AsyncClient.send`.

A whole answer is looked at after the client has read it. A streamed one gets its
byte stream wrapped: the wrap hands on each chunk as the user's code asks for it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from types import ModuleType
from typing import Any

from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.sentry.span_tracker import SpanTracker
from aimon_nb.wire.admission import InFlight
from aimon_nb.wire.capture import never_raise, start_capture
from aimon_nb.wire.model_request import ModelRequest


def install(module: ModuleType, tracker: SpanTracker, patches: Patches) -> None:
    """Wrap the two `send` methods of an httpx module."""
    wrap_sync = _sync_stream(module.SyncByteStream)
    wrap_async = _async_stream(module.AsyncByteStream)

    def send(original: Any) -> Any:
        def send(client: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            model_request = _intercept(request, tracker) if patches.live else None
            if model_request is None:
                return original(client, request, *args, **kwargs)
            with InFlight(model_request):
                response = original(client, request, *args, **kwargs)
            _follow(module, response, model_request, wrap_sync)
            return response

        return send

    def asend(original: Any) -> Any:
        async def send(client: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            model_request = _intercept(request, tracker) if patches.live else None
            if model_request is None:
                return await original(client, request, *args, **kwargs)
            with InFlight(model_request):
                response = await original(client, request, *args, **kwargs)
            _follow(module, response, model_request, wrap_async)
            return response

        return send

    patches.wrap(module.Client, "send", send)
    patches.wrap(module.AsyncClient, "send", asend)


@never_raise
def _intercept(request: Any, tracker: SpanTracker) -> ModelRequest | None:
    if request.method != "POST":
        return None
    url = request.url
    return start_capture(
        tracker,
        url.netloc.decode("ascii"),
        url.raw_path,
        lambda: getattr(request, "_content", None),
    )


def _follow(
    module: ModuleType,
    response: Any,
    model_request: ModelRequest,
    wrap: Callable[[Any, ModelRequest], Any],
) -> None:
    try:
        model_request.head(response.status_code, response.headers)
        if hasattr(response, "_content"):
            model_request.chunk(response._content)
            model_request.done()
            return
        encoding = response.headers.get("content-encoding")
        if encoding:
            model_request.decoder = partial(_decoder, module, encoding)
        response.stream = wrap(response.stream, model_request)
    except Exception:
        internal_errors.record("capturing an answer")


def _sync_stream(base: Any) -> Any:
    class Stream(base):  # type: ignore[misc]
        def __init__(self, stream: Any, model_request: ModelRequest) -> None:
            self._stream, self._model_request = stream, model_request

        def __iter__(self) -> Iterator[bytes]:
            __tracebackhide__ = True
            model_request = self._model_request
            try:
                for chunk in self._stream:
                    model_request.chunk(chunk)
                    yield chunk
            except BaseException as error:
                _broken(model_request, error)
                raise
            model_request.done()

        def close(self) -> None:
            try:
                self._stream.close()
            finally:
                self._model_request.done(left=True)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._stream, name)

    return Stream


def _async_stream(base: Any) -> Any:
    class Stream(base):  # type: ignore[misc]
        def __init__(self, stream: Any, model_request: ModelRequest) -> None:
            self._stream, self._model_request = stream, model_request

        async def __aiter__(self) -> AsyncIterator[bytes]:
            __tracebackhide__ = True
            model_request = self._model_request
            try:
                async for chunk in self._stream:
                    model_request.chunk(chunk)
                    yield chunk
            except BaseException as error:
                _broken(model_request, error)
                raise
            model_request.done()

        async def aclose(self) -> None:
            try:
                await self._stream.aclose()
            finally:
                self._model_request.done(left=True)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._stream, name)

    return Stream


def _broken(model_request: ModelRequest, error: BaseException) -> None:
    # An iterator that is dropped was left early: nothing went wrong.
    model_request.done(left=True, error=None if isinstance(error, GeneratorExit) else error)


def _decoder(module: ModuleType, encoding: str) -> Callable[[bytes], bytes]:
    """The client library's own decoder, a second one beside the response's."""
    decoder = module.Response(200, headers={"content-encoding": encoding})._get_content_decoder()

    def decode(data: bytes) -> bytes:
        out = decoder.decode(data)
        return out if isinstance(out, bytes) else b"".join(out)  # httpx2 yields pieces

    return decode
