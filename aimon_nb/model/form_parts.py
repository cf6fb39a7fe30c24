"""A form as clients send files (`multipart/form-data`), taken apart."""

from __future__ import annotations

import re
from typing import NamedTuple

# A header of ours, in the place of a part's bytes: how many there were, "" if nobody knows.
NOT_KEPT = b"x-aimon-not-kept"

_BOUNDARY = re.compile(r'boundary=(?:"([^"]+)"|([^;\s]+))', re.IGNORECASE)
_NAME = re.compile(rb'[;\s]name="([^"\r\n]*)"')
_FILENAME = re.compile(rb'[;\s]filename="([^"\r\n]*)"')
_TYPE = re.compile(rb"^content-type:[ \t]*([^\r\n;]*)", re.IGNORECASE | re.MULTILINE)
_LEFT_OUT = re.compile(rb"^" + NOT_KEPT + rb":[ \t]*(\d*)", re.MULTILINE)
_MOST = 1_000  # parts
_FIRST_LINE = 200  # bytes, at most


class FormPart(NamedTuple):
    """One field of a form; `data` is None where its bytes are not kept.

    `filename` is None for what is no file, `type` its MIME type ("" if none is told), `size` in
    bytes, None if nobody knows.
    """

    name: str
    filename: str | None
    type: str
    size: int | None
    data: bytes | None


def form_parts(content_type: str, body: bytes) -> list[FormPart]:
    """Return the parts of a form; none for what is not one that can be read."""
    told = _BOUNDARY.search(content_type)
    if not content_type.lower().startswith("multipart/") or told is None:
        return []
    return _parts((told[1] or told[2]).encode("utf-8", "surrogateescape"), body)


def form_texts(body: bytes) -> dict[str, str | list[str]]:
    """Return the fields of a form that are texts, by name; none for what is no form.

    A name that comes again has a list. Which form it is its first line tells.
    """
    first, found, _ = body[:_FIRST_LINE].partition(b"\r\n")
    texts: dict[str, list[str]] = {}
    if found and first.startswith(b"--"):
        for part in _parts(first[2:], body):
            if part.filename is None and part.data is not None:
                texts.setdefault(part.name, []).append(_text(part.data))
    return {name: told if len(told) > 1 else told[0] for name, told in texts.items()}


def _parts(boundary: bytes, body: bytes) -> list[FormPart]:
    mark = b"\r\n--" + boundary
    pieces = (b"\r\n" + body).split(mark, _MOST)[1:]
    parts = [_part(one) for one in pieces if not one.startswith(b"--")]
    return parts if None not in parts else []  # type: ignore[return-value]


def _part(piece: bytes) -> FormPart | None:
    head, found, data = piece.partition(b"\r\n\r\n")
    name, filename, mime = _NAME.search(head), _FILENAME.search(head), _TYPE.search(head)
    if not found or name is None:
        return None
    left_out = _LEFT_OUT.search(head)
    size = len(data) if left_out is None else int(left_out[1]) if left_out[1] else None
    return FormPart(
        _text(name[1]),
        None if filename is None else _text(filename[1]),
        "" if mime is None else _text(mime[1]).strip().lower(),
        size,
        data if left_out is None else None,
    )


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
