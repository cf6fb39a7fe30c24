"""aiohttp: `ClientSession._request`, and what its parser feeds to the response's stream.

The parser feeds no faster than the user's code reads (beyond the client's own
small buffer, which is its back-pressure), and decompresses before it feeds.
"""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

from aimon_nb.recording.faults import faults
from aimon_nb.recording.patches import Patches
from aimon_nb.sentry.observe import Observer
from aimon_nb.wire.begin import begin, quiet
from aimon_nb.wire.exchange import Exchange
from aimon_nb.wire.gate import Sending
from aimon_nb.wire.transports.encoding import decoder
from aimon_nb.wire.transports.urllib3 import body_of, parts_of

# A stream takes no attribute and no weak reference; holding it keeps its id its own.
Heard = dict[int, tuple[Any, Exchange]]
MOST = 10_000  # streams being read


def install(module: ModuleType, observer: Observer, patches: Patches) -> None:
    """Wrap the session's one way to send, and the streams that are fed."""
    heard: Heard = {}

    def request(original: Any) -> Any:
        async def _request(session: Any, method: Any, url: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            exchange = _hear(session, method, url, kwargs, observer) if patches.live else None
            if exchange is None:
                return await original(session, method, url, **kwargs)
            with Sending(exchange):
                response = await original(session, method, url, **kwargs)
            _follow(session, response, exchange, kwargs, heard)
            return response

        return _request

    patches.wrap(module.ClientSession, "_request", request)
    stream = module.StreamReader
    patches.wrap(stream, "feed_data", lambda original: _feed_data(original, heard))
    patches.wrap(stream, "feed_eof", lambda original: _feed_eof(original, heard))
    patches.wrap(stream, "set_exception", lambda original: _set_exception(original, heard))


@quiet
def _hear(
    session: Any, method: Any, url: Any, kwargs: dict[str, Any], observer: Observer
) -> Exchange | None:
    if method != "POST" and str(method).upper() != "POST":
        return None
    text = url if isinstance(url, str) else str(url)
    if "://" not in text:
        text = str(session._build_url(url))
    return begin(observer, *parts_of(text), lambda: _body(kwargs))


def _body(kwargs: dict[str, Any]) -> bytes | None:
    given = kwargs.get("json")
    return body_of(kwargs.get("data")) if given is None else json.dumps(given).encode()


def _follow(
    session: Any, response: Any, exchange: Exchange, kwargs: dict[str, Any], heard: Heard
) -> None:
    try:
        exchange.head(response.status, response.headers)
        read = getattr(response, "_body", None)
        if read is not None:  # by a middleware of the user's
            exchange.chunk(read)
            exchange.done()
            return
        given = kwargs.get("auto_decompress")
        if not (session._auto_decompress if given is None else given):
            exchange.decoder = decoder(response.headers.get("content-encoding") or "")
        stream = response.content
        for chunk in list(getattr(stream, "_buffer", ())):  # what came with the head
            exchange.chunk(bytes(chunk))
        if stream.is_eof():
            exchange.done()
        else:
            heard[id(stream)] = stream, exchange
            if len(heard) > MOST:  # dropped ones whose loop is gone: nobody ends them
                heard.pop(next(iter(heard)))[1].done(left=True)
    except Exception:
        faults.note("hearing an answer")


def _feed_data(original: Any, heard: Heard) -> Any:
    def feed_data(stream: Any, data: Any, *args: Any, **kwargs: Any) -> Any:
        found = heard.get(id(stream)) if heard else None
        if found is not None:
            found[1].chunk(bytes(data))
        return original(stream, data, *args, **kwargs)

    return feed_data


def _feed_eof(original: Any, heard: Heard) -> Any:
    def feed_eof(stream: Any) -> Any:
        found = heard.pop(id(stream), None) if heard else None
        if found is not None:
            found[1].done()
        return original(stream)

    return feed_eof


def _set_exception(original: Any, heard: Heard) -> Any:
    def set_exception(stream: Any, error: Any, *args: Any, **kwargs: Any) -> Any:
        found = heard.pop(id(stream), None) if heard else None
        if found is not None:
            # What the client itself says when the user's code closes a response early.
            is_closed = str(error) == "Connection closed"
            found[1].done(left=True, error=None if is_closed else error)
        return original(stream, error, *args, **kwargs)

    return set_exception
