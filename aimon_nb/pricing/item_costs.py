"""What each item of a batch cost, and what the batch is heading for."""

from __future__ import annotations

from collections import defaultdict

from aimon_nb.model import Run, Span
from aimon_nb.model.forecast import Forecast, forecast
from aimon_nb.model.item import Batch
from aimon_nb.pricing.counted import counted_spans


def forecast_batches(run: Run) -> None:
    """Bring what the batches of a run that go on are heading for up to date."""
    if not run.batches or not any(_is_open(batch) for batch in run.batches):
        return
    calls, items = defaultdict[int, list[Span]](list), list(run.items)
    for span in counted_spans(run).counted:
        number = None if span.item is None else span.item.number
        while number is not None:
            calls[number].append(span)
            number = items[number - 1].inside
    for at, batch in enumerate(list(run.batches)):
        if _is_open(batch):
            batch.forecast = _forecast(run, at, batch, calls)


def _is_open(batch: Batch) -> bool:
    """Return whether more of it may come, or would have if it had not been stopped."""
    return bool(batch.total) and not (batch.is_over and batch.done >= (batch.total or 0))


def _forecast(run: Run, at: int, batch: Batch, calls: dict[int, list[Span]]) -> Forecast | None:
    costs: list[float] = []
    unpriced, has_calls = 0, False
    for item in list(run.items):
        # One whose call was refused says nothing of what an item costs.
        if item.batch != at or not item.is_done or item.is_refused:
            continue
        spans = calls.get(item.number, [])
        if any(_is_waiting(span) for span in spans):
            continue
        has_calls = has_calls or bool(spans)
        known = [span.cost for span in spans if span.cost is not None]
        if any(cost.state not in ("priced", "free") for cost in known):
            unpriced += 1
        else:
            costs.append(float(sum(cost.total for cost in known if cost.total is not None)))
    # Calls that left the loop are of no item: that costs nothing nobody can say.
    return forecast(costs, batch.total or 0, unpriced) if has_calls else None


def _is_waiting(span: Span) -> bool:
    """Return whether its price is still to come: what failed before it was billed has none."""
    return span.status == "running" or (span.cost is None and span.usage.known)
