"""instructor over openai and anthropic."""

from tests.matrix.clients import anthropic, openai_chat
from tests.matrix.modes import Modes, gathered, in_loop, in_threads, interrupted_soon

modes = Modes("openai", "anthropic")


def answer():
    from pydantic import BaseModel

    class Answer(BaseModel):
        word: str

    return Answer


def ask(c, text, **more):
    said = [{"role": "user", "content": text}]
    return c.chat.completions.create(model="gpt-4o", messages=said, response_model=answer(), **more)


def wrapped(client):
    import instructor

    return instructor.from_openai(client)


@modes("parse")
def _(server):
    return ask(wrapped(openai_chat.client(server)), "use the tool").word


@modes("json-mode")
def _(server):
    import instructor

    c = instructor.from_openai(openai_chat.client(server), mode=instructor.Mode.JSON_SCHEMA)
    return ask(c, "parse").word


@modes("parse-async")
def _(server):
    async def use():
        async with openai_chat.aclient(server) as c:
            return (await ask(wrapped(c), "use the tool")).word

    return in_loop(use())


@modes("with-completion")
def _(server):
    c = wrapped(openai_chat.client(server))
    said = [{"role": "user", "content": "use the tool"}]
    told, whole = c.chat.completions.create_with_completion(model="gpt-4o", messages=said, response_model=answer())
    return told.word, whole.usage.total_tokens


@modes("stream-partial")
def _(server):
    c = wrapped(openai_chat.client(server))
    said = [{"role": "user", "content": "use the tool"}]
    told = c.chat.completions.create_partial(model="gpt-4o", messages=said, response_model=answer())
    return [part.word for part in told]


@modes("asked-again", raises=True)
def _(server):
    """An answer that does not fit is asked for again: each try is billed."""
    from pydantic import BaseModel

    class Other(BaseModel):
        word: int

    import instructor

    c = instructor.from_openai(openai_chat.client(server), mode=instructor.Mode.JSON)
    said = [{"role": "user", "content": "not what is wanted"}]
    return c.chat.completions.create(model="gpt-4o", messages=said, response_model=Other, max_retries=2)


@modes("anthropic")
def _(server):
    import instructor

    c = instructor.from_anthropic(anthropic.client(server))
    said = [{"role": "user", "content": "use the tool"}]
    return c.messages.create(model="claude-haiku-4-5", max_tokens=100, messages=said, response_model=answer()).word


@modes("retry-429")
def _(server):
    return ask(wrapped(openai_chat.client(server)), "use the tool [busy once]").word


@modes("threads-8")
def _(server):
    c = wrapped(openai_chat.client(server))
    return in_threads(lambda n: ask(c, f"step-{n} use the tool").word)


@modes("gather-8")
def _(server):
    async def use():
        async with openai_chat.aclient(server) as bare:
            c = wrapped(bare)

            async def one(n):
                return (await ask(c, f"step-{n} use the tool")).word

            return await gathered(one)

    return in_loop(use())


@modes("own-cache", cached=1)
def _(server):
    import instructor
    from instructor.cache import AutoCache

    c = instructor.from_openai(openai_chat.client(server), cache=AutoCache(maxsize=10))
    return [ask(c, "use the tool twice").word for _ in range(2)]


@modes("left-early", left=True)
def _(server):
    c = wrapped(openai_chat.client(server))
    told = c.chat.completions.create_partial(model="gpt-4o", messages=[{"role": "user", "content": "use the tool"}], response_model=answer())
    for part in told:
        return part.word


@modes("stream-iterable")
def _(server):
    import instructor

    c = instructor.from_openai(openai_chat.client(server), mode=instructor.Mode.TOOLS)
    said = [{"role": "user", "content": "use the tool"}]
    return len([item for item in c.chat.completions.create_iterable(model="gpt-4o", messages=said, response_model=answer())])


@modes("interrupted", left=True)
def _(server):
    with interrupted_soon(server):
        c = wrapped(openai_chat.client(server))
        said = [{"role": "user", "content": "use the tool"}]
        list(c.chat.completions.create_partial(model="gpt-4o", messages=said, response_model=answer()))
