"""What the hooks on frameworks stand on: followed generators, aliases, exceptions that are no errors."""

import asyncio
import traceback

import pytest

from aimon_nb import ai_track, track
from aimon_nb.ai.instrumentation import instrumentation
from aimon_nb.capture.exceptions import no_errors
from aimon_nb.sentry.heard.followed import FollowedStep, follow, follow_async

steps, heard = instrumentation.steps, instrumentation.heard
AGENT, TOOL, ORIGIN = "gen_ai.invoke_agent", "gen_ai.execute_tool", "auto.test"


class Waits(Exception):
    """A framework's way to leave its own code."""


@pytest.fixture
def waits():
    no_errors.add(Waits)
    yield Waits
    no_errors.discard(Waits)


def step():
    return FollowedStep(steps, lambda: steps.start(AGENT, "agent", origin=ORIGIN))


def mark(name):
    steps.end(steps.start("function", name, origin=ORIGIN))


def told(view):
    """{name: (the name above it, status)}."""
    spans = view._run.spans.values()
    names = {span.span_id: span.name for span in spans}
    return {span.name: (names.get(span.parent_id), span.status) for span in spans}


def pieces():
    for name in "ab":
        mark(name)
        yield name


async def async_pieces():
    for name in "ab":
        mark(name)
        yield name


def test_a_followed_generator():
    """What runs in its pieces is below its step, what its caller does between them is not."""
    with track("cell") as view:
        assert ["a", "b"] == [mark(f"beside {name}") or name for name in follow(pieces(), step())]
    got = told(view)
    assert {"agent": ("cell", "ok"), "a": ("agent", "ok"), "b": ("agent", "ok")}.items() <= got.items()
    assert ("cell", "ok") == got["beside a"] == got["beside b"]


def test_a_followed_async_generator():
    """The same with tasks."""

    async def use():
        async for name in follow_async(async_pieces(), step()):
            mark(f"beside {name}")

    with track("cell") as view:
        asyncio.run(use())
    got = told(view)
    assert {"agent": ("cell", "ok"), "a": ("agent", "ok"), "b": ("agent", "ok")}.items() <= got.items()
    assert ("cell", "ok") == got["beside a"] == got["beside b"]


def test_one_that_is_left_early_is_abandoned():
    """Its own code is closed, and nothing that follows is below it."""
    closed = []

    def inner():
        try:
            yield 1
        finally:
            closed.append(mark("closing"))

    async def use():
        async for _ in (stream := follow_async(async_pieces(), step())):
            break
        await stream.aclose()
        mark("after")

    with track("cell") as view:
        stream = follow(inner(), step())
        next(stream)
        stream.close()
        mark("after")
    with track("cell") as other:
        asyncio.run(use())
    assert ("cell", "abandoned") == told(view)["agent"] == told(other)["agent"]
    assert ("agent", "ok") == told(view)["closing"] and closed
    assert ("cell", "ok") == told(view)["after"] == told(other)["after"]


def test_the_inner_one_is_closed_as_it_is_without_us():
    """Its end did not come of another exception: what it tells of it has no frame of ours."""
    told = []

    def inner():
        try:
            yield 1
        except GeneratorExit as end:
            told.append("".join(traceback.format_exception(end)))
            raise

    async def async_inner():
        try:
            yield 1
        except GeneratorExit as end:
            told.append("".join(traceback.format_exception(end)))
            raise

    async def use():
        stream = follow_async(async_inner(), step())
        await anext(stream)
        await stream.aclose()

    with track("cell"):
        stream = follow(inner(), step())
        next(stream)
        stream.close()
        asyncio.run(use())
    assert len(told) == 2 and not [one for one in told if "followed.py" in one or "another exception" in one], told
    thrown = follow(inner(), step())
    next(thrown)
    with pytest.raises(GeneratorExit):
        thrown.throw(GeneratorExit())


def test_what_it_raises_and_what_it_is_sent_pass():
    """Values and exceptions go in and out as they are; the step says what ended it."""

    def inner():
        got = yield 1
        try:
            yield got
        except KeyError:
            yield "caught"
        raise ValueError("no more")

    with track("cell") as view:
        stream = follow(inner(), step())
        assert [1, "sent", "caught"] == [next(stream), stream.send("sent"), stream.throw(KeyError())]
        with pytest.raises(ValueError, match="no more"):
            next(stream)
    assert ("cell", "error") == told(view)["agent"]


@pytest.mark.parametrize("how", ["step", "tracked"])
def test_what_waits_is_no_error(how, waits):
    """An exception by which a framework leaves its own code ends a step well, and passes."""

    @ai_track("step")
    def tracked():
        raise waits

    with track("cell") as view:
        try:
            if how == "tracked":
                tracked()
            one = steps.start("function", "step", origin=ORIGIN)
            raise waits
        except waits as error:
            if how == "step":
                steps.end(one, error)
    [span] = [span for span in view._run.spans.values() if span.name == "step"]
    assert ("ok", None, None) == (span.status, span.error_type, span.error)


def test_a_tracked_function_that_is_the_tool():
    """It has no row beside the tool's, by its own name or by its description; a helper has, and so has one that used tokens."""
    from aimon_nb import record_token_usage

    @ai_track("look for a word")
    def look(tokens):
        if tokens:
            record_token_usage(None, input_tokens=3, output_tokens=1)
        helper()

    @ai_track("look")
    def described():
        """By its description."""

    @ai_track("help")
    def helper():
        """Another function."""

    def shown(use):
        with track("cell") as view:
            tool = steps.start(TOOL, "execute_tool look", origin=ORIGIN, attributes={"gen_ai.tool.name": "look"})
            use()
            steps.end(tool)
        return [(depth, span.name) for depth, span in view._run.walk()]

    assert [(0, "execute_tool look"), (1, "help")] == shown(lambda: look(0))
    assert [(0, "execute_tool look")] == shown(described)
    assert [(0, "execute_tool look"), (1, "look for a word"), (2, "help")] == shown(lambda: look(1))


def test_a_tool_carries_no_models_name():
    """What integrations put on a tool's span of the agent's model is not said of the tool, unless it counts tokens itself."""
    model = {"gen_ai.request.model": "gpt-4o", "gen_ai.system": "openai", "gen_ai.tool.name": "look"}
    with track("cell") as view:
        steps.end(steps.start(TOOL, "a", origin=ORIGIN, attributes=model))
        steps.end(steps.start(TOOL, "b", origin=ORIGIN, attributes=model | {"gen_ai.usage.input_tokens": 3}))
    got = {span.name: (span.tool, span.model, span.provider) for span in view._run.spans.values()}
    assert (("look", None, None), ("look", "gpt-4o", "openai")) == (got["a"], got["b"])


def test_the_conversation_of_calls_is_the_nearest_above_them():
    """A table has it on the row that names it, and usage adds up by it."""
    with track("cell") as view:
        agent = steps.start(AGENT, "a", origin=ORIGIN, attributes={"gen_ai.conversation.id": "thread-1"})
        call = steps.start("gen_ai.chat", "chat m", origin=ORIGIN, attributes={"gen_ai.usage.input_tokens": 3, "gen_ai.usage.output_tokens": 1})
        steps.end(call)
        steps.end(agent)
    usage = view.usage(by="conversation", styled=False)
    assert ["thread-1"] == list(usage["conversation"]) and [3] == list(usage["input_tokens"])
    spans = view.spans().set_index("name")
    assert "thread-1" == spans.loc["a", "conversation"]


def test_what_is_below_a_row_that_goes_away_is_told_again():
    """A page that had the row above it learns where it is now."""
    from aimon_nb.capture import recorder

    told_of = []
    recorder.listeners.append(lambda _, changed: told_of.append(changed))
    try:
        with track("cell"):
            workflow = steps.start("", "workflow", origin=ORIGIN)
            agent = steps.start(AGENT, "agent", origin=ORIGIN)
            recorder.drain()
            told_of.clear()
            workflow.is_alias = True
            recorder.drain()
            assert {workflow.span_id, agent.span_id} <= set().union(*told_of)
            steps.end(agent)
            steps.end(workflow)
    finally:
        recorder.listeners.pop()


# Whatever hooks stand around a function of a framework's or of the SDK's integrations, and what that gives.
HOOKS = {
    "a tool of openai-agents": (heard._agents._wrap_tool, True),
    "its failure": (heard._agents._wrap_failure, True),
    "its end": (heard._agents._wrap_tool_end, False),
    "an agent's start": (heard._agents._wrap_agent_start, False),
    "an agent's end": (heard._agents._wrap_agent_end, False),
    "a tool of pydantic-ai": (heard._pydantic_ai._wrap_tool_start, False),
    "the end of one": (heard._pydantic_ai._wrap_tool_end, False),
    "a function of Gemini's": (heard._google_genai._wrap, False),
    "an async one": (heard._google_genai._wrap_async, True),
}


@pytest.mark.parametrize("name", HOOKS)
@pytest.mark.parametrize("args", [(), ("one",), tuple("abcdef")])
def test_another_version(name, args):
    """A framework whose functions have other parameters goes on: it gets what it gave, and the result is its own."""
    wrap, is_async = HOOKS[name]

    def plain(*args, **told):
        return args, told

    async def coroutine(*args, **told):
        return args, told

    with track("cell"):
        given = wrap(coroutine if is_async else plain)(*args, new="parameter")
        assert (asyncio.run(given) if is_async else given) == (args, {"new": "parameter"})
