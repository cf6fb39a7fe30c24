"""Bodies that a client handed on compressed, decoded apart."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from types import ModuleType

Decode = Callable[[bytes], bytes]


def decoder(encoding: str) -> Callable[[], Decode] | None:
    """What makes a decoder for a `Content-Encoding`; None where there is nothing to decode."""
    named = [name.strip() for name in encoding.lower().split(",")]
    makers = [_MAKERS.get(name, _unreadable) for name in named if name not in ("", "identity")]
    if len(makers) > 1:  # the last one was applied last
        return lambda: _chained([make() for make in reversed(makers)])
    return makers[0] if makers else None


def _chained(decoders: list[Decode]) -> Decode:
    def decode(data: bytes) -> bytes:
        for one in decoders:
            data = one(data)
        return data

    return decode


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
    decode: Decode = _first("brotli", "brotlicffi").Decompressor().process
    return decode


def _zstd() -> Decode:
    decompressor = _first("zstandard", "compression.zstd", "backports.zstd").ZstdDecompressor()
    if hasattr(decompressor, "decompressobj"):  # zstandard's own, which takes it whole
        decompressor = decompressor.decompressobj()
    decode: Decode = decompressor.decompress
    return decode


def _first(*names: str) -> ModuleType:
    """The first library that is there: clients differ in which they use."""
    for name in names:
        with suppress(ImportError):
            return import_module(name)
    raise ImportError(names[0])


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
