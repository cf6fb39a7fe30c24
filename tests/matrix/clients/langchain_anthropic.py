"""langchain-anthropic: ChatAnthropic."""

from tests.matrix.modes import Modes, gathered, in_loop, in_threads, interrupted_soon

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
