"""Images, sounds and files of a request: small ones stay in the code, large ones are files.

A large one is named and described above the call, so that whoever runs the code knows what to
put there.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from aimon_nb.views.as_code.literal import Applied, Expression, quoted

INLINE = 2_000  # characters of base64 that stand in the code as they are
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w.+=-]+)*;base64,")
# Names under which APIs take base64 with its type beside it, and what they call that.
_NAMES = ("data", "bytes")
_TYPES = ("media_type", "mime_type", "mimeType", "format")
_WORD = re.compile(r"[\w.+-]{1,60}(/[\w.+-]{1,60})?")
_SUFFIXES = {"jpeg": "jpg", "mpeg": "mp3", "plain": "txt", "svg+xml": "svg", "quicktime": "mov"}
_KINDS = ("image", "audio", "video")
_SOUNDS = ("wav", "mp3", "flac", "pcm16")


class Media(NamedTuple):
    """A file that the code reads: its variable, its name, its type and its size in bytes."""

    variable: str
    file: str
    type: str
    size: int


class MediaFiles:
    """The large media of one request, each once; read `as_bytes` or as the base64 of them."""

    def __init__(self, *, as_bytes: bool = False) -> None:
        self._as_bytes = as_bytes
        self.found: dict[str, Media] = {}

    def taken_out(self, value: Any, name: str = "", kind: str = "") -> Any:
        """Return a value of JSON with expressions in the place of its media.

        `name` is what it stands under, `kind` its type, where what is beside it tells that.
        """
        if isinstance(value, str):
            return self._of_text(value, kind if name in _NAMES else "")
        if isinstance(value, list):
            return [self.taken_out(item) for item in value]
        if not isinstance(value, dict):
            return value
        kind = type_beside(value)
        return {key: self.taken_out(item, key, kind) for key, item in value.items()}

    def _of_text(self, text: str, kind: str) -> Any:
        if len(text) <= INLINE:
            return text
        url = _DATA_URL.match(text)
        data = text[url.end() :] if url else text if kind else ""
        if not data or not _is_base64(data):
            return text
        variable = self._add(data, (url[1] if url else kind) or "").variable
        return Expression(f"{quoted(url[0])} + {variable}" if url else variable)

    def bytes_of(self, text: str, kind: str) -> Expression | Applied:
        """Return the source of the bytes that base64 stands for, for a client that takes these."""
        if len(text) <= INLINE:
            return in_bytes(text)
        return Expression(self._add(text, kind).variable)

    def _add(self, data: str, kind: str) -> Media:
        """Return the file for base64, made where it is new."""
        if data not in self.found:
            family, _, form = kind.rpartition("/")
            known = family if family in _KINDS else "audio" if form in _SOUNDS else "file"
            name = f"{known}_{len(self.found) + 1}"
            file = f"{name}.{_SUFFIXES.get(form, form) or 'bin'}"
            size = len(data.rstrip("=")) * 3 // 4
            self.found[data] = Media(name, file, kind or "file", size)
        return self.found[data]

    @property
    def lines(self) -> list[str]:
        """The lines above the call that read the files, each saying what to put there."""
        lines = []
        for variable, file, kind, size in self.found.values():
            read = f"Path({quoted(file)}).read_bytes()"
            lines.append(f"# the {kind} of {size:,} bytes that was sent: put it there, or your own")
            source = read if self._as_bytes else f"base64.b64encode({read}).decode()"
            lines.append(f"{variable} = {source}")
        return [*lines, ""] if lines else []


def in_bytes(text: str) -> Applied:
    """Return the source of the bytes that base64 stands for."""
    is_for_urls = "-" in text or "_" in text
    return Applied(f"base64.{'urlsafe_' * is_for_urls}b64decode", text)


def _is_base64(data: str) -> bool:
    """Return whether the bytes that it stands for are written so, to the letter."""
    try:
        return base64.b64encode(base64.b64decode(data, validate=True)).decode() == data
    except ValueError:
        return False


def type_beside(value: Mapping[str, Any]) -> str:
    """Return the type that stands beside data, in any API's words; "" without one."""
    kinds = (value.get(name) for name in _TYPES)
    return next((k for k in kinds if isinstance(k, str) and _WORD.fullmatch(k)), "")
