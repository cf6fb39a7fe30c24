"""An answer's bytes as JSON objects, whichever way they are put.

The first byte tells: `[` or `{` begins JSON (one document, a list that grows, or
a document a line), a zero byte begins Amazon's binary event stream, and all else
is server-sent events.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, Protocol

from aimon_nb.wire.aws_event_stream import Frames

LARGEST = 64 * 2**20  # characters of one JSON object; what is larger is passed over
_BEFORE = b" \t\r\n\xef\xbb\xbf"  # white space and UTF-8's mark


class EventReader:
    """Feed it bytes as they come; it yields every JSON object that is complete.

    What is no JSON (comments, `[DONE]`, a truncated end) is passed over: a
    malformed answer has no usage, it is never an error of ours.
    """

    def __init__(self) -> None:
        self._reader: _Reader | None = None

    def feed(self, data: bytes) -> Iterator[Any]:
        """Yield what these bytes complete."""
        if self._reader is None:
            data = data.lstrip(_BEFORE)
            if not data:
                return
            self._reader = _reader_of(data)
        yield from self._reader.feed(data)

    def end(self) -> Iterator[Any]:
        """Yield what is left when the last byte has come."""
        if self._reader is not None:
            yield from self._reader.end()


class _Reader(Protocol):
    def feed(self, data: bytes) -> Iterator[Any]: ...

    def end(self) -> Iterator[Any]: ...


def _reader_of(data: bytes) -> _Reader:
    if data[0] == 0:
        return Frames()
    return _Documents() if data[:1] in (b"{", b"[") else _Lines()


class _Lines:
    """Server-sent events, of which only the data is read."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest: list[str] = []
        self._size = 0

    def feed(self, data: bytes) -> Iterator[Any]:
        # A bare carriage return ends a line, too; inside of JSON none can stand.
        *lines, rest = self._decode.decode(data).replace("\r", "\n").split("\n")
        if lines:
            lines[0] = "".join([*self._rest, lines[0]])
            self._rest.clear()
            self._size = 0
        self._size += len(rest)
        if self._size <= LARGEST:
            self._rest.append(rest)
        else:
            self._rest.clear()
        for line in lines:
            yield from self._event(line)

    def end(self) -> Iterator[Any]:
        yield from self._event("".join(self._rest) + self._decode.decode(b"", final=True))
        self._rest.clear()

    def _event(self, line: str) -> Iterator[Any]:
        line = line.strip()
        if line.startswith("data:"):
            line = line[5:].strip()
        if line[:1] in ("{", "["):
            yield from _objects(line)


class _Documents:
    """JSON: each object is yielded as soon as its last brace is here.

    Braces are counted outside of strings. A list around the objects (Gemini's
    stream, say) does not wait for its own end.
    """

    _MARKS = re.compile(r'\\.|["{}]', re.DOTALL)

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace")
        self._parts: list[str] = []  # of the object that is open
        self._size = 0
        self._depth = 0
        self._quoted = False
        self._escape = ""  # a backslash whose next character is not here yet

    def feed(self, data: bytes) -> Iterator[Any]:
        text = self._escape + self._decode.decode(data)
        begin = last = 0
        for found in self._MARKS.finditer(text):
            last = found.end()
            if not self._step(found[0]):
                continue
            if self._depth:  # an object begins
                begin = found.start()
            else:  # it ends
                whole = "".join([*self._parts, text[begin:last]])
                self._parts.clear()
                self._size = 0
                yield from _objects(whole)
        waits = text.endswith("\\") and last < len(text)
        self._escape = "\\" if waits else ""
        if self._depth:
            self._keep(text[begin : len(text) - waits])

    def end(self) -> Iterator[Any]:
        yield from ()

    def _keep(self, part: str) -> None:
        """Of an object that is larger than anybody answers nothing is kept: it is no JSON then."""
        self._size += len(part)
        if self._size <= LARGEST:
            self._parts.append(part)
        else:
            self._parts.clear()

    def _step(self, mark: str) -> bool:
        """Count a mark; True where an object begins or ends."""
        if mark == '"':
            self._quoted = not self._quoted
        elif self._quoted:
            return False
        elif mark == "{":
            self._depth += 1
            return self._depth == 1
        elif mark == "}" and self._depth:
            self._depth -= 1
            return self._depth == 0
        return False


def _objects(text: str) -> Iterator[Any]:
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return
    yield from whole if isinstance(whole, list) else [whole]
