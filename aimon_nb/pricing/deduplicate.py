"""Which of nested spans tell of the same tokens, and which of these count (pricing rule A).

Every step is one walk over the spans, however deep they are nested.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from aimon_nb.model import Run, Span
from aimon_nb.pricing.normalise import normalise

BOUNDARY_OPS = frozenset({"gen_ai.execute_tool", "gen_ai.invoke_agent"})
CUMULATIVE = "auto.ai.openai_agents"  # its agents report all tokens of the run so far


def tokens(span: Span) -> int:
    """Input and output of a span; what is unknown or impossible is none."""
    usage = normalise(span.usage).usage
    return max(0, usage.input or 0) + max(0, usage.output or 0)


# Where a span stands: its nearest ancestor with usage, whether no wall is between, its
# depth, and whether it or one above reports the run so far.
_Place = tuple[str | None, bool, int, bool]
_TOP: _Place = (None, True, 0, False)


@dataclass(slots=True)
class _Subtotal:
    """What counts below a span. Bags hold bags: to pass one up costs nothing."""

    tokens: int = 0
    calls: bool = False
    wired: bool = False
    spans: list[Span] = field(default_factory=list)
    bags: list[_Subtotal] = field(default_factory=list)

    def put(self, span: Span) -> None:
        """One more span that counts."""
        self.spans.append(span)
        self.tokens += tokens(span)
        self.calls |= span.is_call
        self.wired |= span.call is not None

    def take(self, bag: _Subtotal) -> None:
        """Everything that counts in another."""
        self.bags.append(bag)
        self.tokens += bag.tokens
        self.calls |= bag.calls
        self.wired |= bag.wired

    def ids(self) -> Iterator[str]:
        """The ids of all spans in it."""
        bags = [self]
        while bags:
            bag = bags.pop()
            bags += bag.bags
            yield from (span.span_id for span in bag.spans)


class UsageTree:
    """The spans with usage, each under the nearest one above it.

    `folded` are the ids of those that say what others say. `vague` tells that some of
    what counts may stand for more than it reports.
    """

    def __init__(self, run: Run, bearing: list[Span]) -> None:
        self.bearing = bearing
        self.folded: set[str] = set()
        self.vague = False
        self._sums: list[Span] = []  # of what counts below them
        self._run, self._ids = run, {span.span_id for span in bearing}
        self._places: dict[str, _Place] = {}
        # What counts below each span, apart from what lies behind a wall.
        self._near: defaultdict[str, _Subtotal] = defaultdict(_Subtotal)
        self._far: defaultdict[str, _Subtotal] = defaultdict(_Subtotal)
        self._upwards = sorted(bearing, key=lambda span: -self._place(span)[2])
        for span in self._upwards:
            self._fold(span)
        self._fold_cumulative()

    def _place(self, span: Span) -> _Place:
        """Where a span stands; found from the top down for all on the way to it."""
        place = self._places.get(span.span_id)
        if place is not None:
            return place
        way: dict[str, Span] = {}
        one: Span | None = span
        # Of spans in a circle one is the top.
        while one is not None and one.span_id not in way and one.span_id not in self._places:
            way[one.span_id] = one
            one = self._run.spans.get(one.parent_id or "")
        for span_id in reversed(way):
            place = self._places[span_id] = self._below(way[span_id])
        return place or _TOP

    def _below(self, span: Span) -> _Place:
        parent_id = span.parent_id or ""
        above, direct, depth, so_far = self._places.get(parent_id, _TOP)
        if parent_id in self._ids:
            above, direct = parent_id, True
        elif above is not None and direct:
            direct = self._run.spans[parent_id].op not in BOUNDARY_OPS
        return above, direct, depth + 1, so_far or span.origin == CUMULATIVE

    def _fold(self, span: Span) -> None:
        """From the leaves up: of two that say the same thing one counts."""
        near, far = self._near.get(span.span_id), self._far.get(span.span_id)
        counts = self._counts(span, near, far)
        if not counts:
            self.folded.add(span.span_id)
            if not span.is_call:
                self._sums.append(span)
        elif span.call is None:
            self._drop(near)
            near = None
            if not span.is_call:
                self._drop(far)
                far = None
        above, direct, _, _ = self._places[span.span_id]
        if above is None:
            return
        # A span is no wall for itself: an agent's calls are below it, not behind it.
        side = self._near if direct and span.op not in BOUNDARY_OPS else self._far
        if counts:
            side[above].put(span)
        if near is not None:
            side[above].take(near)
        if far is not None:
            self._far[above].take(far)

    def _drop(self, copies: _Subtotal | None) -> None:
        if copies is not None:
            self.folded.update(copies.ids())

    def _counts(self, span: Span, near: _Subtotal | None, far: _Subtotal | None) -> bool:
        if span.call is not None or (near is None and far is None):
            return True
        below = [bag for bag in (near, None if span.is_call else far) if bag is not None]
        if any(bag.wired or (bag.calls and not span.is_call) for bag in below):
            return False
        return not below or tokens(span) > sum(bag.tokens for bag in below)

    def _fold_cumulative(self) -> None:
        """After a handoff the next agent repeats the tokens of the one before."""
        groups: dict[tuple[str | None, str | None], list[Span]] = {}
        for span in self.bearing:
            if span.span_id in self.folded or span.is_call or span.origin != CUMULATIVE:
                continue
            groups.setdefault((span.trace_id, span.parent_id), []).append(span)
        for agents in groups.values():
            if len(agents) > 1:
                largest = max(agents, key=lambda s: (tokens(s), s.span_id))
                self.folded |= {s.span_id for s in agents if s is not largest}
                self.vague = True  # two runs side by side look the same

    def unseen(self, counted: list[Span], cached: list[Span]) -> int:
        """The most tokens that an agent reports beyond the calls that explain them.

        Those are the calls below it; of agents that report the run so far, the calls
        below any of them. What a local cache answered explains too.
        """
        if not self._sums:
            return 0
        told = chain(counted, cached)
        so_far = sum(tokens(s) for s in told if self._place(s)[3])
        below = self._cached_below(cached) if cached else {}
        explained = (
            so_far if s.origin == CUMULATIVE else self._counted_below(s) + below.get(s.span_id, 0)
            for s in self._sums
        )
        return max(0, *(tokens(s) - e for s, e in zip(self._sums, explained, strict=True)))

    def _counted_below(self, span: Span) -> int:
        bags = self._near.get(span.span_id), self._far.get(span.span_id)
        return sum(bag.tokens for bag in bags if bag is not None)

    def _cached_below(self, cached: Iterable[Span]) -> dict[str, int]:
        below: dict[str, int] = {}
        for span in (*cached, *self._upwards):
            above = self._place(span)[0]
            told = below.get(span.span_id, 0) if span.span_id in self._ids else tokens(span)
            if above is not None and told:
                below[above] = below.get(above, 0) + told
        return below
