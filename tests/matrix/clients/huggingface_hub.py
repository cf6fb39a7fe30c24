"""huggingface_hub: chat completions, text generation and embeddings of a given server."""

from tests.matrix.modes import Modes, gathered, in_loop, in_threads, interrupted_soon, step

modes = Modes("huggingface_hub")
USAGE = {"include_usage": True}


def client(server, path="/v1"):
    from huggingface_hub import InferenceClient

    return InferenceClient(base_url=server.root + path, api_key="none")


def aclient(server):
    from huggingface_hub import AsyncInferenceClient

    return AsyncInferenceClient(base_url=server.url, api_key="none")


def said(text):
    return [{"role": "system", "content": "be brief"}, {"role": "user", "content": text}]


def ask(c, text, model="gpt-4o", **more):
    return c.chat_completion(said(text), model=model, **more)


def texts(stream):
    return [c.choices[0].delta.content for c in stream if c.choices]


@modes("plain")
def _(server):
    c = client(server)
    return ask(c, "plain words").choices[0].message.content


@modes("rich")
def _(server):
    c = client(server)
    return ask(c, "rich words", "gpt-5").usage.total_tokens


@modes("openai-style")
def _(server):
    c = client(server)
    return c.chat.completions.create(model="gpt-4o", messages=said("styled")).choices[0].message.content


@modes("stream-usage")
def _(server):
    c = client(server)
    return texts(ask(c, "streamed", stream=True, stream_options=USAGE))


@modes("stream-nousage")
def _(server):
    c = client(server)
    return texts(ask(c, "streamed", stream=True))


@modes("left-early", left=True)
def _(server):
    c = client(server)
    return next(iter(ask(c, "left early", stream=True, stream_options=USAGE))).choices[0].delta.content


@modes("async")
def _(server):
    async def use():
        async with aclient(server) as c:
            return (await ask(c, "async")).choices[0].message.content

    return in_loop(use())


@modes("async-stream")
def _(server):
    async def use():
        async with aclient(server) as c:
            stream = await ask(c, "async", stream=True, stream_options=USAGE)
            return [part.choices[0].delta.content async for part in stream if part.choices]

    return in_loop(use())


@modes("text-generation")
def _(server):
    c = client(server, "/generate")
    return c.text_generation("some words", details=True).generated_text


@modes("text-generation-nousage")
def _(server):
    c = client(server, "/generate")
    return c.text_generation("some words")


@modes("text-generation-stream")
def _(server):
    c = client(server, "/generate_stream")
    return [part.token.text for part in c.text_generation("some words", stream=True, details=True)]


@modes("error-500", raises=True)
def _(server):
    return ask(client(server), "[status 500]")


@modes("threads-8")
def _(server):
    c = client(server)
    return in_threads(lambda n: ask(c, f"step-{n}").choices[0].message.content)


@modes("gather-8")
def _(server):
    async def use():
        async with aclient(server) as c:

            async def one(n):
                return (await ask(c, f"step-{n}")).choices[0].message.content

            return await gathered(one)

    return in_loop(use())


@modes("interrupted", left=True)
def _(server):
    c = client(server)
    with interrupted_soon(server):
        texts(ask(c, "interrupted", stream=True))


@modes("parse")
def _(server):
    c = client(server)
    schema = {"type": "object", "properties": {"word": {"type": "string"}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    return ask(c, "parse", response_format=wanted).choices[0].message.content


@modes("tool-loop")
def _(server):
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {"word": {"type": "string"}}}}}
    c = client(server)
    call = ask(c, "use the tool", tools=[tool]).choices[0].message.tool_calls[0]
    with step("tool"):
        inner = ask(c, "inside the tool").choices[0].message.content
    called = {"role": "assistant", "tool_calls": [{"id": call.id, "type": "function", "function": {"name": "look", "arguments": "{}"}}]}
    told = [*said("use the tool"), called, {"role": "tool", "tool_call_id": call.id, "content": inner}]
    return c.chat_completion(told, model="gpt-4o", tools=[tool]).choices[0].message.content


@modes("left-early-async", left=True)
def _(server):
    async def use():
        async with aclient(server) as c:
            async for part in await ask(c, "left early", stream=True):
                return part.choices[0].delta.content

    return in_loop(use())

