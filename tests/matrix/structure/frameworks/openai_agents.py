"""openai-agents: runs, tools, agents as tools, handoffs."""

import asyncio

from tests.matrix.structure.ways import Ways, async_client, in_loop

ways = Ways("structure")


@ways.setup("openinference")
def _(exported):
    from openinference.instrumentation.openai_agents import OpenAIAgentsInstrumentor

    OpenAIAgentsInstrumentor().instrument(tracer_provider=exported.provider())


@ways.setup("logfire")
def _(exported):
    import logfire

    from tests.matrix.structure.frameworks.logfire import configure

    configure(exported)
    logfire.instrument_openai_agents()


def agent(server, name, **more):
    from agents import Agent, OpenAIChatCompletionsModel

    return Agent(name=name, model=OpenAIChatCompletionsModel("gpt-4o", async_client(server)), **more)


def run(a, text):
    from agents import Runner

    return in_loop(Runner.run(a, text)).final_output


def tools():
    from agents import function_tool

    @function_tool
    def look(word: str) -> str:
        return f"found {word}"

    @function_tool
    async def add(a: int, b: int) -> int:
        return a + b

    return [look, add]


ONE_TOOL = """
    agent helper
      call gpt-4o
      tool look
      call gpt-4o
    """


@ways("run", tree=ONE_TOOL)
def _(server):
    return run(agent(server, "helper", tools=tools()), "[call look]")


@ways("run-sync", tree=ONE_TOOL)
def _(server):
    from agents import Runner

    return Runner.run_sync(agent(server, "helper", tools=tools()), "[call look]").final_output


@ways("run-streamed", tree=ONE_TOOL)
def _(server):
    async def use():
        from agents import Runner

        result = Runner.run_streamed(agent(server, "helper", tools=tools()), "[call look]")
        return len([event async for event in result.stream_events()]) > 3

    return in_loop(use())


@ways("parallel-tools", unordered=True, varies=True, tree="""
    agent helper
      call gpt-4o
      tool look
      tool add
      call gpt-4o
    """)
def _(server):
    return run(agent(server, "helper", tools=tools()), "[call look, add]")


@ways("agent-as-tool", tree="""
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
    inner = agent(server, "researcher", tools=tools(), instructions="[call look]")
    return run(agent(server, "boss", tools=[inner.as_tool(tool_name="research", tool_description="researches")]), "[call research]")


@ways("two-agents-as-tools", unordered=True, varies=True, tree="""
    agent boss
      call gpt-4o
      tool research
        agent researcher
          call gpt-4o
          tool look
          call gpt-4o
      tool write
        agent writer
          call gpt-4o
      call gpt-4o
    """)
def _(server):
    inner = agent(server, "researcher", tools=tools(), instructions="[call look]")
    writer = agent(server, "writer")
    both = [inner.as_tool(tool_name="research", tool_description="researches"), writer.as_tool(tool_name="write", tool_description="writes")]
    return run(agent(server, "boss", tools=both), "[call research, write]")


@ways("handoff", tree="""
    agent triage
      call gpt-4o
      step handoff from triage to writer
    agent writer
      call gpt-4o
    """)
def _(server):
    return run(agent(server, "triage", handoffs=[agent(server, "writer")]), "[call transfer_to_writer]")


@ways("tool-error", tree="""
    agent helper
      call gpt-4o
      tool broken !error
      call gpt-4o
    """)
def _(server):
    from agents import function_tool

    @function_tool
    def broken(word: str) -> str:
        raise ValueError(word)

    return run(agent(server, "helper", tools=[broken]), "[call broken]")


@ways("tracked-tool", tree="""
    agent helper
      call gpt-4o
      tool look
        call gpt-4o
      call gpt-4o
    """)
def _(server):
    """A tool with a decorator of ours is one row; what it asks is below it."""
    from agents import function_tool

    from tests.matrix.structure.ways import asked, openai_client

    def look(word: str) -> str:
        return asked(openai_client(server), word).choices[0].message.content

    try:
        from aimon_nb import ai_track
    except ImportError:
        tracked = look
    else:
        tracked = ai_track("look")(look)
    return run(agent(server, "helper", tools=[function_tool(tracked, name_override="look")]), "[call look]")


@ways("call-error", raises=True, tree="""
    agent helper !error
      call gpt-4o !error
    """)
def _(server):
    return run(agent(server, "helper"), "[status 400]")


@ways("left-early", left=True, tree="""
    agent helper !abandoned
      call gpt-4o !abandoned
    """)
def _(server):
    async def use():
        from agents import Runner

        result = Runner.run_streamed(agent(server, "helper"), "left early")
        async for event in result.stream_events():
            if event.type == "raw_response_event":
                result.cancel()
                return event.type

    return in_loop(use())


@ways("gather", unordered=True, varies=True, tree="""
    agent one
      call gpt-4o
      tool look
      call gpt-4o
    agent two
      call gpt-4o
      tool look
      call gpt-4o
    """)
def _(server):
    from agents import Runner

    async def use():
        return [r.final_output for r in await asyncio.gather(*(Runner.run(agent(server, n, tools=tools()), "[call look]") for n in ("one", "two")))]

    return in_loop(use())


@ways("one-trace", tree="""
    agent helper
      call gpt-4o
    agent helper
      call gpt-4o
    """)
def _(server):
    """A trace of the user's own around two runs, which the program has switched off."""
    from agents import Runner, trace

    async def use():
        with trace("research trip"):
            return [(await Runner.run(agent(server, "helper"), text)).final_output for text in ("a", "b")]

    return in_loop(use())
