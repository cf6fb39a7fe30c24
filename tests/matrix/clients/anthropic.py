"""anthropic: messages."""

import asyncio

from tests.matrix.modes import Modes, cancelled_soon, gathered, in_loop, in_threads, interrupted_soon, step

modes = Modes("anthropic")
TOOL = {"name": "look", "input_schema": {"type": "object", "properties": {"word": {"type": "string"}}}}


def client(server, **more):
    import anthropic

    return anthropic.Anthropic(base_url=server.root, api_key="none", **more)


def aclient(server, **more):
    import anthropic

    return anthropic.AsyncAnthropic(base_url=server.root, api_key="none", **more)


def options(text, system="be brief"):
    return {"model": "claude-haiku-4-5", "max_tokens": 100, "system": system, "messages": [{"role": "user", "content": text}]}


def ask(server, text, **more):
    return client(server).messages.create(**options(text), **more)


def texts(stream):
    return [e.delta.text for e in stream if e.type == "content_block_delta"]


@modes("plain")
def _(server):
    return ask(server, "plain words").content[0].text


@modes("rich")
def _(server):
    return client(server).messages.create(**options("rich", "[new] stable words")).usage.model_dump()


@modes("async")
def _(server):
    async def use():
        async with aclient(server) as c:
            return (await c.messages.create(**options("async"))).content[0].text

    return in_loop(use())


@modes("stream")
def _(server):
    return texts(ask(server, "streamed", stream=True))


@modes("async-stream")
def _(server):
    async def use():
        async with aclient(server) as c:
            stream = await c.messages.create(**options("streamed"), stream=True)
            return [e.delta.text async for e in stream if e.type == "content_block_delta"]

    return in_loop(use())


@modes("stream-helper")
def _(server):
    with client(server).messages.stream(**options("helped")) as stream:
        return list(stream.text_stream), stream.get_final_message().usage.output_tokens


@modes("left-early", left=True)
def _(server):
    with ask(server, "left early", stream=True) as stream:
        for event in stream:
            if event.type == "content_block_delta":
                return event.delta.text


@modes("left-early-helper", left=True)
def _(server):
    with client(server).messages.stream(**options("left early")) as stream:
        for text in stream.text_stream:
            return text


@modes("raw")
def _(server):
    return client(server).messages.with_raw_response.create(**options("raw")).parse().content[0].text


@modes("raw-stream")
def _(server):
    with client(server).messages.with_streaming_response.create(**options("raw")) as raw:
        return raw.parse().content[0].text


@modes("tool-loop")
def _(server):
    c = client(server)
    first = c.messages.create(**options("use the tool"), tools=[TOOL])
    use = next(b for b in first.content if b.type == "tool_use")
    with step("tool"):
        inner = ask(server, "inside the tool").content[0].text
    said = options("use the tool")
    said["messages"] += [
        {"role": "assistant", "content": [b.model_dump(exclude_none=True) for b in first.content]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use.id, "content": inner}]},
    ]
    return c.messages.create(**said, tools=[TOOL]).content[0].text


@modes("retry-429")
def _(server):
    return ask(server, "again [busy once] claude").content[0].text


@modes("retry-429-stream")
def _(server):
    return texts(ask(server, "again [busy once] claude streamed", stream=True))


@modes("error-500", raises=True)
def _(server):
    return client(server, max_retries=0).messages.create(**options("[status 500]"))


@modes("threads-8")
def _(server):
    return in_threads(lambda n: ask(server, f"step-{n}").content[0].text)


@modes("gather-8")
def _(server):
    async def use():
        async with aclient(server) as c:

            async def one(n):
                return (await c.messages.create(**options(f"step-{n}"))).content[0].text

            return await gathered(one)

    return in_loop(use())


@modes("gather-8-stream")
def _(server):
    async def use():
        async with aclient(server) as c:

            async def one(n):
                stream = await c.messages.create(**options(f"step-{n}"), stream=True)
                return [e.delta.text async for e in stream if e.type == "content_block_delta"]

            return await gathered(one)

    return in_loop(use())


@modes("interrupted", left=True)
def _(server):
    with interrupted_soon(server):
        texts(ask(server, "interrupted", stream=True))


@modes("interrupted-helper", left=True)
def _(server):
    with interrupted_soon(server):
        with client(server).messages.stream(**options("interrupted")) as stream:
            list(stream.text_stream)


@modes("thinking")
def _(server):
    asked = options("rich words to think about") | {"model": "claude-opus-4-5"}
    return client(server).messages.create(**asked).usage.model_dump()


@modes("thinking-stream")
def _(server):
    asked = options("rich words to think about", "[new] stable words") | {"model": "claude-opus-4-5"}
    return texts(client(server).messages.create(**asked, stream=True))


@modes("parse")
def _(server):
    from pydantic import BaseModel

    class Answer(BaseModel):
        text: str

    try:  # the server answers in words: what counts is the call
        return client(server).messages.parse(**options("parse"), output_format=Answer).parsed_output
    except ValueError as error:
        return type(error).__name__


@modes("left-early-async", left=True)
def _(server):
    async def use():
        async with aclient(server) as c:
            async with c.messages.stream(**options("left early")) as stream:
                async for text in stream.text_stream:
                    return text

    return in_loop(use())


@modes("cut", raises=True)
def _(server):
    return texts(ask(server, "[cut] in the middle", stream=True))


@modes("cancelled", left=True)
def _(server):
    async def use():
        async with aclient(server, max_retries=0) as c:
            return await cancelled_soon(server, c.messages.create(**options("too long")))

    return in_loop(use())
