"""Amazon's binary event stream, as Bedrock answers in it.

A frame is its length, the length of its headers, a checksum of both, headers,
payload and a checksum of all:
https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from typing import Any

_PRELUDE = struct.Struct(">III")
_CHECKSUM = struct.Struct(">I")
_LARGEST = 24 * 2**20  # bytes of a frame, by the specification
# Bytes of a header's value by its type; 6 (bytes) and 7 (text) say their length.
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
_TEXT = 7


class Frames:
    """Feed it bytes; it yields `{event type: payload}`, and failures as `{"error": …}`.

    A frame whose checksum is wrong is passed over; after a wrong prelude nobody
    knows where the next one begins, and nothing more is read.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._lost = False

    def feed(self, data: bytes) -> Iterator[Any]:
        """Yield what these bytes complete."""
        if not self._lost:
            self._rest += data
        while (frame := self._next()) is not None:
            yield from _event(frame)

    def end(self) -> Iterator[Any]:
        """Yield nothing: an incomplete frame is dropped."""
        yield from ()

    def _next(self) -> bytes | None:
        if len(self._rest) < _PRELUDE.size:
            return None
        length, headers, checksum = _PRELUDE.unpack_from(self._rest)
        if zlib.crc32(self._rest[:8]) != checksum or not headers + 16 <= length <= _LARGEST:
            self._lost = True
            self._rest.clear()
            return None
        if len(self._rest) < length:
            return None
        frame = bytes(self._rest[:length])
        del self._rest[:length]
        return frame


def _event(frame: bytes) -> Iterator[Any]:
    if zlib.crc32(frame[:-4]) != _CHECKSUM.unpack(frame[-4:])[0]:
        return
    end = _PRELUDE.size + _PRELUDE.unpack_from(frame)[1]
    try:
        headers = _headers(frame[_PRELUDE.size : end])
        payload = json.loads(frame[end:-4] or b"{}")
    except (ValueError, IndexError, struct.error, RecursionError):
        return
    yield _named(headers, payload)


def _named(headers: dict[str, str], payload: Any) -> dict[str, Any]:
    kind = headers.get(":message-type")
    if kind == "exception":
        text = payload.get("message") if isinstance(payload, dict) else None
        return {"error": {"code": headers.get(":exception-type"), "message": text}}
    if kind == "error":
        text = headers.get(":error-message")
        return {"error": {"code": headers.get(":error-code"), "message": text}}
    return {headers.get(":event-type", ""): payload}


def _headers(data: bytes) -> dict[str, str]:
    """Return the headers that hold a text."""
    headers, at = {}, 0
    while at < len(data):
        name_end = at + 1 + data[at]
        name, kind = data[at + 1 : name_end], data[name_end]
        at = name_end + 1
        size = _SIZES.get(kind)
        if size is None:
            (size,) = struct.unpack_from(">H", data, at)
            at += 2
        if kind == _TEXT:
            headers[name.decode("utf-8", "replace")] = data[at : at + size].decode(
                "utf-8", "replace"
            )
        at += size
    return headers
