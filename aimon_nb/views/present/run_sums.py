"""What a run came to, in words: calls, tokens, cost, and what it may spend."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from aimon_nb.model import Run, Totals
from aimon_nb.views.present.formatting import (
    at_least,
    cached,
    count,
    failures,
    mark_estimated,
    money,
    tokens,
)


class TotalCost(NamedTuple):
    """The cost of a run, and what a reader must know about it: `≥ $0.0242`, `1 unpriced`."""

    shown: str
    note: str

    def __str__(self) -> str:
        return " · ".join(part for part in self if part)


def total_cost(totals: Totals) -> TotalCost:
    """Format the cost of a run; in `shown` stands a word where there is no amount."""
    notes = list(_caveats(totals))
    if totals.cost is None and totals.estimate_cost:
        return TotalCost(
            mark_estimated(money(totals.estimate_cost), estimated=True),
            " · ".join(notes),
        )
    if totals.cost is None or (totals.cost == 0 and totals.lower_bound):
        return TotalCost("".join(notes[:1]), " · ".join(notes[1:]))
    if totals.cost == 0:
        is_answered = totals.calls > max(totals.errors, totals.rejected)
        return TotalCost("free" if is_answered else "", " · ".join(notes))
    shown = at_least(totals.cost) if totals.lower_bound else money(totals.cost)
    return TotalCost(shown, " · ".join(notes))


def budget(run: Run, shown: str) -> str:
    """Return what a run may spend, as it follows its cost (`of $5`); "" where it has no budget."""
    limit = run.options.get("budget")
    if not isinstance(limit, int | float):
        return ""
    # As it was written, not rounded as an amount that was spent is.
    exact = Decimal(repr(limit))
    places = 0 if exact == exact.to_integral() else max(2, -int(exact.as_tuple().exponent))
    amount = f"${exact:,.{places}f}"
    return f"of {amount}" if "$" in shown else f"budget {amount}"


def _caveats(totals: Totals) -> Iterator[str]:
    if totals.unpriced:
        yield f"{totals.unpriced:,} unpriced"
    if totals.no_usage:
        yield f"{totals.no_usage:,} without usage"
    if totals.uncounted:
        yield f"{count(totals.requests_uncounted, 'request')} not counted"
    if totals.unseen:
        yield f"{totals.unseen:,} tokens unseen"
    if totals.cached_locally:
        saved = f", ~{money(totals.saved)} saved" if totals.saved else ""
        yield f"{totals.cached_locally:,} cached locally{saved}"
    if totals.estimates:
        yield _estimate(totals)


def _estimate(totals: Totals) -> str:
    """Format what stands beside the sums: `~60 → 20 tokens estimated, ~$0.0003`."""
    text = mark_estimated(tokens(totals.estimate), estimated=True)
    dollars = money(totals.estimate_cost) if totals.cost is not None else ""
    amount = f"{text} tokens estimated" if text else count(totals.estimates, "estimate")
    return ", ".join(part for part in (amount, mark_estimated(dollars, estimated=True)) if part)


def totals(run: Run) -> list[str]:
    """Return the pieces of a totals line: calls, what failed, tokens, cached share, cost."""
    t = run.totals
    text, cost = tokens(t.usage), total_cost(t)
    limit = budget(run, cost.shown)
    spent = (" " if limit.startswith("of ") else " · ").join(filter(None, (cost.shown, limit)))
    pieces = [
        count(t.calls, "call") if t.calls else "",
        failures(t.errors, t.retries, failed_steps(run)),
        f"{text} tokens" if text else "",
        cached(t.usage),
        str(TotalCost(spent, cost.note)),
    ]
    return [p for p in pieces if p]


def failed_steps(run: Run) -> int:
    """Return how many tools, agents and functions failed by themselves; 0 while the run runs.

    One that merely passes on the error of a call or a step below it is not among them: an agent
    that caught the error of its tool and went on has ended well, its answer may not be.
    """
    if run.running:
        return 0
    failed = [s for s in list(run.spans.values()) if s.status == "error" and s.retried is None]
    above = {span.parent_id for span in failed}
    return sum(
        not span.may_cost and span.span_id not in above and run.shows(span) for span in failed
    )
