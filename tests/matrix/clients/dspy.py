"""dspy: a language model called bare and by modules, over its own engine and over litellm."""

from tests.matrix.modes import Modes, cancelled_soon, gathered, in_loop, in_threads, step

modes = Modes("litellm")


def lm(server, name="openai/gpt-4o", base=None, **more):
    import dspy

    return dspy.LM(name, api_base=base or server.url, api_key="sk-none", **{"cache": False, "num_retries": 2, **more})


@modes("plain")
def _(server):
    return lm(server)("plain words")


@modes("rich")
def _(server):
    return lm(server, "openai/gpt-5", temperature=None, max_tokens=None)(messages=[{"role": "system", "content": "be brief"}, {"role": "user", "content": "rich"}])


@modes("async")
def _(server):
    return in_loop(lm(server).acall("async words"))


@modes("responses")
def _(server):
    return lm(server, model_type="responses")("responses")


@modes("anthropic")
def _(server):
    return lm(server, "anthropic/claude-haiku-4-5", server.url)("plain claude")


@modes("litellm")
def _(server):
    return lm(server, "openai/gpt-5", engine="litellm", temperature=None, max_tokens=None)("by litellm")


@modes("litellm-anthropic")
def _(server):
    return lm(server, "anthropic/claude-haiku-4-5", server.root, engine="litellm")("plain claude")


@modes("predict")
def _(server):
    import dspy

    program = dspy.Predict("question -> answer")
    with dspy.context(lm=lm(server), adapter=dspy.JSONAdapter()):
        return str(program(question="what").answer)


@modes("gather-8-bare")
def _(server):
    """Eight siblings below one parent."""
    import asyncio

    async def use():
        m = lm(server)
        return await asyncio.gather(*(m.acall(f"number {n}") for n in range(8)))

    return in_loop(use())


@modes("in-a-step")
def _(server):
    m = lm(server)
    with step("step-1"):
        return m("step-1 of one")


@modes("error-400", raises=True)
def _(server):
    return lm(server, num_retries=0)("[status 400]")


@modes("own-cache", cached=1)
def _(server):
    m = lm(server, cache=True)
    return m("asked twice"), m("asked twice")


@modes("retry-429")
def _(server):
    return lm(server)("again [busy once] by dspy")


@modes("threads-8")
def _(server):
    m = lm(server)
    return in_threads(lambda n: m(f"step-{n}"))


@modes("gather-8")
def _(server):
    async def use():
        m = lm(server)

        async def one(n):
            return await m.acall(f"step-{n}")

        return await gathered(one)

    return in_loop(use())


@modes("tool-loop")
def _(server):
    """An agent of dspy's own: its answers do not fit, and each try is a call."""
    import dspy

    def look(word: str) -> str:
        """Look."""
        return f"found {word}"

    program = dspy.ReAct("question -> answer", tools=[look], max_iters=2)
    with dspy.context(lm=lm(server), adapter=dspy.JSONAdapter()):
        return str(program(question="what").answer)


@modes("streamify")
def _(server):
    import dspy

    async def use():
        program = dspy.streamify(dspy.Predict("question -> answer"))
        with dspy.context(lm=lm(server), adapter=dspy.JSONAdapter()):
            return [type(part).__name__ async for part in program(question="what")][-1]

    return in_loop(use())


@modes("cancelled", left=True)
def _(server):
    return in_loop(cancelled_soon(server, lm(server).acall("too long")))
