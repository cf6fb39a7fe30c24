"""DSPy: modules of the user's and of the library's, an agent with tools."""

from tests.matrix.structure.ways import Ways, in_loop

ways = Ways("structure_openai_2")


def asking(server, **more):
    """The server's answers in JSON fit no signature of an agent: what it calls is chosen here."""
    import dspy

    class Chosen(dspy.JSONAdapter):
        def parse(self, signature, completion):
            names = list(signature.output_fields)
            if "next_tool_name" in names:
                first = signature.output_fields["next_tool_name"].annotation.__args__[0]
                return {"next_thought": "then", "next_tool_name": first, "next_tool_args": {}}
            return dict.fromkeys(names, "words")

    lm = dspy.LM("openai/gpt-4o", api_base=server.url, api_key="sk-none", cache=False, num_retries=0)
    return dspy.context(lm=lm, adapter=Chosen(), **more)


def writer():
    import dspy

    class Writer(dspy.Module):
        def __init__(self):
            super().__init__()
            self.plan = dspy.ChainOfThought("topic -> plan")
            self.write = dspy.ChainOfThought("plan -> text")

        def forward(self, topic):
            return self.write(plan=self.plan(topic=topic).plan)

        async def aforward(self, topic):
            return await self.write.acall(plan=(await self.plan.acall(topic=topic)).plan)

    return Writer()


WRITER = """
    step Writer
      step ChainOfThought
        call gpt-4o
      step ChainOfThought
        call gpt-4o
    """


@ways("module", tree=WRITER)
def _(server):
    with asking(server):
        return sorted(writer()(topic="cats"))


@ways("module-async", tree=WRITER)
def _(server):
    async def use():
        with asking(server):
            return sorted(await writer().acall(topic="cats"))

    return in_loop(use())


@ways("module-error", raises=True, tree="""
    step Writer !error
      step ChainOfThought !error
        call gpt-4o !error
    """)
def _(server):
    with asking(server):
        return writer()(topic="[status 401]")


def look(word: str = "x") -> str:
    """Look."""
    return f"found {word}"


def broken(word: str = "x") -> str:
    """Break."""
    raise ValueError(word)


@ways("react", tree="""
    agent ReAct
      call gpt-4o
      tool look
      call gpt-4o
      tool look
      call gpt-4o
    """)
def _(server):
    import dspy

    with asking(server):
        return sorted(dspy.ReAct("question -> answer", tools=[look], max_iters=2)(question="what"))


@ways("react-async", tree="""
    agent ReAct
      call gpt-4o
      tool look
      call gpt-4o
    """)
def _(server):
    import dspy

    async def use():
        with asking(server):
            return sorted(await dspy.ReAct("question -> answer", tools=[look], max_iters=1).acall(question="what"))

    return in_loop(use())


@ways("tool-error", tree="""
    agent ReAct
      call gpt-4o
      tool broken !error
      call gpt-4o
    """)
def _(server):
    import dspy

    with asking(server):
        return sorted(dspy.ReAct("question -> answer", tools=[broken], max_iters=1)(question="what"))


@ways("predict", tree="call gpt-4o")
def _(server):
    import dspy

    with asking(server):
        return sorted(dspy.Predict("question -> answer")(question="what"))


@ways("parallel", unordered=True, tree="""
    step ChainOfThought
      call gpt-4o
    step ChainOfThought
      call gpt-4o
    step ChainOfThought
      call gpt-4o
    """)
def _(server):
    import dspy

    with asking(server):
        program = dspy.ChainOfThought("question -> answer")
        asks = [(program, {"question": f"what {n}"}) for n in range(3)]
        return len(dspy.Parallel(num_threads=3, disable_progress_bar=True)(asks))
