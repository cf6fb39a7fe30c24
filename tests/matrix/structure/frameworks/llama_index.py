"""LlamaIndex: agents, workflows, query engines."""

from tests.matrix.structure.ways import Ways, in_loop

ways = Ways("structure_openai_2")


@ways.setup("openinference")
def _(exported):
    from openinference.instrumentation.llama_index import LlamaIndexInstrumentor

    LlamaIndexInstrumentor().instrument(tracer_provider=exported.provider())


ours = {"setups": ("bare", "provider")}


def llm(server):
    from llama_index.llms.openai import OpenAI

    return OpenAI(model="gpt-4o", api_base=server.url, api_key="none", max_retries=0)


def look(word: str) -> str:
    """Look."""
    return f"found {word}"


def add(a: int, b: int) -> int:
    """Add."""
    return a + b


def broken(word: str) -> str:
    """Break."""
    raise ValueError(word)


def agent(server, tools=(look,), **more):
    from llama_index.core.agent.workflow import FunctionAgent

    return FunctionAgent(**{"name": "helper", "description": "helps", "llm": llm(server), "tools": list(tools), "streaming": False, **more})


TREE = """
    agent helper
      call gpt-4o
      tool look
      call gpt-4o
    """


@ways("agent", tree=TREE, **ours)
def _(server):
    async def use():
        return str(await agent(server).run("[call look]"))

    return in_loop(use())


@ways("agent-stream", tree=TREE, **ours)
def _(server):
    async def use():
        handler = agent(server, streaming=True).run("[call look]")
        return len([event async for event in handler.stream_events()]) > 3

    return in_loop(use())


@ways("parallel-tools", unordered=True, tree="""
    agent helper
      call gpt-4o
      tool look
      tool add
      call gpt-4o
    """, **ours)
def _(server):
    async def use():
        return str(await agent(server, (look, add)).run("[call look, add]"))

    return in_loop(use())


@ways("tool-error", tree="""
    agent helper
      call gpt-4o
      tool broken !error
      call gpt-4o
    """, **ours)
def _(server):
    async def use():
        return str(await agent(server, (broken,)).run("[call broken]"))

    return in_loop(use())


@ways("call-error", raises=True, tree="""
    agent helper !error
      call gpt-4o !error
    """, **ours)
def _(server):
    async def use():
        return str(await agent(server).run("[status 400]"))

    return in_loop(use())


@ways("agent-in-a-tool", tree="""
    agent boss
      call gpt-4o
      tool research
        agent helper
          call gpt-4o
          tool look
          call gpt-4o
      call gpt-4o
    """, **ours)
def _(server):
    async def research(topic: str) -> str:
        """Research."""
        return str(await agent(server).run("[call look]"))

    async def use():
        return str(await agent(server, (research,), name="boss").run("[call research]"))

    return in_loop(use())


def documents():
    from llama_index.core import Document, SummaryIndex

    return SummaryIndex.from_documents([Document(text="cats purr")])


@ways("query-engine", tree="""
    step RetrieverQueryEngine
      retrieval SummaryIndexRetriever
      call gpt-4o
    """, **ours)
def _(server):
    return str(documents().as_query_engine(llm=llm(server)).query("what of cats"))


@ways("query-engine-async", tree="""
    step RetrieverQueryEngine
      retrieval SummaryIndexRetriever
      call gpt-4o
    """, **ours)
def _(server):
    return str(in_loop(documents().as_query_engine(llm=llm(server)).aquery("what of cats")))


@ways("bare-call", tree="call gpt-4o")
def _(server):
    return str(llm(server).complete("one"))


@ways("openinference-agent", setups=("openinference",), varies=True, tree="""
    step FunctionAgent.run
      step BaseWorkflowAgent.init_run
      step BaseWorkflowAgent.setup_agent
      step BaseWorkflowAgent.run_agent_step
        step OpenAI._prepare_chat_with_tools
        call gpt-4o
      step BaseWorkflowAgent.parse_agent_output
      step BaseWorkflowAgent.call_tool
        tool look
      step BaseWorkflowAgent.aggregate_tool_results
      step BaseWorkflowAgent.setup_agent
      step BaseWorkflowAgent.run_agent_step
        step OpenAI._prepare_chat_with_tools
        call gpt-4o
      step BaseWorkflowAgent.parse_agent_output
    """)
def _(server):
    async def use():
        return str(await agent(server).run("[call look]"))

    return in_loop(use())
