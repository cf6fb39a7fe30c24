"""The one row that stands for the calls past the cap on spans."""

from __future__ import annotations

from aimon_nb.model import Cost, Run, Span
from aimon_nb.model.run import MoreCalls
from aimon_nb.views.present import formatting

OP = "more calls"


def more_span(run: Run, more: MoreCalls | None) -> Span | None:
    """Return a span with the sums over the calls that `more` stands for; None without any."""
    if more is None:
        return None
    totals = more.totals
    is_refused = totals.cost == 0 and not totals.lower_bound and totals.calls <= totals.errors
    return Span(
        run.more_id,
        run.root_id,
        run.run_id,
        run.started,
        more.offset,
        op=OP,
        operation="chat",  # so that it counts as the calls that it stands for
        name=formatting.count(totals.calls + totals.cached_locally, "more call"),
        status="running" if more.duration is None else "ok",
        duration=more.duration,
        usage=totals.usage,
        usage_source="provider",
        cost=None if is_refused else Cost(totals.state, totals.cost),
    )


def calls_of(run: Run) -> list[int] | None:
    """Return how many calls are past the cap, and how many of them failed; None without any."""
    more = run.more
    return None if more is None else [more.totals.calls, more.totals.errors]


def failed(several: list[int]) -> str:
    """Return how many of them failed, in words; "" for none."""
    return f"{several[1]:,} failed" if several[1] else ""
