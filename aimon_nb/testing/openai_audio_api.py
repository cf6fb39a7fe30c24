"""OpenAI's audio as the truth server speaks it.

A sound is what a client sent: a token for each ten bytes. The models called `whisper…` are
billed by the second, of which a sound has one for each hundred bytes; the others by
tokens. Speech is the text itself, a token a word, as sound or as events.
"""

from __future__ import annotations

import base64
from typing import Any

from aimon_nb.testing import openai_api
from aimon_nb.testing.counting import Tokens, pieces, words
from aimon_nb.testing.dialect import Answer, Body, Endpoint, model_of, sse


def _prompt(body: Body) -> str:
    return str(body.get("prompt") or "")


def _transcribe(body: Body, chunks: int) -> Answer:
    model = model_of(body)
    size = (body.get("file") or {}).get("bytes", 0)
    said = "In short: " + " ".join(["word"] * chunks)
    if model.startswith("whisper"):
        usage: Body = {"type": "duration", "seconds": size // 100}
        return Answer(Tokens(), body={"text": said, "usage": usage}, usage_told=False)
    audio = size // 10
    tokens = Tokens(input=audio + words(_prompt(body)), output=words(said))
    usage = {
        "type": "tokens",
        "input_tokens": tokens.input,
        "input_token_details": {"text_tokens": tokens.input - audio, "audio_tokens": audio},
        "output_tokens": tokens.output,
        "total_tokens": tokens.total,
    }
    if not body.get("stream"):
        return Answer(tokens, body={"text": said, "usage": usage})
    told: list[tuple[str | None, Any]] = [
        (None, {"type": "transcript.text.delta", "delta": piece}) for piece in pieces(said, chunks)
    ]
    told.append((None, {"type": "transcript.text.done", "text": said, "usage": usage}))
    return Answer(tokens, frames=sse(told))


def _spoken(body: Body) -> str:
    return str(body.get("input") or "")


def _speak(body: Body, chunks: int) -> Answer:
    model_of(body)
    text = _spoken(body)
    tokens = Tokens(input=words(text), output=words(text))
    if body.get("stream_format") != "sse":
        sound = b"ID3" + text.encode()
        return Answer(tokens, body=sound, usage_told=False, kind="audio/mpeg")
    sounds = [base64.b64encode(piece.encode()).decode() for piece in pieces(text, chunks)]
    told: list[tuple[str | None, Any]] = [
        (None, {"type": "speech.audio.delta", "audio": sound}) for sound in sounds
    ]
    usage = {"input_tokens": tokens.input, "output_tokens": tokens.output}
    usage["total_tokens"] = tokens.total
    told.append((None, {"type": "speech.audio.done", "usage": usage}))
    return Answer(tokens, frames=sse(told))


CALLS = {
    "/v1/audio/transcriptions": Endpoint(_prompt, _transcribe, openai_api.error),
    "/v1/audio/translations": Endpoint(_prompt, _transcribe, openai_api.error),
    "/v1/audio/speech": Endpoint(_spoken, _speak, openai_api.error),
}
