"""CrewAI: crews, tools, flows."""

import os

from tests.matrix.structure.ways import Ways, in_loop

ways = Ways("crewai", provider=False)


@ways.setup("telemetry")
def _(exported):
    """As CrewAI comes: it tells its maker of each crew and task by spans; here they go nowhere."""
    os.environ["CREWAI_DISABLE_TELEMETRY"] = "false"
    os.environ["DO_NOT_TRACK"] = "0"
    from crewai.telemetry.telemetry import SafeOTLPSpanExporter, Telemetry
    from opentelemetry.sdk.trace.export import SpanExportResult

    SafeOTLPSpanExporter.export = lambda exporter, spans: SpanExportResult.SUCCESS
    assert Telemetry().ready


def agent(server, role="helper", tools=(), **more):
    from crewai import LLM, Agent

    llm = LLM(model="openai/gpt-4o", base_url=server.url, api_key="none")
    return Agent(role=role, goal="help", backstory="old", llm=llm, tools=list(tools), verbose=False, **more)


def crew(*agents, said="say it", **more):
    from crewai import Crew, Task

    tasks = [Task(description=said, expected_output="words", agent=one) for one in agents]
    return Crew(agents=list(agents), tasks=tasks, verbose=False, **more)


def look():
    from crewai.tools import tool

    @tool
    def look(word: str) -> str:
        """Look."""
        return f"found {word}"

    return look


TREE = """
    step crew
      agent helper
        call gpt-4o
    """


@ways("kickoff", tree=TREE)
def _(server):
    return bool(crew(agent(server)).kickoff().raw)


@ways("kickoff-async", tree=TREE)
def _(server):
    async def use():
        return bool((await crew(agent(server)).kickoff_async()).raw)

    return in_loop(use())


@ways("two-agents", tree="""
    step crew
      agent one
        call gpt-4o
      agent two
        call gpt-4o
    """)
def _(server):
    return bool(crew(agent(server, "one"), agent(server, "two")).kickoff().raw)


@ways("tool", tree="""
    step crew
      agent helper
        call gpt-4o
        tool look
        call gpt-4o
    """)
def _(server):
    return bool(crew(agent(server, tools=[look()]), said="[call look]").kickoff().raw)


@ways("call-error", raises=True, tree="""
    step crew !error
      agent helper !error
        call gpt-4o !error
    """)
def _(server):
    return crew(agent(server, max_retry_limit=0), said="[status 400]").kickoff()
