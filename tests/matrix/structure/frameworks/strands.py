"""Strands: agents, tools, agents as tools."""

from tests.matrix.structure.ways import Ways, error_of, in_loop

ways = Ways("structure_openai_2")


def agent(server, name="helper", tools=None, **more):
    import strands
    from strands.models.openai import OpenAIModel

    model = OpenAIModel(client_args={"base_url": server.url, "api_key": "none", "max_retries": 0}, model_id="gpt-4o")
    return strands.Agent(model=model, tools=all_tools() if tools is None else tools, name=name, callback_handler=None, **more)


def all_tools():
    from strands import tool

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


TREE = """
    agent helper
      call gpt-4o
      tool look
      call gpt-4o
    """


@ways("call", tree=TREE)
def _(server):
    return str(agent(server)("[call look]"))


@ways("invoke-async", tree=TREE)
def _(server):
    return str(in_loop(agent(server).invoke_async("[call look]")))


@ways("stream-async", tree=TREE)
def _(server):
    async def use():
        return len([event async for event in agent(server).stream_async("[call look]")]) > 5

    return in_loop(use())


@ways("parallel-tools", unordered=True, varies=True, tree="""
    agent helper
      call gpt-4o
      tool look
      tool add
      call gpt-4o
    """)
def _(server):
    return str(agent(server)("[call look, add]"))


@ways("tool-error", tree=TREE.replace("tool look", "tool broken !error"))
def _(server):
    return str(agent(server)("[call broken]"))


@ways("call-error", tree="""
    agent helper !error
      call gpt-4o !error
    """)
def _(server):
    return error_of(lambda: agent(server)("[status 400]"))


@ways("agent-in-a-tool", tree="""
    agent boss
      call gpt-4o
      tool research
        agent helper
          call gpt-4o
          tool look
          call gpt-4o
      call gpt-4o
    """)
def _(server):
    from strands import tool

    @tool
    def research(topic: str) -> str:
        """Research."""
        return str(agent(server)("[call look]"))

    return str(agent(server, "boss", [research])("[call research]"))


@ways("left-early", left=True, tree="""
    agent helper !abandoned
      call gpt-4o !abandoned
    """)
def _(server):
    async def use():
        streamed = agent(server).stream_async("left early")
        async for event in streamed:
            if "data" in event:
                break
        await streamed.aclose()
        return sorted(event)[:1]

    return in_loop(use())
