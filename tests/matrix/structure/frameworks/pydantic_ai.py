"""pydantic-ai: agents in each way of running, tools, agents in tools."""

from tests.matrix.structure.ways import Ways, async_client, in_loop

ways = Ways("structure")


@ways.setup("instrument_all")
def _(exported):
    from pydantic_ai import Agent
    from pydantic_ai.models.instrumented import InstrumentationSettings

    Agent.instrument_all(InstrumentationSettings(tracer_provider=exported.provider()))


@ways.setup("logfire")
def _(exported):
    import logfire

    from tests.matrix.structure.frameworks.logfire import configure

    configure(exported)
    logfire.instrument_pydantic_ai()


def agent(server, **more):
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    made = Agent(OpenAIChatModel("gpt-4o", provider=OpenAIProvider(openai_client=async_client(server))), **more)

    @made.tool_plain
    def look(word: str) -> str:
        return f"found {word}"

    @made.tool_plain
    async def add(a: int, b: int) -> int:
        return a + b

    return made


TREE = """
    agent helper
      call gpt-4o
      tool look
      call gpt-4o
    """


@ways("run-sync", tree=TREE)
def _(server):
    return agent(server, name="helper").run_sync("[call look]").output


@ways("run", tree=TREE)
def _(server):
    return in_loop(agent(server, name="helper").run("[call look]")).output


@ways("run-stream", tree=TREE)
def _(server):
    async def use():
        async with agent(server, name="helper").run_stream("[call look]") as result:
            return await result.get_output()

    return in_loop(use())


@ways("iter", tree=TREE)
def _(server):
    async def use():
        async with agent(server, name="helper").iter("[call look]") as steps:
            async for _node in steps:
                pass
            return steps.result.output

    return in_loop(use())


@ways("unnamed", tree=TREE.replace("helper", "editor"))
def _(server):
    """An agent without a name is called by the variable that holds it."""
    editor = agent(server)
    return editor.run_sync("[call look]").output


@ways("unnamed-in-no-variable", tree=TREE.replace("helper", "agent"))
def _(server):
    return [agent(server)][0].run_sync("[call look]").output


@ways("parallel-tools", unordered=True, varies=True, tree="""
    agent helper
      call gpt-4o
      tool look
      tool add
      call gpt-4o
    """)
def _(server):
    return agent(server, name="helper").run_sync("[call look, add]").output


@ways("agent-in-a-tool", tree="""
    agent boss
      call gpt-4o
      tool research
        agent researcher
          call gpt-4o
          tool look
          call gpt-4o
      call gpt-4o
    """)
def _(server):
    boss, researcher = agent(server, name="boss"), agent(server, name="researcher")

    @boss.tool_plain
    async def research(topic: str) -> str:
        return (await researcher.run("[call look]")).output

    return in_loop(boss.run("[call research]")).output


@ways("tool-error", raises=True, tree="""
    agent helper !error
      call gpt-4o
      tool broken !error
    """)
def _(server):
    helper = agent(server, name="helper")

    @helper.tool_plain
    def broken(word: str) -> str:
        raise ValueError(word)

    return helper.run_sync("[call broken]").output


@ways("call-error", raises=True, tree="""
    agent helper !error
      call gpt-4o !error
    """)
def _(server):
    return agent(server, name="helper").run_sync("[status 400]").output


@ways("left-early", left=True, tree="""
    agent helper
      call gpt-4o !abandoned
    """)
def _(server):
    async def use():
        async with agent(server, name="helper").run_stream("left early") as result:
            async for text in result.stream_text(delta=True, debounce_by=None):
                return bool(text)

    return in_loop(use())
