"""What Sentry is told of the cost of a call: what the tree says, where that is exact; where it is not, nothing."""

from datetime import datetime, timezone
from decimal import Decimal

import httpx
import openai
import pytest
import sentry_sdk

from aimon_nb import ai_track, pricing, record_token_usage, track
from aimon_nb.app import monitor
from aimon_nb.model import ModelCall, Run, Span, Usage
from aimon_nb.model.cost import Cost, CostLine
from aimon_nb.pricing.user_prices import ContextHistory, user_prices
from aimon_nb.sentry.sent_costs import INPUT, OUTPUT, TOTAL, cost_attributes
from tests.parts import sdk

WAYS = [*sdk.LIFECYCLES, pytest.param("one item", marks=sdk.transactions)]
OPTIONS = {**sdk.OPTIONS, "one item": {"stream_gen_ai_spans": False}}
COSTS = {TOTAL, INPUT, OUTPUT}


@pytest.fixture(params=WAYS)
def sentry(request, receiver):
    receiver.init(**OPTIONS[request.param])
    yield receiver
    monitor.uninstall()
    user_prices.rules.clear()
    user_prices.blocks, user_prices.context = ContextHistory(), ()


def answering(**usage):
    def answer(request):
        if b"broken" in request.content:
            return httpx.Response(500, json={})
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "yes"}}
        told = {"usage": {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200, **usage}} if b"untold" not in request.content else {}
        return httpx.Response(200, json={"id": "c", "object": "chat.completion", "created": 1, "model": request.url.params.get("m", "gpt-4o"), "choices": [choice], **told})

    return openai.OpenAI(api_key="x", max_retries=0, http_client=httpx.Client(transport=httpx.MockTransport(answer)))


def ask(client, model="gpt-4o", text="hi"):
    client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}], extra_query={"m": model})


def costs(sentry):
    """The cost attributes of each call that arrived, in order."""
    return [{key: value for key, value in span["data"].items() if key in COSTS} for span in sentry.spans() if span["op"] == "gen_ai.chat"]


def test_the_cost_of_the_tree(sentry):
    """Each call has its price in dollars, with input and output apart, and all of them are the sum in the tree; the agent above has none of its own."""
    client = answering()
    with track("shop", view="none") as run:
        ai_track("clerk", op="gen_ai.invoke_agent")(lambda: [ask(client), ask(client, "gpt-4o-mini")])()
    sentry_sdk.flush(5)
    told = costs(sentry)
    assert [COSTS, COSTS] == [set(one) for one in told]
    assert float(run._run.totals.cost) == pytest.approx(sum(one[TOTAL] for one in told))
    assert all(one[TOTAL] == pytest.approx(one[INPUT] + one[OUTPUT]) for one in told) and all(type(one[TOTAL]) is float for one in told)
    assert [] == [span["name"] for span in sentry.spans() if span["op"] != "gen_ai.chat" and COSTS & span["data"].keys()]


def test_a_price_of_the_users(sentry):
    """His own price goes before Sentry's; a host that is free is told as 0, or Sentry would take the list's price of its model."""
    pricing.set("gpt-4o", input_mtok=10, output_mtok=20)
    with track("shop", view="none"):
        ask(answering())
    sentry_sdk.flush(5)
    assert {TOTAL: 0.014, INPUT: 0.01, OUTPUT: 0.004} == pytest.approx(costs(sentry)[0])
    pricing.unset("gpt-4o")
    pricing.free(host="api.openai.com")
    sentry.forget()
    with track("shop", view="none"):
        ask(answering())
    sentry_sdk.flush(5)
    assert [{TOTAL: 0.0, INPUT: 0.0, OUTPUT: 0.0}] == costs(sentry)


@pytest.mark.parametrize("way", ["no price", "no usage", "failed", "two names"])
def test_what_is_not_exact(sentry, way):
    """Without a price, without counts, of a failed call, and where a price is taken for granted nothing is told: Sentry makes of it what it can."""
    client = answering()
    pricing.alias("my-model", "gpt-4o")
    with track("shop", view="none") as run:
        try:
            ask(client, {"no price": "no-such-model", "two names": "my-model"}.get(way, "gpt-4o"), {"no usage": "untold", "failed": "broken"}.get(way, "hi"))
        except openai.InternalServerError:
            pass
    sentry_sdk.flush(5)
    assert [{}] == costs(sentry), run._run.spans


def span_of_a_call():
    if not sdk.HAS_TRANSACTIONS or sentry_sdk.get_client().options["trace_lifecycle"] == "stream":
        return sentry_sdk.traces.start_span("mine", {"sentry.op": "gen_ai.chat"})
    return sdk.start_span("gen_ai.chat", "mine")


def test_one_that_is_there_already(sentry):
    """What the user says of a cost on his own span stays."""
    with track("shop", view="none"):
        with span_of_a_call() as span:
            sdk.set_data(span, "gen_ai.request.model", "gpt-4o")
            sdk.set_data(span, TOTAL, 7.5)
            record_token_usage(span, 1000, output_tokens=200)
    sentry_sdk.flush(5)
    assert [{TOTAL: 7.5}] == costs(sentry)


LINES = (CostLine("input", 10, Decimal(1), Decimal(2)), CostLine("cached input", 1, Decimal(1), Decimal(1)), CostLine("output", 10, Decimal(1), Decimal(3)))


@pytest.mark.parametrize(("cost", "facts", "running", "told"), [
    (Cost("priced", Decimal(6), LINES), {}, False, {TOTAL: 6.0, INPUT: 3.0, OUTPUT: 3.0}),
    (Cost("priced", Decimal(6), LINES), {}, True, {TOTAL: 6.0, INPUT: 3.0, OUTPUT: 3.0}),
    (Cost("priced", Decimal(6), LINES), {"call": None}, True, {}),  # a cache may have answered it, it may be a sum
    (Cost("priced", Decimal(6), LINES), {"call": None}, False, {TOTAL: 6.0, INPUT: 3.0, OUTPUT: 3.0}),
    (Cost("priced", Decimal(8), (*LINES, CostLine("more for searches", 0, None, Decimal(2)))), {}, False, {TOTAL: 8.0}),
    (Cost("priced", Decimal(5), (CostLine("charged", 0, None, Decimal(5)),), charged=True), {}, False, {TOTAL: 5.0}),
    (Cost("free", Decimal(0)), {}, False, {TOTAL: 0.0, INPUT: 0.0, OUTPUT: 0.0}),
    (Cost("free", Decimal(0)), {"cached_locally": True, "call": ModelCall(cached_by="vcrpy")}, False, {TOTAL: 0.0, INPUT: 0.0, OUTPUT: 0.0}),
    (Cost("free", Decimal(0)), {"cached_locally": True, "call": None}, False, {}),  # nothing but a guess
    (Cost("priced", Decimal(6), LINES, caveats=("priced as another",)), {}, False, {}),
    (Cost("priced", Decimal(6), LINES, estimated=True), {}, False, {}),
    (Cost("partial", Decimal(6), LINES), {}, False, {}),
    (Cost("unpriced"), {}, False, {}),
    (None, {}, False, {}),
    (Cost("priced", Decimal(6), LINES), {"is_duplicate": True}, False, {}),
    (Cost("priced", Decimal(6), LINES), {"is_part": True}, False, {}),
    (Cost("priced", Decimal(6), LINES), {"repeats": True}, False, {}),
])  # fmt: skip
def test_what_is_exact(cost, facts, running, told):
    """A price without a condition, what is free, and what the provider charged; while a run goes on only what crossed the wire."""
    now = datetime.now(timezone.utc)
    span = Span("s", None, "r", now, 0.0, usage=Usage(input=1), cost=cost, **{"call": ModelCall(), **facts})
    run = Run("r", "shop", now, status="running" if running else "ok", spans={"s": span})
    assert told == cost_attributes(run, "s")
    assert {} == cost_attributes(run, "other")
