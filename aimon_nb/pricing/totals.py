"""Which spans of a run count, and their sum (pricing rule A).

A call on the wire is one bill. For the rest (made by hand, over gRPC, inside the
process): a call in a call counts once, an aggregate such as an agent counts only
where nothing below it does, and what a tool or an agent inside a call asked for
is a call of its own. What the client's own cache answered costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal

from aimon_nb.model import Cost, Run, Span, Totals, Usage
from aimon_nb.model.cost import added
from aimon_nb.pricing.local import answered_locally
from aimon_nb.pricing.lookup import price
from aimon_nb.pricing.usage import is_estimated, normalised

WALLS = frozenset({"gen_ai.execute_tool", "gen_ai.invoke_agent"})
CUMULATIVE = "auto.ai.openai_agents"  # its agents report all tokens of the run so far
_ZERO = Decimal(0)


@dataclass(slots=True)
class Bill:
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
    bill = bill_of(run)
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
            span.cost = _saved(price(span)) if is_cached else price(span) if _billed(span) else None
    run.totals = add_up(bill.counted, bill.cached, bill.unseen, vague=bill.vague)


def bill_of(run: Run) -> Bill:
    """What of a run counts."""
    bearing = [span for span in list(run.spans.values()) if _bears(span)]
    if all(span.call is not None for span in bearing):
        return Bill(bearing)
    cached = [] if run.running else answered_locally(run, bearing)
    gone = {span.span_id for span in cached}
    bearing = [span for span in bearing if span.span_id not in gone]
    if not _overlap(run, bearing):
        return Bill(bearing, cached)
    tree = _Tree(run, bearing)
    tree.fold()
    tree.fold_cumulative()
    counted = [span for span in bearing if span.span_id not in tree.folded]
    return Bill(counted, cached, _unseen(run, tree, counted, cached), tree.vague)


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


def counted_spans(run: Run) -> list[Span]:
    """The spans whose usage makes up the run's, each token once."""
    return bill_of(run).counted


class _Tree:
    """The spans with usage, each under the nearest one above it."""

    def __init__(self, run: Run, bearing: list[Span]) -> None:
        self.bearing = bearing
        self.above: dict[str, tuple[str, bool]] = {}  # span → (bearing ancestor, no wall between)
        self.depth: dict[str, int] = {}
        self.folded: set[str] = set()
        self.vague = False
        # What counts in and below each span, apart from what lies behind a wall.
        self.near: dict[str, list[Span]] = {}
        self.far: dict[str, list[Span]] = {}
        ids = {span.span_id for span in bearing}
        for span in bearing:
            self._place(run, span, ids)

    def _place(self, run: Run, span: Span, ids: set[str]) -> None:
        direct, depth = True, 0
        for parent in _above(run, span):
            depth += 1
            # A span is no wall for itself: an agent's calls are below it, not behind it.
            if span.span_id not in self.above:
                if parent.span_id in ids:
                    self.above[span.span_id] = (parent.span_id, direct)
                direct = direct and parent.op not in WALLS
        self.depth[span.span_id] = depth

    def fold(self) -> None:
        """From the leaves up: of two that say the same thing one counts."""
        for span in sorted(self.bearing, key=lambda s: -self.depth[s.span_id]):
            near = self.near.setdefault(span.span_id, [])
            far = self.far.setdefault(span.span_id, [])
            counts = self._counts(span, near, far)
            if counts and span.call is None:
                for copies in filter(None, (near,) if span.is_call else (near, far)):
                    self.folded |= {inner.span_id for inner in copies}
                    copies.clear()
            if counts:
                near.append(span)
            else:
                self.folded.add(span.span_id)
            self._pass_up(span, near, far)

    def _counts(self, span: Span, near: list[Span], far: list[Span]) -> bool:
        if span.call is not None:
            return True
        below = near if span.is_call else near + far
        if not below:
            return True
        if any(inner.call is not None or (inner.is_call and not span.is_call) for inner in below):
            return False
        return _tokens(span) > sum(map(_tokens, below))

    def _pass_up(self, span: Span, near: list[Span], far: list[Span]) -> None:
        above, direct = self.above.get(span.span_id, (None, True))
        if above is None:
            return
        wall = not direct or span.op in WALLS
        self.near.setdefault(above, []).extend([] if wall else near)
        self.far.setdefault(above, []).extend(far + (near if wall else []))

    def fold_cumulative(self) -> None:
        """After a handoff the next agent repeats the tokens of the one before."""
        groups: dict[tuple[str | None, str | None], list[Span]] = {}
        for span in self.bearing:
            if span.span_id in self.folded or span.is_call or span.origin != CUMULATIVE:
                continue
            groups.setdefault((span.trace_id, span.parent_id), []).append(span)
        for agents in groups.values():
            if len(agents) > 1:
                largest = max(agents, key=lambda s: (_tokens(s), s.span_id))
                self.folded |= {s.span_id for s in agents if s is not largest}
                self.vague = True  # two runs side by side look the same


def _above(run: Run, span: Span) -> Iterator[Span]:
    """The spans above one, nearest first."""
    seen = {span.span_id}
    parent = run.spans.get(span.parent_id or "")
    while parent is not None and parent.span_id not in seen:
        seen.add(parent.span_id)
        yield parent
        parent = run.spans.get(parent.parent_id or "")


def _unseen(run: Run, tree: _Tree, counted: list[Span], cached: list[Span]) -> int:
    """The most tokens that an agent reports beyond the calls that explain them.

    Those are the calls below it; of agents that report the run so far, the calls
    below any of them. What a local cache answered explains too.
    """
    folded = [s for s in tree.bearing if s.span_id in tree.folded and not s.is_call]
    if not folded:
        return 0
    so_far = 0
    if any(span.origin == CUMULATIVE for span in folded):
        so_far = sum(_tokens(s) for s in (*counted, *cached) if _in_cumulative(run, s))
    below: dict[str, int] = {}
    for one in cached:
        for span in _above(run, one):
            below[span.span_id] = below.get(span.span_id, 0) + _tokens(one)
    return max(0, *(_tokens(s) - _explained(s, tree, so_far, below) for s in folded))


def _explained(span: Span, tree: _Tree, so_far: int, below: dict[str, int]) -> int:
    if span.origin == CUMULATIVE:
        return so_far
    inside = [*tree.near[span.span_id], *tree.far[span.span_id]]
    return sum(map(_tokens, inside)) + below.get(span.span_id, 0)


def _in_cumulative(run: Run, span: Span) -> bool:
    return any(one.origin == CUMULATIVE for one in (span, *_above(run, span)))


def _bears(span: Span) -> bool:
    return not span.covers and span.may_cost


def _billed(span: Span) -> bool:
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


def _tokens(span: Span) -> int:
    usage = normalised(span.usage)
    return max(0, usage.input or 0) + max(0, usage.output or 0)


def add_up(
    counted: list[Span], cached: Iterable[Span] = (), unseen: int = 0, *, vague: bool = False
) -> Totals:
    """The sums over spans that count, and over those that a local cache answered."""
    totals = Totals(calls=len(counted), unseen=unseen)
    exact, estimated = _parted(counted)
    totals.usage = Usage.sum(normalised(s.usage) for s in exact)
    totals.errors = sum(s.status == "error" for s in counted)
    costs = [s.cost for s in counted if s.cost is not None]
    # What is free is free for any number of tokens.
    doubtful = [s for s in estimated if not _is_free(s)]
    totals.cost = _cost([*exact, *filter(_is_free, estimated)])
    totals.estimates, totals.estimate_cost = len(estimated), _cost(doubtful)
    totals.estimate = Usage.sum(normalised(s.usage) for s in estimated)
    totals.unpriced = sum(c.state == "unpriced" for c in costs)
    totals.no_usage = sum(c.state == "no_usage" for c in costs)
    totals.lower_bound = (
        vague
        or unseen > 0
        or bool(doubtful)
        or any(c.state in ("unpriced", "no_usage", "partial") for c in costs)
    )
    _add_cached(totals, list(cached))
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
