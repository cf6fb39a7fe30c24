"""How providers put a request and its answer: one small file each."""

from __future__ import annotations

from aimon_nb.wire.dialects.dialect import Dialect
from aimon_nb.wire.dialects.registry import Registry

__all__ = ["Dialect", "find", "known"]

known = Registry()


def find(host: str, raw_path: bytes) -> Dialect | None:
    """A reader for a request, by its raw path and host; None if it asks no model."""
    return known.find(host, raw_path)
