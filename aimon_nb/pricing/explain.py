"""One cost in words: whose rates, which lines, what was assumed."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from aimon_nb.model import Cost, Span
from aimon_nb.model.cost import DISCLAIMER, EXACT
from aimon_nb.pricing.resolve import price, rates_of
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
    """Say how a call's cost came about.

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
    found = _span(span)
    if not (found.is_call or found.usage.known):
        return Explanation(f"{found.name or found.op}: no model call and no tokens, so no cost")
    if found is not span and found.status != "running" and found.cost is None:
        return Explanation(f"{found.name or found.op}: {_why_free_of_cost(found)}")
    return Explanation("\n".join(_lines(found)))


def _why_free_of_cost(span: Span) -> str:
    if span.status == "error" and not span.usage.known:
        return "refused or failed before an answer: it costs nothing"
    return "not counted: the calls below it, or one beside it, tell of the same tokens"


def _span(given: Any) -> Span:
    if isinstance(given, Span):
        return given
    span_id = given if isinstance(given, str) else _id_of(given)
    found = user_prices.find_span(span_id) if span_id else None
    if found is None:
        said = repr(given) if isinstance(given, str) else f"a {type(given).__name__}"
        raise ValueError(f"no span {said} in memory; give a span_id or a row of %ai_spans")
    return found


def _id_of(given: Any) -> str | None:
    value = given.get("span_id") if hasattr(given, "get") else None
    return value if isinstance(value, str) else None


def _lines(span: Span) -> Iterator[str]:
    cost = span.cost if span.cached_locally and span.cost is not None else price(span)
    rates = rates_of(span).rates
    yield f"{span.name or span.op}, {span.start:%Y-%m-%d %H:%M:%S} UTC: {_said(cost)}"
    if cost.source:
        matched = f", {rates.label}" if rates is not None and cost.source != "yours" else ""
        yield f"  prices: {cost.source}{matched}"
    for kind, tokens, rate, usd in cost.parts:
        times = f"{tokens:>12,} x {_plain(rate)} / 1M = " if rate is not None else f"{'':>12} "
        yield f"  {kind:<13}{times}${_plain(usd)}"
    if cost.reason and cost.state != "no_usage":
        yield f"  {cost.reason}"
    for assumption in cost.assumptions:
        yield f"  assumed: {assumption}"
    if cost.total is not None:
        yield f"  {DISCLAIMER}"


def _said(cost: Cost) -> str:
    if cost.saved is not None:
        return f"answered by a local cache; ~${_plain(cost.saved)} saved"
    if cost.state == "no_usage" and cost.reason:
        return cost.reason
    if cost.total is None or cost.state == "free":
        return cost.state
    sign = "~" if cost.estimated else "≥ " if cost.state == "partial" else ""
    return f"{sign}${_plain(cost.total)}"


def _plain(amount: Decimal) -> str:
    return f"{EXACT.normalize(amount):,f}" if amount else "0"
