"""LangGraph and LangChain: graphs of the user's own, and the prebuilt agent."""

import asyncio
import operator
from typing import Annotated, TypedDict

from tests.matrix.structure.ways import Ways, in_loop

ways = Ways("structure")


@ways.setup("openinference")
def _(exported):
    from openinference.instrumentation.langchain import LangChainInstrumentor

    LangChainInstrumentor().instrument(tracer_provider=exported.provider())


def model(server, **more):
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(model="gpt-4o", base_url=server.url, api_key="none", max_retries=0, stream_usage=True, **more)


def said(text):
    return {"messages": [{"role": "user", "content": text}]}


def graph(server, name=None):
    """Two nodes that ask, one after the other."""
    from langgraph.graph import START, MessagesState, StateGraph

    llm = model(server)

    def first(state):
        return {"messages": [llm.invoke(state["messages"])]}

    async def afirst(state):
        return {"messages": [await llm.ainvoke(state["messages"])]}

    from langchain_core.runnables import RunnableLambda

    g = StateGraph(MessagesState)
    g.add_node("draft", RunnableLambda(first, afirst))
    g.add_node("polish", RunnableLambda(first, afirst))
    g.add_edge(START, "draft")
    g.add_edge("draft", "polish")
    return g.compile(name=name)


TWO_NODES = """
    agent LangGraph
      step draft
        call gpt-4o
      step polish
        call gpt-4o
    """


@ways("invoke", tree=TWO_NODES)
def _(server):
    return len(graph(server).invoke(said("one"))["messages"])


@ways("stream", tree=TWO_NODES)
def _(server):
    return [list(part) for part in graph(server).stream(said("one"))]


@ways("stream-messages", tree=TWO_NODES)
def _(server):
    return len(list(graph(server).stream(said("one"), stream_mode="messages"))) > 2


@ways("ainvoke", tree=TWO_NODES)
def _(server):
    return len(in_loop(graph(server).ainvoke(said("one")))["messages"])


@ways("astream", tree=TWO_NODES)
def _(server):
    async def use():
        return [list(part) async for part in graph(server).astream(said("one"))]

    return in_loop(use())


@ways("astream-events", tree=TWO_NODES)
def _(server):
    async def use():
        return len([event async for event in graph(server).astream_events(said("one"), version="v2")]) > 5

    return in_loop(use())


@ways("named", tree=TWO_NODES.replace("LangGraph", "writer"))
def _(server):
    return len(graph(server, "writer").invoke(said("one"))["messages"])


@ways("left-early", left=True, tree="""
    agent LangGraph !abandoned
      step draft
        call gpt-4o
    """)
def _(server):
    for part in graph(server).stream(said("one")):
        return list(part)


@ways("map-reduce", unordered=True, varies=True, tree="""
    agent LangGraph
      step plan
        call gpt-4o
      step joke
        call gpt-4o
      step joke
        call gpt-4o
    """)
def _(server):
    from langgraph.graph import START, StateGraph
    from langgraph.types import Send

    class State(TypedDict):
        topics: list
        jokes: Annotated[list, operator.add]

    llm = model(server)

    def plan(state):
        return {"topics": [str(len(llm.invoke("plan").content)), "b"]}

    def joke(state):
        return {"jokes": [llm.invoke(f"joke on {state['topic']}").content]}

    g = StateGraph(State)
    g.add_node("plan", plan)
    g.add_node("joke", joke)
    g.add_edge(START, "plan")
    g.add_conditional_edges("plan", lambda state: [Send("joke", {"topic": t}) for t in state["topics"]], ["joke"])
    return sorted(g.compile().invoke({"topics": [], "jokes": []})["jokes"])


@ways("subgraph", tree="""
    agent LangGraph
      agent researcher
        step draft
          call gpt-4o
        step polish
          call gpt-4o
    """)
def _(server):
    """A node that is a graph is its agent."""
    from langgraph.graph import START, MessagesState, StateGraph

    g = StateGraph(MessagesState)
    g.add_node("research", graph(server, "researcher"))
    g.add_edge(START, "research")
    return len(g.compile().invoke(said("one"))["messages"])


@ways("node-error", raises=True, tree="""
    agent LangGraph !error
      step draft !error
        call gpt-4o !error
    """)
def _(server):
    return graph(server).invoke(said("[status 400]"))


@ways("interrupt", tree="""
    agent LangGraph
      step ask
        call gpt-4o
    agent LangGraph
      step ask
        call gpt-4o
    """)
def _(server):
    """A node that waits for a person has not failed."""
    from langgraph.checkpoint.memory import InMemorySaver
    from langgraph.graph import START, MessagesState, StateGraph
    from langgraph.types import Command, interrupt

    llm = model(server)

    def ask(state):
        told = llm.invoke(state["messages"])
        return {"messages": [told, ("user", interrupt("may I?"))]}

    g = StateGraph(MessagesState)
    g.add_node("ask", ask)
    g.add_edge(START, "ask")
    app, config = g.compile(checkpointer=InMemorySaver()), {"configurable": {"thread_id": "1"}}
    app.invoke(said("one"), config)
    return len(app.invoke(Command(resume="yes"), config)["messages"])


def prebuilt(server, *tools, **more):
    from langchain.agents import create_agent

    return create_agent(model(server), list(tools), **more)


def look(word: str) -> str:
    """Look."""
    return f"found {word}"


def add(a: int, b: int) -> int:
    """Add."""
    return a + b


AGENT = """
    agent LangGraph
      call gpt-4o
      tool look
      call gpt-4o
    """


@ways("prebuilt", tree=AGENT)
def _(server):
    return len(prebuilt(server, look).invoke(said("[call look]"))["messages"])


@ways("prebuilt-astream", tree=AGENT)
def _(server):
    async def use():
        return [list(part) async for part in prebuilt(server, look).astream(said("[call look]"))]

    return in_loop(use())


@ways("prebuilt-parallel-tools", unordered=True, varies=True, tree="""
    agent helper
      call gpt-4o
      tool look
      tool add
      call gpt-4o
    """)
def _(server):
    return len(prebuilt(server, look, add, name="helper").invoke(said("[call look, add]"))["messages"])


@ways("prebuilt-tool-error", raises=True, tree="""
    agent LangGraph !error
      call gpt-4o
      tool broken !error
    """)
def _(server):
    def broken(word: str) -> str:
        """Break."""
        raise ValueError(word)

    return prebuilt(server, broken).invoke(said("[call broken]"))


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
    inner = prebuilt(server, look, name="researcher")

    def research(topic: str) -> str:
        """Research."""
        return inner.invoke(said("[call look]"))["messages"][-1].content

    return len(prebuilt(server, research, name="boss").invoke(said("[call research]"))["messages"])


@ways("chain", tree="call gpt-4o")
def _(server):
    from langchain_core.output_parsers import StrOutputParser
    from langchain_core.prompts import ChatPromptTemplate

    return (ChatPromptTemplate.from_template("tell {x}") | model(server) | StrOutputParser()).invoke({"x": "one"})


@ways("gather-of-agents", unordered=True, varies=True, tree="""
    agent LangGraph
      call gpt-4o
      tool look
      call gpt-4o
    agent LangGraph
      call gpt-4o
      tool look
      call gpt-4o
    """)
def _(server):
    async def use():
        return [len(r["messages"]) for r in await asyncio.gather(*(prebuilt(server, look).ainvoke(said("[call look]")) for _ in range(2)))]

    return in_loop(use())
