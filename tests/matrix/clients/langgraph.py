"""langgraph: agents over langchain-openai."""

import asyncio

from tests.matrix.clients.langchain_openai import model
from tests.matrix.modes import Modes, cancelled_soon, gathered, in_loop, in_threads, interrupted_soon

modes = Modes("langgraph", "langchain")


def agent(server):
    from langchain.agents import create_agent
    from langchain_core.tools import tool

    @tool
    def look(word: str) -> str:
        """Look."""
        return f"found {word}"

    return create_agent(model(server), [look])


def said(text):
    return {"messages": [("user", text)]}


@modes("tool-loop")
def _(server):
    return [m.content for m in agent(server).invoke(said("use the tool"))["messages"]]


@modes("async")
def _(server):
    return [m.content for m in in_loop(agent(server).ainvoke(said("use the tool")))["messages"]]


@modes("stream")
def _(server):
    return [list(part) for part in agent(server).stream(said("use the tool"))]


@modes("stream-messages")
def _(server):
    return [m.content for m, _ in agent(server).stream(said("use the tool"), stream_mode="messages")]


@modes("graph")
def _(server):
    from langgraph.graph import END, START, MessagesState, StateGraph

    def node(state):
        return {"messages": [model(server).invoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("a", node)
    graph.add_node("b", node)
    graph.add_edge(START, "a")
    graph.add_edge("a", "b")
    graph.add_edge("b", END)
    return [m.content for m in graph.compile().invoke(said("two nodes"))["messages"]]


@modes("retry-429")
def _(server):
    return agent(server).invoke(said("again [busy once] in a graph"))["messages"][-1].content


@modes("threads-8")
def _(server):
    a = agent(server)
    return in_threads(lambda n: a.invoke(said(f"step-{n}"))["messages"][-1].content)


@modes("gather-8")
def _(server):
    async def use():
        a = agent(server)

        async def one(n):
            return (await a.ainvoke(said(f"step-{n}")))["messages"][-1].content

        return await gathered(one)

    return in_loop(use())


@modes("parse")
def _(server):
    from langchain.agents import create_agent
    from langchain.agents.structured_output import ProviderStrategy
    from pydantic import BaseModel

    class Answer(BaseModel):
        word: str

    a = create_agent(model(server), [], response_format=ProviderStrategy(Answer))
    return a.invoke(said("parse"))["structured_response"].word


@modes("astream")
def _(server):
    async def use():
        return [list(part) async for part in agent(server).astream(said("use the tool"))]

    return in_loop(use())


@modes("left-early", left=True)
def _(server):
    for message, _ in agent(server).stream(said("left early"), stream_mode="messages"):
        if message.content:
            return message.content


@modes("interrupted", left=True)
def _(server):
    with interrupted_soon(server):
        list(agent(server).stream(said("interrupted"), stream_mode="messages"))


@modes("cancelled", left=True)
def _(server):
    return in_loop(cancelled_soon(server, agent(server).ainvoke(said("too long"))))
