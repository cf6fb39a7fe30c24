"""openai: chat completions."""

import asyncio
import json

from tests.matrix.modes import Modes, cancelled_soon, gathered, in_loop, in_threads, interrupted_soon, step

modes = Modes("openai")
USAGE = {"include_usage": True}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {"word": {"type": "string"}}}}}


def messages(text, stable="be brief"):
    return [{"role": "system", "content": stable}, {"role": "user", "content": text}]


def client(server, **more):
    import openai

    return openai.OpenAI(base_url=server.url, api_key="sk-none", **more)


def aclient(server, **more):
    import openai

    return openai.AsyncOpenAI(base_url=server.url, api_key="sk-none", **more)


def ask(server, text, model="gpt-4o", **more):
    return client(server).chat.completions.create(model=model, messages=messages(text), **more)


def text_of(stream):
    return "".join(c.choices[0].delta.content or "" for c in stream if c.choices)


@modes("plain")
def _(server):
    return ask(server, "plain words").choices[0].message.content


@modes("rich")
def _(server):
    return ask(server, "rich words to think about", model="gpt-5").usage.model_dump()


@modes("stream-usage")
def _(server):
    return text_of(ask(server, "streamed", model="gpt-5", stream=True, stream_options=USAGE))


@modes("stream-nousage")
def _(server):
    return text_of(ask(server, "streamed", stream=True))


@modes("stream-helper")
def _(server):
    with client(server).chat.completions.stream(model="gpt-4o", messages=messages("helped"), stream_options=USAGE) as stream:
        return [event.type for event in stream]


@modes("async")
def _(server):
    async def use():
        async with aclient(server) as c:
            return (await c.chat.completions.create(model="gpt-5", messages=messages("async"))).choices[0].message.content

    return in_loop(use())


@modes("async-stream")
def _(server):
    async def use():
        async with aclient(server) as c:
            stream = await c.chat.completions.create(model="gpt-4o", messages=messages("async"), stream=True, stream_options=USAGE)
            return [c.choices[0].delta.content async for c in stream if c.choices]

    return in_loop(use())


@modes("left-early", left=True)
def _(server):
    stream = ask(server, "left early", stream=True, stream_options=USAGE)
    found = next(iter(stream)).choices[0].delta.content
    stream.close()
    return found


@modes("left-unclosed", left=True)
def _(server):
    for chunk in ask(server, "left early", stream=True, stream_options=USAGE):
        return chunk.choices[0].delta.content


@modes("left-early-async", left=True)
def _(server):
    async def use():
        async with aclient(server) as c:
            stream = await c.chat.completions.create(model="gpt-4o", messages=messages("left"), stream=True)
            async for chunk in stream:
                await stream.close()
                return chunk.choices[0].delta.content

    return in_loop(use())


@modes("raw")
def _(server):
    raw = client(server).chat.completions.with_raw_response.create(model="gpt-4o", messages=messages("raw"))
    return type(raw).__name__, raw.parse().choices[0].message.content


@modes("raw-stream")
def _(server):
    with client(server).chat.completions.with_streaming_response.create(model="gpt-4o", messages=messages("raw")) as raw:
        body = json.loads(b"".join(raw.iter_bytes()))
    return body["choices"], body["usage"]


@modes("parse")
def _(server):
    from pydantic import BaseModel

    class Answer(BaseModel):
        word: str

    got = client(server).chat.completions.parse(model="gpt-4o", messages=messages("parse"), response_format=Answer)
    return got.choices[0].message.parsed.word


@modes("tool-loop")
def _(server):
    c, said = client(server), messages("use the tool")
    first = c.chat.completions.create(model="gpt-4o", messages=said, tools=[TOOL]).choices[0].message
    with step("tool"):
        inner = c.chat.completions.create(model="gpt-4o", messages=messages("inside the tool")).choices[0].message.content
    said += [first.model_dump(exclude_none=True), {"role": "tool", "tool_call_id": first.tool_calls[0].id, "content": inner}]
    return c.chat.completions.create(model="gpt-4o", messages=said, tools=[TOOL]).choices[0].message.content


@modes("in-the-loop")
def _(server):
    """A call inside the loop over a stream, and two streams side by side."""
    a, b = (ask(server, f"{n} stream", stream=True, stream_options=USAGE) for n in "ab")
    inner = []
    for one, two in zip(a, b):
        if not inner:
            inner.append(ask(server, "inside the loop").choices[0].message.content)
    return inner + [text_of(a), text_of(b)]


@modes("retry-429")
def _(server):
    return ask(server, "again [busy once] please").choices[0].message.content


@modes("retry-429-stream")
def _(server):
    return text_of(ask(server, "again [busy once] streamed", stream=True, stream_options=USAGE))


@modes("error-500", raises=True)
def _(server):
    c = client(server, max_retries=0)
    return c.chat.completions.create(model="gpt-4o", messages=messages("[status 500]"))


@modes("cut", raises=True)
def _(server):
    return text_of(ask(server, "[cut] in the middle", stream=True))


@modes("threads-8")
def _(server):
    return in_threads(lambda n: ask(server, f"step-{n}").choices[0].message.content)


@modes("gather-8")
def _(server):
    async def use():
        async with aclient(server) as c:

            async def one(n):
                got = await c.chat.completions.create(model="gpt-5", messages=messages(f"step-{n} of many"))
                return got.choices[0].message.content

            return await gathered(one)

    return in_loop(use())


@modes("gather-8-bare")
def _(server):
    """Eight siblings below one parent."""

    async def use():
        async with aclient(server) as c:
            told = (c.chat.completions.create(model="gpt-4o", messages=messages(f"number {n}")) for n in range(8))
            return [got.choices[0].message.content for got in await asyncio.gather(*told)]

    return in_loop(use())


@modes("gather-8-stream")
def _(server):
    async def use():
        async with aclient(server) as c:

            async def one(n):
                stream = await c.chat.completions.create(model="gpt-4o", messages=messages(f"step-{n}"), stream=True, stream_options=USAGE)
                return [c.choices[0].delta.content async for c in stream if c.choices]

            return await gathered(one)

    return in_loop(use())


@modes("interrupted", left=True)
def _(server):
    with interrupted_soon(server):
        text_of(ask(server, "interrupted", stream=True))


@modes("cancelled", left=True)
def _(server):
    async def use():
        async with aclient(server, max_retries=0) as c:
            return await cancelled_soon(server, c.chat.completions.create(model="gpt-4o", messages=messages("too long")))

    return in_loop(use())


@modes("cancelled-stream", left=True)
def _(server):
    async def use():
        async with aclient(server, max_retries=0) as c:

            async def told():
                stream = await c.chat.completions.create(model="gpt-4o", messages=messages("too long"), stream=True)
                return [part.id async for part in stream]

            return await cancelled_soon(server, told(), 0.3)

    return in_loop(use())


@modes("parse-async")
def _(server):
    from pydantic import BaseModel

    class Answer(BaseModel):
        word: str

    async def use():
        async with aclient(server) as c:
            got = await c.chat.completions.parse(model="gpt-4o", messages=messages("parse"), response_format=Answer)
            return got.choices[0].message.parsed.word

    return in_loop(use())


@modes("cut-usage", raises=True)
def _(server):
    return text_of(ask(server, "[cut] in the middle", stream=True, stream_options=USAGE))


@modes("timeout", left=True, raises=True)
def _(server):
    c = client(server, max_retries=0, timeout=0.3)
    return c.chat.completions.create(model="gpt-4o", messages=messages("[hold] too slow"))
