"""Steps of frameworks that Sentry has no integration for: in the run, and at Sentry below the right span."""

import asyncio

import pytest
import sentry_sdk

from aimon_nb import track
from aimon_nb.ai.instrumentation import instrumentation
from aimon_nb.sentry.secret_names import SECRET_NAMES
from tests.parts import sdk

steps = instrumentation.steps
AGENT, TOOL = "gen_ai.invoke_agent", "gen_ai.execute_tool"
WORLDS = {"local": None, **sdk.OPTIONS, "unsampled": {"traces_sample_rate": 0.0}}


def start(name, op=AGENT, **options):
    return steps.start(op, name, origin="auto.test", **options)


def tree(view):
    spans = view._run.spans.values()
    names = {span.span_id: span.name for span in spans}
    return {span.name: names.get(span.parent_id) for span in spans}


@pytest.fixture(params=["local", *sdk.LIFECYCLES, "unsampled"])
def world(request, receiver):
    options = WORLDS[request.param]
    if options is not None:
        receiver.init(**options)
    return request.param


def test_steps_and_what_is_below_them(world, receiver):
    """A step holds what begins in it, spans of the SDK too, each with its true parent; Sentry gets the same tree, and no name twice."""
    with track("cell") as view:
        agent = start("agent", attributes={"gen_ai.agent.name": "Ann"})
        with sdk.start_span(op="x", name="theirs") if world != "stream" else sentry_sdk.traces.start_span("theirs"):
            tool = start("tool", TOOL)
            steps.end(tool)
        steps.end(agent)
    assert {"cell": None, "agent": "cell", "theirs": "agent", "tool": "theirs"} == tree(view)
    [span] = [span for span in view._run.spans.values() if span.name == "agent"]
    assert ("Ann", AGENT, "ok", "auto.test") == (span.agent, span.op, span.status, span.origin)
    assert span.duration is not None
    if world in ("static", "stream"):
        sentry_sdk.flush(5)
        sent = receiver.spans()
        ids = {one["span_id"]: one["name"] for one in sent}
        assert {"agent": "cell", "theirs": "agent", "tool": "theirs"}.items() <= {
            one["name"]: ids.get(one["parent_span_id"]) for one in sent
        }.items()


def test_a_step_that_failed(world):
    """It says what was raised; the step above it, which caught that, is well."""
    with track("cell") as view:
        agent = start("agent")
        tool = start("tool", TOOL)
        try:
            raise ValueError("no such flight")
        except ValueError as error:
            steps.end(tool, error)
        steps.end(agent)
        steps.end(agent, ValueError("twice"))
    told = {span.name: (span.status, span.error_type, span.error) for span in view._run.spans.values()}
    assert told["tool"] == ("error", "ValueError", "no such flight")
    assert told["agent"] == ("ok", None, None)


def test_steps_of_tasks_and_a_parent_that_is_given(world):
    """Side by side in a `gather` each has its own below it; one that is not current is nobody's parent but for who names it."""

    async def one(name):
        step = start(name)
        await asyncio.sleep(0)
        steps.end(start(f"{name}.tool", TOOL))
        steps.end(step)

    async def all_of_them():
        await asyncio.gather(*map(one, "abc"))

    with track("cell") as view:
        asyncio.run(all_of_them())
        aside = start("aside", is_current=False)
        steps.end(start("beside"))
        steps.end(start("below", parent=aside))
        steps.end(aside)
    above = tree(view)
    assert [above[f"{name}.tool"] for name in "abc"] == list("abc")
    assert (above["beside"], above["below"]) == ("cell", "aside")


@sdk.transactions
def test_names_of_secrets():
    """None that series 2 keeps out of events is missing."""
    from sentry_sdk.scrubber import DEFAULT_DENYLIST, DEFAULT_PII_DENYLIST

    assert {*DEFAULT_DENYLIST, *DEFAULT_PII_DENYLIST} <= SECRET_NAMES


def test_outside_of_runs():
    """No run, no step: nothing is made, and nothing is current."""
    assert start("nobody's") is None
    steps.end(None)


def test_what_went_in_and_came_out(world, receiver):
    """A step holds what it is given as it was then, secrets left out; of one that failed nothing came out; Sentry gets none of it."""
    arguments = {"city": "canary one", "api_key": "canary two", "days": [1]}
    with track("cell") as view:
        tool = start("tool", TOOL, step_input=arguments)
        arguments["days"].append(2)
        steps.end(tool, step_output={"told": "canary three"})
        failed = start("failed", TOOL, step_input="canary four")
        steps.end(failed, ValueError("no"), step_output="canary five")
        steps.end(start("plain"))
        steps.end(start("nothing", step_input=None), step_output=None)
    told = {span.name: span.step for span in view._run.spans.values()}
    step = told["tool"]
    assert ({"city": "canary one", "api_key": "[filtered]", "days": [1]}, {"told": "canary three"}) == (step.input, step.output)
    assert (True, "canary four", False) == (told["failed"].has_input, told["failed"].input, told["failed"].has_output)
    assert (None, True, True, None) == (told["plain"], told["nothing"].has_input, told["nothing"].has_output, told["nothing"].output)
    sentry_sdk.flush(5)
    assert "canary" not in str(receiver.got)
