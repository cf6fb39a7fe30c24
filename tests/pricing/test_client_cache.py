"""A call that the client's own cache answered costs nothing; a call by another way does."""

from decimal import Decimal

import pytest

from aimon_nb.pricing import explain, price_run
from aimon_nb.views.present import formatting, row_names, run_sums
from aimon_nb.views.present.detail import detail
from aimon_nb.views.tables import frames
from tests.pricing.making import call, run_of, span, tokens

U = tokens(1000, 100)
LC = "auto.ai.langchain"


def counted(*spans, ended=True):
    run = run_of(*spans, ended=ended)
    price_run(run, set(run.spans))
    return run


def test_langchain_counts_one_request():
    """LangChain's three invocations of one request are one call and two answers from its cache."""
    first = call("gpt-4o", U, span_id="a", origin=LC)
    run = counted(first, span("b", usage=U, origin=LC), span("c", usage=U, origin=LC))
    totals = run.totals
    assert (1, 2, 1100) == (totals.calls, totals.cached_locally, totals.usage.total)
    assert (Decimal("0.0035"), Decimal("0.0070")) == (totals.cost, totals.saved)
    assert not totals.lower_bound
    assert "2 cached locally, ~$0.0070 saved" == run_sums.total_cost(totals)[1]
    cached = run.spans["b"]
    assert (True, "free", 0) == (cached.cached_locally, cached.cost.state, cached.cost.total)


def test_it_is_decided_at_the_end():
    """While the cell runs a request may still come."""
    spans = call("gpt-4o", U, span_id="a", origin=LC), span("b", usage=U, origin=LC)
    assert 2 == counted(*spans, ended=False).totals.calls
    assert 1 == counted(*spans).totals.calls


def test_the_end_alone_decides():
    """The end of the run counts anew although no span changed, and repaints what did."""
    run = counted(call("gpt-4o", U, span_id="a", origin=LC), span("b", usage=U, origin=LC), ended=False)
    run.status = "ok"
    changed = set()
    price_run(run, changed)
    assert {"b"} == changed
    assert run.spans["b"].cached_locally


def test_covered_calls_tell_the_way_too():
    """Where the framework's span covers the client's, the next one without a request is cached."""
    run = counted(span("a", usage=U, origin=LC, is_duplicate=True), call("gpt-4o", U, span_id="b", parent_id="a"), span("c", usage=U, origin=LC))
    assert (1, 1) == (run.totals.calls, run.totals.cached_locally)


def test_faster_than_any_model():
    """A disk cache from another kernel answers in no time: that is sign enough."""
    run = counted(span("a", usage=U, origin="auto.ai.litellm", duration=0.004))
    assert (0, 1, Decimal(0)) == (run.totals.calls, run.totals.cached_locally, run.totals.cost)


def test_grpc_is_no_cache():
    """A framework's call over gRPC has no request either, yet it is a call and is billed."""
    run = counted(span("a", usage=U, origin=LC, provider="vertexai", model="gemini-2.5-pro", duration=1.4))
    assert (1, 0) == (run.totals.calls, run.totals.cached_locally)
    assert Decimal("0.00225") == run.totals.cost
    assert "its request was not heard" in run.spans["a"].cost.caveats[0]


def test_a_client_of_its_own_is_no_cache():
    """A span of a client, not of a framework, is a call."""
    assert 1 == counted(span("a", usage=U, origin="auto.ai.openai", duration=0.001)).totals.calls


def test_an_error_is_no_answer():
    """A failed invocation was answered by nobody."""
    run = counted(call("gpt-4o", U, span_id="a", origin=LC), span("b", usage=U, origin=LC, status="error"))
    assert 0 == run.totals.cached_locally


def test_in_frames():
    """The tables show it: no call, no tokens, no dollars, and what was saved."""
    run = counted(call("gpt-4o", U, span_id="a", origin=LC), span("b", usage=U, origin=LC))
    usage = frames.usage([run]).iloc[0]
    assert (1, 1, 1100, 0.0035) == tuple(usage[["calls", "calls_cached_locally", "total_tokens", "cost_usd"]])
    row = frames.spans([run]).set_index("span_id").loc["b"]
    assert (True, 0.0, 0.0035, "free") == tuple(row[["cached_locally", "cost_usd", "saved_usd", "cost_state"]])


def marked(name="a", usage=U, by="vcrpy", **more):
    """A call that crossed the client, and that a cache on this machine answered."""
    one = call("gpt-4o", usage, span_id=name, **more)
    one.call.cached_by = by
    return one


class TestMarked:
    """An answer that bears a cache's mark."""

    def test_it_is_no_bill(self):
        """It counts as no call and costs nothing; what it saved is the list's price."""
        run = counted(marked("a"), call("gpt-4o", U, span_id="b"), marked("c", by="hishel"))
        totals = run.totals
        assert (1, 2, 1100) == (totals.calls, totals.cached_locally, totals.usage.total)
        assert (Decimal("0.0035"), Decimal("0.0070"), False) == (totals.cost, totals.saved, totals.lower_bound)
        assert ["free", "priced", "free"] == [run.spans[name].cost.state for name in "abc"]

    def test_it_is_known_at_once(self):
        """It never was a call while the cell runs, either."""
        totals = counted(marked(), ended=False).totals
        assert (0, 1, Decimal(0), Decimal("0.0035")) == (totals.calls, totals.cached_locally, totals.cost, totals.saved)

    def test_who_answered_is_said(self):
        """In the detail of the row and by `explain`."""
        run = counted(marked(by="requests-cache"))
        one = run.spans["a"]
        assert "answered by requests-cache: no request was sent" == detail(one)["cost"]["reason"]
        assert "cached locally" in row_names.label(one)
        assert detail(one)["cost"]["total"] == f"cached, ~{formatting.exact(one.cost.cache_saving)} saved"
        told = str(explain(one))
        assert "answered by a local cache; ~$0.0035 saved" in told
        assert "answered by requests-cache" in told

    def test_an_answer_without_usage(self):
        """It costs nothing all the same, and makes no sum a lower bound; what it saved is unknown."""
        totals = counted(marked(usage=tokens())).totals
        assert (1, Decimal(0), None, False, 0) == (totals.cached_locally, totals.cost, totals.saved, totals.lower_bound, totals.no_usage)

    def test_a_failure_from_a_cassette(self):
        """A played 429 is nobody's error and nobody's bill, nor are tokens that it cannot tell."""
        refused = marked("a", usage=tokens(), status="error")
        refused.call.refused = True
        totals = counted(refused, marked("b")).totals
        assert (0, 2, 0, Decimal(0), False) == (totals.calls, totals.cached_locally, totals.errors, totals.cost, totals.lower_bound)

    def test_what_the_provider_charged_for_the_first(self):
        """OpenRouter's own figure is in the stored answer: it was saved, and is no charge."""
        one = marked()
        one.call.charged = Decimal("0.002")
        run = counted(one)
        cost = run.spans["a"].cost
        assert (Decimal(0), Decimal("0.002"), False, "free") == (cost.total, cost.cache_saving, cost.charged, cost.state)
        assert Decimal("0.002") == run.totals.saved

    @pytest.mark.parametrize("origin", ["auto.ai.openai_agents", "auto.ai.langgraph", None])
    def test_below_an_agent_that_tells_the_same_tokens(self, origin):
        """Its total stands for answers of a cache: nothing was billed, and nothing is unseen."""
        agent = span("a", op="gen_ai.invoke_agent", usage=tokens(2000, 200), origin=origin)
        totals = counted(agent, marked("b", parent_id="a"), marked("c", parent_id="a")).totals
        assert (0, 2, Decimal(0), 0, False) == (totals.calls, totals.cached_locally, totals.cost, totals.unseen, totals.lower_bound)

    def test_below_an_agent_beside_a_call(self):
        """One arrived and one did not: the agent's total is both."""
        agent = span("a", op="gen_ai.invoke_agent", usage=tokens(2000, 200), origin=LC)
        totals = counted(agent, marked("b", parent_id="a"), call("gpt-4o", U, span_id="c", parent_id="a")).totals
        assert (1, 1, 1100, 0) == (totals.calls, totals.cached_locally, totals.usage.total, totals.unseen)

    def test_below_an_agent_that_tells_more(self):
        """What neither a call nor a cache explains is unseen, as ever."""
        agent = span("a", op="gen_ai.invoke_agent", usage=tokens(3000, 300), origin=LC)
        totals = counted(agent, marked("b", parent_id="a"), call("gpt-4o", U, span_id="c", parent_id="a")).totals
        assert (1100, True) == (totals.unseen, totals.lower_bound)

    def test_a_handoff(self):
        """Agents that tell the run so far, over calls of which a cache answered one."""
        of = {"op": "gen_ai.invoke_agent", "origin": "auto.ai.openai_agents"}
        first, second = span("a", usage=U, **of), span("b", usage=tokens(2000, 200), **of)
        run = counted(first, marked("c", parent_id="a"), second, call("gpt-4o", U, span_id="d", parent_id="b"))
        assert (1, 1, Decimal("0.0035"), 0) == (run.totals.calls, run.totals.cached_locally, run.totals.cost, run.totals.unseen)

    def test_in_frames(self):
        """The tables tell it as they do of any cached answer."""
        run = counted(marked("a"), call("gpt-4o", U, span_id="b"))
        usage = frames.usage([run]).iloc[0]
        assert (1, 1, 1100, 0.0035) == tuple(usage[["calls", "calls_cached_locally", "total_tokens", "cost_usd"]])
        row = frames.spans([run]).set_index("span_id").loc["a"]
        assert (True, 0.0, 0.0035, "free") == tuple(row[["cached_locally", "cost_usd", "saved_usd", "cost_state"]])


class TestCacheHit:
    """A framework's span that says `cache.hit`, as LangChain's does."""

    def test_slow_and_alone(self):
        """It needs no other sign: not how fast it was, nor another call by the same way; and it is known at once."""
        said = span("a", usage=U, origin=LC, duration=3.0, attributes={"cache.hit": True})
        for ended in (False, True):
            totals = counted(said, ended=ended).totals
            assert (0, 1, Decimal("0.0035")) == (totals.calls, totals.cached_locally, totals.saved)

    @pytest.mark.parametrize("value", [False, None, "true", 1, {"hit": True}])
    def test_another_value(self, value):
        """Only True says it."""
        said = span("a", usage=U, origin=LC, duration=3.0, attributes={"cache.hit": value})
        assert (1, 0) == (counted(said).totals.calls, counted(said).totals.cached_locally)

    def test_with_a_request(self):
        """A request that left is a bill, whatever a span above it says."""
        above = span("a", usage=U, origin=LC, attributes={"cache.hit": True}, is_duplicate=True)
        totals = counted(above, call("gpt-4o", U, span_id="b", parent_id="a")).totals
        assert (1, 0, Decimal("0.0035")) == (totals.calls, totals.cached_locally, totals.cost)

    def test_another_cache_tells_no_way_out(self):
        """That LiteLLM's cache answered one says nothing of the next, which may have gone by gRPC: it is billed."""
        first = call("gemini-2.5-pro", U, host=None, span_id="a", origin=LC, provider="gcp.vertex_ai")
        first.call.cached_by = "LiteLLM's cache"
        second = span("b", usage=U, origin=LC, provider="gcp.vertex_ai", model="gemini-2.5-pro", duration=1.4)
        totals = counted(first, second).totals
        assert (1, 1, Decimal("0.00225")) == (totals.calls, totals.cached_locally, totals.cost)
