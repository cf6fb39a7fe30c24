"""openai: embeddings."""

import asyncio

from tests.matrix.clients.openai_chat import aclient, client
from tests.matrix.modes import Modes, gathered, in_loop, in_threads

modes = Modes("openai")
MODEL = "text-embedding-3-small"


def ask(server, text):
    return client(server).embeddings.create(model=MODEL, input=text).data[0].embedding


@modes("plain")
def _(server):
    return ask(server, ["some words", "and others"])


@modes("async")
def _(server):
    async def use():
        async with aclient(server) as c:
            return (await c.embeddings.create(model=MODEL, input="async")).data[0].embedding

    return in_loop(use())


@modes("raw")
def _(server):
    return client(server).embeddings.with_raw_response.create(model=MODEL, input="raw").parse().usage.total_tokens


@modes("retry-429")
def _(server):
    return ask(server, "again [busy once] embedded")


@modes("threads-8")
def _(server):
    return in_threads(lambda n: ask(server, f"step-{n}"))


@modes("gather-8")
def _(server):
    async def use():
        async with aclient(server) as c:

            async def one(n):
                return (await c.embeddings.create(model=MODEL, input=f"step-{n}")).data[0].embedding

            return await gathered(one)

    return in_loop(use())
