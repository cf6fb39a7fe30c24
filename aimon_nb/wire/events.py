"""An answer's bytes as JSON objects: one body, server-sent events, or JSON lines."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import Any


class EventReader:
    """Feed it bytes as they come; it yields every JSON object that is complete.

    Lines that are no JSON (comments, `[DONE]`, a truncated end) are passed over:
    a malformed answer has no usage, it is never an error of ours.
    """

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._whole: bool | None = None  # one JSON document rather than lines

    def feed(self, data: bytes) -> Iterator[Any]:
        """Yield what these bytes complete."""
        self._rest += self._decode.decode(data)
        if self._whole is None and self._rest.strip():
            self._whole = self._rest.lstrip()[0] in "[{"
        if self._whole:
            return
        *lines, self._rest = self._rest.split("\n")
        for line in lines:
            yield from _event(line)

    def end(self) -> Iterator[Any]:
        """Yield what is left when the last byte has come."""
        rest = self._rest + self._decode.decode(b"", final=True)
        self._rest = ""
        if not self._whole:
            yield from _event(rest)
            return
        try:
            whole = json.loads(rest)
        except ValueError:
            for line in rest.split("\n"):  # JSON lines (Ollama), or a truncated body
                yield from _event(line)
        else:
            yield from whole if isinstance(whole, list) else [whole]


def _event(line: str) -> Iterator[Any]:
    line = line.strip()
    if line.startswith("data:"):
        line = line[5:].strip()
    if line[:1] in ("{", "["):
        try:
            yield json.loads(line)
        except ValueError:
            return
