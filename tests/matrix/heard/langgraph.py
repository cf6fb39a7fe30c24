"""LangGraph: graphs of the user's own and prebuilt agents, run in each way."""

import asyncio
import contextlib
import copy
import operator
import pickle
from typing import Annotated, TypedDict

from tests.matrix.heard.running import Ways
from tests.matrix.modes import in_loop

ways = Ways()
TOLD = {"messages": [("user", "use the tool")]}


def model(server):
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(model="gpt-4o", base_url=server.url, api_key="none", stream_usage=True)


def two_nodes(server, **more):
    from langgraph.graph import END, START, MessagesState, StateGraph

    chat = model(server)

    def write(state):
        return {"messages": [chat.invoke("write")]}

    async def review(state):
        return {"messages": [await chat.ainvoke("review")]}

    def review_now(state):
        return {"messages": [chat.invoke("review")]}

    graph = StateGraph(MessagesState)
    graph.add_node("write", write)
    graph.add_node("review", review if more.pop("is_async", False) else review_now)
    graph.add_edge(START, "write")
    graph.add_edge("write", "review")
    graph.add_edge("review", END)
    return graph.compile(**more)


TWO = """
    agent LangGraph
      step write
        chat
      step review
        chat
"""


def two(use):
    use.__doc__ = TWO
    return ways(use)


@two
def invoke(server):
    two_nodes(server).invoke(TOLD)


@two
def stream(server):
    list(two_nodes(server).stream(TOLD))


@two
def stream_messages(server):
    list(two_nodes(server).stream(TOLD, stream_mode="messages"))


@two
def ainvoke(server):
    in_loop(two_nodes(server, is_async=True).ainvoke(TOLD))


@two
def astream(server):
    async def use():
        return [part async for part in two_nodes(server, is_async=True).astream(TOLD)]

    in_loop(use())


@two
def astream_events(server):
    async def use():
        return [part async for part in two_nodes(server, is_async=True).astream_events(TOLD, version="v2")]

    in_loop(use())


@two
def events_3(server):
    """The third version of events."""
    for _ in two_nodes(server).stream_events(TOLD, version="v3"):
        pass


@ways
def beside_a_stream(server):
    """
    agent LangGraph
      step write
        chat
      step review
        chat
    chat
    chat
    """
    chat = model(server)
    for _ in two_nodes(server).stream(TOLD):
        chat.invoke("beside it")


@ways
def left_early(server):
    """
    agent LangGraph [abandoned: GeneratorExit]
      step write
        chat
    """
    for _ in two_nodes(server).stream(TOLD):
        break


@ways
def failed(server):
    """
    agent LangGraph [error: ZeroDivisionError]
      step fails [error: ZeroDivisionError]
        chat
    """
    from langgraph.graph import START, MessagesState, StateGraph

    def fails(state):
        model(server).invoke("before")
        return 1 / 0

    graph = StateGraph(MessagesState)
    graph.add_node("fails", fails)
    graph.add_edge(START, "fails")
    list(graph.compile().stream(TOLD))


@ways
def subgraph(server):
    """
    agent LangGraph
      agent inner
        step write
          chat
        step review
          chat
      step after
        chat
    """
    from langgraph.graph import START, MessagesState, StateGraph

    graph = StateGraph(MessagesState)
    graph.add_node("inner", two_nodes(server))
    graph.add_node("after", lambda state: {"messages": [model(server).invoke("after")]})
    graph.add_edge(START, "inner")
    graph.add_edge("inner", "after")
    list(graph.compile().stream(TOLD, subgraphs=True))


@ways
def graph_in_a_node(server):
    """
    agent LangGraph
      step outer
        agent LangGraph
          step write
            chat
          step review
            chat
    """
    from langgraph.graph import START, MessagesState, StateGraph

    inner = two_nodes(server)
    graph = StateGraph(MessagesState)
    graph.add_node("outer", lambda state: inner.invoke(state))
    graph.add_edge(START, "outer")
    graph.compile().invoke(TOLD)


class Jokes(TypedDict):
    subjects: list
    jokes: Annotated[list, operator.add]


def map_reduce(server):
    from langgraph.graph import END, START, StateGraph
    from langgraph.types import Send

    chat = model(server)
    graph = StateGraph(Jokes)
    graph.add_node("joke", lambda state: {"jokes": [chat.invoke(f"joke of {state['subject']}").content]})
    graph.add_node("best", lambda state: {"jokes": [chat.invoke("best").content]})
    graph.add_conditional_edges(START, lambda state: [Send("joke", {"subject": one}) for one in state["subjects"]], ["joke"])
    graph.add_edge("joke", "best")
    graph.add_edge("best", END)
    return graph.compile()


MAPPED = """
    agent LangGraph
      step joke
        chat
      step joke
        chat
      step joke
        chat
      step best
        chat
"""


@ways
def parallel(server):
    list(map_reduce(server).stream({"subjects": ["a", "b", "c"]}))


@ways
def parallel_async(server):
    async def use():
        return await map_reduce(server).ainvoke({"subjects": ["a", "b", "c"]})

    in_loop(use())


parallel.__doc__ = parallel_async.__doc__ = MAPPED


def agent(server, **more):
    from langchain.agents import create_agent
    from langchain_core.tools import tool

    @tool
    def look(word: str) -> str:
        """Look."""
        return f"found {word}"

    return create_agent(model(server), [look], **more)


PREBUILT = """
    agent LangGraph
      chat
      tool look
      chat
"""


@ways
def prebuilt(server):
    agent(server).invoke(TOLD)


@ways
def prebuilt_stream(server):
    list(agent(server).stream(TOLD, stream_mode="updates"))


@ways
def prebuilt_events(server):
    async def use():
        return [part async for part in agent(server).astream_events(TOLD, version="v2")]

    in_loop(use())


prebuilt.__doc__ = prebuilt_stream.__doc__ = prebuilt_events.__doc__ = PREBUILT


@ways
def prebuilt_named(server):
    """
    agent shop
      chat
      tool look
      chat
    """
    list(agent(server, name="shop").stream(TOLD))


@ways
def react(server):
    """
    agent LangGraph
      step agent
        chat
      tool look
      step agent
        chat
    """
    from langchain_core.tools import tool
    from langgraph.graph import START, MessagesState, StateGraph
    from langgraph.prebuilt import ToolNode, tools_condition

    @tool
    def look(word: str) -> str:
        """Look."""
        return f"found {word}"

    chat = model(server).bind_tools([look])
    graph = StateGraph(MessagesState)
    graph.add_node("agent", lambda state: {"messages": [chat.invoke(state["messages"])]})
    graph.add_node("tools", ToolNode([look]))
    graph.add_edge(START, "agent")
    graph.add_conditional_edges("agent", tools_condition)
    graph.add_edge("tools", "agent")
    list(graph.compile().stream(TOLD))


@ways
def tool_failed(server):
    """
    agent LangGraph [error: ValueError]
      chat
      tool look [error: ValueError]
    """
    from langchain.agents import create_agent
    from langchain_core.tools import tool

    @tool
    def look(word: str) -> str:
        """Look."""
        raise ValueError("no such word")

    list(create_agent(model(server), [look]).stream(TOLD))


@ways
def tool_failed_and_told(server):
    """
    agent LangGraph
      chat
      tool look [error: ToolException]
      chat
    """
    from langchain.agents import create_agent
    from langchain_core.tools import ToolException, tool

    @tool
    def look(word: str) -> str:
        """Look."""
        raise ToolException("no such word")

    look.handle_tool_error = True
    list(create_agent(model(server), [look]).stream(TOLD))


def waiting(server):
    from langgraph.checkpoint.memory import InMemorySaver
    from langgraph.graph import START, MessagesState, StateGraph
    from langgraph.types import interrupt

    chat = model(server)

    def ask(state):
        said = interrupt("may I?")
        return {"messages": [chat.invoke(f"go on {said}")]}

    inner = StateGraph(MessagesState)
    inner.add_node("ask", ask)
    inner.add_edge(START, "ask")
    graph = StateGraph(MessagesState)
    graph.add_node("careful", inner.compile())
    graph.add_edge(START, "careful")
    return graph.compile(checkpointer=InMemorySaver())


@ways
def interrupted(server):
    """
    agent LangGraph
      agent careful
        step ask
    agent LangGraph
      agent careful
        step ask
          chat
    """
    from langgraph.types import Command

    graph, config = waiting(server), {"configurable": {"thread_id": "thread-7"}}
    list(graph.stream(TOLD, config))
    graph.invoke(Command(resume="yes"), config)


@ways
def interrupted_in_a_tool(server):
    """
    agent LangGraph
      chat
      tool look
    agent LangGraph
      tool look
      chat
    """
    from langchain.agents import create_agent
    from langchain_core.tools import tool
    from langgraph.checkpoint.memory import InMemorySaver
    from langgraph.types import Command, interrupt

    @tool
    def look(word: str) -> str:
        """Look."""
        return str(interrupt("may I?"))

    made, config = create_agent(model(server), [look], checkpointer=InMemorySaver()), {"configurable": {"thread_id": "thread-8"}}
    made.invoke(TOLD, config)
    list(made.stream(Command(resume="yes"), config))


@ways
def functional(server):
    """
    agent flow
      step ask
        chat
      step ask
        chat
      chat
    """
    from langgraph.func import entrypoint, task

    chat = model(server)

    @task
    def ask(word):
        return chat.invoke(word).content

    @entrypoint()
    def flow(words):
        told = [one.result() for one in [ask(word) for word in words]]
        return chat.invoke(f"sum of {told}").content

    list(flow.stream(["a", "b"]))


@ways
def retriever(server):
    """
    agent LangGraph
      step find
        gen_ai.retrieval retrieval Shelf
        chat
    """
    from langchain_core.documents import Document
    from langchain_core.retrievers import BaseRetriever
    from langgraph.graph import START, MessagesState, StateGraph

    class Shelf(BaseRetriever):
        def _get_relevant_documents(self, query, *, run_manager):
            return [Document("found")]

    def find(state):
        return {"messages": [model(server).invoke(Shelf().invoke("what")[0].page_content)]}

    graph = StateGraph(MessagesState)
    graph.add_node("find", find)
    graph.add_edge(START, "find")
    graph.compile().invoke(TOLD)


@ways
def retriever_interrupted(server):
    """
    gen_ai.retrieval retrieval Shelf [interrupted: KeyboardInterrupt]
    gen_ai.retrieval retrieval Shelf [cancelled: CancelledError]
    chat
    """
    from langchain_core.retrievers import BaseRetriever

    class Shelf(BaseRetriever):
        def _get_relevant_documents(self, query, *, run_manager):
            raise KeyboardInterrupt

        async def _aget_relevant_documents(self, query, *, run_manager):
            raise asyncio.CancelledError

    async def use():
        with contextlib.suppress(asyncio.CancelledError):  # as a timeout does
            await Shelf().ainvoke("what")
        await model(server).ainvoke("after it")

    with contextlib.suppress(KeyboardInterrupt):  # of both LangChain tells no handler
        Shelf().invoke("what")
    in_loop(use())


@ways
def config_that_is_copied(server):
    """
    agent LangGraph
      step first
        chat
    """
    from langchain_core.runnables import RunnableConfig
    from langgraph.graph import START, MessagesState, StateGraph

    def first(state, config: RunnableConfig):
        # As it is for another process, where its handlers have nothing to do.
        kept = {"callbacks": config["callbacks"], "tags": config.get("tags")}
        assert pickle.loads(pickle.dumps(kept)).keys() == kept.keys()
        return {"messages": [model(server).invoke("hello", copy.deepcopy(kept))]}

    graph = StateGraph(MessagesState)
    graph.add_node("first", first)
    graph.add_edge(START, "first")
    graph.compile().invoke(TOLD)
