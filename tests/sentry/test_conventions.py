"""What we write on Sentry's spans is what its views read, by the metadata of `sentry-conventions`."""

import httpx
import openai
import pytest
from sentry_conventions.attributes import ATTRIBUTE_METADATA

from aimon_nb import ai_track, record_token_usage, track
from aimon_nb.ai.instrumentation import instrumentation
from aimon_nb.app import monitor
from aimon_nb.model import ModelCall, Usage
from aimon_nb.model.caller import Place
from aimon_nb.sentry.call_attributes import call_attributes, step_attributes
from tests.parts import sdk

# Names of ours that no convention has.
OURS = {"notebook.name", "notebook.cell.number", "notebook.cell.id", "notebook.cell.source", "n"}
TYPES = {"string": str, "integer": int, "double": (int, float), "boolean": bool}
EVERY = ModelCall(
    provider="openai", request_model="gpt-4o", response_model="gpt-4o-2024", streaming=True, finish_reason="stop", cached_by="vcr",
    usage=Usage(input=9, cached=2, cache_write=1, output=5, reasoning=3, total=14),
)  # fmt: skip
# What the views of agents and models read of each kind, beside op and times.
NEEDED = {
    "gen_ai.chat": {
        *("gen_ai.operation.name", "gen_ai.operation.type", "gen_ai.provider.name", "gen_ai.request.model", "gen_ai.response.model", "gen_ai.pipeline.name"),
        *("gen_ai.usage.input_tokens", "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.usage.reasoning.output_tokens"),
        *("gen_ai.usage.total_tokens", "gen_ai.response.finish_reasons"),
    },
    "gen_ai.invoke_agent": {"gen_ai.operation.name", "gen_ai.operation.type", "gen_ai.agent.name", "gen_ai.pipeline.name"},
    "gen_ai.execute_tool": {"gen_ai.operation.name", "gen_ai.operation.type", "gen_ai.tool.name", "gen_ai.pipeline.name"},
}  # fmt: skip


def wrong(attributes):
    """What is not as the conventions have it, in words."""
    for key, value in attributes.items():
        known = ATTRIBUTE_METADATA.get(key)
        if known is None:
            if key not in OURS and not key.startswith(("sentry.", "my.")):
                yield f"{key}: nobody knows it"
            continue
        if not isinstance(value, TYPES[known.type.value]) or (isinstance(value, bool) and known.type.value != "boolean"):
            yield f"{key}: {value!r} is no {known.type.value}"
        if known.deprecation is not None and known.deprecation.status is not None:
            current = known.deprecation.replacement
            if attributes.get(current) != value:
                yield f"{key} is deprecated, and {current} is not beside it"
        elif known.deprecation is not None:
            yield f"{key} is deprecated, and nothing is in its place"


def test_all_of_a_call():
    """Each attribute that a call can have is current, or a deprecated one beside its current one, and of the right type."""
    attributes = call_attributes(EVERY, (Place(function="ask", file="f.py", line=3),), 0.5)
    assert [] == list(wrong(attributes))
    assert NEEDED["gen_ai.chat"] - attributes.keys() == {"gen_ai.pipeline.name"}
    assert {"gen_ai.response.time_to_first_chunk", "gen_ai.response.streaming", "gen_ai.usage.cache_creation.input_tokens", "cache.hit"} <= attributes.keys()


@pytest.mark.parametrize("op", ["gen_ai.invoke_agent", "gen_ai.execute_tool", "gen_ai.handoff", "gen_ai.retrieval", "function"])
def test_all_of_a_step(op):
    """So is each of a step's kind."""
    assert [] == list(wrong(step_attributes(op)))


def answer(_):
    usage = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14, "prompt_tokens_details": {"cached_tokens": 2}, "completion_tokens_details": {"reasoning_tokens": 3}}
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "yes"}}
    return httpx.Response(200, json={"id": "c", "object": "chat.completion", "created": 1, "model": "gpt-4o-2024", "choices": [choice], "usage": usage})


def work(client):
    steps = instrumentation.steps
    agent = steps.start("gen_ai.invoke_agent", "invoke_agent a", origin="auto.frameworks.x", attributes={"gen_ai.agent.name": "a"})
    tool = steps.start("gen_ai.execute_tool", "execute_tool t", origin="auto.frameworks.x", attributes={"gen_ai.tool.name": "t"})
    steps.end(tool)
    client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "hi"}])
    steps.end(agent)
    record_token_usage(None, 9, 2, 5, 3, input_tokens_cache_write=1)


@pytest.mark.parametrize("lifecycle", sdk.LIFECYCLES)
def test_what_arrives(lifecycle, receiver):
    """Of a run's root, agents, tools, calls and tracked functions all that the views need is there, and every name is current."""
    receiver.init(**sdk.OPTIONS[lifecycle])
    client = openai.OpenAI(api_key="x", http_client=httpx.Client(transport=httpx.MockTransport(answer)))
    with track("cell", view="none", sentry_data={"n": 3}):
        ai_track("work")(work)(client)
    monitor.uninstall()
    spans = receiver.spans()
    assert {"ai.pipeline", "ai.run", *NEEDED} == {span["op"] for span in spans}
    for span in spans:
        told = {key: value for key, value in span["data"].items() if key.startswith(("gen_ai.", "code.", "notebook.", "cache.")) or key == "n"}
        assert [] == list(wrong(told)), span
        assert NEEDED.get(span["op"], set()) <= told.keys(), span
    types = {span["op"]: span["data"].get("gen_ai.operation.type") for span in spans}
    assert ("ai_client", "agent", "tool") == tuple(types[op] for op in NEEDED)
