"""litellm over OpenAI's dialect: no integration of Sentry's (it breaks threads)."""

import asyncio

from tests.matrix.modes import Modes, cancelled_soon, gathered, in_loop, in_threads, interrupted_soon, step

modes = Modes()


def options(server, text, model="gpt-4o"):
    return {"model": f"openai/{model}", "api_base": server.url, "api_key": "sk-none", "messages": [{"role": "user", "content": text}]}


def ask(server, text, model="gpt-4o", **more):
    import litellm

    return litellm.completion(**options(server, text, model), **more)


@modes("plain")
def _(server):
    return ask(server, "plain words").choices[0].message.content


@modes("rich")
def _(server):
    return ask(server, "rich words", "gpt-5").usage.completion_tokens


@modes("async")
def _(server):
    import litellm

    return in_loop(litellm.acompletion(**options(server, "async", "gpt-5"))).choices[0].message.content


@modes("stream-usage")
def _(server):
    return [c.choices[0].delta.content for c in ask(server, "streamed", stream=True, stream_options={"include_usage": True}) if c.choices]


@modes("async-stream")
def _(server):
    import litellm

    async def use():
        stream = await litellm.acompletion(**options(server, "streamed"), stream=True, stream_options={"include_usage": True})
        return [c.choices[0].delta.content async for c in stream if c.choices]

    return in_loop(use())


@modes("left-early", left=True)
def _(server):
    for chunk in ask(server, "left early", stream=True):
        return chunk.choices[0].delta.content


@modes("embedding")
def _(server):
    import litellm

    return litellm.embedding(model="openai/text-embedding-3-small", api_base=server.url, api_key="sk-none", input=["words"]).data[0]["embedding"]


@modes("responses")
def _(server):
    import litellm

    return litellm.responses(model="openai/gpt-5", api_base=server.url, api_key="sk-none", input="responses").output[0].content[0].text


@modes("retry-429")
def _(server):
    return ask(server, "again [busy once] by litellm", max_retries=2).choices[0].message.content


@modes("threads-8")
def _(server):
    return in_threads(lambda n: ask(server, f"step-{n}").choices[0].message.content)


@modes("gather-8")
def _(server):
    import litellm

    async def use():
        async def one(n):
            return (await litellm.acompletion(**options(server, f"step-{n}"))).choices[0].message.content

        return await gathered(one)

    return in_loop(use())


@modes("interrupted", left=True)
def _(server):
    with interrupted_soon(server):
        list(ask(server, "interrupted", stream=True))


@modes("stream-nousage")
def _(server):
    return [c.choices[0].delta.content for c in ask(server, "streamed", stream=True) if c.choices]


@modes("anthropic")
def _(server):
    import litellm

    said = [{"role": "system", "content": "[new] stable words"}, {"role": "user", "content": "rich claude"}]
    got = litellm.completion(model="anthropic/claude-opus-4-5", api_base=server.root, api_key="none", messages=said)
    return got.choices[0].message.content


@modes("anthropic-stream")
def _(server):
    import litellm

    said = [{"role": "user", "content": "streamed claude"}]
    told = litellm.completion(model="anthropic/claude-haiku-4-5", api_base=server.root, api_key="none", messages=said, stream=True)
    return [c.choices[0].delta.content for c in told if c.choices]


@modes("parse")
def _(server):
    from pydantic import BaseModel

    class Answer(BaseModel):
        word: str

    return ask(server, "parse", response_format=Answer).choices[0].message.content


@modes("tool-loop")
def _(server):
    import litellm

    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {"word": {"type": "string"}}}}}
    first = ask(server, "use the tool", tools=[tool]).choices[0].message
    with step("tool"):
        inner = ask(server, "inside the tool").choices[0].message.content
    asked = options(server, "use the tool")
    asked["messages"] += [first.model_dump(exclude_none=True), {"role": "tool", "tool_call_id": first.tool_calls[0].id, "content": inner}]
    return litellm.completion(**asked, tools=[tool]).choices[0].message.content


@modes("left-early-async", left=True)
def _(server):
    import litellm

    async def use():
        async for chunk in await litellm.acompletion(**options(server, "left early"), stream=True):
            return chunk.choices[0].delta.content

    return in_loop(use())


@modes("error-400", raises=True)
def _(server):
    return ask(server, "[status 400]")


@modes("own-cache", cached=1)
def _(server):
    import litellm

    litellm.cache = litellm.Cache()
    try:
        return [ask(server, "asked twice", caching=True).choices[0].message.content for _ in range(2)]
    finally:
        litellm.cache = None


@modes("gather-8-stream")
def _(server):
    import litellm

    async def use():
        async def one(n):
            stream = await litellm.acompletion(**options(server, f"step-{n}"), stream=True, stream_options={"include_usage": True})
            return [c.choices[0].delta.content async for c in stream if c.choices]

        return await gathered(one)

    return in_loop(use())


@modes("cancelled", left=True)
def _(server):
    import litellm

    return in_loop(cancelled_soon(server, litellm.acompletion(**options(server, "too long"), max_retries=0)))
