"""google-genai: generate, stream, embed, interactions; sync over httpx, async over aiohttp where it is there."""

from tests.matrix.modes import Modes, cancelled_soon, gathered, in_loop, in_threads, interrupted_soon

modes = Modes("google_genai")
MODEL = "gemini-2.5-flash"


def client(server):
    from google import genai

    options = {"base_url": server.root, "retry_options": {"attempts": 3, "initial_delay": 0.01}}
    return genai.Client(api_key="none", http_options=options)


def ask(server, text, **config):
    c = client(server)
    return c.models.generate_content(model=MODEL, contents=text, config={"system_instruction": "be brief", **config})


@modes("plain")
def _(server):
    return ask(server, "plain words").text


@modes("async")
def _(server):
    async def use():
        c = client(server)
        return (await c.aio.models.generate_content(model=MODEL, contents="async")).text

    return in_loop(use())


@modes("stream")
def _(server):
    c = client(server)
    return [p.text for p in c.models.generate_content_stream(model=MODEL, contents="streamed")]


@modes("async-stream")
def _(server):
    async def use():
        c = client(server)
        told = await c.aio.models.generate_content_stream(model=MODEL, contents="streamed")
        return [p.text async for p in told]

    return in_loop(use())


@modes("left-early", left=True)
def _(server):
    c = client(server)
    for part in c.models.generate_content_stream(model=MODEL, contents="left early"):
        return part.text


@modes("parse")
def _(server):
    from pydantic import BaseModel

    class Answer(BaseModel):
        word: str

    got = ask(server, "parse", response_mime_type="application/json", response_schema=Answer)
    return got.parsed.word if got.parsed else got.text


@modes("tool-loop")
def _(server):
    def look(word: str) -> str:
        """Look."""
        return f"found {word}"

    return ask(server, "use the tool", tools=[look]).text


@modes("chat")
def _(server):
    c = client(server)
    chat = c.chats.create(model=MODEL)
    return chat.send_message("one").text, chat.send_message("two").text


@modes("retry-429")
def _(server):
    return ask(server, "again [busy once] gemini").text


@modes("threads-8")
def _(server):
    return in_threads(lambda n: ask(server, f"step-{n}").text)


@modes("gather-8")
def _(server):
    async def use():
        c = client(server)

        async def one(n):
            return (await c.aio.models.generate_content(model=MODEL, contents=f"step-{n}")).text

        return await gathered(one)

    return in_loop(use())


@modes("embed")
def _(server):
    c = client(server)
    return len(c.models.embed_content(model="gemini-embedding-001", contents="some words").embeddings)


@modes("interrupted", left=True)
def _(server):
    c = client(server)
    with interrupted_soon(server):
        list(c.models.generate_content_stream(model=MODEL, contents="interrupted"))


@modes("rich")
def _(server):
    c = client(server)
    got = c.models.generate_content(model="gemini-3-pro", contents="rich words", config={"system_instruction": "be brief"})
    return got.text, got.usage_metadata.thoughts_token_count


@modes("rich-stream")
def _(server):
    c = client(server)
    told = c.models.generate_content_stream(model="gemini-3-pro", contents="rich words", config={"system_instruction": "be brief"})
    return [p.text for p in told]


@modes("left-early-async", left=True)
def _(server):
    async def use():
        c = client(server)
        async for part in await c.aio.models.generate_content_stream(model=MODEL, contents="left early"):
            return part.text

    return in_loop(use())


@modes("gather-8-stream")
def _(server):
    async def use():
        c = client(server)

        async def one(n):
            told = await c.aio.models.generate_content_stream(model=MODEL, contents=f"step-{n}")
            return [p.text async for p in told]

        return await gathered(one)

    return in_loop(use())


@modes("error-400")
def _(server):
    from google.genai.errors import APIError

    try:
        return ask(server, "[status 400]")
    except APIError as error:
        return error.code, str(error)


@modes("cancelled", left=True)
def _(server):
    async def use():
        c = client(server)
        return await cancelled_soon(server, c.aio.models.generate_content(model=MODEL, contents="too long"))

    return in_loop(use())


def interact(server, text, **more):
    c = client(server)
    return c.interactions.create(model="gemini-3-flash-preview", input=text, system_instruction="be brief", **more)


@modes("interaction")
def _(server):
    return interact(server, "plain words").usage.total_thought_tokens


@modes("interaction-async")
def _(server):
    async def use():
        c = client(server)
        return (await c.aio.interactions.create(model="gemini-3-flash-preview", input="async")).status

    return in_loop(use())


@modes("interaction-stream")
def _(server):
    c = client(server)
    return [event.event_type for event in c.interactions.create(model="gemini-3-flash-preview", input="streamed", stream=True)]


@modes("interaction-left", left=True)
def _(server):
    c = client(server)
    with c.interactions.create(model="gemini-3-flash-preview", input="left early", stream=True) as told:
        return next(iter(told)).event_type


@modes("interaction-tool")
def _(server):
    tool = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {"word": {"type": "string"}}}}
    return interact(server, "use the tool", tools=[tool]).status
