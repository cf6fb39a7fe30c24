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
    bearing = {s.span_id: s for s in run.spans.values() if _bears(s)}
    if all(s.call is not None for s in bearing.values()):
        return list(bearing.values())
    above = {i: _nearest(run, s, bearing) for i, s in bearing.items()}
    counts = dict.fromkeys(bearing, True)
    for span_id, span in bearing.items():
        below = [bearing[i] for i, up in above.items() if span_id in up]
        if span.call is not None:
            continue
        if not span.is_call:
            counts[span_id] = not below
            continue
        near = [s for s in below if above[s.span_id].get(span_id)]
        if near and _tokens(Usage.sum(s.usage for s in near)) >= _tokens(span.usage):
            counts[span_id] = False
        elif near:
            counts.update((s.span_id, False) for s in near if s.call is None)
            counts[span_id] = all(s.call is None for s in near)
    return [span for span_id, span in bearing.items() if counts[span_id]]


def _nearest(run: Run, span: Span, bearing: dict[str, Span]) -> dict[str, bool]:
    """Bearing ancestors of a span: id → no wall lies between."""
    found: dict[str, bool] = {}
    direct, parent_id = True, span.parent_id
    while parent_id is not None and parent_id in run.spans and len(found) < len(run.spans):
        parent = run.spans[parent_id]
        if parent.op in WALLS:
            direct = False
        if parent_id in bearing:
            if parent_id in found:
                break
            found[parent_id] = direct
        parent_id = parent.parent_id
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
