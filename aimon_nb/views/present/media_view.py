"""Images, sounds and files in messages: what they are, and their bytes for a page that asks."""

from __future__ import annotations

import struct
from typing import Literal, NamedTuple, TypedDict

from aimon_nb.model import Span
from aimon_nb.model.call import Media
from aimon_nb.model.kept import Kept
from aimon_nb.model.text import encodable, size_text
from aimon_nb.views.present import formatting

MOST = 10_000_000  # bytes of one that go to the page
_TOO_LARGE = f"over {size_text(MOST)}: it is not shown here"
_GONE = "its bytes are not kept"
_LONGEST_SOURCE = 1_000_000  # characters of a source text
# What is shown as its source alone: a page would run it, or fetch what it names.
_TEXTS = frozenset(
    {"image/svg+xml", "application/json", "application/xml", "application/xhtml+xml"}
)
# OpenAI's bare samples, as streams have them: no page plays them without a head.
_PCM = frozenset({"audio/pcm16", "audio/pcm"})
_RATE, _WIDTH = 24_000, 2  # samples a second, of one channel; bytes of one


class MediaItem(TypedDict):
    """An image, a sound or a file in a turn, whose `size` bytes the page asks for by its `id`.

    `missing` says why there are none to ask for; "" where there are.
    """

    id: str
    kind: Literal["image", "audio", "file"]
    type: str
    size: int
    name: str
    detail: str
    missing: str


class MediaBytes(NamedTuple):
    """What the page gets of one: bytes, or a source as text, or else why it gets none."""

    type: str = ""
    data: bytes | None = None
    text: str | None = None
    missing: str = ""


def media_items(media: list[Media], turn: int) -> list[MediaItem]:
    """Return what is in a turn; each has an id within the span: `2.0` is the first of turn 2."""
    return [
        {
            "id": f"{turn}.{at}",
            "kind": one.kind,
            "type": formatting.line(one.type, 100),
            "size": one.size,
            "name": formatting.line(one.name, 200),
            "detail": formatting.line(one.detail, 20),
            "missing": _why_missing(one),
        }
        for at, one in enumerate(media)
    ]


def media_bytes(span: Span, media_id: str) -> MediaBytes:
    """Return the bytes of what has this id in a span; of SVG, HTML and the like the source."""
    one = _named(span, media_id)
    if span.content_gone is not None or one is None:
        return MediaBytes(missing=span.content_gone or "there is no such image or file")
    missing, kind = _why_missing(one), formatting.line(one.type, 100)
    if missing or one.data is None:
        return MediaBytes(kind, missing=missing)
    data = one.data.data() if isinstance(one.data, Kept) else one.data
    if kind in _TEXTS or kind.startswith("text/"):
        text = encodable(data.decode("utf-8", "replace"))
        left = len(text) - _LONGEST_SOURCE
        cut = f"{text[:_LONGEST_SOURCE]}… {left:,} more characters"
        return MediaBytes(kind, text=text if left <= 0 else cut)
    return MediaBytes("audio/wav", _as_wav(data)) if kind in _PCM else MediaBytes(kind, data)


def _as_wav(samples: bytes) -> bytes:
    """Return bare samples as a WAV file."""
    facts = (16, 1, 1, _RATE, _RATE * _WIDTH, _WIDTH, 8 * _WIDTH)
    form = struct.pack("<4sIHHIIHH", b"fmt ", *facts)
    size = len(samples)
    head = struct.pack("<4sI4s", b"RIFF", 36 + size, b"WAVE") + form
    return head + struct.pack("<4sI", b"data", size) + samples


def _why_missing(one: Media) -> str:
    if one.data is None:
        return _GONE
    return _TOO_LARGE if one.size > MOST else ""


def _named(span: Span, media_id: str) -> Media | None:
    call = span.call
    turn, _, at = media_id.partition(".")
    if call is None or not (turn.isdecimal() and at.isdecimal()):
        return None
    turns = [*call.input, *call.output]
    media = turns[int(turn)].media if int(turn) < len(turns) else []
    return media[int(at)] if int(at) < len(media) else None
