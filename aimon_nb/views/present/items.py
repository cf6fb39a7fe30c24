"""The items of a run as the live view gets them: their keys, and how each ended.

By message alone, as content is: what a notebook may save of an item is its number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aimon_nb.model import Run, Span, Totals
from aimon_nb.model.item import Item, ItemKey
from aimon_nb.pricing.counted import add_up
from aimon_nb.views.present import error_text, formatting, rows

# number, key, status, repeat (where it is not the first), error, the sums of its calls that have
# no rows: past the cap on spans; without trailing Nones.
EncodedItem = list[Any]
_KEY = 80  # characters
_ERROR = 300


def encode_item(item: Item, more: Sequence[Span] = ()) -> EncodedItem:
    """Return an item as its values in the order of `PackedItem` in protocol.d.ts.

    `more` are those of its calls that have no rows.
    """
    failed = [one for one in more if one.status == "error" and one.retried is None]
    worst: Item | Span = failed[0] if failed and item.status == "ok" else item
    error = error_text.joined(worst.error_type, worst.error, limit=_ERROR)
    repeat = item.repeat if item.repeat > 1 else None
    sums = _sums(more) if more else None
    values = [item.number, key_text(item.key), worst.status, repeat, error or None, sums]
    while values[-1] is None:
        values.pop()
    return values


def _sums(calls: Sequence[Span]) -> list[Any]:
    totals = add_up(list(calls))
    took = [one.duration for one in calls if one.duration is not None]
    usd = None if totals.cost is None else float(totals.cost)
    seconds = round(sum(took), 3) if took else None
    usage = totals.usage
    return [
        *(totals.calls, totals.retries, seconds),
        *(usage.input, usage.output, usd, _doubt(totals, calls)),
    ]


def _doubt(totals: Totals, calls: Sequence[Span]) -> int:
    """Return the place in `WORDS` of sums.js of what stands where there is no amount."""
    if totals.lower_bound:
        return 4 if totals.unpriced else 3
    if totals.cost is None:
        return 2
    return int(any(one.cost is not None for one in calls))


def past_the_cap(run: Run) -> dict[int, list[Span]]:
    """Return the calls of items that have no rows of their own, by the number of the item."""
    found: dict[int, list[Span]] = {}
    for span in list(run.spans.values()):
        if span.folded and span.item is not None and rows.counts(span):
            found.setdefault(span.item.number, []).append(span)
    return found


def key_text(key: ItemKey) -> str:
    """Return a key as a reader sees it, on one line."""
    text = ", ".join(map(str, key)) if isinstance(key, tuple) else str(key)
    return formatting.line(text, _KEY)
