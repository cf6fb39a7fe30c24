"""Caps on what stays in memory: what is beyond them folds, counts all the same, and is noted.

A span past the cap is in the run while it is open, for its children's sake. At its end
it stays, without a row, if it is a call or reports usage; else it is dropped, and its
children move up: sums that walk the tree stay right.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from aimon_nb.capture.to_plain import Plain, key_text
from aimon_nb.model import Message, Run, Span
from aimon_nb.model.tree import ancestor_ids

if TYPE_CHECKING:
    from aimon_nb.capture.state import OpenSpan

SPANS = "max_spans"
ATTRIBUTES = "max_attribute_bytes"
RUNS = "max_runs"
AGAIN = "run again"
WHOLE_RUNS = 10  # of a cell: the last, which are in memory whole


@dataclass(frozen=True, slots=True)
class Limits:
    """How much stays in memory.

    Spans a run, bytes of attributes a span, runs, and bytes of prompts, answers and the like of
    all runs.
    """

    spans: int = 20_000
    attribute_bytes: int = 200_000
    runs: int = 100
    content_budget: int = 256_000_000


@dataclass(slots=True)
class SpanLimit:
    """What a run has beyond its caps.

    `spans` counts all past the cap, `dropped` those that left the run since, `failed` those
    of them with an error; `cut` are the ids of spans with cut attributes. `children_in_run`
    has, of each open span past the cap, the children that are still in the run: by the parent's
    id, then by their own.
    """

    limits: Limits = field(default_factory=Limits)
    spans: int = 0
    dropped: int = 0
    failed: int = 0
    cut: set[str] = field(default_factory=set)
    children_in_run: dict[str, dict[str, Span]] = field(default_factory=dict)

    def add(self, open_span: OpenSpan, span: Span, run: Run) -> None:
        """Fold a span that has just started in a run that is full."""
        span.folded = True
        self.spans += 1
        above = open_span.parent
        while above is not None and above.span_id not in run.spans:
            # It ended in the meantime, and was dropped.
            above = above.parent
        if above is not None and span.parent_id is not None:
            span.parent_id = above.span_id
        self._reattach(span, run)
        self._update_note(run)

    def end(self, span: Span, run: Run) -> None:
        """Drop a span that has ended past the cap, unless sums need it."""
        if not span.folded or span.span_id not in run.spans:
            return
        if span.may_cost:
            # Its numbers count; without a row nobody can open its content.
            span.attributes, span.step = {}, None
            if span.call is not None:
                span.call.input, span.call.output, span.call.tools = [], [], []
                span.call.parameters, span.call.settings, span.call.definitions = {}, {}, []
                span.call.exchange = None
            return
        del run.spans[span.span_id]
        self.dropped += 1
        self.failed += span.status == "error"
        self.children_in_run.get(span.parent_id or "", {}).pop(span.span_id, None)
        for child in self.children_in_run.pop(span.span_id, {}).values():
            child.parent_id = span.parent_id
            self._reattach(child, run)
        self._update_note(run)

    def plain_attributes(self, attributes: dict[Any, Any], *, ended: bool) -> dict[str, Any]:
        """Return attributes as plain data; they themselves where they are that already.

        Lists, dicts and objects are looked at once, when the span has ended.
        """
        limit = self.limits.attribute_bytes
        if _is_small(attributes, limit):
            return attributes
        if not ended:
            attributes = {k: value for k, value in attributes.items() if type(value) in _SCALARS}
        return {_key(key): as_plain_value(value, limit) for key, value in attributes.items()}

    def cut_attributes(self, span: Span, run: Run) -> None:
        """Cut a span's attributes to as many bytes as the cap allows."""
        limit = self.limits.attribute_bytes
        if sum(map(size_of, span.attributes.values())) > limit:
            span.attributes = _within(span.attributes, limit)
            self._update_cut_note(span, run)

    def cut_content(self, span: Span, run: Run) -> None:
        """Cut prompts and answers to as many bytes, the short turns whole before the long ones.

        Only when the call has ended, for an estimate of its tokens needs all of it.
        """
        call, room = span.call, self.limits.attribute_bytes
        if call is None or sum(map(_turn_size, turns := [*call.input, *call.output])) <= room:
            return
        for turn in sorted(turns, key=_turn_size):
            size = _turn_size(turn)
            if size > room:
                turn.text = _cut(turn.text, room, size)
                turn.tool_calls = [(name[:100], "") for name, _ in turn.tool_calls]
            room = max(0, room - size)
        self._update_cut_note(span, run)

    def _update_cut_note(self, span: Span, run: Run) -> None:
        self.cut.add(span.span_id)
        many = f"{len(self.cut):,} spans" if len(self.cut) > 1 else "a span"
        limit = self.limits.attribute_bytes
        run.caps[ATTRIBUTES] = f"attributes of {many} are cut: more than {ATTRIBUTES} = {limit:,}"

    def _reattach(self, span: Span, run: Run) -> None:
        parent = run.spans.get(span.parent_id or "")
        if parent is not None and parent.folded:
            self.children_in_run.setdefault(parent.span_id, {})[span.span_id] = span

    def _update_note(self, run: Run) -> None:
        failed = f" ({self.failed:,} of them failed)" if self.failed else ""
        many = (
            f"{self.spans:,} more spans{failed} are"
            if self.spans > 1
            else f"1 more span{failed} is"
        )
        run.caps[SPANS] = (
            f"{many} folded: over {SPANS} = {self.limits.spans:,}; "
            "calls, tokens, cost and errors count all of them"
        )


_TEXT = frozenset({str})
_SCALARS = frozenset({str, int, float, bool, type(None)})


def _is_small(attributes: dict[Any, Any], limit: int) -> bool:
    """Return whether all of it is plain and surely fits, as nearly always: a cheap test."""
    for value in attributes.values():
        kind = type(value)
        if kind is str:
            # UTF-8 needs no more than 4 bytes a character.
            limit -= 4 * len(value)
        elif kind not in _SCALARS or (kind is int and value.bit_length() > 64):
            return False
    return limit >= 0 and _TEXT.issuperset(map(type, attributes))


def _key(key: Any) -> str:
    return key if type(key) is str else key_text(key)


def as_plain_value(value: Any, limit: int) -> Any:
    """Return a value as plain data: a run holds no object of the user's own."""
    # A text, or what is too large, is cut as a whole later.
    if type(value) is str or size_of(value) > limit:
        return value
    return Plain(limit, unpack=False).of(value)


def _turn_size(turn: Message) -> int:
    return size_of(turn.text) + sum(map(size_of, turn.tool_calls))


def size_of(value: Any) -> int:
    """Return the bytes of texts and containers in a value; an object of the user's own is 0."""
    total, seen, pending = 0, set[int](), [value]
    while pending:
        one = pending.pop()
        if isinstance(one, str):
            total += str.__len__(one) if str.isascii(one) else len(_bytes(one))
        elif isinstance(one, (bytes, bytearray)):
            total += len(one)
        elif type(one) in _CONTAINERS and id(one) not in seen:
            seen.add(id(one))
            if type(one) is dict:
                pending += one
            pending += one.values() if type(one) is dict else one
            total += 8 * len(one)
    return total


_CONTAINERS = (list, tuple, set, frozenset, dict)


def _bytes(text: str) -> bytes:
    return str.encode(text, "utf-8", "replace")


def _within(attributes: dict[str, Any], room: int) -> dict[str, Any]:
    """Return the attributes within `room` bytes: the small whole, then what fits of the others."""
    fitting = dict(attributes)
    for key, size in sorted(
        ((k, size_of(v)) for k, v in attributes.items()), key=lambda one: one[1]
    ):
        if size > room:
            fitting[key] = _cut(attributes[key], room, size)
        room = max(0, room - size)
    return fitting


def _cut(value: Any, room: int, size: int) -> str:
    mark = f"(cut: {size:,} bytes)"
    if not isinstance(value, str):
        return mark
    start = _bytes(value)[:room].decode("utf-8", "ignore")
    return f"{start}… {mark}" if start else mark


def without_plain(run: Run) -> Run:
    """Return a copy of a run that has its calls, what stands above them, and its totals."""
    calls = [span for span in run.spans.values() if span.may_cost]
    remaining = ancestor_ids(calls, run.spans) | {span.span_id for span in calls} | {run.root_id}
    dropped = len(run.spans.keys() - remaining)
    if not dropped:
        return run
    note = f"{dropped:,} spans without a model call are no longer in memory: the cell ran again"
    spans = {span_id: span for span_id, span in run.spans.items() if span_id in remaining}
    return replace(run, spans=spans, notes=list(run.notes), caps={**run.caps, AGAIN: note})
