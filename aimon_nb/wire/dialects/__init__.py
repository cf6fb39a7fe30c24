"""The APIs of the providers: one small file for each reads its requests and answers."""

from __future__ import annotations

from aimon_nb.wire.dialects.dialect import Dialect
from aimon_nb.wire.dialects.registry import Registry

__all__ = ["Dialect", "find", "known"]

known = Registry()


def find(host: str, raw_path: bytes) -> Dialect | None:
    """Return a dialect for a request, by its host and raw path; None if it asks no model."""
    return known.find(host, raw_path)
