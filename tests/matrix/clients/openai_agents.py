"""openai-agents over chat completions and responses."""

import asyncio

from tests.matrix.clients.openai_chat import aclient
from tests.matrix.modes import Modes, cancelled_soon, gathered, in_loop, in_threads

modes = Modes("openai_agents")


def agent(server, name="gpt-4o", responses=False, **more):
    from agents import Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel

    kind = OpenAIResponsesModel if responses else OpenAIChatCompletionsModel
    return Agent(name="helper", model=kind(name, aclient(server)), **more)


def run(a, text):
    from agents import Runner

    return in_loop(Runner.run(a, text)).final_output


def tool():
    from agents import function_tool

    @function_tool
    def look(word: str) -> str:
        return f"found {word}"

    return look


@modes("plain")
def _(server):
    return run(agent(server), "plain words")


@modes("sync")
def _(server):
    from agents import Runner

    return Runner.run_sync(agent(server), "sync words").final_output


@modes("rich")
def _(server):
    return run(agent(server, "gpt-5", instructions="be brief"), "rich words")


@modes("responses")
def _(server):
    return run(agent(server, "gpt-5", responses=True), "responses")


def streamed(a, text):
    async def use():
        from agents import Runner

        result = Runner.run_streamed(a, text)
        events = [event.type async for event in result.stream_events()]
        return events, result.final_output

    return in_loop(use())


@modes("stream")
def _(server):
    return streamed(agent(server), "streamed")


@modes("stream-responses")
def _(server):
    return streamed(agent(server, responses=True), "streamed")


@modes("tool-loop")
def _(server):
    return run(agent(server, tools=[tool()]), "use the tool")


@modes("handoff")
def _(server):
    other = agent(server, responses=False)
    return run(agent(server, handoffs=[other]), "use the tool")


@modes("retry-429")
def _(server):
    return run(agent(server), "again [busy once] by agents")


@modes("gather-8")
def _(server):
    async def use():
        from agents import Runner

        a = agent(server)

        async def one(n):
            return (await Runner.run(a, f"step-{n}")).final_output

        return await gathered(one)

    return in_loop(use())


@modes("parse")
def _(server):
    from pydantic import BaseModel

    class Answer(BaseModel):
        word: str

    return run(agent(server, output_type=Answer), "parse").word


@modes("left-early", left=True)
def _(server):
    async def use():
        from agents import Runner

        result = Runner.run_streamed(agent(server), "left early")
        async for event in result.stream_events():
            if event.type == "raw_response_event":
                result.cancel()
                return event.type

    return in_loop(use())


@modes("threads-8")
def _(server):
    def ask(n):
        async def use():
            from agents import Runner

            return (await Runner.run(agent(server), f"step-{n}")).final_output

        return asyncio.run(use())

    return in_threads(ask)


@modes("error-400", raises=True)
def _(server):
    return run(agent(server), "[status 400]")


@modes("cancelled", left=True)
def _(server):
    from agents import Runner

    return in_loop(cancelled_soon(server, Runner.run(agent(server), "too long")))
