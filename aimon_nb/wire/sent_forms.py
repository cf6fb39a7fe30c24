"""Forms that a client makes only as it sends them: what of them is in memory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from io import BufferedReader, BytesIO
from typing import Any

from aimon_nb.model.form_parts import NOT_KEPT, form_texts

_LONGEST = 32 * 2**20  # bytes of a file that are kept
_LONGEST_TEXT = 2**20  # bytes of a field that is read


def form_of_httpx(request: Any) -> list[bytes]:
    """Return a form of httpx's as pieces that make its body; none for what is no form.

    On the user's thread, and a file of his is neither read nor moved: of what is not in
    memory the size alone is told, in a header of ours.
    """
    stream = getattr(request, "stream", None)
    fields, boundary = getattr(stream, "fields", None), getattr(stream, "boundary", None)
    if not isinstance(fields, list) or not isinstance(boundary, bytes):
        return []
    pieces = [piece for field in fields for piece in _pieces_of(field, boundary)]
    return [*pieces, b"--" + boundary + b"--\r\n"]


def fields_of(body: bytes | None, form: Sequence[bytes]) -> dict[str, Any]:
    """Return the fields of a form that are texts, by name: what a JSON body would say.

    Its files are looked past. `form` has the pieces of one that its client makes as it sends.
    """
    if body is None:
        body = b"".join(piece for piece in form if len(piece) <= _LONGEST_TEXT)
    return dict(form_texts(body))


def _pieces_of(field: Any, boundary: bytes) -> Iterator[bytes]:
    head = field.render_headers()  # httpx has made and kept it
    value = field.file if hasattr(field, "file") else field.value
    data = _bytes_of(value)
    yield b"--" + boundary + b"\r\n"
    if data is None or len(data) > _LONGEST:
        size = _size_of(value) if data is None else len(data)
        left_out = b"\r\n" + NOT_KEPT + b": " + (b"" if size is None else b"%d" % size)
        head, data = head.removesuffix(b"\r\n\r\n") + left_out + b"\r\n\r\n", b""
    yield from (head, data, b"\r\n")


def _bytes_of(value: Any) -> bytes | None:
    # Only of what is exactly this: a class of the user's own may do anything.
    if type(value) is str:
        return value.encode()
    if type(value) is BytesIO:
        return value.getvalue()  # a view of what it has: it is copied when that changes
    return value if type(value) is bytes else None


def _size_of(value: Any) -> int | None:
    if type(value) is not BufferedReader:
        return None
    try:
        return os.fstat(value.fileno()).st_size
    except (OSError, ValueError):
        return None
