"""What usage by item has beside the sums: a row for each item, how it ended, and its error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from aimon_nb.model import Run, Span
from aimon_nb.model.item import Item

# The worst says how several went: of a key that came again, or of the calls of no item.
_WORST = ("running", "error", "interrupted", "abandoned", "ok")
_FAILED = ("error", "lost")


def without_calls(run: Run) -> Iterator[Span]:
    """Yield a stand-in for each item of a run, for one without a call has a row, too."""
    for item in list(run.items):
        span = Span("", None, run.run_id, run.started, 0.0)
        span.item, span.status = item, "ok"
        yield span


def outcome(spans: Iterable[Span], items: Iterable[Item]) -> tuple[str | None, str | None]:
    """Return (status, error) of one row: of its items, and of calls that failed for good.

    That a stream was left early, or a call cancelled, the code of an item has chosen.
    """
    items = list(items)
    last = (span for span in spans if span.retried is None)
    ends: list[Any] = [*items, *(one for one in last if not items or one.status in _FAILED)]
    found = [(one.status if one.status in _WORST else "error", _message(one)) for one in ends]
    if not found:
        return None, None
    status = min((status for status, _ in found), key=_WORST.index)
    errors = [error for one, error in found if one == status and error]
    return status, errors[0] if errors and status != "running" else None


def _message(failed: Any) -> str | None:
    parts = [part for part in (failed.error_type, failed.error) if part]
    return ": ".join(parts) or None
