"""Which spans of a run count, and their sum (pricing rule A).

A call on the wire is one bill. For the rest (made by hand, over gRPC, inside the
process): a call in a call counts once, an aggregate such as an agent counts only
where nothing below it does, and what a tool or an agent inside a call asked for
is a call of its own. What the client's own cache answered costs nothing.

The plain sum of any column of a table is the run's: what does not count, an agent's own
total say, stands in none (`views/tables/summands.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from aimon_nb.model import Cost, Run, Span, Totals, Usage
from aimon_nb.model.cost import added
from aimon_nb.model.run import MoreCalls
from aimon_nb.model.tree import are_nested
from aimon_nb.pricing.client_cache import client_cache_hits
from aimon_nb.pricing.deduplicate import CUMULATIVE, UsageTree
from aimon_nb.pricing.price import price
from aimon_nb.pricing.retried import mark_retried
from aimon_nb.pricing.summable import summable
from aimon_nb.pricing.user_prices import user_prices

_ZERO = Decimal(0)


@dataclass(slots=True)
class CountedSpans:
    """The spans that make up a run's usage, each token once.

    `cached` are calls that the client's own cache answered. `unattributed` is how many
    tokens an agent reports beyond the calls below it; `inexact` says that some of
    what counts may stand for more than it reports.
    """

    counted: list[Span] = field(default_factory=list)
    cached: list[Span] = field(default_factory=list)
    unattributed: int = 0
    inexact: bool = False


def price_run(run: Run, changed: set[str]) -> None:
    """Price the changed spans that count, and add the run up again.

    Adds to `changed` the ids of spans that show something else because of it.
    """
    uncounted = _uncounted(run)
    touched = (run.spans.get(span_id) for span_id in changed)
    # Most batches of a running cell hold no call: they cost a look at the changed spans alone.
    is_new = uncounted != run.totals.uncounted
    if run.running and not is_new and not any(one is not None and one.may_cost for one in touched):
        return
    result = counted_spans(run)
    cached = {span.span_id for span in result.cached}
    counted = {span.span_id for span in result.counted}
    spans = [span for span in list(run.spans.values()) if span.may_cost]
    changed |= mark_retried(spans)
    for span in spans:
        is_cached = span.span_id in cached
        repeats = not (is_cached or span.is_duplicate or span.span_id in counted)
        if span.cached_locally != is_cached or span.repeats != repeats:
            span.cached_locally, span.repeats = is_cached, repeats
            changed.add(span.span_id)
        if span.span_id not in counted and not is_cached:
            if span.cost is not None:
                span.cost = None
                changed.add(span.span_id)
        elif span.status != "running" and (span.cost is None or span.span_id in changed):
            if is_cached:
                span.cost = _free_with_saving(span)
            else:
                span.cost = price(span) if _is_billable(span) else None
    run.totals = add_up(result.counted, result.cached, result.unattributed, inexact=result.inexact)
    if uncounted:
        run.totals.uncounted, run.totals.lower_bound = uncounted, True
    run.more = more_calls(result)


def more_calls(result: CountedSpans) -> MoreCalls | None:
    """Return the sums over the calls past the cap on spans; None where there are none."""
    counted = [span for span in result.counted if span.folded]
    cached = [span for span in result.cached if span.folded]
    both = counted + cached
    if not both:
        return None
    offset = min(span.offset for span in both)
    ends = [span.offset + span.duration for span in both if span.duration is not None]
    duration = max(ends) - offset if len(ends) == len(both) else None
    return MoreCalls(add_up(counted, cached), offset, duration)


def _uncounted(run: Run) -> dict[str, int]:
    """Return the requests that nobody can read, but for hosts where the user pays nothing."""
    if not run.unread:
        return {}
    return {place: n for place, n in list(run.unread.items()) if not _is_free_host(place)}


def _is_free_host(place: str) -> bool:
    rule = user_prices.rule_for_host(place.partition(" ")[0])
    return rule is not None and rule.kind == "free host"


def counted_spans(run: Run) -> CountedSpans:
    """Return the spans of a run that count, and those that its client's cache answered."""
    with_usage = [span for span in list(run.spans.values()) if _has_usage(span)]
    cached = client_cache_hits(run, with_usage)
    cached_ids = {span.span_id for span in cached}
    asked = [s for s in with_usage if s.span_id not in cached_ids] if cached else with_usage
    if all(span.call is not None for span in asked) or not _may_overlap(run, with_usage):
        return CountedSpans(asked, cached)
    # With the cached ones in it, for what is above them repeats their tokens.
    tree = UsageTree(run, with_usage)
    counted = [span for span in asked if span.span_id not in tree.folded]
    return CountedSpans(counted, cached, tree.unattributed(counted, cached), tree.inexact)


def _may_overlap(run: Run, with_usage: list[Span]) -> bool:
    """Return whether any may report another's tokens: one is above another, or a handoff's."""
    if any(span.origin == CUMULATIVE for span in with_usage):
        return True
    return are_nested(with_usage, run.spans)


def _has_usage(span: Span) -> bool:
    return not (span.is_duplicate or span.is_part) and span.may_cost


def _is_billable(span: Span) -> bool:
    """Return whether it may have been billed; so may a request that broke off, no refused one."""
    broke_off = span.call is not None and not span.call.refused
    return span.usage.known or span.status != "error" or broke_off


def _free_with_saving(span: Span) -> Cost:
    """Return the cost of a call that a local cache answered: nothing, and what it saved."""
    cost, by = price(span), "the client's own cache"
    if span.call is not None and span.call.cached_by:
        by = span.call.cached_by
    applicable = tuple(a for a in cost.caveats if not a.startswith("its request was not heard"))
    return replace(
        cost,
        state="free",
        total=_ZERO,
        lines=(),
        cache_saving=cost.total,
        caveats=applicable,
        reason=f"answered by {by}: no request was sent",
        source=None if cost.charged else cost.source,
        charged=False,
    )


def add_up(
    counted: list[Span],
    cached: Iterable[Span] = (),
    unattributed: int = 0,
    *,
    inexact: bool = False,
) -> Totals:
    """Return the sums over spans that count, and over those that a local cache answered."""
    totals = Totals(calls=len(counted), unseen=unattributed)
    estimated = [s for s in counted if s.is_estimated]
    exact = [s for s in counted if not s.is_estimated] if estimated else counted
    totals.usage = Usage.sum(summable(s.usage) for s in exact)
    totals.errors = sum(_errors(s) for s in counted if s.retried is None)
    totals.retries = sum(s.retried == "repaired" for s in counted)
    costs = [s.cost for s in counted if s.cost is not None]
    doubtful = [s for s in estimated if not is_sure(s)]
    totals.cost = _total_cost([*exact, *filter(is_sure, estimated)])
    totals.estimates, totals.estimate_cost = len(estimated), _total_cost(doubtful)
    totals.estimate = Usage.sum(summable(s.usage) for s in estimated)
    totals.unpriced = sum(c.state == "unpriced" for c in costs)
    totals.no_usage = sum(c.state == "no_usage" for c in costs)
    totals.lower_bound = (
        inexact
        or unattributed > 0
        or bool(doubtful)
        or any(c.state in ("unpriced", "no_usage", "partial") for c in costs)
    )
    _add_cached(totals, list(cached))
    totals.rejected = sum(map(_is_rejected, counted))
    if counted and totals.cost is None and totals.rejected == len(counted):
        totals.cost = _ZERO  # what was refused costs nothing, and that is known
    return totals


def _errors(span: Span) -> int:
    """Return how many errors a span stands for: of a batch one a request that failed."""
    of_parts = span.call.failed if span.call is not None else 0
    return of_parts or int(span.status == "error")


def is_sure(span: Span) -> bool:
    """Return whether its price is known for any number of tokens: free, or charged."""
    return span.cost is not None and (span.cost.state == "free" or span.cost.charged)


def _total_cost(spans: list[Span]) -> Decimal | None:
    known = [s.cost.total for s in spans if s.cost is not None and s.cost.total is not None]
    return added(known) if known else None


def _add_cached(totals: Totals, cached: list[Span]) -> None:
    totals.cached_locally = len(cached)
    saved = [
        s.cost.cache_saving
        for s in cached
        if s.cost is not None and s.cost.cache_saving is not None
    ]
    totals.saved = added(saved) if saved else None
    if cached and totals.cost is None and not totals.calls:
        totals.cost = _ZERO


def _is_rejected(span: Span) -> bool:
    return span.cost is None and span.status != "running" and not _is_billable(span)
