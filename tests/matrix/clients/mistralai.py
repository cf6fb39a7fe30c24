"""mistralai: chat, fill-in-the-middle, embeddings, conversations and agents."""

from tests.matrix.modes import Modes, cancelled_soon, gathered, in_loop, in_threads, interrupted_soon, step

modes = Modes("mistral")
MODEL = "mistral-small-latest"
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {"word": {"type": "string"}}}}}


def client(server):
    from mistralai.client import Mistral
    from mistralai.client.utils import BackoffStrategy, RetryConfig

    again = RetryConfig("backoff", BackoffStrategy(10, 50, 1.5, 5_000), retry_connection_errors=False)
    return Mistral(api_key="none", server_url=server.root + "/mistral", retry_config=again)


def said(text):
    return [{"role": "system", "content": "be brief"}, {"role": "user", "content": text}]


def ask(server, text, model=MODEL):
    return client(server).chat.complete(model=model, messages=said(text)).choices[0].message.content


def texts(stream):
    return [event.data.choices[0].delta.content for event in stream if event.data.choices]


@modes("plain")
def _(server):
    return ask(server, "plain words")


@modes("rich")
def _(server):
    return ask(server, "rich words", "gpt-5")


@modes("async")
def _(server):
    async def use():
        async with client(server) as c:
            return (await c.chat.complete_async(model=MODEL, messages=said("async"))).choices[0].message.content

    return in_loop(use())


@modes("stream")
def _(server):
    c = client(server)
    return texts(c.chat.stream(model=MODEL, messages=said("streamed")))


@modes("async-stream")
def _(server):
    async def use():
        async with client(server) as c:
            told = await c.chat.stream_async(model=MODEL, messages=said("streamed"))
            return [event.data.choices[0].delta.content async for event in told if event.data.choices]

    return in_loop(use())


@modes("left-early", left=True)
def _(server):
    c = client(server)
    with c.chat.stream(model=MODEL, messages=said("left early")) as told:
        return next(iter(told)).data.choices[0].delta.content


@modes("parse")
def _(server):
    from pydantic import BaseModel

    class Answer(BaseModel):
        word: str

    c = client(server)
    return c.chat.parse(Answer, model=MODEL, messages=said("parse")).choices[0].message.parsed.word


@modes("tool-loop")
def _(server):
    c = client(server)
    first = c.chat.complete(model=MODEL, messages=said("use the tool"), tools=[TOOL]).choices[0].message
    with step("tool"):
        inner = ask(server, "inside the tool")
    call = first.tool_calls[0]
    told = {"role": "tool", "name": "look", "tool_call_id": call.id, "content": inner}
    return c.chat.complete(model=MODEL, messages=[*said("use the tool"), first, told], tools=[TOOL]).choices[0].message.content


@modes("fim")
def _(server):
    c = client(server)
    return c.fim.complete(model="codestral-latest", prompt="def one two", suffix="return three").choices[0].message.content


@modes("embed")
def _(server):
    c = client(server)
    return c.embeddings.create(model="mistral-embed", inputs=["some words"]).data[0].embedding


@modes("retry-429")
def _(server):
    return ask(server, "again [busy once] by mistral")


@modes("error-400", raises=True)
def _(server):
    return ask(server, "[status 400]")


@modes("threads-8")
def _(server):
    return in_threads(lambda n: ask(server, f"step-{n}"))


@modes("gather-8")
def _(server):
    async def use():
        async with client(server) as c:

            async def one(n):
                return (await c.chat.complete_async(model=MODEL, messages=said(f"step-{n}"))).choices[0].message.content

            return await gathered(one)

    return in_loop(use())


@modes("interrupted", left=True)
def _(server):
    c = client(server)
    with interrupted_soon(server):
        texts(c.chat.stream(model=MODEL, messages=said("interrupted")))


@modes("left-early-async", left=True)
def _(server):
    async def use():
        async with client(server) as c:
            async for event in await c.chat.stream_async(model=MODEL, messages=said("left early")):
                return event.data.choices[0].delta.content

    return in_loop(use())


@modes("cancelled", left=True)
def _(server):
    async def use():
        async with client(server) as c:
            return await cancelled_soon(server, c.chat.complete_async(model=MODEL, messages=said("too long")))

    return in_loop(use())


def start(server, text, **more):
    c = client(server)
    return c.beta.conversations.start(model=MODEL, instructions="be brief", inputs=text, **more)


@modes("conversation")
def _(server):
    return start(server, "plain words").outputs[0].content


@modes("conversation-connector")
def _(server):
    return start(server, "plain words", tools=[{"type": "web_search"}]).usage.connector_tokens


@modes("conversation-goes-on")
def _(server):
    c = client(server)
    return c.beta.conversations.append(conversation_id="conv_1", inputs="and tomorrow").outputs[0].content


@modes("conversation-async")
def _(server):
    async def use():
        async with client(server) as c:
            return (await c.beta.conversations.start_async(model=MODEL, inputs="async")).outputs[0].content

    return in_loop(use())


@modes("conversation-stream")
def _(server):
    c = client(server)
    return [event.event for event in c.beta.conversations.start_stream(model=MODEL, inputs="streamed")]


@modes("conversation-left", left=True)
def _(server):
    c = client(server)
    with c.beta.conversations.start_stream(model=MODEL, inputs="left early") as told:
        return next(iter(told)).event


@modes("agent")
def _(server):
    c = client(server)
    return c.agents.complete(agent_id="ag_1", messages=said("plain words")).choices[0].message.content
