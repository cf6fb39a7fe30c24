"""A call that the client's own cache answered costs nothing; a call by another way does."""

from decimal import Decimal

from aimon_nb.pricing import price_run
from aimon_nb.views.tables import frames
from aimon_nb.views.present import formatting
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
    assert "2 cached locally, ~$0.0070 saved" == formatting.total_cost(totals)[1]
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
