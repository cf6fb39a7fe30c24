"""DSPy: modules of the user's and of the library's, agents, tools, retrievers, threads, streams."""

import asyncio
import contextlib

import dspy

from tests.matrix.adapters import Ways

ways = Ways()


class Chosen(dspy.JSONAdapter):
    """Asks the server as ever; an agent calls its first tool, whatever the answer was."""

    def parse(self, signature, completion):
        names = list(signature.output_fields)
        if "next_tool_name" in names:
            first = signature.output_fields["next_tool_name"].annotation.__args__[0]
            return {"next_thought": "then", "next_tool_name": first, "next_tool_args": {}}
        return super().parse(signature, completion) if completion.startswith('{"') and names[0] in completion else dict.fromkeys(names, "words")


def asking(server, **more):
    lm = dspy.LM("openai/gpt-4o", api_base=server.url, api_key="sk-none", cache=False, num_retries=0)
    return dspy.context(lm=lm, adapter=Chosen(), **more)


class Summarize(dspy.Signature):
    """Say it in short."""

    text: str = dspy.InputField()
    summary: str = dspy.OutputField()


def look(word: str = "x") -> str:
    """Look a word up."""
    return f"found {word}"


def fail() -> str:
    """Fail."""
    raise ValueError("no such word")


class Writer(dspy.Module):
    def __init__(self):
        super().__init__()
        self.plan = dspy.ChainOfThought("topic -> plan")
        self.write = dspy.Predict(Summarize)

    def forward(self, topic):
        return self.write(text=self.plan(topic=topic).plan)

    async def aforward(self, topic):
        return await self.write.acall(text=(await self.plan.acall(topic=topic)).plan)


WRITER = """
    Writer
      ChainOfThought
        chat gpt-4o
      Summarize
        chat gpt-4o
"""
AGENT = """
    invoke_agent ReAct
      chat gpt-4o
      execute_tool look
      chat gpt-4o
      execute_tool look
      chat gpt-4o
"""


@ways("module", WRITER, content={
    "Writer": [{"topic": "cats"}, {"summary": ...}],
    "ChainOfThought": [{"topic": "cats"}, ...],
    "Summarize": [..., {"summary": ...}],
})
def _(server):
    with asking(server):
        return sorted(Writer()(topic="cats"))


@ways("module, async", WRITER)
def _(server):
    async def use():
        with asking(server):
            return sorted(await Writer().acall(topic="cats"))

    return asyncio.run(use())


@ways("predict", """
    chat gpt-4o
""")
def _(server):
    with asking(server):
        return sorted(dspy.Predict("question -> answer")(question="what"))


@ways("chain of thought", """
    ChainOfThought
      chat gpt-4o
""")
def _(server):
    with asking(server):
        return sorted(dspy.ChainOfThought(Summarize)(text="what"))


@ways("agent", AGENT)
def _(server):
    with asking(server):
        return sorted(dspy.ReAct("question -> answer", tools=[look], max_iters=2)(question="what"))


@ways("agent, async", AGENT)
def _(server):
    async def use():
        with asking(server):
            return sorted(await dspy.ReAct("question -> answer", tools=[look], max_iters=2).acall(question="what"))

    return asyncio.run(use())


@ways("a tool with arguments by hand", """
    execute_tool look
""", content={"execute_tool look": [{"word": "cats"}, "found cats"]})
def _(server):
    return dspy.Tool(look)(word="cats")


@ways("a tool fails", """
    invoke_agent ReAct
      chat gpt-4o
      execute_tool fail [error ValueError]
      chat gpt-4o
""")
def _(server):
    with asking(server):
        return sorted(dspy.ReAct("question -> answer", tools=[fail], max_iters=1)(question="what"))


@ways("nested", """
    invoke_agent ReAct
      chat gpt-4o
      execute_tool ask_writer
        Writer
          ChainOfThought
            chat gpt-4o
          Summarize
            chat gpt-4o
      chat gpt-4o
""")
def _(server):
    def ask_writer(topic: str = "cats") -> str:
        return str(Writer()(topic=topic).summary)

    with asking(server):
        return sorted(dspy.ReAct("question -> answer", tools=[ask_writer], max_iters=1)(question="what"))


@ways("the model fails", """
    Writer [error LMInvalidRequestError]
      ChainOfThought [error LMInvalidRequestError]
        chat gpt-4o [error HTTP 400]
""", raises=True)
def _(server):
    with asking(server):
        return Writer()(topic="[status 400]")


@ways("evaluate in threads", """
    Evaluate
      Writer
        ChainOfThought
          chat gpt-4o
        Summarize
          chat gpt-4o
      Writer
        ChainOfThought
          chat gpt-4o
        Summarize
          chat gpt-4o
""")
def _(server):
    examples = [dspy.Example(topic=f"cat {n}").with_inputs("topic") for n in range(2)]
    with asking(server):
        return dspy.Evaluate(devset=examples, metric=lambda *_: 1.0, num_threads=2, display_progress=False)(Writer()).score


@ways("parallel", WRITER * 3, any_order=True)
def _(server):
    with asking(server):
        return len(dspy.Parallel(num_threads=3, disable_progress_bar=True)([(Writer(), dspy.Example(topic=f"{n}").with_inputs("topic")) for n in range(3)]))


@ways("gather", WRITER * 3, any_order=True)
def _(server):
    async def use():
        with asking(server):
            return len(await asyncio.gather(*(Writer().acall(topic=f"{n}") for n in range(3))))

    return asyncio.run(use())


@ways("streamed", WRITER)
def _(server):
    async def use():
        with asking(server):
            return type([item async for item in dspy.streamify(Writer())(topic="cats")][-1]).__name__

    return asyncio.run(use())


@ways("left early", """
    Writer [cancelled CancelledError]
      ChainOfThought [cancelled CancelledError]
        chat gpt-4o [cancelled CancelledError]
""", left=True)
def _(server):
    async def use():
        server.hold()
        with asking(server):
            task = asyncio.ensure_future(Writer().acall(topic="cats"))
            await asyncio.to_thread(server.wait_held, 1)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        server.release()

    return asyncio.run(use())


@ways("retrieve", """
    Search
      Retrieve (retrieval)
      chat gpt-4o
""")
def _(server):
    class Search(dspy.Module):
        def __init__(self):
            super().__init__()
            self.find, self.say = dspy.Retrieve(k=2), dspy.Predict("context, question -> answer")

        def forward(self, question):
            return self.say(context=self.find(question).passages, question=question)

    with asking(server, rm=lambda query, k, **_: [dspy.Example(long_text=f"{query} {n}") for n in range(k)]):
        return sorted(Search()(question="cats"))


class Heard(dspy.utils.callback.BaseCallback):
    def __init__(self):
        self.told = []

    def on_module_start(self, call_id, instance, inputs):
        self.told.append(["start", type(instance).__name__, sorted(inputs["kwargs"])])

    def on_module_end(self, call_id, outputs, exception=None):
        self.told.append(["end", sorted(outputs or [])])


def users_own(server):
    """His callback is told the same, and is the only one in the settings."""
    heard = Heard()
    with asking(server, callbacks=[heard]):
        Writer()(topic="cats")
        return [heard.told, len(dspy.settings.callbacks)]
