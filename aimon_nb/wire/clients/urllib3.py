"""urllib3: the two `urlopen` (the manager's follows redirects), and the bytes read from responses.

requests and botocore stand on it: their requests are captured above, and of their
streamed responses only the reads are captured here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.sentry.span_tracker import SpanTracker
from aimon_nb.wire.cached_answers import recorded_body
from aimon_nb.wire.capture import Args, Interceptor, Kwargs, Target, target_of_url, whole_body
from aimon_nb.wire.content_encoding import decoder_factory
from aimon_nb.wire.deferred import IN_RESULTS, deferred
from aimon_nb.wire.exchanges import Sent
from aimon_nb.wire.model_request import ModelRequest

ATTRIBUTE = "_aimon_nb_captured"
"""On a response that is being read: its `_CapturedResponse`."""


def install(module: ModuleType, tracker: SpanTracker, patches: Patches) -> None:
    """Wrap both `urlopen`, and the ways to read a response."""
    pool = Interceptor(tracker, patches, _pool_target, _pool_body, _follow, _pool_sent)
    patches.wrap(module.connectionpool.HTTPConnectionPool, "urlopen", pool.wrap)
    manager = Interceptor(tracker, patches, _manager_target, _manager_body, _follow, _manager_sent)
    patches.wrap(module.poolmanager.PoolManager, "urlopen", manager.wrap)
    response = module.response.HTTPResponse
    for name in ("read", "read1"):
        patches.wrap(response, name, _read)
    for name in ("stream", "read_chunked"):
        patches.wrap(response, name, _stream)
    patches.wrap(response, "close", _close)


def capture_reads(response: Any, model_request: ModelRequest) -> None:
    """Keep what will be read from a response that was not read yet."""
    # Somebody's own kind of response: nothing of ours sees its bytes pass.
    if not hasattr(type(response), "read_chunked"):
        body = recorded_body(response)
        if body is not None:
            model_request.on_chunk(body)
        model_request.on_done(left=body is None)
        return
    encoding = response.headers.get("content-encoding")
    setattr(response, ATTRIBUTE, _CapturedResponse(model_request, encoding))


def _pool_target(args: Args, kwargs: Kwargs) -> Target | None:
    url, is_get = _url_of(args, kwargs)
    if url is None:
        return None
    pool = args[0]
    # A proxy is asked for whole URLs.
    if "://" in url:
        return target_of_url(url, is_get=is_get)
    address = f"{pool.host}:{pool.port}" if pool.port else pool.host
    return address, url.encode("utf-8", "replace"), is_get


def _pool_body(args: Args, kwargs: Kwargs) -> bytes | None:
    return whole_body(args[3] if len(args) > 3 else kwargs.get("body"))


def _pool_sent(args: Args, kwargs: Kwargs) -> Sent:
    url, _ = _url_of(args, kwargs)
    pool = args[0]
    whole = url if url is None or "://" in url else f"{pool.scheme}://{pool.host}:{pool.port}{url}"
    return Sent(whole, args[4] if len(args) > 4 else kwargs.get("headers") or pool.headers)


def _manager_sent(args: Args, kwargs: Kwargs) -> Sent:
    return Sent(_url_of(args, kwargs)[0], kwargs.get("headers") or args[0].headers)


def _manager_target(args: Args, kwargs: Kwargs) -> Target | None:
    url, is_get = _url_of(args, kwargs)
    return None if url is None else target_of_url(url, is_get=is_get)


def _manager_body(_args: Args, kwargs: Kwargs) -> bytes | None:
    # Its third positional argument is `redirect`.
    return whole_body(kwargs.get("body"))


def _url_of(args: Args, kwargs: Kwargs) -> tuple[str | None, bool]:
    """Return where a request goes, and whether it is a GET; no URL for one of no interest."""
    method = args[1] if len(args) > 1 else kwargs.get("method")
    url = args[2] if len(args) > 2 else kwargs.get("url")
    is_get = method == "GET"
    if is_get and url is not None and not deferred.pending and IN_RESULTS not in url:
        return None, True
    return (url if is_get or method == "POST" else None), is_get


def _follow(model_request: ModelRequest, response: Any, _args: Args, kwargs: Kwargs) -> None:
    model_request.on_response_head(response.status, response.headers)
    if not kwargs.get("preload_content", True):
        capture_reads(response, model_request)
        return
    if not getattr(response, "decode_content", True):
        model_request.decoder = decoder_factory(response.headers.get("content-encoding"))
    model_request.on_chunk(response.data)
    model_request.on_done()


class _CapturedResponse:
    """A response being read; its ways to read call each other, and only the outer one counts."""

    __slots__ = ("_encoding", "_is_decoder_set", "is_reading", "model_request")

    def __init__(self, model_request: ModelRequest, encoding: str | None) -> None:
        self.model_request, self.is_reading = model_request, False
        self._encoding, self._is_decoder_set = encoding, False

    def read(self, read: Callable[..., Any], *args: Any, decodes: bool, **kwargs: Any) -> Any:
        """Return what `read` returns to the user's code, and keep it.

        `decodes` says whether urllib3 decodes these bytes itself.
        """
        __tracebackhide__ = True
        self.is_reading = True
        try:
            data = read(*args, **kwargs)
        except StopIteration:
            raise
        except BaseException as error:
            self.model_request.on_done(left=True, error=error)
            raise
        finally:
            self.is_reading = False
        try:
            # The first read decides: urllib3 refuses to stop decoding in the middle.
            if not self._is_decoder_set:
                self._is_decoder_set = True
                self.model_request.decoder = None if decodes else decoder_factory(self._encoding)
            if data:
                self.model_request.on_chunk(data)
        except Exception:
            internal_errors.record("keeping an answer")
        return data

    def chunks(self, chunks: Iterator[bytes], *, decodes: bool) -> Iterator[bytes]:
        """Hand on the chunks of a generator as they are asked for."""
        __tracebackhide__ = True
        try:
            while True:
                try:
                    chunk = self.read(chunks.__next__, decodes=decodes)
                except StopIteration:
                    break
                yield chunk
        except GeneratorExit:
            self.model_request.on_done(left=True)
            raise
        self.model_request.on_done()


def _captured_response(response: Any) -> _CapturedResponse | None:
    """Return what captures a response's reads; None if nothing does, or one is under way."""
    captured: _CapturedResponse | None = response.__dict__.get(ATTRIBUTE)
    return None if captured is None or captured.is_reading else captured


def _read(original: Any) -> Any:
    def read(
        response: Any, amt: Any = None, decode_content: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        __tracebackhide__ = True
        captured = _captured_response(response)
        if captured is None:
            return original(response, amt, decode_content, *args, **kwargs)
        decodes = response.decode_content if decode_content is None else decode_content
        data = captured.read(
            original, response, amt, decode_content, *args, decodes=decodes, **kwargs
        )
        # `read1` without an amount returns what is there, which need not be all.
        is_all = original.__name__ == "read" and (amt is None or amt < 0)
        if is_all or (not data and amt != 0):
            captured.model_request.on_done()
        return data

    return read


def _stream(original: Any) -> Any:
    def stream(response: Any, *args: Any, **kwargs: Any) -> Any:
        chunks = original(response, *args, **kwargs)
        captured = _captured_response(response)
        if captured is None:
            return chunks
        decode_content = kwargs.get("decode_content", args[1] if len(args) > 1 else None)
        # In chunks, urllib3 does not fall back on the response's own `decode_content`.
        default = response.decode_content and not response.chunked
        return captured.chunks(
            chunks, decodes=default if decode_content is None else decode_content
        )

    return stream


def _close(original: Any) -> Any:
    def close(response: Any) -> Any:
        # None where reading itself ends or breaks, and closes.
        captured = _captured_response(response)
        if captured is not None:
            captured.model_request.on_done(left=True)
        return original(response)

    return close
