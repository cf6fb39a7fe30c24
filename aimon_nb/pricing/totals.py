"""Which spans of a run count, and their sum (pricing rule A).

A call on the wire is one bill. For the rest (made by hand, over gRPC, inside the
process): a call in a call counts once, an aggregate such as an agent counts only
where nothing below it does, and what a tool or an agent inside a call asked for
is a call of its own.
"""

from __future__ import annotations

from decimal import Decimal

from aimon_nb.model import Run, Span, Totals, Usage
from aimon_nb.pricing.lookup import price
from aimon_nb.pricing.usage import normalised

WALLS = ("gen_ai.execute_tool", "gen_ai.invoke_agent")
_ZERO = Decimal(0)


def price_run(run: Run, changed: set[str]) -> None:
    """Price the changed spans that count, and add the run up again."""
    if not any(s is not None and _bears(s) for s in (run.spans.get(i) for i in changed)):
        return
    counted = counted_spans(run)
    for span in counted:
        if span.status != "running" and (span.cost is None or span.span_id in changed):
            span.cost = price(span) if _billed(span) else None
    run.totals = add_up(counted)


def counted_spans(run: Run) -> list[Span]:
    """The spans whose usage makes up the run's, each token once."""
    bearing = [span for span in run.spans.values() if _bears(span)]
    if all(span.call is not None for span in bearing):
        return bearing
    below = _below(run, bearing)
    folded: set[str] = set()
    for span in bearing:
        if span.call is None and span.span_id in below:
            folded |= _folded(span, below[span.span_id])
    return [span for span in bearing if span.span_id not in folded]


def _folded(span: Span, below: list[tuple[Span, bool]]) -> set[str]:
    """Which of a span and the bearing spans below it say the same thing twice.

    `below` holds (span, no wall lies between).
    """
    if not span.is_call:
        return {span.span_id}
    near = [inner for inner, direct in below if direct]
    if not near:
        return set()
    crossed = any(inner.call is not None for inner in near)
    if crossed or _tokens(Usage.sum(s.usage for s in near)) >= _tokens(span.usage):
        return {span.span_id}
    return {inner.span_id for inner in near}


def _below(run: Run, bearing: list[Span]) -> dict[str, list[tuple[Span, bool]]]:
    """For each bearing span, the bearing ones below it."""
    ids = {span.span_id for span in bearing}
    found: dict[str, list[tuple[Span, bool]]] = {}
    for span in bearing:
        direct, parent = True, run.spans.get(span.parent_id or "")
        seen = {span.span_id}
        while parent is not None and parent.span_id not in seen:
            seen.add(parent.span_id)
            direct = direct and parent.op not in WALLS
            if parent.span_id in ids:
                found.setdefault(parent.span_id, []).append((span, direct))
            parent = run.spans.get(parent.parent_id or "")
    return found


def _bears(span: Span) -> bool:
    return not span.covers and (span.is_call or span.usage.known)


def _billed(span: Span) -> bool:
    """A refused or failed request without usage costs nothing and misses nothing."""
    return span.usage.known or span.status != "error"


def _tokens(usage: Usage) -> int:
    return (usage.input or 0) + (usage.output or 0)


def add_up(counted: list[Span]) -> Totals:
    """The sums over spans that count."""
    totals = Totals(calls=len(counted))
    totals.usage = Usage.sum(normalised(s.usage) for s in counted)
    totals.errors = sum(s.status == "error" for s in counted)
    costs = [s.cost for s in counted if s.cost is not None]
    known = [c.total for c in costs if c.total is not None]
    totals.cost = sum(known, _ZERO) if known else None
    totals.unpriced = sum(c.state == "unpriced" for c in costs)
    totals.no_usage = sum(c.state == "no_usage" for c in costs)
    totals.lower_bound = any(c.state in ("unpriced", "no_usage", "partial") for c in costs)
    return totals
