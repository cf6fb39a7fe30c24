"""The walks over the spans of a run: upwards by `parent_id`, and down in reading order.

All are loops, so a chain of 20,000 spans is no RecursionError; each ends where a parent is
missing and where a circle of parents closes.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aimon_nb.model.span import Span


def nearest_ancestor(
    span: Span, spans: Mapping[str, Span], accept: Callable[[Span], bool]
) -> Span | None:
    """Return the nearest span above one that `accept` takes; None where there is none.

    Costs one call of `accept` for each span up to there. In a circle the span itself comes last.
    """
    ancestor = spans.get(span.parent_id) if span.parent_id else None
    # Nearly always the parent is the one: only then a set for circles is made.
    if ancestor is None or accept(ancestor):
        return ancestor
    passed: set[str] = set()
    while ancestor is not None and not accept(ancestor):
        if ancestor.span_id in passed:
            return None
        passed.add(ancestor.span_id)
        ancestor = spans.get(ancestor.parent_id) if ancestor.parent_id else None
    return ancestor


def path_up(span: Span, spans: Mapping[str, Span], known: Container[str] = ()) -> dict[str, Span]:
    """Return by id a span and those above it, the nearest first, up to one whose id is `known`.

    With one `known` that grows by each path, the paths of all spans cost one step a span.
    """
    path: dict[str, Span] = {}
    above: Span | None = span
    while above is not None and above.span_id not in path and above.span_id not in known:
        path[above.span_id] = above
        above = spans.get(above.parent_id) if above.parent_id else None
    return path


def ancestor_ids(below: Iterable[Span], spans: Mapping[str, Span]) -> set[str]:
    """Return the ids of all parents above any of these; costs one step a span.

    The id of a parent that is missing is among them.
    """
    ids: set[str] = set()
    for span in below:
        parent_id = span.parent_id
        while parent_id is not None and parent_id not in ids:
            ids.add(parent_id)
            parent = spans.get(parent_id)
            parent_id = parent.parent_id if parent is not None else None
    return ids


def are_nested(some: Sequence[Span], spans: Mapping[str, Span]) -> bool:
    """Return whether any of some spans is above another or itself; ends at the first that is."""
    ids = {span.span_id for span in some}
    passed: set[str] = set()
    for span in some:
        parent_id = span.parent_id
        while parent_id is not None and parent_id not in passed:
            if parent_id in ids:
                return True
            passed.add(parent_id)
            parent = spans.get(parent_id)
            parent_id = parent.parent_id if parent is not None else None
    return False


def preorder(
    tops: Sequence[Span], below: Mapping[str | None, Sequence[Span]]
) -> tuple[list[Span], list[int]]:
    """Return spans in reading order, parents before children, and the depth of each (top: 0).

    `below` has the children of each span by its id. A span that comes up a second time is
    left out, and with it what is below it there. Costs one look-up a span.
    """
    order: list[Span] = []
    depths: list[int] = []
    passed: set[str] = set()
    # Two lists beside each other: a tuple for each span is slower.
    stack, levels = list(reversed(tops)), [0] * len(tops)
    while stack:
        span, depth = stack.pop(), levels.pop()
        span_id = span.span_id
        if span_id in passed:
            continue
        passed.add(span_id)
        order.append(span)
        depths.append(depth)
        children = below.get(span_id)
        if children:
            stack += children[::-1]
            levels += [depth + 1] * len(children)
    return order, depths
