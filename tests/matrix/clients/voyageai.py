"""voyageai: embeddings and rerank; sync over requests, async over aiohttp."""

from tests.matrix.modes import Modes, gathered, in_loop, in_threads

modes = Modes()
MODEL = "voyage-4"


def client(server):
    import voyageai

    return voyageai.Client(api_key="none", base_url=server.root + "/voyage/v1", max_retries=2)


def aclient(server):
    import voyageai

    return voyageai.AsyncClient(api_key="none", base_url=server.root + "/voyage/v1")


@modes("embed")
def _(server):
    return client(server).embed(["some words", "and others"], model=MODEL).total_tokens


@modes("embed-async")
def _(server):
    async def use():
        return (await aclient(server).embed(["async"], model=MODEL)).embeddings

    return in_loop(use())


@modes("embed-chunks")
def _(server):
    return client(server).contextualized_embed([["some words"], ["and others"]], model="voyage-context-4").total_tokens


@modes("embed-multimodal")
def _(server):
    return client(server).multimodal_embed([["some words"]], model="voyage-multimodal-3.5").total_tokens


@modes("rerank")
def _(server):
    return client(server).rerank("how warm", ["a", "b"], model="rerank-2.5").results[0].index


@modes("rerank-async")
def _(server):
    async def use():
        return (await aclient(server).rerank("how warm", ["a", "b"], model="rerank-2.5")).total_tokens

    return in_loop(use())


@modes("error-400", raises=True)
def _(server):
    return client(server).embed(["[status 400]"], model=MODEL)


@modes("threads-8")
def _(server):
    return in_threads(lambda n: client(server).embed([f"step-{n}"], model=MODEL).total_tokens)


@modes("gather-8")
def _(server):
    async def use():
        async def one(n):
            return (await aclient(server).embed([f"step-{n}"], model=MODEL)).total_tokens

        return await gathered(one)

    return in_loop(use())
