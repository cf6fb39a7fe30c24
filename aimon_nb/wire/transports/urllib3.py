"""urllib3: `HTTPConnectionPool.urlopen`, and the bytes read from its responses.

requests and botocore stand on it: they hear their own requests, and only mark
the response whose bytes are to be kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from aimon_nb.recording.faults import faults
from aimon_nb.recording.patches import Patches
from aimon_nb.sentry.observe import Observer
from aimon_nb.wire.begin import begin, quiet
from aimon_nb.wire.exchange import Exchange
from aimon_nb.wire.gate import Sending
from aimon_nb.wire.transports.encoding import decoder

MARK = "_aimon_nb_heard"


def install(module: ModuleType, observer: Observer, patches: Patches) -> None:
    """Wrap the pool's `urlopen`, and the ways to read a response."""
    from_pool = module.connectionpool.HTTPConnectionPool
    patches.wrap(from_pool, "urlopen", lambda original: _urlopen(original, observer, patches))
    response = module.response.HTTPResponse
    for name in ("read", "read1"):
        patches.wrap(response, name, _read)
    for name in ("stream", "read_chunked"):
        patches.wrap(response, name, _stream)
    patches.wrap(response, "close", _close)


def follow(raw: Any, exchange: Exchange) -> None:
    """Keep what will be read from a response that was not read yet."""
    if not hasattr(type(raw), "read_chunked"):
        exchange.done(left=True)  # somebody's own kind of response: its bytes pass unheard
        return
    setattr(raw, MARK, _Heard(exchange, raw.headers.get("content-encoding") or ""))


def body_of(body: Any) -> bytes | None:
    """The body of a request if it is all there."""
    return body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else None


def _urlopen(original: Any, observer: Observer, patches: Patches) -> Any:
    def urlopen(pool: Any, method: Any, url: Any, body: Any = None, *args: Any, **kw: Any) -> Any:
        exchange = _hear(pool, method, url, body, kw, observer) if patches.live else None
        if exchange is None:
            return original(pool, method, url, body, *args, **kw)
        with Sending(exchange):
            response = original(pool, method, url, body, *args, **kw)
        try:
            exchange.head(response.status, response.headers)
            if kw.get("preload_content", True):
                if not response.decode_content:
                    exchange.decoder = decoder(response.headers.get("content-encoding") or "")
                exchange.chunk(response.data)
                exchange.done()
            else:
                follow(response, exchange)
        except Exception:
            faults.note("hearing an answer")
        return response

    return urlopen


@quiet
def _hear(
    pool: Any, method: Any, url: Any, body: Any, kw: dict[str, Any], observer: Observer
) -> Exchange | None:
    if method != "POST":
        return None
    given = kw.get("json") if body is None else None
    return begin(
        observer,
        f"{pool.host}:{pool.port}" if pool.port else pool.host,
        url.encode("utf-8", "replace"),
        lambda: json.dumps(given).encode() if given is not None else body_of(body),
    )


class _Heard:
    """A response being read; its ways to read call each other, and only the outer one counts."""

    __slots__ = ("_decided", "_encoding", "exchange", "inside")

    def __init__(self, exchange: Exchange, encoding: str) -> None:
        self.exchange, self.inside = exchange, False
        self._encoding, self._decided = encoding, False

    def take(self, read: Callable[[], Any], *, decodes: bool) -> Any:
        """Read a piece for the user's code, and keep it."""
        self.inside = True
        try:
            data = read()
        except StopIteration:
            raise
        except BaseException as error:
            self.exchange.done(left=True, error=error)
            raise
        finally:
            self.inside = False
        if not self._decided:
            self._decided = True
            self.exchange.decoder = None if decodes else decoder(self._encoding)
        if data:
            self.exchange.chunk(data)
        return data

    def pieces(self, chunks: Iterator[bytes], *, decodes: bool) -> Iterator[bytes]:
        """Hand on the pieces of a generator as they are asked for."""
        try:
            while True:
                try:
                    chunk = self.take(chunks.__next__, decodes=decodes)
                except StopIteration:
                    break
                yield chunk
        except GeneratorExit:
            self.exchange.done(left=True)
            raise
        self.exchange.done()


def _heard(raw: Any) -> _Heard | None:
    heard: _Heard | None = raw.__dict__.get(MARK)
    return None if heard is None or heard.inside else heard


def _read(original: Any) -> Any:
    def read(
        raw: Any, amt: Any = None, decode_content: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        heard = _heard(raw)
        if heard is None:
            return original(raw, amt, decode_content, *args, **kwargs)
        decodes = raw.decode_content if decode_content is None else decode_content
        data = heard.take(
            lambda: original(raw, amt, decode_content, *args, **kwargs), decodes=decodes
        )
        is_all = original.__name__ == "read" and (amt is None or amt < 0)
        if is_all or (not data and amt != 0):
            heard.exchange.done()
        return data

    return read


def _stream(original: Any) -> Any:
    def stream(raw: Any, *args: Any, **kwargs: Any) -> Any:
        chunks = original(raw, *args, **kwargs)
        heard = _heard(raw)
        if heard is None:
            return chunks
        given = kwargs.get("decode_content", args[1] if len(args) > 1 else None)
        # In chunks, urllib3 does not fall back on the response's own `decode_content`.
        default = raw.decode_content and not raw.chunked
        return heard.pieces(chunks, decodes=default if given is None else given)

    return stream


def _close(original: Any) -> Any:
    def close(raw: Any) -> Any:
        heard = _heard(raw)  # not where reading itself ends or breaks, and closes
        if heard is not None:
            heard.exchange.done(left=True)
        return original(raw)

    return close
