"""A request and its answer as they crossed the wire, for the page (`Raw` of `protocol.d.ts`)."""

from __future__ import annotations

from typing import TypedDict

from aimon_nb.model.exchange import Exchange, Header
from aimon_nb.model.form_parts import FormPart, form_parts
from aimon_nb.model.text import encodable, size_text
from aimon_nb.views.present import formatting

_LONGEST = 20_000_000  # characters of a body
_TEXTS = ("text/", "json", "xml", "event-stream", "eventstream", "x-www-form-urlencoded")


class RawView(TypedDict):
    """Headers are [name, value]; bodies are text, what is none is said in brackets."""

    method: str
    url: str
    sent: list[list[str]]
    body: str
    status: int | None
    received: list[list[str]]
    answer: str
    notes: list[str]


def raw(exchange: Exchange) -> RawView:
    """Return a request and its answer, whole: for the live view alone, when it asks."""
    return {
        "method": exchange.method,
        "url": formatting.line(exchange.url, 2_000),
        "sent": _headers(exchange.sent),
        "body": _text(exchange.body.data(), exchange.sent),
        "status": exchange.status,
        "received": _headers(exchange.received),
        "answer": _text(exchange.answer.data(), exchange.received),
        "notes": exchange.notes,
    }


def _headers(headers: list[Header]) -> list[list[str]]:
    return [[formatting.line(name, 100), formatting.line(value, 1_000)] for name, value in headers]


def _text(data: bytes, headers: list[Header]) -> str:
    """Return a body as text; of one that is none its type and size."""
    content_type = dict(headers).get("content-type", "")
    told = content_type.partition(";")[0].strip().lower()
    parts = form_parts(content_type, data)
    try:
        text = "\n".join(map(_field, parts)) if parts else data.decode("utf-8")
    except UnicodeDecodeError:
        if not any(one in told for one in _TEXTS):
            return f"[{told or 'bytes'}, {size_text(len(data))}]"
        # Amazon's frames have numbers between their texts.
        text = data.decode("utf-8", "replace")
    left = len(text) - _LONGEST
    return encodable(text) if left <= 0 else f"{text[:_LONGEST]}… {left:,} more characters"


def _field(part: FormPart) -> str:
    """Return a field of a form: its name and its text, or its type and size in brackets."""
    text = _text_of(part)
    if part.filename is None and text is not None:
        return f"{part.name}:{chr(10) if chr(10) in text else ' '}{text}"
    size = "size unknown" if part.size is None else size_text(part.size)
    facts = [part.filename, part.type or "bytes", size, "not kept" if part.data is None else ""]
    label = f"{part.name}: [{', '.join(one for one in facts if one)}]"
    return label if text is None else f"{label}\n{text}"


def _text_of(part: FormPart) -> str | None:
    """Return the text of a field, or of a file that says that it is one."""
    if part.data is None:
        return None
    if part.filename is not None and not any(one in part.type for one in _TEXTS):
        return None
    try:
        return part.data.decode("utf-8")
    except UnicodeDecodeError:
        return None
