"""langchain-anthropic: ChatAnthropic."""

from tests.matrix.modes import Modes, cancelled_soon, gathered, in_loop, in_threads, interrupted_soon, step

modes = Modes("langchain")


def model(server, **more):
    from langchain_anthropic import ChatAnthropic

    return ChatAnthropic(model="claude-haiku-4-5", base_url=server.root, api_key="none", max_tokens=100, **more)


@modes("plain")
def _(server):
    return model(server).invoke("plain words").content


@modes("rich")
def _(server):
    return model(server).invoke([("system", "[new] stable words"), ("user", "rich")]).content


@modes("async")
def _(server):
    return in_loop(model(server).ainvoke("async")).content


@modes("stream")
def _(server):
    return [c.content for c in model(server).stream("streamed")]


@modes("astream")
def _(server):
    async def use():
        return [c.content async for c in model(server).astream("streamed")]

    return in_loop(use())


@modes("left-early", left=True)
def _(server):
    for chunk in model(server).stream("left early"):
        if chunk.content:
            return chunk.content


@modes("parse")
def _(server):
    from pydantic import BaseModel

    class Answer(BaseModel):
        word: str

    return model(server).with_structured_output(Answer).invoke("use the tool").word


@modes("retry-429")
def _(server):
    return model(server).invoke("again [busy once] chained claude").content


@modes("threads-8")
def _(server):
    m = model(server)
    return in_threads(lambda n: m.invoke(f"step-{n}").content)


@modes("gather-8")
def _(server):
    async def use():
        m = model(server)

        async def one(n):
            return (await m.ainvoke(f"step-{n}")).content

        return await gathered(one)

    return in_loop(use())


@modes("interrupted", left=True)
def _(server):
    with interrupted_soon(server):
        list(model(server).stream("interrupted"))


@modes("tool-loop")
def _(server):
    from langchain_core.tools import tool

    @tool
    def look(word: str) -> str:
        """Look."""
        with step("tool"):
            return model(server).invoke(f"inside the tool {word}").content

    bound = model(server).bind_tools([look])
    said = [("user", "use the tool")]
    first = bound.invoke(said)
    out = look.invoke(first.tool_calls[0])
    return bound.invoke([*said, first, out]).content


@modes("left-early-async", left=True)
def _(server):
    async def use():
        async for chunk in model(server).astream("left early"):
            if chunk.content:
                return chunk.content

    return in_loop(use())


@modes("abatch-8")
def _(server):
    return [m.content for m in in_loop(model(server).abatch([f"number {n}" for n in range(8)]))]


@modes("gather-8-stream")
def _(server):
    async def use():
        m = model(server)

        async def one(n):
            return [c.content async for c in m.astream(f"step-{n}")]

        return await gathered(one)

    return in_loop(use())


@modes("cancelled", left=True)
def _(server):
    return in_loop(cancelled_soon(server, model(server, max_retries=0).ainvoke("too long")))
