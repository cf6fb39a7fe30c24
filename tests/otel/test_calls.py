"""OpenTelemetry's spans and the requests that cross HTTP: each request is one call, and nothing is counted twice."""

import asyncio
import threading

import openai
import pytest
from opentelemetry import trace

from aimon_nb import track
from tests.parts import sdk
from tests.otel.worlds import TRACERS, named, rows, shown

LLM = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o-mini"}
OPENINFERENCE = {"openinference.span.kind": "LLM", "llm.model_name": "gpt-4o-mini"}
COUNTS = {"gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 9}


@pytest.fixture(params=["a provider", "no provider", "not sampled"])
def tracer(request):
    return TRACERS[request.param]("mine")


def billed(view, truth):
    """The calls of a run; their tokens are the server's."""
    run = view._latest
    calls = [span for span in run.spans.values() if span.call is not None and not span.is_duplicate]
    truth.settled()
    assert (run.totals.usage.input, run.totals.usage.output) == (
        sum(call.input for call in truth.calls), sum(call.output for call in truth.calls),
    )  # fmt: skip
    assert run.totals.calls == len(truth.calls) == len(calls)
    return calls


def test_a_step_above_its_call(tracer, ask, truth, world, receiver):
    """The call is below the step, here and at Sentry, where it is a span of Sentry's own."""
    with track("cell") as view, tracer.start_as_current_span("answer", attributes=COUNTS):
        ask()
    assert rows(view) == ["answer", "  chat gpt-4o-mini"] and billed(view, truth)
    assert not named(view, "answer").usage.known
    if world != "local":
        sent = {one["name"]: one for one in receiver.spans()}
        assert sent["chat gpt-4o-mini"]["parent_span_id"] == sent["answer"]["span_id"]
        assert sent["answer"]["op"] == "function" and "gen_ai.usage.input_tokens" not in sent["answer"]["data"]
        assert sent["chat gpt-4o-mini"]["data"]["gen_ai.usage.input_tokens"] == truth.calls[0].input


@pytest.mark.parametrize("attributes", [LLM, OPENINFERENCE], ids=["GenAI", "OpenInference"])
def test_a_call_that_takes_its_request(tracer, ask, truth, attributes, world, receiver):
    """A span of a model call and its request are one row: the name and the parent of the span, the tokens of the answer; at Sentry too."""
    with track("cell") as view, tracer.start_as_current_span("step"), tracer.start_as_current_span("LLM", attributes={**attributes, **COUNTS}):
        ask()
    assert rows(view) == ["step", "  chat gpt-4o-mini"]
    [call] = billed(view, truth)
    assert call.origin.startswith("auto.otel.") and call.usage_source == "provider"
    if world != "local":
        sent = [one for one in receiver.spans() if one["op"] == "gen_ai.chat"]
        assert [one["name"] for one in sent] == ["chat gpt-4o-mini"]
        assert sent[0]["data"]["gen_ai.usage.input_tokens"] == truth.calls[0].input


def test_a_call_that_is_never_entered(tracer, ask, truth):
    """It waits for its request: one row. Two of them, each with a request of its own, are two."""
    with track("cell") as view:
        for _ in range(2):
            span = tracer.start_span("generation", attributes=LLM)
            ask()
            span.end()
    assert rows(view) == ["chat gpt-4o-mini"] * 2 and billed(view, truth)


def test_a_call_whose_attributes_come_late(ask, truth):
    """Of a library known for that, a span that says only after its start what it is waits too."""
    tracer = TRACERS["a provider"]("langfuse-sdk")
    with track("cell") as view:
        span = tracer.start_span("generation")
        span.set_attributes({"langfuse.observation.type": "generation", "langfuse.observation.model.name": "gpt-4o-mini"})
        ask()
        span.end()
    assert rows(view) == ["chat gpt-4o-mini"] and billed(view, truth)


def test_calls_in_calls(tracer, ask, truth):
    """Several spans over one request fold into one call."""
    with track("cell") as view, tracer.start_as_current_span("outer", attributes=LLM), tracer.start_as_current_span("inner", attributes=OPENINFERENCE):
        ask()
    [call] = billed(view, truth)
    assert [span.is_duplicate for span in view._latest.spans.values() if span.op == "gen_ai.chat"] == [True, False]
    assert call.name == "chat gpt-4o-mini"


def test_a_call_that_says_so_at_its_end(tracer, ask, truth, world, receiver):
    """It is a step: the wire has the call below it. So is one without a request and without tokens; neither counts."""
    with track("cell") as view:
        with tracer.start_as_current_span("wrapper") as span:
            ask()
            span.set_attributes({**OPENINFERENCE, "llm.token_count.prompt": 1000})
        with tracer.start_as_current_span("prepares") as span:
            span.set_attributes(OPENINFERENCE)
    assert rows(view) == ["wrapper", "  chat gpt-4o-mini", "prepares"] and billed(view, truth)
    assert {(named(view, name).op, named(view, name).model) for name in ("wrapper", "prepares")} == {("function", None)}
    if world != "local":
        sent = {one["name"]: one["op"] for one in receiver.spans()}
        assert (sent["wrapper"], sent["prepares"]) == ("function", "function")


def test_a_call_without_a_request(tracer):
    """One that reports tokens, and below which nothing crossed the wire, is a call: of a model in this process, say."""
    with track("cell") as view, tracer.start_as_current_span("generate", attributes={**LLM, **COUNTS}):
        pass
    totals = view._latest.totals
    assert (totals.calls, totals.usage.input, totals.usage.output) == (1, 7, 9)
    assert named(view, "chat gpt-4o-mini").usage_source == "recorded"


def test_an_agent_and_its_tool(tracer, ask, truth):
    """Their names are the framework's, whichever convention it follows; the agent's own total is in no sum."""
    told = [
        {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "Ann"}, {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "add"},
        {"openinference.span.kind": "AGENT", "agent.name": "Ann"}, {"openinference.span.kind": "TOOL", "tool.name": "add"},
        {"traceloop.span.kind": "agent", "traceloop.entity.name": "Ann"}, {"traceloop.span.kind": "tool", "traceloop.entity.name": "add"},
        {"langfuse.observation.type": "agent", "gen_ai.agent.name": "Ann"}, {"langfuse.observation.type": "tool", "gen_ai.tool.name": "add"},
    ]  # fmt: skip
    with track("cell") as view:
        for agent, tool in zip(told[::2], told[1::2], strict=True):
            with tracer.start_as_current_span("Ann.run", attributes={**agent, **COUNTS}):
                ask()
                with tracer.start_as_current_span("add.run", attributes=tool):
                    pass
    assert rows(view) == ["invoke_agent Ann", "  chat gpt-4o-mini", "  execute_tool add"] * 4 and billed(view, truth)
    found = [(span.op, span.agent, span.tool) for span in view._latest.spans.values() if span.agent or span.tool]
    assert found == [("gen_ai.invoke_agent", "Ann", None), ("gen_ai.execute_tool", None, "add")] * 4


def test_http_is_noise(tracer, ask, truth):
    """The span of an HTTP client between a call and its request is plumbing."""
    http = {"http.request.method": "POST"}
    with track("cell") as view, tracer.start_as_current_span("LLM", attributes=LLM), tracer.start_as_current_span("POST", attributes=http):
        ask()
    [call] = billed(view, truth)
    assert call.name == "chat gpt-4o-mini" and call.origin.startswith("auto.otel.") and named(view, "POST").is_noise


def test_an_agent_that_is_only_made(tracer, ask):
    """`create_agent` has no row; what is below it hangs where it stood."""
    with track("cell") as view, tracer.start_as_current_span("create_agent Ann", attributes={"gen_ai.operation.name": "create_agent"}):
        ask()
    assert rows(view) == ["chat gpt-4o-mini"]


def test_a_workflow_and_its_agent(tracer, ask):
    """A workflow that is named as the agent in it is one row with that; one that holds several agents has its own."""

    def run(workflow, *agents):
        with tracer.start_as_current_span(f"invoke_workflow {workflow}", attributes={"gen_ai.operation.name": "invoke_workflow"}):
            for agent in agents:
                with tracer.start_as_current_span(f"invoke_agent {agent}", attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": agent}):
                    ask()

    with track("cell") as view:
        run("helper", "helper")
        run("team", "one", "two")
    one, two = (["  invoke_agent one", "    chat gpt-4o-mini"], ["  invoke_agent two", "    chat gpt-4o-mini"])
    assert shown(view) == ["invoke_agent helper", "  chat gpt-4o-mini", "invoke_workflow team", *one, *two]


def test_what_moves_messages(tracer, ask):
    """Spans of a message bus, AutoGen's say, have no row: what they brought about hangs where it would without them."""
    sent, told = {"messaging.operation": "publish", "messaging.destination": "topic"}, {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "Ann"}
    with track("cell") as view, tracer.start_as_current_span("autogen publish topic", attributes=sent):
        with tracer.start_as_current_span("invoke_agent Ann", attributes=told):
            ask()
    assert rows(view) == ["invoke_agent Ann", "  chat gpt-4o-mini"]


def test_tools_that_are_told_again(tracer):
    """Google's ADK puts a span over tools that were called at once: each of them has its own."""
    with track("cell") as view, tracer.start_as_current_span("execute_tool (merged)") as merged:
        merged.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "(merged tools)"})
        with tracer.start_as_current_span("execute_tool add", attributes={"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "add"}):
            pass
    assert shown(view) == ["execute_tool add"]


def test_a_failed_request_and_its_retry(tracer, ask, truth):
    """Each attempt is a row below the step; the one that was answered is the call of its span."""
    words = "[busy once] hello"
    with track("cell") as view, tracer.start_as_current_span("step"), tracer.start_as_current_span("LLM", attributes=LLM):
        with pytest.raises(openai.APIStatusError):
            ask(words)
        ask(words)
    calls = [span for span in view._latest.spans.values() if span.call is not None]
    assert [(call.status, call.attempt) for call in sorted(calls, key=lambda call: call.attempt)] == [("error", 1), ("ok", 2)]
    assert {call.parent_id for call in calls} == {named(view, "step").span_id}


def test_streams_side_by_side(tracer, truth, world, receiver):
    """Each task's and each thread's stream is the call of its own span; at Sentry each has its own tokens, read after the span's end too."""
    client, aclient = openai.OpenAI(base_url=truth.url, api_key="none"), openai.AsyncOpenAI(base_url=truth.url, api_key="none")
    options = {"model": "gpt-4o-mini", "stream": True, "stream_options": {"include_usage": True}}

    async def one(name):
        with tracer.start_as_current_span(name):
            with tracer.start_as_current_span("LLM", attributes=LLM):
                stream = await aclient.chat.completions.create(messages=[{"role": "user", "content": f"{name} {name}"}], **options)
            async for _ in stream:
                pass

    async def all_of_them():
        await asyncio.gather(*map(one, "abc"))

    def in_thread():
        with tracer.start_as_current_span("thread"), tracer.start_as_current_span("LLM", attributes=LLM):
            for _ in client.chat.completions.create(messages=[{"role": "user", "content": "x"}], **options):
                pass

    with track("cell") as view:
        asyncio.run(all_of_them())
        thread = threading.Thread(target=in_thread)
        thread.start()
        thread.join()
    assert rows(view) == [row for name in ("a", "b", "c", "thread") for row in (name, "  chat gpt-4o-mini")] and billed(view, truth)
    if world != "local":
        sent = [one["data"].get("gen_ai.usage.input_tokens") for one in receiver.spans() if one["op"] == "gen_ai.chat"]
        assert sorted(sent) == sorted(call.input for call in truth.calls)


def test_what_two_providers_tell_of_one_call(ask, truth):
    """Two instrumentations of one client, each with a provider of its own, are one call and one set of counts."""
    first, second = TRACERS["a provider"]("opentelemetry.instrumentation.openai"), TRACERS["a provider"]("openinference.instrumentation.openai")
    with track("cell") as view, first.start_as_current_span("openai.chat", attributes=LLM) as outer, second.start_as_current_span("ChatCompletion", attributes=OPENINFERENCE) as inner:
        ask()
        outer.set_attributes(COUNTS)
        inner.set_attributes({"llm.token_count.prompt": 7})
    assert len(billed(view, truth)) == 1


def test_a_log_is_no_span(ask, truth):
    """Logfire writes its logs as spans, one of them with the tokens of a stream that is over: no row, and no call."""
    tracer = TRACERS["a provider"]("logfire.openai")
    with track("cell") as view, tracer.start_as_current_span("step"):
        with tracer.start_as_current_span("LLM", attributes={"logfire.span_type": "span", **LLM}):
            ask()
        tracer.start_span("streaming response took 1s", attributes={"logfire.span_type": "log", **LLM, **COUNTS}).end()
    assert rows(view) == ["step", "  chat gpt-4o-mini"] and billed(view, truth)


def test_a_batch_of_waiting_calls_in_a_gather(truth):
    """Calls that nobody enters, of tasks side by side: each takes the request of its own task."""
    tracer, aclient = TRACERS["a provider"]("mine"), openai.AsyncOpenAI(base_url=truth.url, api_key="none")

    async def one(name):
        span = tracer.start_span(name, attributes=LLM)
        await aclient.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": name}])
        span.end()

    async def all_of_them():
        await asyncio.gather(*map(one, ["first", "second", "third"]))

    with track("cell") as view, tracer.start_as_current_span("all"):
        asyncio.run(all_of_them())
    assert rows(view) == ["all", *["  chat gpt-4o-mini"] * 3]
    calls = sorted(billed(view, truth), key=lambda call: call.offset)
    assert [call.call.input[-1].text for call in calls] == ["first", "second", "third"]
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_a_clients_own_span_in_a_call_that_is_heard(tracer, ask, truth):
    """A span of Sentry's takes the request; what the client says of it by OpenTelemetry, in it and with its counts, is no second call and no row."""
    with track("cell") as view, sdk.start_span(op="gen_ai.chat", name="chat gpt-4o-mini", origin="auto.ai.anthropic"):
        theirs = tracer.start_span("messages.create", attributes={**LLM, "gen_ai.usage.input_tokens": 7})
        ask()
        theirs.end()
    [call] = billed(view, truth)
    assert call.origin == "auto.ai.anthropic" and shown(view) == ["chat gpt-4o-mini"]
