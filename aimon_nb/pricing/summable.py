"""The counts that every sum of tokens, and every table that is added up, goes by."""

from __future__ import annotations

from operator import attrgetter

from aimon_nb.model import Usage
from aimon_nb.model.usage import NOTHING
from aimon_nb.pricing.normalise import normalise


def summable(usage: Usage) -> Usage:
    """Return counts as they enter a sum: parts inside their wholes, impossible ones as reported.

    A negative count is None: no sum has it.
    """
    if usage is NOTHING:
        return usage
    counts = normalise(usage)
    if counts.inconsistency is None:
        return counts.usage
    return Usage(*(one if one is not None and one >= 0 else None for one in _all_counts(usage)))


_all_counts = attrgetter("input", "cached", "cache_write", "output", "reasoning", "total")
