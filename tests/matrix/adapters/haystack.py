"""Haystack: pipelines, their components, agents with tools, a tracer of the user's own."""

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor

from haystack import Document, Pipeline, component, tracing
from haystack.components.agents import Agent
from haystack.components.builders import ChatPromptBuilder
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.components.retrievers.in_memory import InMemoryBM25Retriever
from haystack.dataclasses import ChatMessage
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack.tools import ComponentTool, tool
from haystack.utils import Secret

from tests.matrix.adapters import Ways

ways = Ways()


@tool
def look(word: str) -> str:
    """Look a word up."""
    return f"found {word}"


@tool
def fail(word: str) -> str:
    """Fail."""
    raise ValueError("no such word")


@component
class Shout:
    @component.output_types(text=str)
    def run(self, text: str):
        return {"text": text.upper()}


def llm(server, **more):
    return OpenAIChatGenerator(api_key=Secret.from_token("none"), model="gpt-4o", api_base_url=server.url, max_retries=0, **more)


def agent(server, *tools, **more):
    return Agent(chat_generator=llm(server), tools=list(tools), max_agent_steps=3, **more)


def rag(server):
    store = InMemoryDocumentStore()
    store.write_documents([Document(content="cats purr"), Document(content="dogs bark")])
    pipeline = Pipeline()
    pipeline.add_component("find", InMemoryBM25Retriever(store))
    pipeline.add_component("prompt", ChatPromptBuilder(template=[ChatMessage.from_user("{{documents[0].content}} {{question}}")]))
    pipeline.add_component("writer", llm(server))
    pipeline.connect("find.documents", "prompt.documents")
    pipeline.connect("prompt.prompt", "writer.messages")
    return pipeline


ASKED = {"find": {"query": "cats"}, "prompt": {"question": "why"}}
USE = [ChatMessage.from_user("use the tool")]
RAG = """
    Pipeline
      find (retrieval)
      prompt
      writer
        chat gpt-4o
"""
AGENT = """
    invoke_agent Agent
      chat gpt-4o
      execute_tool look
      chat gpt-4o
"""


@ways("pipeline", RAG, content={
    "find": [..., ...],
    "Pipeline": [{"find": {"query": "cats"}, "prompt": {"question": "why"}}, ...],
})
def _(server):
    return len(rag(server).run(ASKED)["writer"]["replies"])


@ways("pipeline, async", RAG)
def _(server):
    return len(asyncio.run(rag(server).run_async(ASKED))["writer"]["replies"])


@ways("between the items of a pipeline", """
    Pipeline
      find (retrieval)
      prompt
      writer
        chat gpt-4o
    chat gpt-4o
""", any_order=True)
def _(server):
    async def use():
        count = 0
        async for _ in rag(server).run_async_generator(ASKED):
            count += 1
            if count == 1:
                llm(server).run([ChatMessage.from_user("beside")])
        return count

    return asyncio.run(use())


@ways("agent", AGENT, content={"execute_tool look": [{"word": "text"}, "found text"], "invoke_agent Agent": [..., ...]})
def _(server):
    return len(agent(server, look).run(messages=USE)["messages"])


@ways("agent, async", AGENT)
def _(server):
    return len(asyncio.run(agent(server, look).run_async(messages=USE))["messages"])


@ways("agent, streamed", AGENT)
def _(server):
    pieces = []
    agent(server, look).run(messages=USE, streaming_callback=pieces.append, generation_kwargs={"stream_options": {"include_usage": True}})
    return bool(pieces)


@ways("agent in a pipeline", """
    Pipeline
      invoke_agent helper
        chat gpt-4o
        execute_tool look
        chat gpt-4o
""")
def _(server):
    pipeline = Pipeline()
    pipeline.add_component("helper", agent(server, look))
    return len(pipeline.run({"helper": {"messages": USE}})["helper"]["messages"])


@ways("nested", """
    invoke_agent Agent
      chat gpt-4o
      execute_tool ask_helper
        invoke_agent Agent
          chat gpt-4o
          execute_tool look
          chat gpt-4o
      chat gpt-4o
""")
def _(server):
    helper = agent(server, look)

    @tool
    def ask_helper(question: str) -> str:
        """Ask the helper."""
        return helper.run(messages=USE)["last_message"].text

    return len(agent(server, ask_helper).run(messages=USE)["messages"])


@ways("a tool fails", """
    invoke_agent Agent
      chat gpt-4o
      execute_tool fail [error ToolInvocationError]
      chat gpt-4o
""")
def _(server):
    return len(agent(server, fail).run(messages=USE)["messages"])


@ways("the model fails", """
    Pipeline [error PipelineRuntimeError]
      find (retrieval)
      prompt
      writer [error PipelineRuntimeError]
        chat gpt-4o [error HTTP 400]
""", raises=True)
def _(server):
    rag(server).run({**ASKED, "prompt": {"question": "[status 400]"}})


@ways("a component is a tool", """
    invoke_agent Agent
      chat gpt-4o
      execute_tool shout
      chat gpt-4o
""")
def _(server):
    return len(agent(server, ComponentTool(Shout(), name="shout", description="shouts")).run(messages=USE)["messages"])


@ways("threads", RAG * 3, any_order=True)
def _(server):
    with ThreadPoolExecutor(3) as pool:
        return len(list(pool.map(lambda _: rag(server).run(ASKED), range(3))))


@ways("gather", AGENT * 3, any_order=True)
def _(server):
    async def use():
        return len(await asyncio.gather(*(agent(server, look).run_async(messages=USE) for _ in range(3))))

    return asyncio.run(use())


@ways("left early", """
    Pipeline [cancelled CancelledError]
      find (retrieval)
      prompt
      writer [cancelled CancelledError]
        chat gpt-4o [cancelled CancelledError]
""", left=True)
def _(server):
    async def use():
        server.hold()
        task = asyncio.ensure_future(rag(server).run_async(ASKED))
        await asyncio.to_thread(server.wait_held, 1)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        server.release()

    return asyncio.run(use())


@ways("a stream of it is left", """
    Pipeline [abandoned GeneratorExit]
      find (retrieval)
      prompt
      writer
        chat gpt-4o
    chat gpt-4o
""")
def _(server):
    async def use():
        items = rag(server).run_async_generator(ASKED)
        async for _ in items:
            break
        await items.aclose()
        return len((await llm(server).run_async([ChatMessage.from_user("after")]))["replies"])

    return asyncio.run(use())


class His(tracing.Span):
    def __init__(self, told, name):
        self.told, self.name = told, name

    def set_tag(self, key, value):
        self.told.append([self.name, key, str(value)[:50] if "message" not in str(value).lower() else "…"])


class HisTracer(tracing.Tracer):
    def __init__(self):
        self.told, self.current = [], None

    @contextlib.contextmanager
    def trace(self, operation_name, tags=None, parent_span=None):
        self.told.append([operation_name, sorted(tags or ()), type(parent_span).__name__, getattr(parent_span, "name", None)])
        before, self.current = self.current, His(self.told, operation_name)
        try:
            yield self.current
        finally:
            self.current = before

    def current_span(self):
        return self.current


def users_own(server):
    """His tracer is enabled, and told the same, its own spans as parents."""
    mine = HisTracer()
    tracing.enable_tracing(mine)
    tracing.tracer.is_content_tracing_enabled = True
    try:
        assert tracing.tracer.actual_tracer is mine
        rag(server).run(ASKED)
        agent(server, look).run(messages=USE)
    finally:
        tracing.disable_tracing()
        tracing.tracer.is_content_tracing_enabled = False
    return mine.told
