"""Which spans of a tree count (rule A): trees and the tokens they come to."""

import random
from decimal import Decimal

import pytest

from aimon_nb.pricing import price_run
from tests.parts.steps import steps
from tests.pricing.making import call, run_of, span, tokens

U = tokens(1000, 100)  # a call's worth: 1,100 tokens, $0.0035 at gpt-4o
U2, U3 = tokens(2000, 200), tokens(3000, 300)
AGENT, TOOL, STEP = "gen_ai.invoke_agent", "gen_ai.execute_tool", "ai.run"
OAI = "auto.ai.openai_agents"


def wire(name, parent="root", usage=U, refused=False, **more):
    made = call("gpt-4o", usage, span_id=name, parent_id=parent, **more)
    made.call.refused = refused
    return made


# name → (spans, calls, tokens, lower bound)
TREES = {
    "two calls on the wire": ([wire("a"), wire("b")], 2, 2200, False),
    "one call made by hand": ([span("a", usage=U)], 1, 1100, False),
    "chat in chat: the same call": ([span("a", usage=U), span("b", "a", usage=U)], 1, 1100, False),
    "chat in chat in chat": ([span("a", usage=U), span("b", "a", usage=U), span("c", "b", usage=U)], 1, 1100, False),
    "chat over a chat without usage": ([span("a", usage=U), span("b", "a")], 1, 1100, False),
    "chat over two chats": ([span("a", usage=U2), span("b", "a", usage=U), span("c", "a", usage=U)], 2, 2200, False),
    "a copy of a smaller copy": ([span("a", usage=U2), span("b", "a", usage=U), span("c", "b", usage=U)], 1, 2200, False),
    "chat over a call on the wire": ([span("a", usage=U), wire("b", "a")], 1, 1100, False),
    "the wire knows better": ([span("a", usage=U2), wire("b", "a")], 1, 1100, False),
    "covered by the join": ([span("a", usage=U, is_duplicate=True), wire("b", "a")], 1, 1100, False),
    "agent over its chats": ([span("a", op=AGENT, usage=U2), span("b", "a", usage=U), span("c", "a", usage=U)], 2, 2200, False),
    "agent alone": ([span("a", op=AGENT, usage=U2)], 1, 2200, False),
    "agent in agent, chats below": (
        [span("a", op=AGENT, usage=U2), span("b", "a", op=AGENT, usage=U), span("c", "b", usage=U), wire("d", "a")], 2, 2200, False),
    "agent in agent, no chats": ([span("a", op=AGENT, usage=U2), span("b", "a", op=AGENT, usage=U)], 1, 2200, False),
    "two agents in an agent": (
        [span("a", op=AGENT, usage=U2), span("b", "a", op=AGENT, usage=U), span("c", "a", op=AGENT, usage=U)], 2, 2200, False),
    "a tool that asks a model": (
        [span("a", usage=U), span("t", "a", op=TOOL), span("b", "t", usage=U)], 2, 2200, False),
    "an agent's tool that asks a model": (
        [span("a", op=AGENT, usage=U2), span("c", "a", usage=U), span("t", "a", op=TOOL), span("b", "t", usage=U)], 2, 2200, False),
    "a step that adds up its calls": ([span("s", op=STEP, usage=U2), wire("a", "s"), wire("b", "s")], 2, 2200, False),
    "steps between": ([span("s", op=AGENT, usage=U), span("x", "s", op=STEP), span("y", "x", op="noise"), span("a", "y", usage=U)], 1, 1100, False),
    "cumulative siblings after a handoff": (
        [span("a", op=AGENT, usage=U, origin=OAI), span("b", op=AGENT, usage=U3, origin=OAI)], 1, 3300, True),
    "handoff, with the chats heard": (
        [span("a", op=AGENT, usage=U, origin=OAI), wire("c", "a"), span("b", op=AGENT, usage=U3, origin=OAI), wire("d", "b", U2)], 2, 3300, False),
    "a step that reports more than the agent below it": ([span("s", op=STEP, usage=U3), span("a", "s", op=AGENT, usage=U, origin=OAI)], 1, 3300, False),
    "an agent that reports more than was heard": ([span("a", op=AGENT, usage=U3), wire("b", "a")], 1, 1100, True),
    "a call without usage": ([wire("a"), wire("b", usage=tokens())], 2, 1100, True),
    "a refused call": ([wire("a"), wire("b", usage=tokens(), status="error", refused=True)], 2, 1100, False),
    "a call that broke off": ([wire("a"), wire("b", usage=tokens(), status="error")], 2, 1100, True),
    "an op nobody knows that says it is a chat": ([span("a", op="my.op", operation="chat"), wire("b")], 2, 1100, True),
    "the same over the call on the wire": ([span("a", op="my.op", operation="chat"), wire("b", "a")], 1, 1100, False),
    "an agent that says it is a chat": ([span("a", op=AGENT, operation="chat"), wire("b")], 1, 1100, False),
    "a model without a price": ([wire("a"), span("b", usage=U, model="my-model")], 2, 2200, True),
    "cache on top": ([wire("a", usage=tokens(100, 100, cached=900))], 1, 1100, False),
    "a span under itself": ([span("a", "a", usage=U)], 1, 1100, False),
}  # fmt: skip


def totals(spans):
    run = run_of(*spans)
    price_run(run, set(run.spans))
    return run.totals


@pytest.mark.parametrize(("spans", "calls", "sum_", "lower"), TREES.values(), ids=TREES)
def test_tree(spans, calls, sum_, lower):
    """Each token counts once, and a sum that misses something says so."""
    found = totals(spans)
    assert (calls, sum_) == (found.calls, found.usage.total)
    assert lower == found.lower_bound


def test_spans_in_a_circle():
    """Spans that are each other's parents count once."""
    assert (1, 2200) == ((t := totals([span("a", "b", usage=U), span("b", "a", usage=U2)])).calls, t.usage.total)


@pytest.mark.parametrize("deep", [4_998, pytest.param(19_998, marks=pytest.mark.matrix)])
def test_however_deep(deep):
    """A run is added up in one walk, though each span hangs on the one before it: ten times the spans, ten times the steps."""

    def spans(count):
        below = [span(f"s{i}", f"s{i - 1}", (AGENT, TOOL, "gen_ai.chat")[i % 3], U if i % 3 != 1 else tokens()) for i in range(1, count)]
        return [span("s0", op=AGENT, usage=U), *below]

    assert deep // 3 == totals(spans(deep)).calls
    assert steps(totals, spans(600)) < 11 * steps(totals, spans(60))


def test_there_are_enough_trees():
    """At least 15 shapes."""
    assert len(TREES) >= 15


def test_siblings_in_any_order():
    """The order in which spans were heard changes no total."""
    for name, (spans, *_) in TREES.items():
        for seed in range(4):
            mixed = list(spans)
            random.Random(seed).shuffle(mixed)
            assert totals(spans) == totals(mixed), name


def test_only_what_counts_has_a_cost():
    """A span that turns out to cover another loses its cost, and its row is painted again."""
    run = run_of(span("a", usage=U), ended=False)
    price_run(run, {"a"})
    assert Decimal("0.0035") == run.spans["a"].cost.total
    run.spans["a"].is_duplicate = True
    run.spans["b"] = wire("b", "a")
    changed = {"b"}
    price_run(run, changed)
    assert run.spans["a"].cost is None
    assert {"a", "b"} == changed
    assert Decimal("0.0035") == run.totals.cost


def test_unseen_tokens_are_counted_in_words():
    """How many tokens an agent reports beyond its calls is known."""
    assert 2200 == totals([span("a", op=AGENT, usage=U3), wire("b", "a")]).unseen


def test_only_calls_below_an_agent_explain_it():
    """A call elsewhere does not explain what an agent reports beyond its own calls, whoever reports it."""
    elsewhere = wire("z", usage=tokens(50_000, 100))
    for origin in (None, OAI):
        agent = span("a", op=AGENT, usage=U3, origin=origin)
        assert 2200 == totals([agent, wire("b", "a"), elsewhere]).unseen
    cached = span("x", usage=U, origin="auto.ai.langchain", duration=0.001)
    run = [span("a", op=AGENT, usage=U3), wire("b", "a", usage=U2), span("c", "a", usage=U, origin="auto.ai.langchain", duration=0.001)]
    assert 0 == totals(run).unseen
    assert 1100 == totals([*run[:2], elsewhere, cached]).unseen
