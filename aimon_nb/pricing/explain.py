"""One cost in words: whose rates, which lines, what was assumed."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from aimon_nb.model import Cost, Span
from aimon_nb.model.cost import DISCLAIMER, EXACT
from aimon_nb.pricing.find_rates import find_rates
from aimon_nb.pricing.price import price
from aimon_nb.pricing.resolve import resolve
from aimon_nb.pricing.user_prices import user_prices


class Explanation:
    """Shows itself as text.

    Example:
        print(pricing.explain(span_id))

    Source: docs/cost.md.
    """

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text

    __repr__ = __str__


def explain(span: Any) -> Explanation:
    """Return how a call's cost came about, in words.

    Args:
        span: a span's id, or a row of `%ai_spans`.

    Returns:
        Text: whose rates, each line of the sum in US dollars, what was assumed.

    Raises:
        ValueError: there is no such span in memory.

    Example:
        pricing.explain(last_run().spans().iloc[1])

    Source: docs/cost.md.
    """
    one = span if isinstance(span, Span) else _find_span(span)
    if not one.may_cost:
        return Explanation(f"{one.name or one.op}: {_why_no_bill(one)}")
    # A span handed in as an object need not have been priced.
    if one is not span and one.status != "running" and one.cost is None:
        return Explanation(f"{one.name or one.op}: {_why_no_cost(one)}")
    return Explanation("\n".join(_lines(one)))


def _why_no_bill(span: Span) -> str:
    if span.is_part:
        failed = span.status == "error"
        return (
            f"a request of a batch, {'failed: it costs nothing' if failed else 'of unknown usage'}"
        )
    return "no model call and no tokens of its own, so no cost of its own"


def _why_no_cost(span: Span) -> str:
    if span.status == "error" and not span.usage.known:
        return "refused or failed before an answer: it costs nothing"
    if span.is_part:
        return "not counted: the batch above it has its tokens"
    return "not counted: the calls below it, or one beside it, report the same tokens"


def _find_span(id_or_row: Any) -> Span:
    span_id = id_or_row
    if not isinstance(id_or_row, str):
        span_id = id_or_row.get("span_id") if hasattr(id_or_row, "get") else None
    span = user_prices.find_span(span_id) if isinstance(span_id, str) and span_id else None
    if span is None:
        is_id = isinstance(id_or_row, str)
        what = repr(id_or_row) if is_id else f"a {type(id_or_row).__name__}"
        raise ValueError(f"no span {what} in memory; give a span_id or a row of %ai_spans")
    return span


def _lines(span: Span) -> Iterator[str]:
    # What a local cache answered has a cost that only the whole run could tell.
    cost = span.cost if span.cached_locally and span.cost is not None else price(span)
    yield f"{span.name or span.op}, {span.start:%Y-%m-%d %H:%M:%S} UTC: {_headline(cost)}"
    if cost.source and not cost.charged:
        context = user_prices.context_at(span.start)
        rates = find_rates(resolve(span), span.start, context).rates
        matched = f", {rates.label}" if rates is not None and cost.source != "yours" else ""
        yield f"  prices: {cost.source}{matched}"
    for kind, tokens, rate, usd in cost.lines:
        times = f"{tokens:>12,} x {_digits(rate)} / 1M = " if rate is not None else f"{'':>12} "
        yield f"  {kind:<13}{times}${_digits(usd)}"
    if cost.reason and cost.state != "no_usage":
        yield f"  {cost.reason}"
    for caveat in cost.caveats:
        yield f"  assumed: {caveat}"
    if cost.total is not None and not cost.charged:
        yield f"  {DISCLAIMER}"


def _headline(cost: Cost) -> str:
    if cost.cache_saving is not None:
        return f"answered by a local cache; ~${_digits(cost.cache_saving)} saved"
    if cost.state == "no_usage" and cost.reason:
        return cost.reason
    if cost.total is None or cost.state == "free":
        return cost.state
    sign = "~" if cost.estimated else "≥ " if cost.state == "partial" else ""
    return f"{sign}${_digits(cost.total)}"


def _digits(amount: Decimal) -> str:
    """Return every digit of an amount, without zeros at its end."""
    return f"{EXACT.normalize(amount):,f}" if amount else "0"
