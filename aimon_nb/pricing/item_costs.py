"""What each item of a batch cost, and what the batch is heading for."""

from __future__ import annotations

from dataclasses import dataclass, field

from aimon_nb.model import Run
from aimon_nb.model.forecast import Forecast, forecast
from aimon_nb.model.item import Batch, Item


@dataclass(slots=True)
class _Costs:
    """What items cost, by their number: US dollars of those with a call.

    Those `waiting` have a call whose price is still to come, those `unpriced` one without any.
    """

    usd: dict[int, float] = field(default_factory=dict)
    waiting: set[int] = field(default_factory=set)
    unpriced: set[int] = field(default_factory=set)


def forecast_batches(run: Run) -> None:
    """Bring what the batches of a run that go on are heading for up to date; it is priced."""
    if not run.batches or not any(_is_open(batch) for batch in run.batches):
        return
    items = list(run.items)
    costs = _costs_of(run, items)
    # A loop in each row of another makes thousands of batches: each item is looked at once.
    of_batch: dict[int | None, list[Item]] = {}
    for item in items:
        of_batch.setdefault(item.batch, []).append(item)
    for at, batch in enumerate(list(run.batches)):
        if _is_open(batch):
            batch.forecast = _forecast(of_batch.get(at, []), batch, costs)


def _is_open(batch: Batch) -> bool:
    """Return whether more of it may come, or would have if it had not been stopped."""
    return bool(batch.total) and not (batch.is_over and batch.done >= (batch.total or 0))


def _costs_of(run: Run, items: list[Item]) -> _Costs:
    """Return what items cost, in one pass: a large batch is looked at once a second."""
    costs = _Costs()
    usd = costs.usd
    for span in list(run.spans.values()):
        counts = span.item is not None and not (span.is_duplicate or span.repeats or span.is_part)
        if span.item is None or not counts or not span.may_cost:
            continue
        number, cost, amount = span.item.number, span.cost, 0.0
        if cost is None:
            # What failed before it was billed has no price to wait for.
            if span.status == "running" or span.usage.known:
                costs.waiting.add(number)
        elif cost.state not in ("priced", "free"):
            costs.unpriced.add(number)
        elif cost.total is not None:
            amount = float(cost.total)
        usd[number] = usd.get(number, 0.0) + amount
    _add_inner(items, costs)
    return costs


def _add_inner(items: list[Item], costs: _Costs) -> None:
    """Count what the items inside of one cost in that one, too."""
    usd = costs.usd
    for item in reversed(items):  # those inside of one began after it
        if item.inside is None or item.number not in usd:
            continue
        usd[item.inside] = usd.get(item.inside, 0.0) + usd[item.number]
        for numbers in (costs.waiting, costs.unpriced):
            if item.number in numbers:
                numbers.add(item.inside)


def _forecast(items: list[Item], batch: Batch, costs: _Costs) -> Forecast | None:
    # One whose call was refused says nothing of what an item costs.
    done = [
        item.number
        for item in items
        if item.is_done and not item.is_refused and item.number not in costs.waiting
    ]
    # Calls that left the loop are of no item: that it costs nothing nobody can say.
    if not any(number in costs.usd for number in done):
        return None
    known = [costs.usd.get(number, 0.0) for number in done if number not in costs.unpriced]
    return forecast(known, batch.total or 0, len(done) - len(known))
