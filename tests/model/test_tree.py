"""The walks over trees: deep, in circles, with parents that are not there."""

from datetime import datetime, timezone

import pytest

from aimon_nb.model import Run, Span
from aimon_nb.model.tree import ancestor_ids, are_nested, nearest_ancestor, path_up, preorder

AT = datetime(2026, 3, 4, tzinfo=timezone.utc)


def spans(**parents):
    return {name: Span(name, parent, "r", AT, 0.0, op="x") for name, parent in parents.items()}


def chain(count):
    return spans(**{f"s{i}": f"s{i - 1}" if i else None for i in range(count)})


def names(found):
    return [one.span_id for one in found]


def below_of(tree):
    below = {}
    for one in tree.values():
        below.setdefault(one.parent_id, []).append(one)
    return below


def test_the_nearest_that_is_accepted():
    """It is never the span itself, the nearest of several, and None where none is accepted."""
    tree = spans(a=None, b="a", c="b", d="c")
    assert "b" == nearest_ancestor(tree["d"], tree, lambda one: one.span_id in ("a", "b", "d")).span_id
    assert nearest_ancestor(tree["d"], tree, lambda one: one.span_id == "d") is None
    assert nearest_ancestor(tree["a"], tree, lambda _: True) is None


def test_a_missing_parent_ends_the_way():
    """A span whose parent was never tracked has nothing above it."""
    tree = spans(b="gone", c="b")
    assert nearest_ancestor(tree["c"], tree, lambda _: False) is None
    assert ["c", "b"] == list(path_up(tree["c"], tree))
    assert {"b", "gone"} == ancestor_ids(tree.values(), tree)
    assert are_nested(list(tree.values()), tree) and not are_nested([tree["b"]], tree)


@pytest.mark.parametrize(
    "parents", [{"a": "a"}, {"a": "b", "b": "a"}, {"a": "b", "b": "c", "c": "b"}]
)
def test_circles_end(parents):
    """Each walk ends in a circle, and goes once around."""
    tree = spans(**parents)
    assert nearest_ancestor(tree["a"], tree, lambda _: False) is None
    assert sorted(parents) == sorted(path_up(tree["a"], tree))
    assert set(parents.values()) == ancestor_ids(tree.values(), tree)
    assert are_nested(list(tree.values()), tree)
    order, _ = preorder([tree["a"]], below_of(tree))
    assert len(order) == len(set(names(order)))


def test_the_path_stops_at_what_is_known():
    """Of a path only what is not known yet comes back."""
    tree = spans(a=None, b="a", c="b")
    assert ["c"] == list(path_up(tree["c"], tree, {"b"}))
    assert {} == path_up(tree["c"], tree, {"c"})


def test_reading_order():
    """Parents stand before their children, siblings as they come, each with its depth."""
    tree = spans(a=None, e=None, b="a", c="a", d="b", f="e")
    order, depths = preorder([tree["a"], tree["e"]], below_of(tree))
    assert [*"abdcef"] == names(order)
    assert [0, 1, 2, 1, 0, 1] == depths


def test_depths_of_20_000():
    """A chain of 20,000 spans is walked like any other, once."""
    tree = chain(20_000)
    last = tree["s19999"]
    assert 20_000 == len(path_up(last, tree))
    assert 19_999 == len(ancestor_ids(tree.values(), tree))
    assert "s0" == nearest_ancestor(last, tree, lambda one: one.span_id == "s0").span_id
    run = Run("r", "x", AT, root_id="s0", spans=tree)
    assert 19_998 == list(run.walk())[-1][0]


def test_spans_that_are_not_shown_are_stepped_over():
    """A span hangs on the nearest shown one above it, or on the run itself."""
    run = Run("r", "x", AT, root_id="a", spans=spans(a=None, b="a", c="b", d="c", e="d"))
    run.spans["d"].is_duplicate = run.spans["c"].folded = True
    assert "b" == run.shown_parent(run.spans["e"])
    run.spans["b"].op = "http.client"
    assert run.shown_parent(run.spans["e"]) is None
    assert [(0, "e")] == [(depth, one.span_id) for depth, one in run.walk()]
