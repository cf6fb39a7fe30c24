"""httpx and httpx2 (which share their shape): `Client.send` and `AsyncClient.send`.

A whole answer is looked at after the client has read it. A streamed one gets its
byte stream wrapped: the wrap hands on each chunk as the user's code asks for it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from types import ModuleType
from typing import Any

from aimon_nb.recording.faults import faults
from aimon_nb.recording.patches import Patches
from aimon_nb.sentry.observe import Observer
from aimon_nb.wire.begin import begin, quiet
from aimon_nb.wire.exchange import Exchange
from aimon_nb.wire.gate import Sending


def install(module: ModuleType, observer: Observer, patches: Patches) -> None:
    """Wrap the two `send` methods of an httpx module."""
    wrap_sync = _sync_stream(module.SyncByteStream)
    wrap_async = _async_stream(module.AsyncByteStream)

    def send(original: Any) -> Any:
        def send(client: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            exchange = _hear(request, observer) if patches.live else None
            if exchange is None:
                return original(client, request, *args, **kwargs)
            with Sending(exchange):
                response = original(client, request, *args, **kwargs)
            _follow(module, response, exchange, wrap_sync)
            return response

        return send

    def asend(original: Any) -> Any:
        async def send(client: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            exchange = _hear(request, observer) if patches.live else None
            if exchange is None:
                return await original(client, request, *args, **kwargs)
            with Sending(exchange):
                response = await original(client, request, *args, **kwargs)
            _follow(module, response, exchange, wrap_async)
            return response

        return send

    patches.wrap(module.Client, "send", send)
    patches.wrap(module.AsyncClient, "send", asend)


@quiet
def _hear(request: Any, observer: Observer) -> Exchange | None:
    if request.method != "POST":
        return None
    url = request.url
    return begin(
        observer,
        url.netloc.decode("ascii"),
        url.raw_path,
        lambda: getattr(request, "_content", None),
    )


def _follow(
    module: ModuleType, response: Any, exchange: Exchange, wrap: Callable[[Any, Exchange], Any]
) -> None:
    try:
        exchange.head(response.status_code, response.headers)
        if hasattr(response, "_content"):
            exchange.chunk(response._content)
            exchange.done()
            return
        encoding = response.headers.get("content-encoding")
        if encoding:
            exchange.decoder = partial(_decoder, module, encoding)
        response.stream = wrap(response.stream, exchange)
    except Exception:
        faults.note("hearing an answer")


def _sync_stream(base: Any) -> Any:
    class Stream(base):  # type: ignore[misc]
        def __init__(self, stream: Any, exchange: Exchange) -> None:
            self._stream, self._exchange = stream, exchange

        def __iter__(self) -> Iterator[bytes]:
            __tracebackhide__ = True
            exchange = self._exchange
            try:
                for chunk in self._stream:
                    exchange.chunk(chunk)
                    yield chunk
            except BaseException as error:
                _broken(exchange, error)
                raise
            exchange.done()

        def close(self) -> None:
            try:
                self._stream.close()
            finally:
                self._exchange.done(left=True)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._stream, name)

    return Stream


def _async_stream(base: Any) -> Any:
    class Stream(base):  # type: ignore[misc]
        def __init__(self, stream: Any, exchange: Exchange) -> None:
            self._stream, self._exchange = stream, exchange

        async def __aiter__(self) -> AsyncIterator[bytes]:
            __tracebackhide__ = True
            exchange = self._exchange
            try:
                async for chunk in self._stream:
                    exchange.chunk(chunk)
                    yield chunk
            except BaseException as error:
                _broken(exchange, error)
                raise
            exchange.done()

        async def aclose(self) -> None:
            try:
                await self._stream.aclose()
            finally:
                self._exchange.done(left=True)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._stream, name)

    return Stream


def _broken(exchange: Exchange, error: BaseException) -> None:
    # An iterator that is dropped was left early: nothing went wrong.
    exchange.done(left=True, error=None if isinstance(error, GeneratorExit) else error)


def _decoder(module: ModuleType, encoding: str) -> Callable[[bytes], bytes]:
    """The client library's own decoder, a second one beside the response's."""
    decoder = module.Response(200, headers={"content-encoding": encoding})._get_content_decoder()

    def decode(data: bytes) -> bytes:
        out = decoder.decode(data)
        return out if isinstance(out, bytes) else b"".join(out)  # httpx2 yields pieces

    return decode
