"""aiohttp: `ClientSession._request`, and what its parser feeds to the response's stream.

The parser feeds no faster than the user's code reads (beyond the client's own
small buffer, which is its back-pressure), and decompresses before it feeds.
"""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.sentry.span_tracker import SpanTracker
from aimon_nb.wire.admission import InFlight
from aimon_nb.wire.capture import never_raise, start_capture
from aimon_nb.wire.clients.urllib3 import body_of, parts_of
from aimon_nb.wire.content_encoding import decoder
from aimon_nb.wire.model_request import ModelRequest

# A stream takes no attribute and no weak reference; holding it keeps its id its own.
CapturedAnswer = dict[int, tuple[Any, ModelRequest]]
MOST = 10_000  # streams being read


def install(module: ModuleType, tracker: SpanTracker, patches: Patches) -> None:
    """Wrap the session's one way to send, and the streams that are fed."""
    captured: CapturedAnswer = {}

    def request(original: Any) -> Any:
        async def _request(session: Any, method: Any, url: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            model_request = (
                _intercept(session, method, url, kwargs, tracker) if patches.live else None
            )
            if model_request is None:
                return await original(session, method, url, **kwargs)
            with InFlight(model_request):
                response = await original(session, method, url, **kwargs)
            _follow(session, response, model_request, kwargs, captured)
            return response

        return _request

    patches.wrap(module.ClientSession, "_request", request)
    stream = module.StreamReader
    patches.wrap(stream, "feed_data", lambda original: _feed_data(original, captured))
    patches.wrap(stream, "feed_eof", lambda original: _feed_eof(original, captured))
    patches.wrap(stream, "set_exception", lambda original: _set_exception(original, captured))


@never_raise
def _intercept(
    session: Any, method: Any, url: Any, kwargs: dict[str, Any], tracker: SpanTracker
) -> ModelRequest | None:
    if method != "POST" and str(method).upper() != "POST":
        return None
    text = url if isinstance(url, str) else str(url)
    if "://" not in text:
        text = str(session._build_url(url))
    return start_capture(tracker, *parts_of(text), lambda: _body(kwargs))


def _body(kwargs: dict[str, Any]) -> bytes | None:
    given = kwargs.get("json")
    return body_of(kwargs.get("data")) if given is None else json.dumps(given).encode()


def _follow(
    session: Any,
    response: Any,
    model_request: ModelRequest,
    kwargs: dict[str, Any],
    captured: CapturedAnswer,
) -> None:
    try:
        model_request.head(response.status, response.headers)
        read = getattr(response, "_body", None)
        if read is not None:  # by a middleware of the user's
            model_request.chunk(read)
            model_request.done()
            return
        given = kwargs.get("auto_decompress")
        if not (session._auto_decompress if given is None else given):
            model_request.decoder = decoder(response.headers.get("content-encoding") or "")
        stream = response.content
        for chunk in list(getattr(stream, "_buffer", ())):  # what came with the head
            model_request.chunk(bytes(chunk))
        if stream.is_eof():
            model_request.done()
        else:
            captured[id(stream)] = stream, model_request
            if len(captured) > MOST:  # dropped ones whose loop is gone: nobody ends them
                captured.pop(next(iter(captured)))[1].done(left=True)
    except Exception:
        internal_errors.record("capturing an answer")


def _feed_data(original: Any, captured: CapturedAnswer) -> Any:
    def feed_data(stream: Any, data: Any, *args: Any, **kwargs: Any) -> Any:
        found = captured.get(id(stream)) if captured else None
        if found is not None:
            found[1].chunk(bytes(data))
        return original(stream, data, *args, **kwargs)

    return feed_data


def _feed_eof(original: Any, captured: CapturedAnswer) -> Any:
    def feed_eof(stream: Any) -> Any:
        found = captured.pop(id(stream), None) if captured else None
        if found is not None:
            found[1].done()
        return original(stream)

    return feed_eof


def _set_exception(original: Any, captured: CapturedAnswer) -> Any:
    def set_exception(stream: Any, error: Any, *args: Any, **kwargs: Any) -> Any:
        found = captured.pop(id(stream), None) if captured else None
        if found is not None:
            # What the client itself says when the user's code closes a response early.
            is_closed = str(error) == "Connection closed"
            found[1].done(left=True, error=None if is_closed else error)
        return original(stream, error, *args, **kwargs)

    return set_exception
