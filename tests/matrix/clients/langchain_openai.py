"""langchain-openai: ChatOpenAI and OpenAIEmbeddings."""

import asyncio

from tests.matrix.modes import Modes, cancelled_soon, gathered, in_loop, in_threads, interrupted_soon, step

modes = Modes("langchain")


def model(server, name="gpt-4o", **more):
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(model=name, base_url=server.url, api_key="sk-none", **more)


@modes("plain")
def _(server):
    return model(server).invoke("plain words").content


@modes("rich")
def _(server):
    return model(server, "gpt-5").invoke([("system", "be brief"), ("user", "rich words")]).usage_metadata


@modes("async")
def _(server):
    return in_loop(model(server, "gpt-5").ainvoke("async")).content


@modes("stream-usage")
def _(server):
    return [c.content for c in model(server, stream_usage=True).stream("streamed")]


@modes("stream-nousage")
def _(server):
    return [c.content for c in model(server, stream_usage=False).stream("streamed")]


@modes("astream")
def _(server):
    async def use():
        return [c.content async for c in model(server, stream_usage=True).astream("streamed")]

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

    return model(server).with_structured_output(Answer).invoke("parse").word


@modes("chain")
def _(server):
    from langchain_core.prompts import ChatPromptTemplate

    chain = ChatPromptTemplate.from_messages([("system", "be brief"), ("user", "{text}")]) | model(server)
    return chain.invoke({"text": "chained"}).content


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


@modes("retry-429")
def _(server):
    return model(server).invoke("again [busy once] chained").content


@modes("responses-api")
def _(server):
    return model(server, "gpt-5", use_responses_api=True).invoke("responses").text


@modes("batch-8")
def _(server):
    return [m.content for m in model(server).batch([f"number {n}" for n in range(8)])]


@modes("abatch-8")
def _(server):
    return [m.content for m in in_loop(model(server).abatch([f"number {n}" for n in range(8)]))]


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


@modes("gather-8-stream")
def _(server):
    async def use():
        m = model(server, stream_usage=True)

        async def one(n):
            return [c.content async for c in m.astream(f"step-{n}")]

        return await gathered(one)

    return in_loop(use())


@modes("interrupted", left=True)
def _(server):
    with interrupted_soon(server):
        list(model(server).stream("interrupted"))


@modes("embeddings")
def _(server):
    from langchain_openai import OpenAIEmbeddings

    e = OpenAIEmbeddings(model="text-embedding-3-small", base_url=server.url, api_key="sk-none", check_embedding_ctx_length=False)
    return e.embed_documents(["some words", "others"]), e.embed_query("and one")


@modes("own-cache", cached=1)
def _(server):
    from langchain_core.caches import InMemoryCache

    m = model(server, cache=InMemoryCache())
    return [m.invoke("asked twice").content for _ in range(2)]


@modes("raw")
def _(server):
    from pydantic import BaseModel

    class Answer(BaseModel):
        word: str

    got = model(server).with_structured_output(Answer, include_raw=True).invoke("parse")
    return got["parsed"].word, got["raw"].usage_metadata


@modes("left-early-async", left=True)
def _(server):
    async def use():
        async for chunk in model(server).astream("left early"):
            if chunk.content:
                return chunk.content

    return in_loop(use())


@modes("left-then-parse", left=True)
def _(server):
    """A stream left early, and then a call in the same cell."""
    from pydantic import BaseModel

    class Answer(BaseModel):
        word: str

    for chunk in model(server).stream("left early"):
        if chunk.content:
            break
    return model(server).with_structured_output(Answer).invoke("parse").word


@modes("in-the-loop")
def _(server):
    """A call inside the loop over a stream, and two streams side by side."""
    a, b = (model(server, stream_usage=True).stream(f"{n} stream") for n in "ab")
    inner, said = [], []
    for one, two in zip(a, b):
        said += [one.content, two.content]
        if not inner:
            inner.append(model(server).invoke("inside the loop").content)
    return inner, said, [c.content for c in a], [c.content for c in b]


@modes("error-400", raises=True)
def _(server):
    return model(server, max_retries=0).invoke("[status 400]")


@modes("cancelled", left=True)
def _(server):
    return in_loop(cancelled_soon(server, model(server, max_retries=0).ainvoke("too long")))
