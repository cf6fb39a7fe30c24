"""Spans that the SDK makes only to throw them away are seen all the same."""

import asyncio

import pytest
import sentry_sdk
from sentry_sdk import traces

from aimon_nb import track
from tests.parts import sdk


@sdk.transactions
# The SDK says that this way of making spans is of the other lifecycle.
@pytest.mark.filterwarnings("ignore:Using span streaming API")
def test_a_span_of_the_streams_kind_in_the_static_lifecycle(receiver):
    """The SDK hands out a span without the name it was asked for, and sends none: the run has it, with name and attributes."""
    receiver.init()
    with track("cell") as view, traces.start_span("asked for", attributes={"sentry.op": "step", "n": 3}):
        pass
    with track("other") as other, traces.start_span(name="by keyword"):
        pass
    [span] = [span for span in view._run.spans.values() if span.parent_id]
    assert ("asked for", "step", 3) == (span.name, span.op, span.attributes["n"])
    assert "by keyword" in [span.name for span in other._run.spans.values()]
    sentry_sdk.flush(5)
    assert "asked for" not in [span["name"] for span in receiver.spans()]


def test_a_turn_of_an_agent_that_was_opened_in_another_task(receiver):
    """Of an unsampled trace the SDK names the root as every span's parent: the steps of the next turn are the agent's all the same."""
    receiver.init(traces_sample_rate=0.0, **sdk.OPTIONS["stream"])

    def start(op):
        return traces.start_span(op, {"sentry.op": op, "sentry.origin": "auto.ai.openai_agents"})

    async def first_turn():
        return start("gen_ai.invoke_agent")

    async def next_turn():
        with start("gen_ai.chat"):
            pass

    async def turns():
        agent = await asyncio.create_task(first_turn())
        await asyncio.create_task(next_turn())
        agent.end()

    with track("cell") as view:
        asyncio.run(turns())
    spans = view._run.spans
    [chat] = [span for span in spans.values() if span.op == "gen_ai.chat"]
    assert "gen_ai.invoke_agent" == spans[chat.parent_id].op
