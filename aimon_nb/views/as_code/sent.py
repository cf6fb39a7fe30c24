"""The request of a call as it is kept, for those that write it as code."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from aimon_nb.model import Span
from aimon_nb.model.exchange import Exchange
from aimon_nb.model.form_parts import form_parts
from aimon_nb.views.as_code.request import Request

# What a client does not send by itself.
_HEADERS = ("anthropic-beta", "anthropic-version", "openai-beta", "api-version")
_FAMILIES = ("x-amz-", "x-amzn-")
# What a body that is no JSON cannot be read without.
_OF_BYTES = ("content-type", "content-encoding")
_FILTERED = "[filtered]"  # stands for a key
_LEFT_OUT = "=…"  # the value of a part of the query that may be a key


class MissingRequestError(LookupError):
    """The request of a call is not in memory; it says why."""


def request_of(span: Span) -> Request:
    """Return the request of a call; `MissingRequestError` where there is none in memory."""
    exchange = span.call.exchange if span.call is not None else None
    if span.content_gone is not None:
        raise MissingRequestError(span.content_gone)
    if exchange is None:
        raise MissingRequestError("no request of it was heard")
    body = exchange.body.data()
    if not body:
        raise MissingRequestError("; ".join(exchange.notes) or "its request had no body")
    parts = form_parts(dict(exchange.sent).get("content-type", ""), body)
    if any(one.data is None for one in parts):
        raise MissingRequestError("the client read a file of it as it sent: its bytes are not kept")
    url, notes = _without_gaps(exchange.url)
    request = Request(url, body, _headers(exchange, *_HEADERS), notes)
    if any(_FILTERED in note for note in exchange.notes):
        notes.append(f"keys in the body are not kept: put them where {_FILTERED} stands")
    if request.content is None:
        return Request(url, body, _headers(exchange, *_HEADERS, *_OF_BYTES), notes)
    return request


def _headers(exchange: Exchange, *names: str) -> dict[str, str]:
    return {
        name: value for name, value in exchange.sent if name in names or name.startswith(_FAMILIES)
    }


def _without_gaps(url: str) -> tuple[str, list[str]]:
    """Return a URL without what is left out of its query, and a note that names that."""
    parts = urlsplit(url)
    told = parts.query.split("&") if parts.query else []
    gaps = [one.removesuffix(_LEFT_OUT) for one in told if one.endswith(_LEFT_OUT)]
    whole = "&".join(one for one in told if not one.endswith(_LEFT_OUT))
    notes = [f"not kept of the URL's query, for it may be a key: {name}" for name in gaps]
    return urlunsplit(parts._replace(query=whole)), notes
