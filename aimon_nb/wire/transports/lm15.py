"""lm15, which dspy carries inside: its own HTTP over sockets.

`StdlibTransport.stream` and `StdlibAsyncTransport._do_stream` send; an answer's
chunks, already decompressed, are handed on as the user's code asks for them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from types import ModuleType
from typing import Any

from aimon_nb.recording.faults import faults
from aimon_nb.recording.patches import Patches
from aimon_nb.sentry.observe import Observer
from aimon_nb.wire.begin import begin, quiet
from aimon_nb.wire.exchange import Exchange
from aimon_nb.wire.gate import Sending
from aimon_nb.wire.transports.urllib3 import body_of, parts_of


def install(module: ModuleType, observer: Observer, patches: Patches) -> None:
    """Wrap the two transports' one way to send."""

    def stream(original: Any) -> Any:
        def stream(transport: Any, request: Any) -> Any:
            __tracebackhide__ = True
            exchange = _hear(request, observer) if patches.live else None
            if exchange is None:
                return original(transport, request)
            with Sending(exchange):
                response = original(transport, request)
            _follow(response, exchange, _chunks, _released)
            return response

        return stream

    def astream(original: Any) -> Any:
        async def _do_stream(transport: Any, request: Any) -> Any:
            __tracebackhide__ = True
            exchange = _hear(request, observer) if patches.live else None
            if exchange is None:
                return await original(transport, request)
            with Sending(exchange):
                response = await original(transport, request)
            _follow(response, exchange, _achunks, _areleased)
            return response

        return _do_stream

    patches.wrap(module.StdlibTransport, "stream", stream)
    patches.wrap(module.StdlibAsyncTransport, "_do_stream", astream)


@quiet
def _hear(request: Any, observer: Observer) -> Exchange | None:
    if request.method != "POST":
        return None
    return begin(observer, *parts_of(request.url), lambda: body_of(request.body))


def _follow(
    response: Any,
    exchange: Exchange,
    chunks: Callable[[Any, Exchange], Any],
    released: Callable[[Any, Exchange], Any],
) -> None:
    try:
        exchange.head(response.status, {name.lower(): value for name, value in response.headers})
        response._chunks = chunks(response._chunks, exchange)
        response._release = released(response._release, exchange)
    except Exception:
        faults.note("hearing an answer")


def _chunks(original: Iterator[bytes], exchange: Exchange) -> Iterator[bytes]:
    __tracebackhide__ = True
    try:
        for chunk in original:
            exchange.chunk(chunk)
            yield chunk
    except BaseException as error:
        _broken(exchange, error)
        raise
    exchange.done()


async def _achunks(original: AsyncIterator[bytes], exchange: Exchange) -> AsyncIterator[bytes]:
    __tracebackhide__ = True
    try:
        async for chunk in original:
            exchange.chunk(chunk)
            yield chunk
    except BaseException as error:
        _broken(exchange, error)
        raise
    exchange.done()


def _released(original: Callable[[bool], None], exchange: Exchange) -> Callable[[bool], None]:
    def release(body_consumed: bool) -> None:  # noqa: FBT001  the client's own signature
        exchange.done(left=True)
        original(body_consumed)

    return release


def _areleased(
    original: Callable[[bool], Awaitable[None]], exchange: Exchange
) -> Callable[[bool], Awaitable[None]]:
    async def release(body_consumed: bool) -> None:  # noqa: FBT001  the client's own signature
        exchange.done(left=True)
        await original(body_consumed)

    return release


def _broken(exchange: Exchange, error: BaseException) -> None:
    # An iterator that is dropped was left early: nothing went wrong.
    exchange.done(left=True, error=None if isinstance(error, GeneratorExit) else error)
