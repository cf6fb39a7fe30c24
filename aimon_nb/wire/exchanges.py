"""A request and its answer as they crossed the wire: what of them may be shown.

Of headers and of a URL's query what is known to be no key is named here, and nothing else is
read. In a request's body values under names of secrets are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, urlsplit

from aimon_nb.capture.redact import redact_secrets
from aimon_nb.model.call import Media
from aimon_nb.model.exchange import Body, Exchange, Header
from aimon_nb.wire.answer_headers import REQUEST_IDS
from aimon_nb.wire.dialects.media_parts import made_of
from aimon_nb.wire.json_secrets import without_secrets

LONGEST = 32 * 2**20  # bytes of an answer that are kept
_MOST = 100  # headers
_LONGEST_VALUE = 1_000  # characters of one
_SENT = frozenset(
    {
        *("content-type", "content-encoding", "accept", "user-agent", "api-version"),
        *("anthropic-version", "anthropic-beta", "openai-beta", "x-stainless-retry-count"),
        *("x-amz-target", "x-amzn-bedrock-accept", "x-amzn-bedrock-trace"),
    }
)
_RECEIVED = frozenset(
    {
        *("content-type", "content-encoding", "content-length", "date", "server", "via"),
        *("retry-after", "retry-after-ms", "x-should-retry", "x-cache"),
        *("openai-model", "openai-version", "openai-processing-ms", *REQUEST_IDS),
    }
)
_RECEIVED_FAMILIES = ("x-ratelimit-", "anthropic-ratelimit-", "x-amzn-bedrock-", "x-litellm-")
_QUERY = frozenset({"api-version", "alt", "$alt", "beta", "version", "stream"})
WITHOUT_KEYS = "keys in the body are [filtered]"


class Sent(NamedTuple):
    """The client's own URL and headers of a request, until our thread reads them.

    `form` has the pieces of a body that the client makes only as it sends.
    """

    url: Any = None
    headers: Any = None
    form: Sequence[bytes] = ()


def exchange_of(sent: Sent, address: str, path: str, body: bytes | None) -> Exchange:
    """Return a request as it may be shown; its answer is still to come."""
    if body is None and sent.form:
        body = b"".join(sent.form)
    text = (body or b"").decode("utf-8", "surrogateescape")
    shown = without_secrets(text)
    notes = [] if shown == text else [WITHOUT_KEYS]
    if body is None:
        notes.append("the body was not in memory: the client read it as it sent")
    headers = list(_allowed(sent.headers, _SENT, ()))
    kept = Body(shown.encode("utf-8", "surrogateescape"))
    return Exchange("POST", _shown_url(sent.url, address, path), headers, kept, notes=notes)


def note_head(exchange: Exchange, status: int | None, headers: Mapping[str, str]) -> None:
    """Note what the head of the answer tells."""
    exchange.status = status
    exchange.received = list(_allowed(headers, _RECEIVED, _RECEIVED_FAMILIES))


def _allowed(headers: Any, names: frozenset[str], families: tuple[str, ...]) -> Iterator[Header]:
    items = getattr(headers, "items", None)
    for name, value in islice(items() if items is not None else headers or (), _MOST):
        known = _text(name).lower()
        if known in names or (families and known.startswith(families)):
            yield known, _text(value)[:_LONGEST_VALUE]


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _shown_url(url: Any, address: str, path: str) -> str:
    """Return a URL without its user, with the values of its query that are known to be no keys."""
    text = _text(url) if url is not None else ""
    parts = urlsplit(text if "://" in text else f"https://{address}{path}")
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    told = [
        f"{quote(name, '$')}={quote(value) if name.lower() in _QUERY else '…'}"
        for name, value in parse_qsl(parts.query[:10_000], keep_blank_values=True)
    ]
    return f"{shown}?{'&'.join(told)}" if told else shown


def answered_media(exchange: Exchange) -> Media | None:
    """Return the sound or the image that an answer is as a whole; None for one of text."""
    told = dict(exchange.received).get("content-type", "").partition(";")[0].strip()
    data = exchange.answer.data() if told.startswith(("audio/", "image/")) else b""
    return made_of(data, told) if data else None


class AnswerBytes:
    """The bytes of an answer as they come, as many as are kept."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = self._more = 0

    def add(self, data: bytes) -> None:
        """Keep what has come."""
        room = max(LONGEST - self._size, 0)
        self._pieces.append(data[:room] if len(data) > room else data)
        self._size += min(len(data), room)
        self._more += max(len(data) - room, 0)

    def put_on(self, exchange: Exchange, *, is_cut: bool) -> None:
        """Bring them to where they are shown, for the answer is over; `is_cut`: more of it came."""
        answer, self._pieces = b"".join(self._pieces), []
        if exchange.status is not None and exchange.status >= 400:
            # It may quote what was sent in a header.
            answer = redact_secrets(answer.decode("utf-8", "replace")).encode("utf-8", "replace")
        exchange.answer = Body(answer)
        if self._more or is_cut:
            more = f": {self._more:,} bytes more" if self._more else ""
            exchange.notes.append(f"the answer is cut{more}")
