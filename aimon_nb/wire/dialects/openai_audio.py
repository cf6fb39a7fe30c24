"""OpenAI's audio: to text (transcriptions, translations) and from text (speech).

https://platform.openai.com/docs/api-reference/audio
https://docs.mistral.ai/api/endpoint/audio/transcriptions

Audio is sent as a form, of which the fields that are texts are read. It is billed by tokens or
by seconds. Speech comes as sound, which tells no usage, or as events.
"""

from __future__ import annotations

import math
import re
from typing import Any

from aimon_nb.model import Message, ModelCall, Usage
from aimon_nb.wire.dialects import known_usage
from aimon_nb.wire.dialects.json_values import count_of, dict_of, scalar_parameters, text_of
from aimon_nb.wire.dialects.openai_form import OpenAIForm
from aimon_nb.wire.dialects.sound_pieces import SoundPieces


class OpenAITranscription(OpenAIForm):
    """`POST …/audio/transcriptions` and `…/audio/translations`."""

    operation = "transcription"
    path_suffixes = frozenset({"transcriptions", "translations"})
    body_markers = (b'"model"', b'name="file"')
    path_pattern = re.compile(r"/audio/(?:transcriptions|translations)$")

    def answer(self, call: ModelCall, event: dict[str, Any]) -> None:
        """The text, or one event of its stream."""
        super().answer(call, event)
        kind = text_of(event.get("type"))
        call.streaming = call.streaming or bool(kind)
        if kind.endswith("text.delta"):
            self.turns.add_text(call, text_of(event.get("delta")) or text_of(event.get("text")))
        elif not kind or kind.endswith(".done"):
            self.turns.reset(call)
            self.turns.add_text(call, text_of(event.get("text")))
            call.finish_reason = "stop"
        raw = dict_of(event.get("usage"))
        if raw:
            self.take_usage(call, raw, _usage(raw), known_usage.AUDIO)
            call.details = _details(raw)


class OpenAISpeech(OpenAIForm):
    """`POST …/audio/speech`."""

    operation = "speech"
    path_suffixes = frozenset({"speech"})
    body_markers = (b'"input"',)
    path_pattern = re.compile(r"/audio/speech$")

    def __init__(self, host: str, path: str) -> None:
        super().__init__(host, path)
        self._sound, self._form = SoundPieces(), "mp3"

    def request(self, call: ModelCall, body: dict[str, Any]) -> None:
        """Model, text, instructions and parameters."""
        super().request(call, body)
        call.streaming = body.get("stream_format") == "sse"
        pairs = [("system", body.get("instructions")), ("user", body.get("input"))]
        call.input = [Message(role, text) for role, text in pairs if text and text_of(text)]
        call.parameters = scalar_parameters(body, ("voice", "response_format"))
        self._form = text_of(body.get("response_format")) or self._form

    def answer(self, call: ModelCall, event: dict[str, Any]) -> None:
        """One event of a stream, of which the sound is one at its end."""
        super().answer(call, event)
        self._sound.add(text_of(event.get("audio")))
        if event.get("type") == "speech.audio.done":
            self.turns.add_media(call, self._sound.take(self._form))
            call.finish_reason = "stop"
            raw = dict_of(event.get("usage"))
            if raw:
                self.take_usage(call, raw, _usage(raw), known_usage.AUDIO)


def _usage(raw: dict[str, Any]) -> Usage:
    total = count_of(raw.get("total_tokens"))
    if "prompt_audio_seconds" in raw:
        # Mistral's prompt is the text alone: the audio's tokens show in the total.
        output = count_of(raw.get("completion_tokens"))
        beside = None if total is None or output is None else max(total - output, 0)
        return Usage(input=beside, output=output, total=total)
    return Usage(
        input=count_of(raw.get("input_tokens")),
        output=count_of(raw.get("output_tokens")),
        total=total,
    )


def _details(raw: dict[str, Any]) -> dict[str, int]:
    audio = dict_of(raw.get("input_token_details")).get("audio_tokens")
    counts = {
        "input_audio_tokens": count_of(audio),
        "audio_seconds": _seconds(raw.get("seconds", raw.get("prompt_audio_seconds"))),
    }
    return {name: count for name, count in counts.items() if count}


def _seconds(value: Any) -> int | None:
    """Return a duration in whole seconds, as it is billed: to the nearest."""
    if isinstance(value, float) and math.isfinite(value):
        value = round(value)
    return count_of(value)
