"""aiobotocore: Bedrock's converse and invoke in tasks, over aiohttp."""

import json

from tests.matrix.clients.bedrock import MODEL, body, options
from tests.matrix.modes import Modes, cancelled_soon, gathered, in_loop

modes = Modes()


def client(server):
    from aiobotocore.session import get_session

    return get_session().create_client("bedrock-runtime", endpoint_url=server.root)


async def ask(server, text):
    async with client(server) as c:
        return (await c.converse(**options(text)))["output"]["message"]["content"]


@modes("converse")
def _(server):
    return in_loop(ask(server, "plain words"))


@modes("converse-stream")
def _(server):
    async def use():
        async with client(server) as c:
            told = await c.converse_stream(**options("streamed"))
            return [list(event) async for event in told["stream"]]

    return in_loop(use())


@modes("converse-left", left=True)
def _(server):
    async def use():
        async with client(server) as c:
            told = await c.converse_stream(**options("left early"))
            async for event in told["stream"]:
                return list(event)

    return in_loop(use())


@modes("invoke")
def _(server):
    async def use():
        async with client(server) as c:
            told = await c.invoke_model(modelId=MODEL, body=body("invoked"))
            return json.loads(await told["body"].read())["content"]

    return in_loop(use())


@modes("invoke-stream")
def _(server):
    async def use():
        async with client(server) as c:
            told = await c.invoke_model_with_response_stream(modelId=MODEL, body=body("invoked"))
            return [json.loads(event["chunk"]["bytes"])["type"] async for event in told["body"]]

    return in_loop(use())


@modes("retry-429")
def _(server):
    return in_loop(ask(server, "again [busy once] bedrock"))


@modes("gather-8")
def _(server):
    async def use():
        async with client(server) as c:

            async def one(n):
                return (await c.converse(**options(f"step-{n}")))["output"]["message"]["content"]

            return await gathered(one)

    return in_loop(use())


@modes("error-400", raises=True)
def _(server):
    return in_loop(ask(server, "[status 400]"))


@modes("cancelled", left=True)
def _(server):
    return in_loop(cancelled_soon(server, ask(server, "too long")))
