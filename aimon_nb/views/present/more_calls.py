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
        cost=Cost(totals.state, totals.cost) if totals.calls > totals.errors else None,
    )
