"""httpx and httpx2 (which share their shape): `Client.send` and `AsyncClient.send`.

A whole answer is looked at after the client has read it. A streamed one gets its
byte stream wrapped: the wrap hands on each chunk as the user's code asks for it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from types import ModuleType
from typing import Any

from aimon_nb.recording.faults import faults
from aimon_nb.recording.patches import Patches
from aimon_nb.sentry.observe import Observer
from aimon_nb.wire import gate
from aimon_nb.wire.begin import begin
from aimon_nb.wire.exchange import Exchange


def install(module: ModuleType, observer: Observer, patches: Patches) -> None:
    """Wrap the two `send` methods of an httpx module."""
    tee = _Tee(module)

    def send(original: Any) -> Any:
        def send(client: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            exchange = _begin(request, observer) if patches.live else None
            if exchange is None:
                return original(client, request, *args, **kwargs)
            try:
                gate.admit(exchange)
                response = original(client, request, *args, **kwargs)
            except BaseException as error:
                exchange.done(error=error)
                raise
            tee.follow(response, exchange)
            return response

        return send

    def asend(original: Any) -> Any:
        async def send(client: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            exchange = _begin(request, observer) if patches.live else None
            if exchange is None:
                return await original(client, request, *args, **kwargs)
            try:
                gate.admit(exchange)
                response = await original(client, request, *args, **kwargs)
            except BaseException as error:
                exchange.done(error=error)
                raise
            tee.follow(response, exchange)
            return response

        return send

    patches.wrap(module.Client, "send", send)
    patches.wrap(module.AsyncClient, "send", asend)


def _begin(request: Any, observer: Observer) -> Exchange | None:
    try:
        url = request.url
        if request.method != "POST":
            return None
        return begin(
            url.host, url.port, url.raw_path, lambda: getattr(request, "_content", None), observer
        )
    except Exception:
        faults.note("hearing a request")
        return None


class _Tee:
    """Follows the bytes of a module's responses."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._sync = _sync_stream(module.SyncByteStream)
        self._async = _async_stream(module.AsyncByteStream)

    def follow(self, response: Any, exchange: Exchange) -> None:
        try:
            exchange.head(response.status_code)
            if hasattr(response, "_content"):
                exchange.chunk(response._content)
                exchange.done()
                return
            encoding = response.headers.get("content-encoding")
            if encoding:
                exchange.decode = _decoder(self._module, encoding)
            stream = response.stream
            wrap = self._async if isinstance(stream, self._module.AsyncByteStream) else self._sync
            response.stream = wrap(stream, exchange)
        except Exception:
            faults.note("hearing an answer")


def _sync_stream(base: Any) -> Any:
    class Stream(base):  # type: ignore[misc]
        def __init__(self, stream: Any, exchange: Exchange) -> None:
            self._stream, self._exchange = stream, exchange

        def __iter__(self) -> Iterator[bytes]:
            exchange = self._exchange
            try:
                for chunk in self._stream:
                    exchange.chunk(chunk)
                    yield chunk
            except GeneratorExit:
                raise
            except BaseException as error:
                exchange.done(left=True, error=error)
                raise
            exchange.done()

        def close(self) -> None:
            try:
                self._stream.close()
            finally:
                self._exchange.done(left=True)

    return Stream


def _async_stream(base: Any) -> Any:
    class Stream(base):  # type: ignore[misc]
        def __init__(self, stream: Any, exchange: Exchange) -> None:
            self._stream, self._exchange = stream, exchange

        async def __aiter__(self) -> AsyncIterator[bytes]:
            exchange = self._exchange
            try:
                async for chunk in self._stream:
                    exchange.chunk(chunk)
                    yield chunk
            except GeneratorExit:
                raise
            except BaseException as error:
                exchange.done(left=True, error=error)
                raise
            exchange.done()

        async def aclose(self) -> None:
            try:
                await self._stream.aclose()
            finally:
                self._exchange.done(left=True)

    return Stream


def _decoder(module: ModuleType, encoding: str) -> Any:
    """The client library's own decoder, a second one beside the response's."""
    decoder = module.Response(200, headers={"content-encoding": encoding})._get_content_decoder()

    def decode(data: bytes) -> bytes:
        out = decoder.decode(data)
        return out if isinstance(out, bytes) else b"".join(out)  # httpx2 yields pieces

    return decode
