"""The walks over spans that know their parents, and over nodes that know their children.

All are loops, so a chain of 20,000 spans is no RecursionError; each ends where a parent is
missing and where a circle of parents closes.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from aimon_nb.model.span import Span

Node = TypeVar("Node")


def nearest_ancestor(
    span: Span, spans: Mapping[str, Span], accept: Callable[[Span], bool]
) -> Span | None:
    """Return the nearest span above one that `accept` takes; None where there is none.

    Costs one call of `accept` for each span up to there. In a circle the span itself comes last.
    """
    ancestor = spans.get(span.parent_id) if span.parent_id else None
    passed: set[str] = set()
    while ancestor is not None and not accept(ancestor):
        if ancestor.span_id in passed:
            return None
        passed.add(ancestor.span_id)
        ancestor = spans.get(ancestor.parent_id) if ancestor.parent_id else None
    return ancestor


def path_up(span: Span | None, spans: Mapping[str, Span], known: Container[str] = ()) -> list[Span]:
    """Return a span and those above it, the nearest first, up to one whose id is `known`.

    With one `known` that grows by each path, the paths of all spans cost one step a span.
    """
    path: dict[str, Span] = {}
    while span is not None and span.span_id not in path and span.span_id not in known:
        path[span.span_id] = span
        span = spans.get(span.parent_id) if span.parent_id else None
    return list(path.values())


def ancestor_ids(below: Iterable[Span], spans: Mapping[str, Span]) -> set[str]:
    """Return the ids of all spans above any of these; costs one step a span."""
    ids: set[str] = set()
    for span in below:
        parent = spans.get(span.parent_id) if span.parent_id else None
        ids.update(one.span_id for one in path_up(parent, spans, ids))
    return ids


def preorder(
    tops: Sequence[Node], children: Callable[[Node], Sequence[Node]]
) -> tuple[list[Node], list[int]]:
    """Return all nodes in reading order, parents before children, and the depth of each (top: 0).

    A node that comes up a second time is left out, and with it what is below it there. Costs
    one call of `children` a node.
    """
    order: list[Node] = []
    depths: list[int] = []
    passed: set[int] = set()
    # Two lists beside each other: a tuple for each span took a third longer.
    stack, levels = list(reversed(tops)), [0] * len(tops)
    while stack:
        node, depth = stack.pop(), levels.pop()
        if id(node) in passed:
            continue
        passed.add(id(node))
        order.append(node)
        depths.append(depth)
        below = children(node)
        if below:
            stack += below[::-1]
            levels += [depth + 1] * len(below)
    return order, depths
