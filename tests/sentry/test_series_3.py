"""What sentry-sdk 3 does by itself, and is not to do: content that nobody chose to send, a raise in the user's code."""

import json

import pytest
import sentry_sdk
from sentry_sdk import traces

from aimon_nb import track
from aimon_nb.ai.instrumentation import instrumentation
from aimon_nb.capture.hooks import Patches
from aimon_nb.sentry.client import Client
from tests.parts import sdk

ORIGIN = "auto.ai.some_framework"
CONTENT = {"gen_ai.input.messages": '["canary prompt"]', "gen_ai.tool.call.arguments": "canary arguments", "gen_ai.agent.name": "Ann"}
pytestmark = sdk.series_3


@pytest.fixture
def unasked():
    """Integrations of that origin were set up by us, and the user chose none; yields the set of what he chose."""
    from aimon_nb.sentry import sdk3_patches

    instrumentation.install()
    patches, chosen = Patches(), set()
    sdk3_patches.install(patches, lambda origin: origin == ORIGIN and origin not in chosen)
    yield chosen
    patches.undo()


def test_content_of_an_integration_that_nobody_chose(receiver, unasked):
    """Series 3 puts prompts on spans unless it is told not to: Sentry gets the span without them, our run with them."""
    receiver.init()
    with track("cell") as view, traces.start_span("agent", {"sentry.op": "gen_ai.invoke_agent", "sentry.origin": ORIGIN, **CONTENT}):
        pass
    [ours] = [span for span in view._run.spans.values() if span.name == "agent"]
    assert "canary prompt" in ours.attributes["gen_ai.input.messages"] and "canary arguments" == ours.step.input
    [sent] = [span for span in receiver.spans() if span["name"] == "agent"]
    assert "Ann" == sent["data"]["gen_ai.agent.name"] and ours.span_id == sent["span_id"]
    assert "canary" not in json.dumps(receiver.got)


def test_content_of_one_that_the_user_chose(receiver, unasked):
    """It leaves as his client sends it."""
    receiver.init()
    unasked.add(ORIGIN)
    with track("cell"), traces.start_span("agent", {"sentry.origin": ORIGIN, **CONTENT}):
        pass
    [sent] = [span for span in receiver.spans() if span["name"] == "agent"]
    assert CONTENT.items() <= sent["data"].items()


@pytest.mark.parametrize("error", [None, ValueError("theirs")])
def test_a_chat_of_an_agent_in_a_trace_that_nobody_gets(unasked, error):
    """The context in which 3.0.0b2's integrations ask a model raises at its end, where its span has no scope: not in the user's code."""
    with pytest.raises(ValueError, match="theirs") if error else track("nothing"), traces.start_span("agent"):
        context = traces._AgentFrameworkChatGenerationContext("chat", {"sentry.op": "gen_ai.chat"})
        with context:
            if error:
                raise error
    assert context.span._finished


def test_our_own_client_collects_nothing(receiver, monkeypatch):
    """The client for SENTRY_DSN keeps variables, source, prompts, answers and requests to itself."""
    monkeypatch.setenv("SENTRY_DSN", receiver.dsn)
    client = Client()
    client.ensure()
    told = sentry_sdk.get_client().options["data_collection"]
    client.close()
    on = [key for key, value in told.items() if value not in (False, 0, [], {"mode": "off"})]
    assert {key: told[key] for key in on} == {
        "http_headers": {"request": {"mode": "off"}},
        **{key: {"inputs": False, "outputs": False} for key in ("gen_ai", "mcp")},
        "graphql": {"document": False, "variables": False},
    }
