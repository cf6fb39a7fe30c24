"""What holds for every run, however its spans are nested."""

from dataclasses import astuple
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimon_nb.model import Usage
from aimon_nb.pricing import price_run
from aimon_nb.pricing.counted import counted_spans
from aimon_nb.views.tables import frames
from tests.pricing.making import call, run_of, span

# How fast a machine is decides nothing.
SOME = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
OPS = ["gen_ai.chat", "gen_ai.chat", "gen_ai.invoke_agent", "gen_ai.execute_tool", "ai.run", "gen_ai.embeddings"]
MODELS = ["gpt-4o", "gpt-5-mini", "my-model"]
ORIGINS = [None, "auto.ai.langchain", "auto.ai.openai_agents", "auto.ai.litellm"]
count = st.one_of(st.none(), st.integers(0, 400_000), st.integers(-9, -1))
usages = st.builds(Usage, count, count, st.none(), count, count, st.one_of(st.none(), st.integers(0, 10**6)))


@pytest.fixture(scope="module", autouse=True, params=[1, *(pytest.param(more, marks=pytest.mark.matrix) for more in (2, 3, 4))])
def again(request):
    """Fifty examples of each property in the default run, and as many three times more in the matrix tier."""


@st.composite
def trees(draw):
    """Up to twelve spans, each below one made before it."""
    spans = []
    for i in range(draw(st.integers(1, 12))):
        parent = draw(st.sampled_from(["root", *(s.span_id for s in spans)]))
        model, usage, origin = draw(st.sampled_from(MODELS)), draw(st.one_of(st.just(Usage()), usages)), draw(st.sampled_from(ORIGINS))
        if draw(st.integers(0, 2)) == 0:
            spans.append(call(model, usage, span_id=f"s{i}", parent_id=parent, origin=origin))
        else:
            spans.append(span(f"s{i}", parent, draw(st.sampled_from(OPS)), usage, model=model, origin=origin,
                              duration=draw(st.sampled_from([0.001, 2.0])), is_duplicate=draw(st.integers(0, 9)) == 0))  # fmt: skip
    return spans


def totals(spans, ended=True):
    run = run_of(*spans, ended=ended)
    price_run(run, set(run.spans))
    return run


@SOME
@given(trees(), st.booleans())
def test_total_is_the_sum_of_its_parts(spans, ended):
    """A run's cost and calls are the sums over its spans, and over the groups of its table."""
    run = totals(spans, ended)
    costs = [s.cost.total for s in run.spans.values() if s.cost is not None and s.cost.total is not None]
    assert (run.totals.cost or 0) == sum(costs, Decimal(0))
    table = frames.usage([run], ["model", "op"])
    assert run.totals.calls == table["calls"].sum()
    for s in run.spans.values():
        if s.cost is not None and s.cost.total is not None and s.cost.cache_saving is None:
            assert s.cost.total == sum((part[3] for part in s.cost.lines), Decimal(0))


@SOME
@given(trees())
def test_never_negative(spans):
    """No cost, no sum and no arithmetic line is below zero."""
    run = totals(spans)
    for s in run.spans.values():
        if s.cost is not None:
            assert (s.cost.total or 0) >= 0
            assert all(part[1] >= 0 and part[3] >= 0 for part in s.cost.lines)
    assert (run.totals.cost or 0) >= 0
    assert run.totals.unseen >= 0
    assert all(count >= 0 for count in astuple(run.totals.usage) if count is not None)


@SOME
@given(trees(), usages, st.sampled_from(MODELS), st.booleans(), st.booleans())
def test_one_more_call_never_lowers_a_total(spans, usage, model, wired, ended):
    """A call outside aggregates and call spans adds to cost, calls and tokens, and makes no lower bound exact."""
    before = totals(spans, ended).totals
    more = call(model, usage, span_id="more") if wired else span("more", usage=usage, model=model)
    after = totals([*spans, more], ended).totals
    assert after.calls == before.calls + 1
    assert (after.cost or 0) >= (before.cost or 0)
    for one, other in zip(astuple(before.usage), astuple(after.usage), strict=True):
        assert (one or 0) <= (other or 0)
    assert not (before.lower_bound and not after.lower_bound)


@SOME
@given(trees(), st.randoms(use_true_random=False))
def test_siblings_in_any_order(spans, random):
    """The order in which spans stand changes nothing."""
    mixed = list(spans)
    random.shuffle(mixed)
    one, other = totals(spans), totals(mixed)
    assert one.totals == other.totals
    assert {s.span_id for s in counted_spans(one).counted} == {s.span_id for s in counted_spans(other).counted}
