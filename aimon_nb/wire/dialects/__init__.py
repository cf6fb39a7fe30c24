"""The APIs of the providers: one small file for each reads its requests and answers."""

from __future__ import annotations

from aimon_nb.wire.dialects.dialect import Dialect
from aimon_nb.wire.dialects.registry import Registry

__all__ = ["Dialect", "find", "known"]

known = Registry()
find = known.find
