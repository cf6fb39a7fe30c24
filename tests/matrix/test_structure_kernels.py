"""One framework of each kind in a real kernel: heard by the SDK's integration, by an adapter of ours, by OpenTelemetry."""

import pytest

from tests.matrix import environments
from tests.matrix.structure.process import SWITCHES

pytestmark = [pytest.mark.matrix, pytest.mark.timeout(600)]

LOAD = "%load_ext aimon_nb"
SHOWN = """from aimon_nb import last_run
from tests.matrix.structure.ways import tree_text
shown = tree_text(last_run()._latest)"""
# An agent that is a tool of another: the second call of the inner one is its own.
OPENAI_AGENTS = [
    """import openai
from agents import Agent, OpenAIChatCompletionsModel, Runner, function_tool
model = OpenAIChatCompletionsModel("gpt-4o", openai.AsyncOpenAI(base_url={url!r}, api_key="none"))
@function_tool
def look(word: str) -> str:
    return word
inner = Agent(name="researcher", model=model, tools=[look], instructions="[call look]")
boss = Agent(name="boss", model=model, tools=[inner.as_tool(tool_name="research", tool_description="researches")])""",
    "%%ai_track trip\nresult = await Runner.run(boss, '[call research]')",
    """agent boss
  call gpt-4o
  tool research
    agent researcher
      call gpt-4o
      tool look
      call gpt-4o
  call gpt-4o""",
]
SMOLAGENTS = [
    """import smolagents
@smolagents.tool
def look(word: str) -> str:
    '''Look.

    Args:
        word: what
    '''
    return "found. [call final_answer]"
model = smolagents.OpenAIModel("gpt-4o", api_base={url!r}, api_key="none")
agent = smolagents.ToolCallingAgent(tools=[look], model=model, verbosity_level=smolagents.LogLevel.OFF)""",
    "%%ai_track trip\nresult = agent.run('[call look]')",
    "agent ToolCallingAgent\n  call gpt-4o\n  tool look\n  call gpt-4o",
]
AUTOGEN = [
    """from autogen_agentchat.agents import AssistantAgent
from autogen_ext.models.openai import OpenAIChatCompletionClient
async def look(word: str) -> str:
    "Look."
    return word
client = OpenAIChatCompletionClient(model="gpt-4o", base_url={url!r}, api_key="none")
agent = AssistantAgent("helper", client, tools=[look], reflect_on_tool_use=True, system_message=None)""",
    "%%ai_track trip\nresult = await agent.run(task='[call look]')",
    "agent helper\n  call gpt-4o\n  tool look\n  call gpt-4o",
]


@pytest.mark.parametrize(
    ("environment", "cells"),
    [
        pytest.param("structure", OPENAI_AGENTS, id="openai_agents"),
        pytest.param("structure_openai_2", SMOLAGENTS, id="smolagents"),
        pytest.param("structure_openai_2", AUTOGEN, id="autogen"),
    ],
)
def test_in_a_kernel(kernels, truth, environment, cells):
    """The tree of a cell is the one of a script, live and saved; nothing is printed, nothing of ours fails."""
    setup, cell, tree = cells
    kernel = kernels(env={**SWITCHES, "PYTHONPATH": str(environments.ROOT), "OPENAI_AGENTS_DISABLE_TRACING": "1"}, python=environments.make(environment))
    told = kernel.run([LOAD, setup.format(url=truth.url), cell, SHOWN])
    assert [one.status for one in told] == ["ok"] * 4, told
    assert kernel.value("shown") == tree
    assert told[2].stream("stdout") == "" and "aimon_nb" not in told[2].stream("stderr")
    saved = told[2].data()[-1]
    assert [name for name in ("boss", "research", "look", "helper", "ToolCallingAgent") if name in tree and name not in saved] == []
    assert kernel.value("last_run()._latest.faults") == 0
    served = truth.settled()
    assert kernel.value("last_run()._latest.totals.calls") == len(served) == tree.count("call gpt-4o")
    assert kernel.value("last_run()._latest.totals.usage.input") == sum(call.input for call in served)
