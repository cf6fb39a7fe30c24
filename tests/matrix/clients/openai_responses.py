"""openai: responses."""

import asyncio

from tests.matrix.clients.openai_chat import aclient, client
from tests.matrix.modes import Modes, cancelled_soon, gathered, in_loop, in_threads, interrupted_soon

modes = Modes("openai")
TOOL = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {"word": {"type": "string"}}}}


def ask(server, text, model="gpt-4o", **more):
    return client(server).responses.create(model=model, instructions="be brief", input=text, **more)


def texts(stream):
    return [event.delta for event in stream if event.type == "response.output_text.delta"]


@modes("plain")
def _(server):
    return ask(server, "plain").output_text


@modes("rich")
def _(server):
    return ask(server, "rich words", model="gpt-5").usage.model_dump()


@modes("async")
def _(server):
    async def use():
        async with aclient(server) as c:
            return (await c.responses.create(model="gpt-5", input="async")).output_text

    return in_loop(use())


@modes("stream")
def _(server):
    return texts(ask(server, "streamed", model="gpt-5", stream=True))


def wait_for(c, answer):
    while answer.status in ("queued", "in_progress"):
        answer = c.responses.retrieve(answer.id)
    return answer.usage.model_dump()


@modes("background")
def _(server):
    return wait_for(client(server), ask(server, "in the background", model="gpt-5", background=True))


@modes("background-async")
def _(server):
    async def use():
        async with aclient(server) as c:
            answer = await c.responses.create(model="gpt-5", input="in the background", background=True)
            while answer.status in ("queued", "in_progress"):
                answer = await c.responses.retrieve(answer.id)
            return answer.output_text

    return in_loop(use())


@modes("background-threads-8")
def _(server):
    return in_threads(lambda n: wait_for(client(server), ask(server, f"step-{n}", background=True)))


@modes("stream-helper")
def _(server):
    with client(server).responses.stream(model="gpt-4o", input="helped") as stream:
        return [event.type for event in stream]


@modes("left-early", left=True)
def _(server):
    with ask(server, "left early", stream=True) as stream:
        for event in stream:
            if event.type == "response.output_text.delta":
                return event.delta


@modes("raw")
def _(server):
    return client(server).responses.with_raw_response.create(model="gpt-4o", input="raw").parse().output_text


@modes("parse")
def _(server):
    from pydantic import BaseModel

    class Answer(BaseModel):
        word: str

    return client(server).responses.parse(model="gpt-4o", input="parse", text_format=Answer).output_parsed.word


@modes("tool-loop")
def _(server):
    first = ask(server, "use the tool", tools=[TOOL]).output[0]
    said = [{"role": "user", "content": "use the tool"}, first.model_dump(), {"type": "function_call_output", "call_id": first.call_id, "output": "done"}]
    return client(server).responses.create(model="gpt-4o", input=said, tools=[TOOL]).output_text


@modes("retry-429")
def _(server):
    return ask(server, "again [busy once] responses").output_text


@modes("threads-8")
def _(server):
    return in_threads(lambda n: ask(server, f"step-{n}").output_text)


@modes("gather-8")
def _(server):
    async def use():
        async with aclient(server) as c:

            async def one(n):
                return (await c.responses.create(model="gpt-5", input=f"step-{n}")).output_text

            return await gathered(one)

    return in_loop(use())


@modes("interrupted", left=True)
def _(server):
    with interrupted_soon(server):
        texts(ask(server, "interrupted", stream=True))


@modes("async-stream")
def _(server):
    async def use():
        async with aclient(server) as c:
            stream = await c.responses.create(model="gpt-5", input="streamed", stream=True)
            return [event.type async for event in stream]

    return in_loop(use())


@modes("raw-stream")
def _(server):
    with client(server).responses.with_streaming_response.create(model="gpt-4o", input="raw") as raw:
        return raw.parse().output_text


@modes("left-early-async", left=True)
def _(server):
    async def use():
        async with aclient(server) as c:
            async for event in await c.responses.create(model="gpt-4o", input="left early", stream=True):
                if event.type == "response.output_text.delta":
                    return event.delta

    return in_loop(use())


@modes("cancelled", left=True)
def _(server):
    async def use():
        async with aclient(server, max_retries=0) as c:
            return await cancelled_soon(server, c.responses.create(model="gpt-4o", input="too long"))

    return in_loop(use())
