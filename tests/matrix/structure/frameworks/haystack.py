"""Haystack: pipelines, agents, tools."""

import asyncio

from tests.matrix.structure.ways import Ways, in_loop

ways = Ways("structure_openai_2")


def generator(server, **more):
    from haystack.components.generators.chat import OpenAIChatGenerator
    from haystack.utils import Secret

    return OpenAIChatGenerator(api_key=Secret.from_token("none"), model="gpt-4o", api_base_url=server.url, max_retries=0, **more)


def tools():
    from haystack.tools import tool

    @tool
    def look(word: str) -> str:
        """Look."""
        return f"found {word}"

    @tool
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    @tool
    def broken(word: str) -> str:
        """Break."""
        raise ValueError(word)

    return [look, add, broken]


def agent(server, own=None, **more):
    from haystack.components.agents import Agent

    return Agent(chat_generator=generator(server), tools=own or tools(), **more)


def user(text):
    from haystack.dataclasses import ChatMessage

    return [ChatMessage.from_user(text)]


TREE = """
    agent Agent
      call gpt-4o
      tool look
      call gpt-4o
    """


@ways("agent", tree=TREE)
def _(server):
    return len(agent(server).run(user("[call look]"))["messages"])


@ways("agent-async", tree=TREE)
def _(server):
    return len(in_loop(agent(server).run_async(user("[call look]")))["messages"])


@ways("agent-stream", tree=TREE)
def _(server):
    heard = []
    agent(server).run(user("[call look]"), streaming_callback=heard.append)
    return len(heard) > 2


@ways("parallel-tools", unordered=True, tree="""
    agent Agent
      call gpt-4o
      tool look
      tool add
      call gpt-4o
    """)
def _(server):
    return len(agent(server).run(user("[call look, add]"))["messages"])


@ways("tool-error", tree="""
    agent Agent
      call gpt-4o
      tool broken !error
      call gpt-4o
    """)
def _(server):
    return len(agent(server).run(user("[call broken]"))["messages"])


@ways("agent-as-tool", tree="""
    agent Agent
      call gpt-4o
      tool research
        agent Agent
          call gpt-4o
          tool look
          call gpt-4o
      call gpt-4o
    """)
def _(server):
    from haystack.tools import ComponentTool

    research = ComponentTool(component=agent(server, system_prompt="[call look]"), name="research", description="Research.")
    return len(agent(server, [research]).run(user("[call research]"))["messages"])


def pipeline(server):
    from haystack import Pipeline
    from haystack.components.builders import ChatPromptBuilder

    made = Pipeline()
    made.add_component("prompt", ChatPromptBuilder(template=user("tell {{x}}"), required_variables=["x"]))
    made.add_component("llm", generator(server))
    made.connect("prompt.prompt", "llm.messages")
    return made


@ways("pipeline", tree="""
    step Pipeline
      step prompt
      step llm
        call gpt-4o
    """)
def _(server):
    return len(pipeline(server).run({"prompt": {"x": "one"}})["llm"]["replies"])


@ways("retrieval", tree="""
    step Pipeline
      retrieval retriever
      step prompt
      step llm
        call gpt-4o
    """)
def _(server):
    from haystack import Document
    from haystack.components.retrievers.in_memory import InMemoryBM25Retriever
    from haystack.document_stores.in_memory import InMemoryDocumentStore

    store = InMemoryDocumentStore()
    store.write_documents([Document(content="cats purr"), Document(content="dogs bark")])
    made = pipeline(server)
    made.add_component("retriever", InMemoryBM25Retriever(document_store=store))
    made.connect("retriever.documents", "prompt.x")
    return len(made.run({"retriever": {"query": "cats"}})["llm"]["replies"])


@ways("pipeline-error", raises=True, tree="""
    step Pipeline !error
      step prompt
      step llm !error
        call gpt-4o !error
    """)
def _(server):
    return pipeline(server).run({"prompt": {"x": "[status 400]"}})


@ways("agents-gather", unordered=True, tree=TREE.rstrip() + TREE)
def _(server):
    async def use():
        return [len(r["messages"]) for r in await asyncio.gather(*(agent(server).run_async(user("[call look]")) for _ in range(2)))]

    return in_loop(use())
