"""AutoGen: assistants, tools, teams, handoffs."""

from tests.matrix.structure.ways import Ways, in_loop

ways = Ways("structure_openai_2")


def client(server):
    from autogen_ext.models.openai import OpenAIChatCompletionClient

    return OpenAIChatCompletionClient(model="gpt-4o", base_url=server.url, api_key="none", max_retries=0)


async def look(word: str) -> str:
    """Look."""
    return f"found {word}"


def add(a: int, b: int) -> int:
    """Add."""
    return a + b


def broken(word: str) -> str:
    """Break."""
    raise ValueError(word)


def agent(server, name="helper", tools=(look,), **more):
    from autogen_agentchat.agents import AssistantAgent

    return AssistantAgent(**{"name": name, "model_client": client(server), "tools": list(tools), "reflect_on_tool_use": True, "system_message": None, **more})


TREE = """
    agent helper
      call gpt-4o
      tool look
      call gpt-4o
    """


@ways("run", tree=TREE)
def _(server):
    async def use():
        return len((await agent(server).run(task="[call look]")).messages)

    return in_loop(use())


@ways("run-stream", tree=TREE)
def _(server):
    async def use():
        return [type(message).__name__ async for message in agent(server).run_stream(task="[call look]")]

    return in_loop(use())


@ways("token-stream", tree=TREE)
def _(server):
    async def use():
        streamed = agent(server, model_client_stream=True).run_stream(task="[call look]")
        return len([message async for message in streamed]) > 3

    return in_loop(use())


@ways("parallel-tools", unordered=True, varies=True, tree="""
    agent helper
      call gpt-4o
      tool look
      tool add
      call gpt-4o
    """)
def _(server):
    async def use():
        return len((await agent(server, tools=(look, add)).run(task="[call look, add]")).messages)

    return in_loop(use())


@ways("tool-error", tree="""
    agent helper
      call gpt-4o
      tool broken !error
      call gpt-4o
    """)
def _(server):
    async def use():
        return len((await agent(server, tools=(broken,)).run(task="[call broken]")).messages)

    return in_loop(use())


@ways("call-error", raises=True, tree="""
    agent helper !error
      call gpt-4o !error
    """)
def _(server):
    return in_loop(agent(server).run(task="[status 400]"))


@ways("agent-tool", tree="""
    agent boss
      call gpt-4o
      tool helper
        agent helper
          call gpt-4o
          tool look
          call gpt-4o
      call gpt-4o
    """)
def _(server):
    from autogen_agentchat.tools import AgentTool

    async def use():
        tool = AgentTool(agent(server, system_message="[call look]"), return_value_as_last_message=True)
        return len((await agent(server, "boss", (tool,)).run(task="[call helper]")).messages)

    return in_loop(use())


@ways("left-early", left=True, tree="""
    agent helper !abandoned
      call gpt-4o !abandoned
    """)
def _(server):
    async def use():
        streamed = agent(server, model_client_stream=True).run_stream(task="left early")
        async for message in streamed:
            if type(message).__name__ == "ModelClientStreamingChunkEvent":
                break
        await streamed.aclose()
        return type(message).__name__

    return in_loop(use())


@ways("team", varies=True, tree="""
    agent one
      call gpt-4o
    agent two
      call gpt-4o
    """)
def _(server):
    from autogen_agentchat.conditions import MaxMessageTermination
    from autogen_agentchat.teams import RoundRobinGroupChat

    async def use():
        team = RoundRobinGroupChat([agent(server, "one", ()), agent(server, "two", ())], termination_condition=MaxMessageTermination(3))
        return len((await team.run(task="talk")).messages)

    return in_loop(use())


@ways("handoff", varies=True, tree="""
    agent triage
      call gpt-4o
      tool transfer_to_writer
    agent writer
      call gpt-4o
    """)
def _(server):
    from autogen_agentchat.conditions import TextMessageTermination
    from autogen_agentchat.teams import Swarm

    async def use():
        triage = agent(server, "triage", (), handoffs=["writer"])
        team = Swarm([triage, agent(server, "writer", ())], termination_condition=TextMessageTermination("writer"))
        return len((await team.run(task="[call transfer_to_writer]")).messages)

    return in_loop(use())
