"""aiohttp: `ClientSession._request`, and what its parser feeds to the response's stream.

The parser feeds no faster than the user's code reads (beyond the client's own
small buffer, which is its back-pressure), and decompresses before it feeds.
"""

from __future__ import annotations

import json
import weakref
from functools import partial
from types import ModuleType
from typing import Any

from aimon_nb.capture.hooks import Patches, named_like
from aimon_nb.sentry.span_tracker import SpanTracker
from aimon_nb.wire.cached_answers import cache_of_aiohttp, note
from aimon_nb.wire.capture import Args, Interceptor, Kwargs, Target, target_of_url, whole_body
from aimon_nb.wire.content_encoding import decoder_factory
from aimon_nb.wire.deferred import IN_RESULTS, deferred
from aimon_nb.wire.exchanges import Sent
from aimon_nb.wire.model_request import ModelRequest

OpenStreams = dict[int, tuple[Any, ModelRequest]]
"""The streams being read, by their id: they take no attribute and no weak reference.

The stream stands beside its request because an id is its own only while it lives.
"""
MOST = 10_000  # streams being read
# Those of the hooks in use: sessions with a cache, too, have their streams fed by aiohttp.
_open_streams: weakref.WeakKeyDictionary[Patches, OpenStreams] = weakref.WeakKeyDictionary()


def install(module: ModuleType, tracker: SpanTracker, patches: Patches) -> None:
    """Wrap the session's one way to send, and the streams that are fed."""
    streams = _streams_of(patches)
    patches.wrap(module.ClientSession, "_request", _interceptor(tracker, patches).wrap_async)
    patches.wrap(module.StreamReader, "feed_data", partial(_feed_data, streams))
    patches.wrap(module.StreamReader, "feed_eof", partial(_feed_eof, streams))
    patches.wrap(module.StreamReader, "set_exception", partial(_set_exception, streams))


def install_above(module: ModuleType, tracker: SpanTracker, patches: Patches) -> None:
    """Wrap the sessions of aiohttp-client-cache, which ask `_request` for what they do not hold."""
    patches.wrap(module.CacheMixin, "_request", _interceptor(tracker, patches).wrap_async)


def install_vcr(module: ModuleType, tracker: SpanTracker, patches: Patches) -> None:
    """Wrap the `_request` that vcrpy puts into the session's, or what it plays was never heard."""
    interceptor = _interceptor(tracker, patches)

    def make(original: Any) -> Any:
        def vcr_request(cassette: Any, real_request: Any) -> Any:
            made = original(cassette, real_request)
            return named_like(made, interceptor.wrap_async(made))

        return vcr_request

    patches.wrap(module, "vcr_request", make)


def _streams_of(patches: Patches) -> OpenStreams:
    return _open_streams.setdefault(patches, {})


def _interceptor(tracker: SpanTracker, patches: Patches) -> Interceptor:
    follow = partial(_follow, _streams_of(patches))
    return Interceptor(tracker, patches, _target, _body, follow, _sent)


def _target(args: Args, kwargs: Kwargs) -> Target | None:
    method = args[1] if len(args) > 1 else kwargs.get("method")
    is_get = method == "GET"
    # aiohttp itself turns the method into upper case, later.
    if not is_get and method != "POST":
        is_get = str(method).upper() == "GET"
        if not is_get and str(method).upper() != "POST":
            return None
    str_or_url = args[2] if len(args) > 2 else kwargs.get("str_or_url", "")
    url = str_or_url if isinstance(str_or_url, str) else str(str_or_url)
    if is_get and not deferred.pending and IN_RESULTS not in url:
        return None
    # A session with a base URL is asked for paths.
    url = url if "://" in url else str(args[0]._build_url(str_or_url))
    return target_of_url(url, is_get=is_get)


def _body(_args: Args, kwargs: Kwargs) -> bytes | None:
    value = kwargs.get("json")
    return whole_body(kwargs.get("data")) if value is None else json.dumps(value).encode()


def _sent(args: Args, kwargs: Kwargs) -> Sent:
    url = args[2] if len(args) > 2 else kwargs.get("str_or_url")
    return Sent(url, kwargs.get("headers"))


def _follow(
    streams: OpenStreams,
    model_request: ModelRequest,
    response: Any,
    args: Args,
    kwargs: Kwargs,
) -> None:
    note(model_request, response, cache_of_aiohttp)
    model_request.on_response_head(response.status, response.headers)
    body = getattr(response, "_body", None)
    # A middleware of the user's has read it.
    if body is not None:
        model_request.on_chunk(body)
        model_request.on_done()
        return
    auto_decompress = kwargs.get("auto_decompress")
    if not (args[0]._auto_decompress if auto_decompress is None else auto_decompress):
        model_request.decoder = decoder_factory(response.headers.get("content-encoding"))
    stream = response.content
    # What came in one packet with the head was fed before anybody could follow.
    for chunk in list(getattr(stream, "_buffer", ())):
        model_request.on_chunk(bytes(chunk))
    if stream.is_eof():
        model_request.on_done()
        return
    streams[id(stream)] = stream, model_request
    # A response that is dropped when its loop is gone is never ended by anybody.
    if len(streams) > MOST:
        streams.pop(next(iter(streams)))[1].on_done(left=True)


def _feed_data(streams: OpenStreams, original: Any) -> Any:
    def feed_data(stream: Any, data: Any, *args: Any, **kwargs: Any) -> Any:
        # Nearly always nothing is read of a model: then a stream's data cost this look.
        entry = streams.get(id(stream)) if streams else None
        if entry is not None:
            entry[1].on_chunk(bytes(data))
        return original(stream, data, *args, **kwargs)

    return feed_data


def _feed_eof(streams: OpenStreams, original: Any) -> Any:
    def feed_eof(stream: Any) -> Any:
        entry = streams.pop(id(stream), None) if streams else None
        if entry is not None:
            entry[1].on_done()
        return original(stream)

    return feed_eof


def _set_exception(streams: OpenStreams, original: Any) -> Any:
    def set_exception(stream: Any, error: Any, *args: Any, **kwargs: Any) -> Any:
        entry = streams.pop(id(stream), None) if streams else None
        if entry is not None:
            # What the client itself says when the user's code closes a response early.
            is_closed = str(error) == "Connection closed"
            entry[1].on_done(left=True, error=None if is_closed else error)
        return original(stream, error, *args, **kwargs)

    return set_exception
