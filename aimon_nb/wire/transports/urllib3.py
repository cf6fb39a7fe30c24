"""urllib3: the two `urlopen` (the manager's follows redirects), and the bytes read from responses.

requests and botocore stand on it: they hear their own requests, and only mark
the response whose bytes are to be kept.
"""

from __future__ import annotations

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
    """Wrap both `urlopen`, and the ways to read a response."""
    hear = _Hears(observer, patches)
    patches.wrap(module.connectionpool.HTTPConnectionPool, "urlopen", hear.pool)
    patches.wrap(module.poolmanager.PoolManager, "urlopen", hear.manager)
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


def parts_of(url: str) -> tuple[str, bytes]:
    """Address and path of a URL, by a cheap cut; what stands before an @ is a secret."""
    netloc, slash, path = url.partition("://")[2].partition("/")
    return netloc.rpartition("@")[2], (slash + path).encode("utf-8", "replace")


def body_of(body: Any) -> bytes | None:
    """The body of a request if it is all there."""
    return body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else None


class _Hears:
    """The wraps of `urlopen`."""

    def __init__(self, observer: Observer, patches: Patches) -> None:
        self._observer, self._patches = observer, patches

    def pool(self, original: Any) -> Any:
        """Hear what is sent to one host; to a proxy the whole URL is asked for."""

        def urlopen(
            pool: Any, method: Any, url: Any, body: Any = None, *args: Any, **kw: Any
        ) -> Any:
            __tracebackhide__ = True
            exchange = self._hear(method, url, body, pool)
            if exchange is None:
                return original(pool, method, url, body, *args, **kw)
            with Sending(exchange):
                response = original(pool, method, url, body, *args, **kw)
            _follow(response, exchange, kw)
            return response

        return urlopen

    def manager(self, original: Any) -> Any:
        """Hear what is sent wherever, redirects included."""

        def urlopen(manager: Any, method: Any, url: Any, *args: Any, **kw: Any) -> Any:
            __tracebackhide__ = True
            exchange = self._hear(method, url, kw.get("body"))
            if exchange is None:
                return original(manager, method, url, *args, **kw)
            with Sending(exchange):
                response = original(manager, method, url, *args, **kw)
            _follow(response, exchange, kw)
            return response

        return urlopen

    def _hear(self, method: Any, url: Any, body: Any, pool: Any = None) -> Exchange | None:
        return _hear(method, url, body, pool, self._observer) if self._patches.live else None


@quiet
def _hear(method: Any, url: Any, body: Any, pool: Any, observer: Observer) -> Exchange | None:
    if method != "POST":
        return None
    if pool is None or "://" in url:
        address, path = parts_of(url)
    else:
        address = f"{pool.host}:{pool.port}" if pool.port else pool.host
        path = url.encode("utf-8", "replace")
    return begin(observer, address, path, lambda: body_of(body))


def _follow(response: Any, exchange: Exchange, kw: dict[str, Any]) -> None:
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


class _Heard:
    """A response being read; its ways to read call each other, and only the outer one counts."""

    __slots__ = ("_decided", "_encoding", "exchange", "inside")

    def __init__(self, exchange: Exchange, encoding: str) -> None:
        self.exchange, self.inside = exchange, False
        self._encoding, self._decided = encoding, False

    def take(self, read: Callable[..., Any], *args: Any, decodes: bool, **kwargs: Any) -> Any:
        """Read a piece for the user's code, and keep it."""
        __tracebackhide__ = True
        self.inside = True
        try:
            data = read(*args, **kwargs)
        except StopIteration:
            raise
        except BaseException as error:
            self.exchange.done(left=True, error=error)
            raise
        finally:
            self.inside = False
        try:
            if not self._decided:
                self._decided = True
                self.exchange.decoder = None if decodes else decoder(self._encoding)
            if data:
                self.exchange.chunk(data)
        except Exception:
            faults.note("keeping an answer")
        return data

    def pieces(self, chunks: Iterator[bytes], *, decodes: bool) -> Iterator[bytes]:
        """Hand on the pieces of a generator as they are asked for."""
        __tracebackhide__ = True
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
        __tracebackhide__ = True
        heard = _heard(raw)
        if heard is None:
            return original(raw, amt, decode_content, *args, **kwargs)
        decodes = raw.decode_content if decode_content is None else decode_content
        data = heard.take(original, raw, amt, decode_content, *args, decodes=decodes, **kwargs)
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
