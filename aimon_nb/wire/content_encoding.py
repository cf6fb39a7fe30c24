"""Decoders of a `Content-Encoding`, for bodies that a client hands on compressed."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from types import ModuleType

Decode = Callable[[bytes], bytes]
"""Takes the next piece of a body, returns what of it can be decoded by now."""


def decoder_factory(encoding: str | None) -> Callable[[], Decode] | None:
    """Return what makes a decoder for a `Content-Encoding`; None where nothing is encoded.

    It is made when the first byte is read, on our thread: a library may have to be imported.
    """
    names = [name.strip() for name in (encoding or "").lower().split(",")]
    factories = [_FACTORIES.get(name, _discard) for name in names if name not in ("", "identity")]
    # Of several the last one was applied last, and comes off first.
    if len(factories) > 1:
        return lambda: _chain([factory() for factory in reversed(factories)])
    return factories[0] if factories else None


def _chain(decoders: list[Decode]) -> Decode:
    def decode(data: bytes) -> bytes:
        for decoder in decoders:
            data = decoder(data)
        return data

    return decode


def _gzip() -> Decode:
    # 31: a window of 15 bits, and 16 for gzip's header.
    return zlib.decompressobj(31).decompress


def _deflate() -> Decode:
    """With zlib's header, as the standard says, or without, as some servers send it."""
    decompress: Decode | None = None

    def decode(data: bytes) -> bytes:
        nonlocal decompress
        if decompress is None:
            has_header = data[:1] and data[0] & 0x0F == zlib.DEFLATED
            decompress = zlib.decompressobj(15 if has_header else -15).decompress
        return decompress(data)

    return decode


def _brotli() -> Decode:
    decode: Decode = _first_installed("brotli", "brotlicffi").Decompressor().process
    return decode


def _zstd() -> Decode:
    module = _first_installed("zstandard", "compression.zstd", "backports.zstd")
    decompressor = module.ZstdDecompressor()
    # zstandard's own `decompress` wants the whole body at once.
    if hasattr(decompressor, "decompressobj"):
        decompressor = decompressor.decompressobj()
    decode: Decode = decompressor.decompress
    return decode


def _first_installed(*names: str) -> ModuleType:
    """Return the first of these libraries that is there: clients differ in which they use."""
    for name in names:
        with suppress(ImportError):
            return import_module(name)
    raise ImportError(names[0])


def _discard() -> Decode:
    """An encoding that nobody here knows: the client cannot read the body either."""
    return lambda _: b""


# br and zstd by libraries that are there if the client asked for such an answer.
_FACTORIES = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
