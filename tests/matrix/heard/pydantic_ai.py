"""pydantic-ai: unnamed agents by every way to run one, tools, agents in tools, errors."""

import asyncio

from tests.matrix.clients.pydantic_ai import agent
from tests.matrix.heard.running import Ways
from tests.matrix.modes import in_loop

ways = Ways()

WITH_A_TOOL = """
    agent clerk
      chat
      tool look
      chat
"""


def with_a_tool(use):
    use.__doc__ = WITH_A_TOOL
    return ways(use)


def with_look(server):
    made = agent(server)

    @made.tool_plain
    def look(word: str) -> str:
        return f"found {word}"

    return made


@with_a_tool
def run(server):
    async def use():
        clerk = with_look(server)
        await clerk.run("use the tool")

    in_loop(use())


@with_a_tool
def run_twice(server):
    async def use():
        clerk = with_look(server)
        await clerk.run("use the tool")
        return await clerk.run("use the tool")

    in_loop(use())


run_twice.__doc__ = "\n".join([WITH_A_TOOL.strip("\n"), WITH_A_TOOL])


@with_a_tool
def run_sync(server):
    clerk = with_look(server)
    clerk.run_sync("use the tool")


@with_a_tool
def run_stream(server):
    async def use():
        clerk = with_look(server)
        async with clerk.run_stream("use the tool") as result:
            await result.get_output()

    in_loop(use())


@with_a_tool
def run_stream_events(server):
    async def use():
        clerk = with_look(server)
        async with clerk.run_stream_events("use the tool") as events:
            async for _ in events:
                pass

    in_loop(use())


@with_a_tool
def iterated(server):
    async def use():
        clerk = with_look(server)
        async with clerk.iter("use the tool") as steps:
            async for _ in steps:
                pass

    in_loop(use())


@with_a_tool
def named(server):
    async def use():
        other = with_look(server)
        other.name = "clerk"
        await other.run("use the tool")

    in_loop(use())


@ways
def without_a_variable(server):
    """
    agent agent
      chat
    """
    in_loop(agent(server).run("plain words"))


@ways
def in_a_tool(server):
    """
    agent boss
      chat
      tool delegate
        agent clerk
          chat
          tool look
          chat
      chat
    """

    async def use():
        clerk, boss = with_look(server), agent(server)

        @boss.tool_plain
        async def delegate(word: str) -> str:
            return (await clerk.run("use the tool")).output

        await boss.run("use the tool")

    in_loop(use())


@ways
def gathered(server):
    """
    agent a
      chat
      tool look
      chat
    agent b
      chat
      tool look
      chat
    """

    async def use():
        a, b = with_look(server), with_look(server)
        a.name, b.name = "a", "b"
        await asyncio.gather(a.run("use the tool"), b.run("use the tool"))

    in_loop(use())


@ways
def tool_failed(server):
    """
    agent clerk [error: KeyError]
      chat
      tool look [error: KeyError]
    """

    async def use():
        clerk = agent(server)

        @clerk.tool_plain
        def look(word: str) -> str:
            raise KeyError("no such word")

        await clerk.run("use the tool")

    in_loop(use())


@ways
def tool_asks_to_be_tried_again(server):
    """
    agent clerk
      chat
      tool look [error: ToolRetryError]
      chat
    """

    async def use():
        from pydantic_ai import ModelRetry

        clerk = agent(server)

        @clerk.tool_plain
        def look(word: str) -> str:
            raise ModelRetry("another word")

        await clerk.run("use the tool")

    in_loop(use())


@ways
def iteration_left_early(server):
    """
    agent clerk
      chat
    """

    async def use():
        clerk = with_look(server)
        async with clerk.iter("use the tool") as steps:
            async for step in steps:
                if type(step).__name__ == "CallToolsNode":
                    break

    in_loop(use())


@ways
def conversation(server):
    """
    agent clerk
      chat
    """

    async def use():
        clerk = agent(server)
        await clerk.run("plain words", conversation_id="talk-3")

    in_loop(use())


@ways
def tracked_tool(server):
    """
    agent clerk
      chat
      tool find
      chat
    """
    from aimon_nb import ai_track

    async def use():
        clerk = agent(server)

        @clerk.tool_plain
        @ai_track("find a word")
        def find(word: str) -> str:
            return f"found {word}"

        await clerk.run("use the tool")

    in_loop(use())
