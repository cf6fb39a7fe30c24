"""Google's ADK: agents, tools, sub-agents, agents as tools."""

from tests.matrix.structure.ways import Ways, in_loop

ways = Ways("google_adk", environ={"GOOGLE_GEMINI_BASE_URL": "http://HOST"})


def look(word: str) -> str:
    """Look."""
    return f"found {word}"


def add(a: int, b: int) -> int:
    """Add."""
    return a + b


def broken(word: str) -> str:
    """Break."""
    raise ValueError(word)


def agent(name="helper", tools=(look,), **more):
    from google.adk.agents import LlmAgent

    return LlmAgent(name=name, model="gemini-2.5-flash", tools=list(tools), **more)


def run(root, text, *, stream=False):
    async def use():
        from google.adk.agents.run_config import RunConfig, StreamingMode
        from google.adk.runners import InMemoryRunner
        from google.genai import types

        runner = InMemoryRunner(agent=root, app_name="mine")
        session = await runner.session_service.create_session(app_name="mine", user_id="me")
        asked = types.Content(role="user", parts=[types.Part(text=text)])
        config = RunConfig(streaming_mode=StreamingMode.SSE) if stream else RunConfig()
        told = runner.run_async(user_id="me", session_id=session.id, new_message=asked, run_config=config)
        return [event.author async for event in told]

    return in_loop(use())


# What ADK calls the workflow of an agent has the agent's name: one row.
TREE = """
    agent helper
      call gemini-2.5-flash
      tool look
      call gemini-2.5-flash
    """


@ways("run", tree=TREE)
def _(server):
    return run(agent(), "[call look]")


@ways("stream", tree=TREE)
def _(server):
    return run(agent(), "[call look]", stream=True)[-1]


@ways("parallel-tools", unordered=True, varies=True, tree="""
    agent helper
      call gemini-2.5-flash
      tool look
      tool add
      call gemini-2.5-flash
    """)
def _(server):
    return run(agent(tools=(look, add)), "[call look, add]")


@ways("tool-error", raises=True, tree="""
    agent helper !error
      call gemini-2.5-flash
      tool broken !error
    """)
def _(server):
    return run(agent(tools=(broken,)), "[call broken]")


@ways("sequential", tree="""
    agent pipeline
      agent one
        call gemini-2.5-flash
      agent two
        call gemini-2.5-flash
    """)
def _(server):
    from google.adk.agents import SequentialAgent

    return run(SequentialAgent(name="pipeline", sub_agents=[agent("one", ()), agent("two", ())]), "go")


@ways("parallel", unordered=True, varies=True, tree="""
    agent both
      agent one
        call gemini-2.5-flash
      agent two
        call gemini-2.5-flash
    """)
def _(server):
    from google.adk.agents import ParallelAgent

    return sorted(run(ParallelAgent(name="both", sub_agents=[agent("one", ()), agent("two", ())]), "go"))


@ways("agent-tool", tree="""
    agent boss
      call gemini-2.5-flash
      tool helper
        agent helper
          call gemini-2.5-flash
          tool look
          call gemini-2.5-flash
      call gemini-2.5-flash
    """)
def _(server):
    from google.adk.tools import agent_tool

    inner = agent(instruction="[call look]")
    return run(agent("boss", (agent_tool.AgentTool(agent=inner),)), "[call helper]")
