"""What the provider says that it charged goes before any list."""

from __future__ import annotations

from decimal import Decimal

from aimon_nb.model import Cost, CostState, Span
from aimon_nb.model.cost import EXACT, CostLine
from aimon_nb.pricing.qualify import SO_FAR, is_left_early


def as_charged(charged: Decimal, span: Span, listed: Cost) -> Cost:
    """Return a call's cost as its provider charged it, in USD, the `listed` price beside it."""
    by = span.provider or "the provider"
    words = [f"charged by {by}"]
    if listed.total is not None:
        words.append(f"by {listed.source} it would be ${EXACT.normalize(listed.total):,f}")
    untold = span.call.charge_shortfall if span.call is not None else None
    if untold is None and is_left_early(span):
        untold = SO_FAR
    if untold is not None:
        words.append(untold)
    state: CostState = "partial" if untold is not None else "priced" if charged else "free"
    lines = (CostLine("charged", 0, None, charged),)
    return Cost(state, charged, lines, by, "; ".join(words), charged=True)
