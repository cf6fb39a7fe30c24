"""LlamaIndex: agents, workflows of several, engines, retrievers, tools, workflows of the user's own."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from llama_index.core import Document, VectorStoreIndex
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.span import SimpleSpan
from llama_index.core.instrumentation.span_handlers import SimpleSpanHandler
from llama_index.core.tools import QueryEngineTool
from llama_index.core.workflow import Event, StartEvent, StopEvent, Workflow, step
from llama_index.llms.openai import OpenAI

from tests.matrix.adapters import Ways

ways = Ways()
dispatcher = get_dispatcher("tests")


def llm(server, stream=False):
    return OpenAI(model="gpt-4o", api_base=server.url, api_key="none", max_retries=0, additional_kwargs={"stream_options": {"include_usage": True}} if stream else {})


def look(word: str) -> str:
    """Look a word up."""
    return f"found {word}"


def fail(word: str) -> str:
    """Fail."""
    raise ValueError("no such word")


def agent(server, *tools, name="helper", streaming=False, **more):
    return FunctionAgent(name=name, description="helps", tools=list(tools), llm=llm(server, streaming), streaming=streaming, **more)


def ask(made, text="use the tool"):
    async def use():
        return str(await made.run(text))

    return asyncio.run(use())


def index():
    return VectorStoreIndex.from_documents([Document(text="cats purr")], embed_model=MockEmbedding(8))


def engine(server, streaming=False):
    return index().as_query_engine(llm=llm(server, streaming), streaming=streaming)


AGENT = """
    invoke_agent helper
      chat gpt-4o
      execute_tool look
      chat gpt-4o
"""
QUERY = """
    RetrieverQueryEngine
      VectorIndexRetriever (retrieval)
      chat gpt-4o
"""


@ways("agent", AGENT, content={"execute_tool look": [{"word": "word"}, "found word"], "invoke_agent helper": [..., ...]})
def _(server):
    return ask(agent(server, look))


@ways("agent, streamed", AGENT)
def _(server):
    async def use():
        handler = agent(server, look, streaming=True).run("use the tool")
        kinds = [type(event).__name__ async for event in handler.stream_events()]
        return len(kinds) > 3, bool(str(await handler))

    return asyncio.run(use())


@ways("agent without a name", """
    invoke_agent FunctionAgent
      chat gpt-4o
""")
def _(server):
    return ask(FunctionAgent(tools=[look], llm=llm(server), streaming=False), "plain")


@ways("a tool fails", """
    invoke_agent helper
      chat gpt-4o
      execute_tool fail [error ValueError]
      chat gpt-4o
""")
def _(server):
    return ask(agent(server, fail))


@ways("the model fails", """
    invoke_agent helper [error BadRequestError]
      chat gpt-4o [error HTTP 400]
""", raises=True)
def _(server):
    return ask(agent(server, look), "[status 400]")


@ways("nested", """
    invoke_agent boss
      chat gpt-4o
      execute_tool ask_helper
        invoke_agent helper
          chat gpt-4o
          execute_tool look
          chat gpt-4o
      chat gpt-4o
""")
def _(server):
    async def ask_helper(question: str) -> str:
        """Ask the helper."""
        return str(await agent(server, look).run("use the tool"))

    return ask(agent(server, ask_helper, name="boss"))


@ways("several agents", """
    AgentWorkflow
      invoke_agent helper
        chat gpt-4o
        execute_tool look
        chat gpt-4o
""")
def _(server):
    return ask(AgentWorkflow(agents=[agent(server, look), agent(server, name="other")], root_agent="helper"))


@ways("handoff", """
    AgentWorkflow
      invoke_agent boss
        chat gpt-4o
        execute_tool handoff
      invoke_agent to agent
        chat gpt-4o
""")
def _(server):
    """The truth server hands off to whom the schema's example names."""
    agents = [agent(server, name="boss", can_handoff_to=["to agent"]), agent(server, name="to agent")]
    return ask(AgentWorkflow(agents=agents, root_agent="boss"))


@ways("query", QUERY, content={"VectorIndexRetriever": [..., ...]})
def _(server):
    return bool(str(engine(server).query("why")))


@ways("query, async", QUERY)
def _(server):
    return bool(str(asyncio.run(engine(server).aquery("why"))))


@ways("query, streamed", """
    RetrieverQueryEngine
      VectorIndexRetriever (retrieval)
    chat gpt-4o
""")
def _(server):
    """The engine is done before it asks: whoever reads its stream sends the request."""
    return bool(str(engine(server, streaming=True).query("why")))


@ways("chat engine", """
    ContextChatEngine
      VectorIndexRetriever (retrieval)
      chat gpt-4o
""")
def _(server):
    return bool(str(index().as_chat_engine(llm=llm(server), chat_mode="context").chat("why")))


@ways("an engine is a tool", """
    invoke_agent helper
      chat gpt-4o
      execute_tool query_engine_tool
        RetrieverQueryEngine
          VectorIndexRetriever (retrieval)
          chat gpt-4o
      chat gpt-4o
""")
def _(server):
    return ask(agent(server, QueryEngineTool.from_defaults(engine(server), description="cats")))


class Middle(Event):
    text: str


class Flow(Workflow):
    def __init__(self, llm):
        super().__init__()
        self.llm = llm

    @step
    async def first(self, ev: StartEvent) -> Middle:
        return Middle(text=str(await self.llm.acomplete("one")))

    @step
    async def second(self, ev: Middle) -> StopEvent:
        return StopEvent(result=str(await self.llm.acomplete("two")))


@ways("workflow", """
    Flow
      first
        chat gpt-4o
      second
        chat gpt-4o
""")
def _(server):
    async def use():
        return str(await Flow(llm(server)).run())

    return asyncio.run(use())


@dispatcher.span
def mine(llm):
    return str(llm.complete("mine"))


@ways("a function of the user's", """
    mine
      chat gpt-4o
""")
def _(server):
    return mine(llm(server))


@ways("threads", QUERY * 3, any_order=True)
def _(server):
    with ThreadPoolExecutor(3) as pool:
        return list(pool.map(lambda _: bool(str(engine(server).query("why"))), range(3)))


@ways("gather", AGENT * 3, any_order=True)
def _(server):
    async def use():
        return len(await asyncio.gather(*(agent(server, look).run("use the tool") for _ in range(3))))

    return asyncio.run(use())


@ways("left early", """
    invoke_agent helper
      chat gpt-4o [cancelled CancelledError]
""", left=True)
def _(server):
    async def use():
        server.hold()
        handler = agent(server, look).run("use the tool")
        await asyncio.to_thread(server.wait_held, 1)
        await handler.cancel_run()
        try:
            await handler
        except Exception as error:
            told = type(error).__name__
        server.release()
        return told

    return asyncio.run(use())


class Heard(SimpleSpanHandler):
    def new_span(self, id_, bound_args, instance=None, parent_span_id=None, tags=None, **more):
        TOLD.append([id_.partition("-")[0], (parent_span_id or "").partition("-")[0], sorted(bound_args.arguments)])
        return SimpleSpan(id_=id_, parent_id=parent_span_id)


TOLD = []


def users_own(server):
    """His handler is told the same, and no other is there."""
    root, handler = get_dispatcher("root"), Heard()
    root.add_span_handler(handler)
    TOLD.clear()
    try:
        ask(agent(server, look))
        engine(server).query("why")
        return [list(TOLD), [type(one).__name__ for one in root.span_handlers], len(handler.completed_spans)]
    finally:
        root.span_handlers.remove(handler)
