"""The headers and the query of a request that failed, on their way to being hashes.

Nothing else reads a header of a request, and nothing at all reads those of one that is
answered well.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.sent_secrets import sent_secrets

Pairs = Iterator[tuple[str, str]]
_MOST = 100  # headers of one request


def learn_sent(args: tuple[Any, ...], kwargs: dict[str, Any], response: Any = None) -> None:
    """Have what was sent known by its hash, for an error may quote it; never raises.

    Args:
        args: Those of the client's method: its object, and often the request.
        kwargs: Those by name, of which `headers` may be one.
        response: The client's answer, if there is one; it may know its request.

    """
    try:
        sent_secrets.learn(_pairs(args, kwargs, response))
    except Exception:
        internal_errors.record("hashing what a failed request sent")


def _pairs(args: tuple[Any, ...], kwargs: dict[str, Any], response: Any) -> Pairs:
    request = args[1] if len(args) > 1 else kwargs.get("request")
    answered = _plain_attribute(response, "request") or _plain_attribute(response, "request_info")
    for one in (request, answered, args[0] if args else None):
        yield from _headers(_plain_attribute(one, "headers"))
        yield from _query(_plain_attribute(one, "url"))
    yield from _headers(kwargs.get("headers"))
    for one in (*args[1:3], kwargs.get("url"), kwargs.get("str_or_url")):
        yield from _query(one)


def _plain_attribute(thing: Any, name: str) -> Any:
    """Return an attribute of a client's object, as far as it can be had."""
    try:
        return getattr(thing, name, None)
    except Exception:  # httpx refuses the request of a response that has none
        return None


def _headers(headers: Any) -> Pairs:
    items = getattr(headers, "items", None)
    pairs = list(items() if items is not None else headers or ())[:_MOST]
    for pair in pairs:
        if len(pair) == 2:
            values = pair[1] if isinstance(pair[1], (list, tuple)) else [pair[1]]
            # A client that refuses a header may have found a part of the value in its name.
            yield from ((_text(pair[0]).partition(":")[0], _text(value)) for value in values)
            if ":" in _text(pair[0]):
                yield "", _text(pair[0]).partition(":")[2]


def _query(url: Any) -> Pairs:
    if isinstance(url, (str, bytes)):
        text = _text(url).partition("?")[2]
    else:  # of httpx, of yarl
        query = _plain_attribute(url, "query")
        text = _text(query) or _text(_plain_attribute(url, "query_string"))
    if text:
        yield from parse_qsl(text[:10_000])


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else ""
