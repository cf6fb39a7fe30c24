"""Which calls were tried again, and whether that repaired them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from aimon_nb.model import Span
from aimon_nb.model.span import Retried


def mark_retried(spans: Iterable[Span]) -> set[str]:
    """Set `retried` on all but the last of the attempts at each request; return the ids changed.

    They are `repaired` once the last has ended well. An attempt that is tried again is no
    error of the run, whatever becomes of the next.
    """
    groups: defaultdict[int, list[Span]] = defaultdict(list)
    for span in spans:
        if span.retry_group is not None:
            groups[span.retry_group].append(span)
    changed: set[str] = set()
    for attempts in groups.values():
        attempts.sort(key=lambda span: span.attempt or 1)
        last = attempts[-1]
        outcome: Retried = "repaired" if last.status == "ok" else "unrepaired"
        for span in attempts:
            retried = None if span is last else outcome
            if span.retried != retried:
                span.retried = retried
                changed.add(span.span_id)
    return changed
