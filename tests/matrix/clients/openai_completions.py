"""openai: completions of a bare prompt, and what is below a gateway's own base path."""

from tests.matrix.clients.openai_chat import aclient, client
from tests.matrix.modes import Modes, in_loop, in_threads

modes = Modes("openai")
MODEL = "gpt-3.5-turbo-instruct"
USAGE = {"stream": True, "stream_options": {"include_usage": True}}


def ask(server, text, **more):
    return client(server).completions.create(model=MODEL, prompt=text, **more)


def below(server):
    return client(server).with_options(base_url=server.root + "/llm")


@modes("plain")
def _(server):
    return ask(server, "plain words").choices[0].text


@modes("async")
def _(server):
    async def use():
        async with aclient(server) as c:
            return (await c.completions.create(model=MODEL, prompt="async")).choices[0].text

    return in_loop(use())


@modes("stream")
def _(server):
    return [chunk.choices[0].text for chunk in ask(server, "streamed", **USAGE) if chunk.choices]


@modes("stream-no-usage")
def _(server):
    return [chunk.choices[0].text for chunk in ask(server, "streamed", stream=True)]


@modes("left-early", left=True)
def _(server):
    with ask(server, "left early", **USAGE) as stream:
        return next(iter(stream)).choices[0].text


@modes("retry-429")
def _(server):
    return ask(server, "again [busy once] completed").choices[0].text


@modes("threads-8")
def _(server):
    return in_threads(lambda n: ask(server, f"step-{n}").choices[0].text)


@modes("gateway-completions")
def _(server):
    return below(server).completions.create(model=MODEL, prompt="below a path").choices[0].text


@modes("gateway-responses")
def _(server):
    return below(server).responses.create(model="gpt-5", instructions="be brief", input="below a path").output_text


@modes("gateway-responses-stream")
def _(server):
    c = below(server)
    return [event.type for event in c.responses.create(model="gpt-5", input="below a path", stream=True)]
