"""smolagents: agents that call tools, agents that write code, managed agents."""

from concurrent.futures import ThreadPoolExecutor

from tests.matrix.structure.ways import Ways

ways = Ways("structure_openai_2")
CODE = "<code>final_answer(look('x'))</code>"


@ways.setup("openinference")
def _(exported):
    from openinference.instrumentation.smolagents import SmolagentsInstrumentor

    SmolagentsInstrumentor().instrument(tracer_provider=exported.provider())


def look():
    from smolagents import tool

    @tool
    def look(word: str) -> str:
        """Look a word up.

        Args:
            word: what is looked for
        """
        if word == "bad":
            raise ValueError("no such word")
        return f"found {word}. [call final_answer]"

    return look


def agent(server, kind="CodeAgent", tools=None, **more):
    import smolagents

    model = smolagents.OpenAIModel("gpt-4o", api_base=server.url, api_key="none")
    quiet = {"verbosity_level": smolagents.LogLevel.OFF, "max_steps": 3}
    return getattr(smolagents, kind)(tools=[look()] if tools is None else tools, model=model, **quiet, **more)


CODED = """
    agent CodeAgent
      call gpt-4o
      tool python_interpreter
        tool look
    """
# What OpenInference says of it: each step of an agent.
CODED_IN_STEPS = """
    agent CodeAgent
      step Step 1
        call gpt-4o
        tool look
        tool final_answer
    """
CALLED = """
    agent ToolCallingAgent
      call gpt-4o
      tool look
      call gpt-4o
    """
CALLED_IN_STEPS = """
    agent ToolCallingAgent
      step Step 1
        call gpt-4o
        tool look
      step Step 2
        call gpt-4o
        tool final_answer
    """


@ways("code", tree=CODED, trees={"openinference": CODED_IN_STEPS})
def _(server):
    return agent(server).run(CODE)


@ways("tool-calling", tree=CALLED, trees={"openinference": CALLED_IN_STEPS})
def _(server):
    return agent(server, "ToolCallingAgent").run("[call look]")


@ways("stream", tree=CODED, setups=("bare", "provider"))
def _(server):
    return [type(item).__name__ for item in agent(server).run(CODE, stream=True)]


@ways("stream-outputs", tree=CODED, setups=("bare", "provider"))
def _(server):
    return type(list(agent(server, stream_outputs=True).run(CODE, stream=True))[-1]).__name__


@ways("managed-agent", tree="""
    agent CodeAgent
      call gpt-4o
      tool python_interpreter
        agent helper
          call gpt-4o
          tool look
          call gpt-4o
    """, setups=("bare", "provider"))
def _(server):
    helper = agent(server, "ToolCallingAgent", name="helper", description="helps")
    return agent(server, managed_agents=[helper]).run("<code>final_answer(len(helper('[call look]')))</code>")


@ways("tool-error", tree="""
    agent CodeAgent
      call gpt-4o
      tool python_interpreter !error
        tool look !error
      call gpt-4o
    """, setups=("bare", "provider"))
def _(server):
    made = agent(server)
    made.max_steps = 1
    return type(made.run("<code>look('bad')</code>")).__name__


@ways("call-error", raises=True, tree="""
    agent CodeAgent !error
      call gpt-4o !error
    """, setups=("bare", "provider"))
def _(server):
    return agent(server).run("[status 400]")


@ways("threads", unordered=True, tree=CODED.rstrip().replace("CodeAgent", "a") + CODED.replace("CodeAgent", "b"), setups=("bare", "provider"))
def _(server):
    agents = [agent(server, name=name, description="d") for name in "ab"]
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda one: one.run(CODE), agents))


@ways("left-early", tree="""
    agent CodeAgent !abandoned
      call gpt-4o
    """, setups=("bare", "provider"))
def _(server):
    items = agent(server).run(CODE, stream=True)
    first = type(next(items)).__name__
    try:
        items.close()
    except RuntimeError:  # it yields on, whoever closes it
        pass
    return first
