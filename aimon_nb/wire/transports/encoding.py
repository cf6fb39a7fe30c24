"""Bodies that a client handed on compressed, decoded apart."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from importlib import import_module

Decode = Callable[[bytes], bytes]


def decoder(encoding: str) -> Callable[[], Decode] | None:
    """What makes a decoder for a `Content-Encoding`; None where there is nothing to decode."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return None
    return _MAKERS.get(name, _unreadable)


def _zlib(bits: int) -> Callable[[], Decode]:
    return lambda: zlib.decompressobj(bits).decompress


def _deflate() -> Decode:
    """With zlib's header, as the standard says, or without, as some servers send it."""
    found: list[Decode] = []

    def decode(data: bytes) -> bytes:
        if not found:
            has_header = data[:1] and data[0] & 0x0F == zlib.DEFLATED
            found.append(zlib.decompressobj(15 if has_header else -15).decompress)
        return found[0](data)

    return decode


def _brotli() -> Decode:
    decode: Decode = import_module("brotli").Decompressor().process
    return decode


def _zstd() -> Decode:
    decode: Decode = import_module("zstandard").ZstdDecompressor().decompressobj().decompress
    return decode


def _unreadable() -> Decode:
    return lambda _: b""


# The last two by libraries that are there if the client asked for them; else it is unreadable.
_MAKERS = {
    "gzip": _zlib(31),
    "x-gzip": _zlib(31),
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
