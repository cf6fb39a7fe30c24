"""CrewAI: crews, agents alone, flows, tools that fail, tasks side by side, a listener of the user's own."""

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor

from crewai import LLM, Agent, Crew, Task
from crewai.events import AgentExecutionCompletedEvent, ToolUsageFinishedEvent, crewai_event_bus
from crewai.flow.flow import Flow, listen, start
from crewai.tools import tool

from tests.matrix.adapters import Ways

ways = Ways()


@tool("look")
def look(word: str) -> str:
    """Look a word up."""
    return f"found {word}"


@tool("fail")
def fail(word: str) -> str:
    """Fail."""
    raise ValueError("no such word")


def llm(server, **more):
    return LLM(model="gpt-4o", base_url=server.url, api_key="none", **more)


def agent(server, *tools, role="Writer", **more):
    return Agent(role=role, goal="write", backstory="b", llm=llm(server), tools=list(tools), max_iter=3, verbose=False, max_retry_limit=0, **more)


def task(made, text="use the tool", **more):
    return Task(description=text, expected_output="x", agent=made, **more)


def crew(*tasks, **more):
    return Crew(agents=[one.agent for one in tasks], tasks=list(tasks), verbose=False, **more)


CREW = """
    crew
      writing
        invoke_agent Writer
          chat gpt-4o
          execute_tool look
          chat gpt-4o
"""
AGENT = """
    invoke_agent Writer
      chat gpt-4o
      execute_tool look
      chat gpt-4o
"""


@ways("crew", CREW, content={"execute_tool look": [..., "found text"], "invoke_agent Writer": [..., ...], "writing": [..., ...]})
def _(server):
    return crew(task(agent(server, look), name="writing")).kickoff().raw


@ways("crew, in a thread", CREW)
def _(server):
    return asyncio.run(crew(task(agent(server, look), name="writing")).kickoff_async()).raw


@ways("crew, async", CREW)
def _(server):
    return asyncio.run(crew(task(agent(server, look), name="writing")).akickoff()).raw


@ways("two tasks without names", """
    story
      invoke_agent Writer
        chat gpt-4o
      invoke_agent Reader
        chat gpt-4o
""")
def _(server):
    return crew(task(agent(server), "one"), task(agent(server, role="Reader"), "two"), name="story").kickoff().raw


@ways("agent", AGENT)
def _(server):
    return agent(server, look).kickoff("use the tool").raw


@ways("agent, async", AGENT)
def _(server):
    return asyncio.run(agent(server, look).kickoff_async("use the tool")).raw


@ways("nested", """
    invoke_agent Boss
      chat gpt-4o
      execute_tool ask_writer
        invoke_agent Writer
          chat gpt-4o
          execute_tool look
          chat gpt-4o
      chat gpt-4o
""")
def _(server):
    @tool("ask_writer")
    def ask_writer(question: str) -> str:
        """Ask the writer."""
        return agent(server, look).kickoff("use the tool").raw

    return agent(server, ask_writer, role="Boss").kickoff("use the tool").raw


@ways("a tool fails", """
    invoke_agent Writer
      chat gpt-4o
      execute_tool fail [error ValueError]
      chat gpt-4o
""")
def _(server):
    return agent(server, fail).kickoff("use the tool").raw


@ways("the model fails", """
    crew [error BadRequestError]
      writing [error BadRequestError]
        invoke_agent Writer [error BadRequestError]
          chat gpt-4o [error HTTP 400]
""", raises=True)
def _(server):
    return crew(task(agent(server), "[status 400]", name="writing")).kickoff().raw


class Story(Flow):
    server = None

    @start()
    def first(self):
        return llm(self.server).call("one")

    @listen(first)
    def second(self, said):
        return agent(self.server, look).kickoff("use the tool").raw


@ways("flow", """
    Story
      first
        chat gpt-4o
      second
        invoke_agent Writer
          chat gpt-4o
          execute_tool look
          chat gpt-4o
""")
def _(server):
    Story.server = server
    return Story(suppress_flow_events=False).kickoff()


@ways("tasks side by side", """
    crew
      one
        invoke_agent Writer
          chat gpt-4o
      two
        invoke_agent Reader
          chat gpt-4o
""", any_order=True)
def _(server):
    return crew(task(agent(server), "one", name="one", async_execution=True), task(agent(server, role="Reader"), "two", name="two")).kickoff().raw


@ways("threads", AGENT * 3, any_order=True)
def _(server):
    with ThreadPoolExecutor(3) as pool:
        return list(pool.map(lambda _: agent(server, look).kickoff("use the tool").raw, range(3)))


@ways("gather", AGENT * 3, any_order=True)
def _(server):
    async def use():
        return len(await asyncio.gather(*(agent(server, look).kickoff_async("use the tool") for _ in range(3))))

    return asyncio.run(use())


LEFT = """
    crew [cancelled CancelledError]
      writing [cancelled CancelledError]
        invoke_agent Writer [cancelled CancelledError]
          chat gpt-4o
    chat gpt-4o
"""


@ways("left early", LEFT)
def _(server):
    """No event tells of a cancelled task, and its call goes on in a thread."""
    async def use():
        server.hold()
        job = asyncio.ensure_future(crew(task(agent(server), name="writing")).akickoff())
        await asyncio.to_thread(server.wait_held, 1)
        job.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await job
        server.release()
        return llm(server).call("after")

    return asyncio.run(use())


@ways("left by a timeout", LEFT)
def _(server):
    """In the very task that goes on after it: what that asks is not below the crew."""
    async def use():
        me = asyncio.current_task()

        async def stop():
            await asyncio.to_thread(server.wait_held, 1)
            me.cancel()

        server.hold()
        stopping = asyncio.ensure_future(stop())
        with contextlib.suppress(asyncio.CancelledError):
            await crew(task(agent(server), name="writing")).akickoff()
        await stopping
        server.release()
        return llm(server).call("after")

    return asyncio.run(use())


def users_own(server):
    """His handler is told the same, and no other has come."""
    told = []

    def hear(source, event):
        told.append([event.type, type(source).__name__])

    kinds = (ToolUsageFinishedEvent, AgentExecutionCompletedEvent)
    for kind in kinds:
        crewai_event_bus.register_handler(kind, hear)
    try:
        crew(task(agent(server, look), name="writing")).kickoff()
        crewai_event_bus.flush(30)
        return [sorted(told), [len(crewai_event_bus._sync_handlers[kind]) for kind in kinds]]
    finally:
        for kind in kinds:
            crewai_event_bus.off(kind, hear)
