"""cohere: chat, embed and rerank, versions 1 and 2."""

from tests.matrix.modes import Modes, gathered, in_loop, in_threads, interrupted_soon, step

modes = Modes("cohere")
MODEL = "command-a-03-2025"
PARAMETERS = {"type": "object", "properties": {"word": {"type": "string"}}}
TOOL = {"type": "function", "function": {"name": "look", "description": "look", "parameters": PARAMETERS}}


def client(server, version="V2"):
    import cohere

    return getattr(cohere, f"Client{version}")(api_key="none", base_url=server.root)


def aclient(server):
    import cohere

    return cohere.AsyncClientV2(api_key="none", base_url=server.root)


def said(text):
    return [{"role": "system", "content": "be brief"}, {"role": "user", "content": text}]


def ask(server, text):
    return client(server).chat(model=MODEL, messages=said(text)).message.content[0].text


def texts(stream):
    return [event.delta.message.content.text for event in stream if event.type == "content-delta"]


@modes("v1-plain")
def _(server):
    return client(server, "").chat(model=MODEL, message="plain words", preamble="be brief").text


@modes("v1-stream")
def _(server):
    told = client(server, "").chat_stream(model=MODEL, message="streamed")
    return [event.text for event in told if event.event_type == "text-generation"]


@modes("v2-plain")
def _(server):
    return ask(server, "plain words")


@modes("v2-stream")
def _(server):
    return texts(client(server).chat_stream(model=MODEL, messages=said("streamed")))


@modes("v2-left", left=True)
def _(server):
    for event in client(server).chat_stream(model=MODEL, messages=said("left early")):
        if event.type == "content-delta":
            return event.delta.message.content.text


@modes("v2-raw")
def _(server):
    return client(server).with_raw_response.chat(model=MODEL, messages=said("raw")).data.message.content[0].text


@modes("v2-async")
def _(server):
    async def use():
        async with aclient(server) as c:
            return (await c.chat(model=MODEL, messages=said("async"))).message.content[0].text

    return in_loop(use())


@modes("v2-async-stream")
def _(server):
    async def use():
        async with aclient(server) as c:
            told = c.chat_stream(model=MODEL, messages=said("async"))
            return [event.type async for event in told]

    return in_loop(use())


@modes("tool-loop")
def _(server):
    c = client(server)
    first = c.chat(model=MODEL, messages=said("use the tool"), tools=[TOOL]).message
    with step("tool"):
        inner = ask(server, "inside the tool")
    calls = [call.model_dump(exclude_none=True) for call in first.tool_calls]
    more = [{"role": "assistant", "tool_calls": calls}, {"role": "tool", "tool_call_id": calls[0]["id"], "content": inner}]
    return c.chat(model=MODEL, messages=[*said("use the tool"), *more], tools=[TOOL]).message.content[0].text


@modes("retry-429")
def _(server):
    return ask(server, "again [busy once] by cohere")


@modes("error-500")
def _(server):
    from cohere.core.api_error import ApiError

    try:
        client(server).chat(model=MODEL, messages=said("[status 500]"), request_options={"max_retries": 0})
    except ApiError as error:  # its text holds the answer's headers, and so the time
        return type(error).__name__, error.status_code, error.body


@modes("embed-v1")
def _(server):
    told = client(server, "").embed(model="embed-v4.0", texts=["some words"], input_type="search_query")
    return told.embeddings


@modes("embed-v2")
def _(server):
    told = client(server).embed(model="embed-v4.0", texts=["some words"], input_type="search_query", embedding_types=["float"])
    return told.embeddings.float_


@modes("threads-8")
def _(server):
    return in_threads(lambda n: ask(server, f"step-{n}"))


@modes("gather-8")
def _(server):
    async def use():
        async with aclient(server) as c:

            async def one(n):
                return (await c.chat(model=MODEL, messages=said(f"step-{n}"))).message.content[0].text

            return await gathered(one)

    return in_loop(use())


@modes("interrupted", left=True)
def _(server):
    with interrupted_soon(server):
        texts(client(server).chat_stream(model=MODEL, messages=said("interrupted")))


@modes("left-early-async", left=True)
def _(server):
    async def use():
        async with aclient(server) as c:
            async for event in c.chat_stream(model=MODEL, messages=said("left early")):
                if event.type == "content-delta":
                    return event.delta.message.content.text

    return in_loop(use())


@modes("rerank-v1")
def _(server):
    return client(server, "").rerank(model="rerank-v3.5", query="how warm", documents=["a", "b"]).results[0].index


@modes("rerank-v2")
def _(server):
    told = client(server).rerank(model="rerank-v3.5", query="how warm", documents=["a", "b"])
    return told.meta.billed_units.search_units
