"""openai: images and audio, as JSON, as forms, as events and as sound."""

from tests.matrix.clients.openai_chat import aclient, client
from tests.matrix.modes import Modes, gathered, in_loop, in_threads

modes = Modes("openai")
IMAGE = "gpt-image-1.5"
PICTURE = ("a.png", b"png")
SOUND = ("a.mp3", b"x" * 250)
SAID = {"model": "gpt-4o-mini-tts", "voice": "alloy"}


def draw(server, text, **more):
    return client(server).images.generate(model=IMAGE, prompt=text, **more)


@modes("image")
def _(server):
    return draw(server, "a cat", n=2).usage.model_dump()


@modes("image-async")
def _(server):
    async def use():
        async with aclient(server) as c:
            return (await c.images.generate(model=IMAGE, prompt="a cat")).data[0].b64_json

    return in_loop(use())


@modes("image-stream")
def _(server):
    return [event.type for event in draw(server, "a cat", stream=True, partial_images=1)]


@modes("image-left", left=True)
def _(server):
    with draw(server, "a cat", stream=True, partial_images=1) as stream:
        return next(iter(stream)).type


@modes("image-edit")
def _(server):
    return client(server).images.edit(model=IMAGE, prompt="more light", image=PICTURE).usage.total_tokens


@modes("image-edit-stream")
def _(server):
    told = client(server).images.edit(model=IMAGE, prompt="more light", image=[PICTURE], stream=True)
    return [event.type for event in told]


@modes("image-retry-429")
def _(server):
    return draw(server, "again [busy once] drawn").usage.total_tokens


@modes("image-error-400", raises=True)
def _(server):
    return draw(server, "[status 400]")


@modes("image-threads-8")
def _(server):
    return in_threads(lambda n: draw(server, f"step-{n}").usage.total_tokens)


@modes("image-gather-8")
def _(server):
    async def use():
        async with aclient(server) as c:

            async def one(n):
                return (await c.images.generate(model=IMAGE, prompt=f"step-{n}")).usage.total_tokens

            return await gathered(one)

    return in_loop(use())


@modes("transcription")
def _(server):
    told = client(server).audio.transcriptions.create(model="gpt-4o-transcribe", file=SOUND, prompt="two words")
    return told.text, told.usage.model_dump()


@modes("transcription-seconds")
def _(server):
    return client(server).audio.transcriptions.create(model="whisper-1", file=SOUND).text


@modes("transcription-async")
def _(server):
    async def use():
        async with aclient(server) as c:
            return (await c.audio.transcriptions.create(model="gpt-4o-transcribe", file=SOUND)).text

    return in_loop(use())


@modes("transcription-stream")
def _(server):
    told = client(server).audio.transcriptions.create(model="gpt-4o-transcribe", file=SOUND, stream=True)
    return [event.type for event in told]


@modes("speech")
def _(server):
    return client(server).audio.speech.create(input="hello there", **SAID).content.decode("latin-1")


@modes("speech-stream")
def _(server):
    with client(server).audio.speech.with_streaming_response.create(input="hello there", **SAID) as told:
        return b"".join(told.iter_bytes(3)).decode("latin-1")


@modes("speech-events")
def _(server):
    with client(server).audio.speech.with_streaming_response.create(input="hello there", stream_format="sse", **SAID) as told:
        return list(told.iter_lines())
