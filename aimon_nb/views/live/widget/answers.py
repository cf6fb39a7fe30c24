"""What a page asks of one span and gets once, as it asks: nothing here is sent unasked, or kept.

`{k: 'raw', id}` is answered by the request and the answer as they crossed the wire,
`{k: 'media', id, media}` by the bytes of an image, a sound or a file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from aimon_nb.model import Run, Span
from aimon_nb.views.present.detail import why_no_exchange
from aimon_nb.views.present.exchange_view import raw
from aimon_nb.views.present.media_view import media_bytes


class Answer(NamedTuple):
    """A message to the page; `buffers` go beside it as they are."""

    message: dict[str, Any]
    buffers: list[bytes]


def answer(run: Run, asked: Mapping[str, Any]) -> Answer | None:
    """Return what a page is told that asks about a span of a run; None for what nobody knows."""
    make = _KINDS.get(str(asked.get("k")))
    span = run.spans.get(str(asked.get("id")))
    return None if make is None or span is None else make(span, asked)


def _raw(span: Span, _asked: Mapping[str, Any]) -> Answer:
    missing = why_no_exchange(span)
    exchange = span.call.exchange if span.call is not None and missing is None else None
    shown = None if exchange is None else raw(exchange)
    return Answer({"k": "raw", "id": span.span_id, "raw": shown, "missing": missing or ""}, [])


def _media(span: Span, asked: Mapping[str, Any]) -> Answer:
    media_id = str(asked.get("media"))
    got = media_bytes(span, media_id)
    told = {"k": "media", "id": span.span_id, "media": media_id, "type": got.type}
    buffers = [] if got.data is None else [got.data]
    return Answer({**told, "text": got.text, "missing": got.missing}, buffers)


_KINDS: dict[str, Callable[[Span, Mapping[str, Any]], Answer]] = {"raw": _raw, "media": _media}
