"""What each row of `%ai_spans` adds: the plain sum of a column is the run's.

A span that does not count, or not exactly, stands in no column of counts or money: what it
reports is in the text column `reported`, an estimate in the columns of estimates.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from aimon_nb.model import Cost, Span, Totals, Usage
from aimon_nb.model.usage import NOTHING
from aimon_nb.pricing.counted import CountedSpans, is_sure
from aimon_nb.pricing.summable import summable
from aimon_nb.views.present import formatting


class Summand(NamedTuple):
    """A row's part of the sums; money in US dollars. `reported` says what is in none of them."""

    usage: Usage = NOTHING
    cost: Decimal | None = None
    state: str | None = None
    saved: Decimal | None = None
    estimate: Usage = NOTHING
    estimate_cost: Decimal | None = None
    reported: str | None = None


_NONE = Summand()


def summands(spans: list[Span], result: CountedSpans) -> list[Summand]:
    """Return what each of a run's spans adds, by what counts in it."""
    counted = {span.span_id for span in result.counted}
    cached = {span.span_id for span in result.cached}
    return [
        (
            _of_counted(span)
            if span.span_id in counted
            else _of_cached(span)
            if span.span_id in cached
            else _of_repeated(span)
        )
        if span.may_cost
        else _NONE
        for span in spans
    ]


def of_totals(totals: Totals, cost: Cost | None) -> Summand:
    """Return what a row adds that stands for several calls; without a cost, if all were refused."""
    return Summand(
        totals.usage,
        None if cost is None else cost.total,
        None if cost is None else cost.state,
        totals.saved,
        totals.estimate,
        totals.estimate_cost,
    )


def _of_counted(span: Span) -> Summand:
    cost, usage = span.cost, summable(span.usage)
    total, state = (cost.total, cost.state) if cost is not None else (None, None)
    if not span.is_estimated:
        if not _has_dropped(span.usage, usage):
            return Summand(usage, total, state)
        return Summand(usage, total, state, reported=_reported("impossible", span))
    known, estimated = (total, None) if is_sure(span) else (None, total)
    return Summand(NOTHING, known, state, None, usage, estimated)


def _of_cached(span: Span) -> Summand:
    cost = span.cost
    words = _reported("from the client's own cache", span)
    if cost is None:
        return Summand(reported=words)
    return Summand(NOTHING, cost.total, cost.state, cost.cache_saving, reported=words)


def _of_repeated(span: Span) -> Summand:
    if span.is_duplicate:
        return Summand(reported=_reported("of the same request", span))
    where = "of the batch above it" if span.is_part else "of calls below or beside it"
    return Summand(reported=_reported(where, span))


def _reported(what: str, span: Span) -> str | None:
    counts = formatting.tokens(span.usage)
    return f"{counts} tokens, {what}" if counts else None


def _has_dropped(usage: Usage, summed: Usage) -> bool:
    """Return whether a count was reported that no sum has: a negative one."""
    return summed is not usage and any(
        count is not None and count < 0
        for count in (
            usage.input,
            usage.cached,
            usage.cache_write,
            usage.output,
            usage.reasoning,
            usage.total,
        )
    )
