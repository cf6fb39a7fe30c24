"""urllib3: the two `urlopen` (the manager's follows redirects), and the bytes read from responses.

requests and botocore stand on it: theirs are captured there, and only marked
the response whose bytes are to be kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.sentry.span_tracker import SpanTracker
from aimon_nb.wire.admission import InFlight
from aimon_nb.wire.capture import never_raise, start_capture
from aimon_nb.wire.content_encoding import decoder
from aimon_nb.wire.model_request import ModelRequest

MARK = "_aimon_nb_heard"


def install(module: ModuleType, tracker: SpanTracker, patches: Patches) -> None:
    """Wrap both `urlopen`, and the ways to read a response."""
    interceptor = _Interceptor(tracker, patches)
    patches.wrap(module.connectionpool.HTTPConnectionPool, "urlopen", interceptor.pool)
    patches.wrap(module.poolmanager.PoolManager, "urlopen", interceptor.manager)
    response = module.response.HTTPResponse
    for name in ("read", "read1"):
        patches.wrap(response, name, _read)
    for name in ("stream", "read_chunked"):
        patches.wrap(response, name, _stream)
    patches.wrap(response, "close", _close)


def follow(raw: Any, model_request: ModelRequest) -> None:
    """Keep what will be read from a response that was not read yet."""
    if not hasattr(type(raw), "read_chunked"):
        model_request.done(left=True)  # somebody's own kind of response: its bytes pass unheard
        return
    setattr(raw, MARK, _CapturedResponse(model_request, raw.headers.get("content-encoding") or ""))


def parts_of(url: str) -> tuple[str, bytes]:
    """Address and path of a URL, by a cheap cut; what stands before an @ is a secret."""
    netloc, slash, path = url.partition("://")[2].partition("/")
    return netloc.rpartition("@")[2], (slash + path).encode("utf-8", "replace")


def body_of(body: Any) -> bytes | None:
    """The body of a request if it is all there."""
    return body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else None


class _Interceptor:
    """The wraps of `urlopen`."""

    def __init__(self, tracker: SpanTracker, patches: Patches) -> None:
        self._tracker, self._patches = tracker, patches

    def pool(self, original: Any) -> Any:
        """Capture what is sent to one host; to a proxy the whole URL is asked for."""

        def urlopen(
            pool: Any, method: Any, url: Any, body: Any = None, *args: Any, **kw: Any
        ) -> Any:
            __tracebackhide__ = True
            model_request = self._hear(method, url, body, pool)
            if model_request is None:
                return original(pool, method, url, body, *args, **kw)
            with InFlight(model_request):
                response = original(pool, method, url, body, *args, **kw)
            _follow(response, model_request, kw)
            return response

        return urlopen

    def manager(self, original: Any) -> Any:
        """Capture what is sent wherever, redirects included."""

        def urlopen(manager: Any, method: Any, url: Any, *args: Any, **kw: Any) -> Any:
            __tracebackhide__ = True
            model_request = self._hear(method, url, kw.get("body"))
            if model_request is None:
                return original(manager, method, url, *args, **kw)
            with InFlight(model_request):
                response = original(manager, method, url, *args, **kw)
            _follow(response, model_request, kw)
            return response

        return urlopen

    def _hear(self, method: Any, url: Any, body: Any, pool: Any = None) -> ModelRequest | None:
        return _intercept(method, url, body, pool, self._tracker) if self._patches.live else None


@never_raise
def _intercept(
    method: Any, url: Any, body: Any, pool: Any, tracker: SpanTracker
) -> ModelRequest | None:
    if method != "POST":
        return None
    if pool is None or "://" in url:
        address, path = parts_of(url)
    else:
        address = f"{pool.host}:{pool.port}" if pool.port else pool.host
        path = url.encode("utf-8", "replace")
    return start_capture(tracker, address, path, lambda: body_of(body))


def _follow(response: Any, model_request: ModelRequest, kw: dict[str, Any]) -> None:
    try:
        model_request.head(response.status, response.headers)
        if kw.get("preload_content", True):
            if not response.decode_content:
                model_request.decoder = decoder(response.headers.get("content-encoding") or "")
            model_request.chunk(response.data)
            model_request.done()
        else:
            follow(response, model_request)
    except Exception:
        internal_errors.record("capturing an answer")


class _CapturedResponse:
    """A response being read; its ways to read call each other, and only the outer one counts."""

    __slots__ = ("_decided", "_encoding", "inside", "model_request")

    def __init__(self, model_request: ModelRequest, encoding: str) -> None:
        self.model_request, self.inside = model_request, False
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
            self.model_request.done(left=True, error=error)
            raise
        finally:
            self.inside = False
        try:
            if not self._decided:
                self._decided = True
                self.model_request.decoder = None if decodes else decoder(self._encoding)
            if data:
                self.model_request.chunk(data)
        except Exception:
            internal_errors.record("keeping an answer")
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
            self.model_request.done(left=True)
            raise
        self.model_request.done()


def _captured(raw: Any) -> _CapturedResponse | None:
    captured: _CapturedResponse | None = raw.__dict__.get(MARK)
    return None if captured is None or captured.inside else captured


def _read(original: Any) -> Any:
    def read(
        raw: Any, amt: Any = None, decode_content: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        __tracebackhide__ = True
        captured = _captured(raw)
        if captured is None:
            return original(raw, amt, decode_content, *args, **kwargs)
        decodes = raw.decode_content if decode_content is None else decode_content
        data = captured.take(original, raw, amt, decode_content, *args, decodes=decodes, **kwargs)
        is_all = original.__name__ == "read" and (amt is None or amt < 0)
        if is_all or (not data and amt != 0):
            captured.model_request.done()
        return data

    return read


def _stream(original: Any) -> Any:
    def stream(raw: Any, *args: Any, **kwargs: Any) -> Any:
        chunks = original(raw, *args, **kwargs)
        captured = _captured(raw)
        if captured is None:
            return chunks
        given = kwargs.get("decode_content", args[1] if len(args) > 1 else None)
        # In chunks, urllib3 does not fall back on the response's own `decode_content`.
        default = raw.decode_content and not raw.chunked
        return captured.pieces(chunks, decodes=default if given is None else given)

    return stream


def _close(original: Any) -> Any:
    def close(raw: Any) -> Any:
        captured = _captured(raw)  # not where reading itself ends or breaks, and closes
        if captured is not None:
            captured.model_request.done(left=True)
        return original(raw)

    return close
