"""How far the batches of a run have come, in words and as a share."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timezone
from decimal import Decimal

from aimon_nb.model import Run
from aimon_nb.model.forecast import Forecast
from aimon_nb.model.item import Batch
from aimon_nb.views.present import formatting

_DESC = 30  # characters
_TO = "\N{EN DASH}"


def share(run: Run) -> float | None:
    """Return how much of the batch that goes on is done, from 0 to 1.

    None where nobody knows how long it is, and where the user's code draws a bar of its own.
    """
    batch = _latest(run)
    if batch is None or batch.has_own_bar or batch.is_over or not batch.total:
        return None
    return min(batch.done / batch.total, 1.0)


def words(run: Run, now: datetime | None = None) -> Iterator[str]:
    """Yield what the head of a run says of its items: `240 of 5,000 items`, `2 m 10 s left` …."""
    batch = _latest(run)
    if batch is not None:
        yield _progress(batch if run.running else _all(run, batch))
        yield from _pace(batch, now or datetime.now(timezone.utc)) if run.running else ()
        if batch.forecast is not None and batch.done < (batch.total or 0):
            yield heading_for(batch.forecast)
    elif run.items:
        # Blocks of `item(key)`: how many will come is not known.
        yield formatting.count(len(run.items), "item")


def heading_for(found: Forecast) -> str:
    """Return what a batch is heading for: an amount, and its range where it has one."""
    if found.expected is None:
        many = (
            f"{formatting.count(found.unpriced, 'item')} {'has' if found.unpriced == 1 else 'have'}"
        )
        return f"heading for an unknown amount: {many} no price"
    if found.low is None or found.high is None:
        return f"heading for about {_about(found.expected)}"
    low, high = _money(found.low), _money(found.high)
    if low == high:
        return f"heading for {_money(found.expected)}"
    roughly = "roughly " if found.is_rough else ""
    return f"heading for {_money(found.expected)} ({roughly}{low}{_TO}{high.removeprefix('$')})"


def _money(amount: float) -> str:
    return formatting.money(Decimal(repr(amount)))


def _about(amount: float) -> str:
    """Return US dollars with one figure that counts: of which no more is known."""
    if amount <= 0:
        return "$0"
    step = 10 ** math.floor(math.log10(amount))
    rounded = round(amount / step) * step
    return (
        f"${rounded:,.0f}"
        if rounded >= 1
        else f"${rounded:.{max(1, -math.floor(math.log10(rounded)))}f}"
    )


def _pace(batch: Batch, now: datetime) -> Iterator[str]:
    """Yield how fast it goes, and how long it will take."""
    if batch.began is None or batch.is_over or batch.done < 1:
        return
    took = (now - batch.began).total_seconds()
    if took <= 0:
        return
    rate = batch.done / took
    yield f"{rate:.1f}/s" if rate >= 1 else f"{formatting.seconds(1 / rate)} each"
    if batch.total is not None and batch.total > batch.done:
        yield f"{formatting.seconds((batch.total - batch.done) / rate)} left"


def _latest(run: Run) -> Batch | None:
    batches = list(run.batches)
    last = batches[-1] if batches else None
    return next((one for one in reversed(batches) if not one.is_over), last)


def _all(run: Run, latest: Batch) -> Batch:
    """Return the loops of a run that is over as one, unless the latest was stopped: it says where.

    Loops in a row of another are part of that row.
    """
    inner = {item.batch for item in list(run.items) if item.inside is not None}
    outer = [batch for at, batch in enumerate(list(run.batches)) if at not in inner]
    if len(outer) < 2 or latest.done < (latest.total or 0):
        return latest
    totals = [batch.total for batch in outer]
    total = None if None in totals else sum(total or 0 for total in totals)
    [desc, *others] = {batch.desc for batch in outer}
    done = sum(max(batch.done, 0) for batch in outer)
    return Batch(None if others else desc, total, done=done)


def _progress(batch: Batch) -> str:
    done = max(batch.done, 0)
    desc = f"{formatting.line(batch.desc, _DESC)}: " if batch.desc else ""
    if batch.total is None or batch.total <= done:
        return f"{desc}{formatting.count(done, 'item')}"
    return f"{desc}{done:,} of {formatting.count(batch.total, 'item')}"


def notes(run: Run) -> Iterator[str]:
    """Yield what is to be said at the end of a run with items."""
    if not run.items:
        return
    calls = (span for span in list(run.spans.values()) if span.is_call and span.item is None)
    number = sum(not (one.is_duplicate or one.is_part or one.repeats) for one in calls)
    if number:
        yield f"{formatting.count(number, 'call')} of no item: use aimon_nb.map"
