"""Which of nested spans report the same tokens, and which of these count (pricing rule A).

Every step is one walk over the spans, however deep they are nested.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from aimon_nb.model import Run, Span
from aimon_nb.model.tree import path_up
from aimon_nb.pricing.normalise import normalise

# What a tool or an agent inside a call asks a model for is a call of its own.
BOUNDARY_OPS = frozenset({"gen_ai.execute_tool", "gen_ai.invoke_agent"})
# OpenAI Agents: each agent after a handoff reports all tokens of the run so far.
CUMULATIVE = "auto.ai.openai_agents"


def tokens(span: Span) -> int:
    """Return input and output tokens of a span; an unknown or impossible count is 0."""
    usage = normalise(span.usage).usage
    return max(0, usage.input or 0) + max(0, usage.output or 0)


class _Position(NamedTuple):
    """Where a span stands among the spans with usage."""

    above: str | None  # the id of its nearest ancestor with usage
    direct: bool  # no tool or agent stands between the two
    depth: int
    cumulative: bool  # it or a span above it reports the run so far


_TOP = _Position(above=None, direct=True, depth=0, cumulative=False)


@dataclass(slots=True)
class _Subtotal:
    """What counts below a span. Subtotals hold subtotals: to pass one up copies no list."""

    tokens: int = 0
    has_calls: bool = False
    has_requests: bool = False  # one of these calls crossed the wire
    spans: list[Span] = field(default_factory=list)
    nested: list[_Subtotal] = field(default_factory=list)

    def add_span(self, span: Span) -> None:
        """Add a span that counts."""
        self.spans.append(span)
        self.tokens += tokens(span)
        self.has_calls |= span.is_call
        self.has_requests |= span.call is not None

    def add(self, other: _Subtotal) -> None:
        """Add all that counts in another."""
        self.nested.append(other)
        self.tokens += other.tokens
        self.has_calls |= other.has_calls
        self.has_requests |= other.has_requests

    def ids(self) -> Iterator[str]:
        """Yield the ids of all spans in it."""
        pending = [self]
        while pending:
            subtotal = pending.pop()
            pending += subtotal.nested
            yield from (span.span_id for span in subtotal.spans)


class UsageTree:
    """The spans with usage, each under the nearest one above it.

    `folded` are the ids of those that repeat what others report. `inexact` means that some
    of what counts may stand for more than it reports.
    """

    def __init__(self, run: Run, with_usage: list[Span]) -> None:
        self.with_usage = with_usage
        self.folded: set[str] = set()
        self.inexact = False
        self._sums: list[Span] = []  # agents and steps that add up what counts below them
        self._run, self._ids = run, {span.span_id for span in with_usage}
        self._positions: dict[str, _Position] = {}
        # What counts below each span: in reach of it, and behind a tool or agent.
        self._direct: defaultdict[str, _Subtotal] = defaultdict(_Subtotal)
        self._behind_boundary: defaultdict[str, _Subtotal] = defaultdict(_Subtotal)
        self._leaves_first = sorted(with_usage, key=lambda span: -self._position(span).depth)
        for span in self._leaves_first:
            self._fold(span)
        self._fold_cumulative()

    def _position(self, span: Span) -> _Position:
        """Return where a span stands; computed from the top down for all on the way to it."""
        position = self._positions.get(span.span_id)
        if position is None:
            # Of spans in a circle the last of the path becomes the top.
            for one in reversed(path_up(span, self._run.spans, self._positions).values()):
                position = self._positions[one.span_id] = self._below_parent(one)
        return position or _TOP

    def _below_parent(self, span: Span) -> _Position:
        parent_id = span.parent_id or ""
        above, direct, depth, cumulative = self._positions.get(parent_id, _TOP)
        if parent_id in self._ids:
            above, direct = parent_id, True
        elif above is not None and direct:
            direct = self._run.spans[parent_id].op not in BOUNDARY_OPS
        return _Position(above, direct, depth + 1, cumulative or span.origin == CUMULATIVE)

    def _fold(self, span: Span) -> None:
        """Decide which of a span and those below it count; their descendants are decided."""
        direct = self._direct.get(span.span_id)
        behind = self._behind_boundary.get(span.span_id)
        counts = self._counts(span, direct, behind)
        if not counts:
            self.folded.add(span.span_id)
            if not span.is_call:
                self._sums.append(span)
        elif span.call is None:
            self._fold_all(direct)
            direct = None
            if not span.is_call:
                self._fold_all(behind)
                behind = None
        position = self._positions[span.span_id]
        if position.above is None:
            return
        # A span is no boundary for itself: an agent's calls are below it, not behind it.
        in_reach = position.direct and span.op not in BOUNDARY_OPS
        side = self._direct if in_reach else self._behind_boundary
        if counts:
            side[position.above].add_span(span)
        if direct is not None:
            side[position.above].add(direct)
        if behind is not None:
            self._behind_boundary[position.above].add(behind)

    def _fold_all(self, copies: _Subtotal | None) -> None:
        if copies is not None:
            self.folded.update(copies.ids())

    def _counts(self, span: Span, direct: _Subtotal | None, behind: _Subtotal | None) -> bool:
        if span.call is not None or (direct is None and behind is None):
            return True
        below = [one for one in (direct, None if span.is_call else behind) if one is not None]
        if any(one.has_requests or (one.has_calls and not span.is_call) for one in below):
            return False
        return not below or tokens(span) > sum(one.tokens for one in below)

    def _fold_cumulative(self) -> None:
        """Fold all but the last agent of a handoff, which repeats the tokens of those before."""
        groups: dict[tuple[str | None, str | None], list[Span]] = {}
        for span in self.with_usage:
            if span.span_id in self.folded or span.is_call or span.origin != CUMULATIVE:
                continue
            groups.setdefault((span.trace_id, span.parent_id), []).append(span)
        for agents in groups.values():
            if len(agents) > 1:
                largest = max(agents, key=lambda s: (tokens(s), s.span_id))
                self.folded |= {s.span_id for s in agents if s is not largest}
                self.inexact = True  # two runs side by side look the same

    def unattributed(self, counted: list[Span], cached: list[Span]) -> int:
        """Return the most tokens that an agent reports beyond the calls that explain them.

        Those are the calls below it; of agents that report the run so far, the calls
        below any of them. What a local cache answered explains too.
        """
        if not self._sums:
            return 0
        explaining = chain(counted, cached)
        in_cumulative = sum(tokens(s) for s in explaining if self._position(s).cumulative)
        explained = (
            in_cumulative if span.origin == CUMULATIVE else self._counted_below(span)
            for span in self._sums
        )
        return max(0, *(tokens(s) - e for s, e in zip(self._sums, explained, strict=True)))

    def _counted_below(self, span: Span) -> int:
        subtotals = self._direct.get(span.span_id), self._behind_boundary.get(span.span_id)
        return sum(one.tokens for one in subtotals if one is not None)
