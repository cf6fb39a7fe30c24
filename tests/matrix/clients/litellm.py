"""litellm over OpenAI's dialect: no integration of Sentry's (it breaks threads)."""

import asyncio

from tests.matrix.modes import Modes, gathered, in_loop, in_threads, interrupted_soon

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
