"""How far the batches of a run have come, in words and as a share."""

from __future__ import annotations

from collections.abc import Iterator

from aimon_nb.model import Run
from aimon_nb.model.item import Batch
from aimon_nb.views.present import formatting

_DESC = 30  # characters


def share(run: Run) -> float | None:
    """Return how much of the batch that goes on is done, from 0 to 1.

    None where nobody knows how long it is, and where the user's code draws a bar of its own.
    """
    batch = _latest(run)
    if batch is None or batch.has_own_bar or batch.is_over or not batch.total:
        return None
    return min(batch.done / batch.total, 1.0)


def words(run: Run) -> Iterator[str]:
    """Yield what the head of a run says of its items: `240 of 5,000 items`."""
    batch = _latest(run)
    if batch is not None:
        yield _progress(batch)
    elif run.items:
        # Blocks of `item(key)`: how many will come is not known.
        yield formatting.count(len(run.items), "item")


def _latest(run: Run) -> Batch | None:
    batches = list(run.batches)
    last = batches[-1] if batches else None
    return next((one for one in reversed(batches) if not one.is_over), last)


def _progress(batch: Batch) -> str:
    done = max(batch.done, 0)
    desc = f"{formatting.line(batch.desc, _DESC)}: " if batch.desc else ""
    if batch.total is None or batch.total == done:
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
