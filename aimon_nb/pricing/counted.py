"""Which spans of a run count, and their sum (pricing rule A).

A call on the wire is one bill. For the rest (made by hand, over gRPC, inside the
process): a call in a call counts once, an aggregate such as an agent counts only
where nothing below it does, and what a tool or an agent inside a call asked for
is a call of its own. What the client's own cache answered costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from aimon_nb.model import Cost, Run, Span, Totals, Usage
from aimon_nb.model.cost import added
from aimon_nb.pricing.client_cache import client_cache_hits
from aimon_nb.pricing.deduplicate import CUMULATIVE, UsageTree
from aimon_nb.pricing.normalise import is_estimated, normalise
from aimon_nb.pricing.price import price

_ZERO = Decimal(0)


@dataclass(slots=True)
class CountedSpans:
    """The spans that make up a run's usage, each token once.

    `cached` are calls that the client's own cache answered. `unseen` is how many
    tokens an agent reports beyond the calls below it; `vague` says that some of
    what counts may stand for more than it reports.
    """

    counted: list[Span] = field(default_factory=list)
    cached: list[Span] = field(default_factory=list)
    unseen: int = 0
    vague: bool = False


def price_run(run: Run, changed: set[str]) -> None:
    """Price the changed spans that count, and add the run up again.

    Adds to `changed` the spans that show something else because of it.
    """
    touched = (run.spans.get(span_id) for span_id in changed)
    if run.running and not any(span is not None and span.may_cost for span in touched):
        return
    bill = counted_spans(run)
    cached = {span.span_id for span in bill.cached}
    counted = {span.span_id for span in bill.counted}
    for span in list(run.spans.values()):
        if not span.may_cost:
            continue
        is_cached = span.span_id in cached
        if span.cached_locally != is_cached:
            span.cached_locally = is_cached
            changed.add(span.span_id)
        if span.span_id not in counted and not is_cached:
            if span.cost is not None:
                span.cost = None
                changed.add(span.span_id)
        elif span.status != "running" and (span.cost is None or span.span_id in changed):
            span.cost = (
                _saved(price(span)) if is_cached else price(span) if _is_billable(span) else None
            )
    run.totals = add_up(bill.counted, bill.cached, bill.unseen, vague=bill.vague)


def counted_spans(run: Run) -> CountedSpans:
    """What of a run counts."""
    bearing = [span for span in list(run.spans.values()) if _has_usage(span)]
    if all(span.call is not None for span in bearing):
        return CountedSpans(bearing)
    cached = [] if run.running else client_cache_hits(run, bearing)
    gone = {span.span_id for span in cached}
    bearing = [span for span in bearing if span.span_id not in gone]
    if not _overlap(run, bearing):
        return CountedSpans(bearing, cached)
    tree = UsageTree(run, bearing)
    counted = [span for span in bearing if span.span_id not in tree.folded]
    return CountedSpans(counted, cached, tree.unseen(counted, cached), tree.vague)


def _overlap(run: Run, bearing: list[Span]) -> bool:
    """Whether any of these could say what another says: one below another, or a handoff."""
    ids = {span.span_id for span in bearing}
    clear: set[str] = set()  # nothing in or above these
    for span in bearing:
        if span.origin == CUMULATIVE:
            return True
        above = span.parent_id
        while above is not None and above not in clear:
            if above in ids:
                return True
            clear.add(above)
            parent = run.spans.get(above)
            above = parent.parent_id if parent is not None else None
    return False


def _has_usage(span: Span) -> bool:
    return not span.is_duplicate and span.may_cost


def _is_billable(span: Span) -> bool:
    """A refused request costs nothing; one that broke off may have been billed all the same."""
    broke_off = span.call is not None and not span.call.refused
    return span.usage.known or span.status != "error" or broke_off


def _saved(cost: Cost) -> Cost:
    """The cost of a call that a local cache answered: nothing, and what it saved."""
    said = tuple(a for a in cost.assumptions if not a.startswith("its request was not heard"))
    return replace(
        cost,
        state="free",
        total=_ZERO,
        parts=(),
        saved=cost.total,
        assumptions=said,
        reason="answered by the client's own cache: no request was sent",
    )


def add_up(
    counted: list[Span], cached: Iterable[Span] = (), unseen: int = 0, *, vague: bool = False
) -> Totals:
    """The sums over spans that count, and over those that a local cache answered."""
    totals = Totals(calls=len(counted), unseen=unseen)
    exact, estimated = _parted(counted)
    totals.usage = Usage.sum(normalise(s.usage).usage for s in exact)
    totals.errors = sum(s.status == "error" for s in counted)
    costs = [s.cost for s in counted if s.cost is not None]
    # What is free is free for any number of tokens.
    doubtful = [s for s in estimated if not _is_free(s)]
    totals.cost = _cost([*exact, *filter(_is_free, estimated)])
    totals.estimates, totals.estimate_cost = len(estimated), _cost(doubtful)
    totals.estimate = Usage.sum(normalise(s.usage).usage for s in estimated)
    totals.unpriced = sum(c.state == "unpriced" for c in costs)
    totals.no_usage = sum(c.state == "no_usage" for c in costs)
    totals.lower_bound = (
        vague
        or unseen > 0
        or bool(doubtful)
        or any(c.state in ("unpriced", "no_usage", "partial") for c in costs)
    )
    _add_cached(totals, list(cached))
    if counted and totals.cost is None and all(map(_is_rejected, counted)):
        totals.cost = _ZERO  # what was refused costs nothing, and that is known
    return totals


def _parted(counted: list[Span]) -> tuple[list[Span], list[Span]]:
    """(spans with the provider's counts, spans whose tokens were counted here)."""
    estimated = [span for span in counted if is_estimated(span)]
    if not estimated:
        return counted, estimated
    return [span for span in counted if not is_estimated(span)], estimated


def _is_free(span: Span) -> bool:
    return span.cost is not None and span.cost.state == "free"


def _cost(spans: list[Span]) -> Decimal | None:
    known = [s.cost.total for s in spans if s.cost is not None and s.cost.total is not None]
    return added(known) if known else None


def _add_cached(totals: Totals, cached: list[Span]) -> None:
    totals.cached_locally = len(cached)
    saved = [s.cost.saved for s in cached if s.cost is not None and s.cost.saved is not None]
    totals.saved = added(saved) if saved else None
    if cached and totals.cost is None and not totals.calls:
        totals.cost = _ZERO


def _is_rejected(span: Span) -> bool:
    return span.cost is None and span.status != "running" and not _is_billable(span)
