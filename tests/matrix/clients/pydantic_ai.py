"""pydantic-ai over openai."""

import asyncio

from tests.matrix.modes import Modes, cancelled_soon, gathered, in_loop, in_threads

modes = Modes("pydantic_ai")


def agent(server, name="gpt-4o", responses=False, **more):
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    kind = OpenAIResponsesModel if responses else OpenAIChatModel
    return Agent(kind(name, provider=OpenAIProvider(base_url=server.url, api_key="sk-none")), **more)


def with_tool(server):
    a = agent(server)

    @a.tool_plain
    def look(word: str) -> str:
        return f"found {word}"

    return a


@modes("plain")
def _(server):
    return agent(server).run_sync("plain words").output


@modes("rich")
def _(server):
    return agent(server, "gpt-5", instructions="be brief").run_sync("rich words").output


@modes("async")
def _(server):
    return in_loop(agent(server, "gpt-5").run("async")).output


@modes("responses")
def _(server):
    return agent(server, "gpt-5", responses=True).run_sync("responses").output


@modes("stream-usage")
def _(server):
    async def use():
        async with agent(server).run_stream("streamed") as result:
            return [t async for t in result.stream_text(debounce_by=None)]

    return in_loop(use())


@modes("left-early", left=True)
def _(server):
    async def use():
        async with agent(server).run_stream("left early") as result:
            async for text in result.stream_text(debounce_by=None):
                return bool(text)

    return in_loop(use())


@modes("parse")
def _(server):
    from pydantic import BaseModel

    class Answer(BaseModel):
        word: str

    return agent(server, output_type=Answer).run_sync("use the tool").output.word


@modes("tool-loop")
def _(server):
    return with_tool(server).run_sync("use the tool").output


@modes("tool-loop-stream")
def _(server):
    async def use():
        async with with_tool(server).run_stream("use the tool") as result:
            return await result.get_output()

    return in_loop(use())


@modes("retry-429")
def _(server):
    return agent(server).run_sync("again [busy once] by an agent").output


@modes("threads-8")
def _(server):
    def ask(n):
        return asyncio.run(agent(server).run(f"step-{n}")).output

    return in_threads(ask)


@modes("gather-8")
def _(server):
    async def use():
        a = agent(server)

        async def one(n):
            return (await a.run(f"step-{n}")).output

        return await gathered(one)

    return in_loop(use())


@modes("anthropic")
def _(server):
    from pydantic_ai import Agent
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider
    import anthropic

    provider = AnthropicProvider(anthropic_client=anthropic.AsyncAnthropic(base_url=server.root, api_key="none"))
    return Agent(AnthropicModel("claude-opus-4-5", provider=provider), instructions="[new] be brief").run_sync("rich").output


@modes("google")
def _(server):
    from pydantic_ai import Agent
    from pydantic_ai.models.google import GoogleModel
    from pydantic_ai.providers.google import GoogleProvider

    provider = GoogleProvider(api_key="none", base_url=server.root)
    return Agent(GoogleModel("gemini-3-pro", provider=provider), instructions="be brief").run_sync("rich").output


@modes("error-400", raises=True)
def _(server):
    return agent(server).run_sync("[status 400]").output


@modes("cancelled", left=True)
def _(server):
    return in_loop(cancelled_soon(server, agent(server).run("too long")))
