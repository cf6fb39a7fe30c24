"""OpenAI's chat completions, as many others offer it too (vLLM, Ollama, Groq …).

https://platform.openai.com/docs/api-reference/chat

Variants: Azure has the model in the path; DeepSeek, vLLM and xAI send
`reasoning_content`, OpenRouter, Groq and newer vLLM `reasoning`, Mistral parts of
type `thinking`; Groq streams its usage in `x_groq`, Moonshot inside the choice.
"""

from __future__ import annotations

import re
from typing import Any

from aimon_nb.model import Message, ModelCall
from aimon_nb.model.call import Media
from aimon_nb.wire.dialects import known_usage
from aimon_nb.wire.dialects.json_values import (
    dict_of,
    dicts_of,
    index_of,
    json_of,
    list_of,
    scalar_parameters,
    text_of,
)
from aimon_nb.wire.dialects.media_parts import media_of
from aimon_nb.wire.dialects.openai_form import OpenAIForm, details, usage
from aimon_nb.wire.dialects.parts import text_of_content
from aimon_nb.wire.dialects.sound_pieces import SoundPieces

PARAMETERS = (
    "temperature",
    "top_p",
    "max_tokens",
    "max_completion_tokens",
    "seed",
    "n",
    "reasoning_effort",
    "verbosity",
    "service_tier",
    "presence_penalty",
    "frequency_penalty",
)


# OpenAI's models that search the web once for every answer.
_SEARCHING = re.compile(r"^gpt-.+-search-(?:preview|api)")


class OpenAIChat(OpenAIForm):
    """`POST …/chat/completions`, plain and streamed."""

    path_suffixes = frozenset({"completions"})
    path_pattern = re.compile(r"/chat/completions$")

    def __init__(self, host: str, path: str) -> None:
        super().__init__(host, path)
        # By the choice's index, whether it has its finish reason.
        self._finished: dict[int, bool] = {}
        self._searches = False
        self._sounds: dict[int, SoundPieces] = {}
        self._sound_form = ""

    def request(self, call: ModelCall, body: dict[str, Any]) -> None:
        """Model, messages, tools and parameters of the request."""
        super().request(call, body)
        call.input = messages(list_of(body.get("messages")))
        call.tools = [tool(t) for t in dicts_of(body.get("tools"))]
        call.parameters = scalar_parameters(body, PARAMETERS)
        self._sound_form = text_of(dict_of(body.get("audio")).get("format"))
        self._searches = _SEARCHING.search(call.request_model or "") is not None

    def answer(self, call: ModelCall, event: dict[str, Any]) -> None:
        """A completion, or one `chat.completion.chunk`."""
        super().answer(call, event)
        choices = dicts_of(event.get("choices"))
        for choice in choices:
            self._choice(call, choice)
        raw = _usage(event, choices)
        if raw:
            # Some count along in every chunk (vLLM's continuous usage, xAI, Perplexity):
            # such a count is not final before every choice is.
            is_final = all(self._finished.values())
            self.take_usage(call, raw, usage(raw), known_usage.CHAT, is_final=is_final)
            call.details = details(raw)
            if self._searches:
                call.details["web_searches"] = 1

    def _choice(self, call: ModelCall, choice: dict[str, Any]) -> None:
        index = index_of(choice.get("index"))
        message = choice.get("message")
        part = dict_of(message or choice.get("delta"))
        self._content(call, part, index)
        for place, tool_call in enumerate(dicts_of(part.get("tool_calls"))):
            # Some send each call whole and without its index: then it is a new one.
            position = index_of(tool_call["index"]) if "index" in tool_call else None
            at = place if message else position
            one = text_of(tool_call.get("id"))
            self._tool_call(call, dict_of(tool_call.get("function")), at, index, one)
        # The form from before there were tools.
        if isinstance(part.get("function_call"), dict):
            self._tool_call(call, part["function_call"], "function_call", index)
        sound = self._sounds.get(index)
        if sound is not None and (choice.get("finish_reason") or message):
            self.turns.add_media(call, sound.take(self._sound_form), index)
        if choice.get("finish_reason"):
            call.finish_reason = text_of(choice["finish_reason"]) or call.finish_reason
            self._finished[index] = True
        elif not message:
            self._finished.setdefault(index, False)

    def _content(self, call: ModelCall, part: dict[str, Any], index: int) -> None:
        reasoning = text_of(part.get("reasoning_content")) or text_of(part.get("reasoning"))
        self.turns.add_reasoning(call, reasoning, index)
        content = part.get("content")
        for piece in dicts_of(content):
            if piece.get("type") == "thinking":
                self.turns.add_reasoning(call, text_of_content(piece.get("thinking")), index)
            else:
                self.turns.add_text(call, text_of(piece.get("text")), index)
        audio = dict_of(part.get("audio"))
        if text_of(audio.get("data")):
            self._sounds.setdefault(index, SoundPieces()).add(text_of(audio["data"]))
        transcript = text_of(audio.get("transcript"))
        text = text_of(content) or text_of(part.get("refusal")) or transcript
        self.turns.add_text(call, text, index)

    def _tool_call(
        self,
        call: ModelCall,
        function: dict[str, Any],
        at: int | str | None,
        index: int,
        one: str = "",
    ) -> None:
        name, arguments = text_of(function.get("name")), json_of(function.get("arguments"))
        self.turns.add_tool_call(call, name, arguments, at, index, one)


def _usage(event: dict[str, Any], choices: list[dict[str, Any]]) -> dict[str, Any]:
    raw = event.get("usage") or dict_of(event.get("x_groq")).get("usage")
    return dict_of(raw or next((c["usage"] for c in choices if c.get("usage")), None))


def messages(raw: list[Any]) -> list[Message]:
    """Return the messages of the request; a tool's result has the name of the call it is for."""
    told = [dict_of(one) for one in raw]
    calls = [call for one in told for call in dicts_of(one.get("tool_calls"))]
    names = {text_of(c.get("id")): text_of(dict_of(c.get("function")).get("name")) for c in calls}
    found = [message(one) for one in told]
    for turn, one in zip(found, told, strict=True):
        if turn.role == "tool":
            # Ollama and Mistral name it in the message itself.
            named = text_of(one.get("tool_name")) or text_of(one.get("name"))
            turn.tools = named or names.get(text_of(one.get("tool_call_id")), "")
    return found


def message(raw: dict[str, Any]) -> Message:
    """Return a message of the request."""
    functions = [dict_of(c.get("function")) for c in dicts_of(raw.get("tool_calls"))]
    calls = [(text_of(f.get("name")), json_of(f.get("arguments"))) for f in functions]
    media: list[Media] = []
    text = text_of_content(raw.get("content"), media) or text_of(raw.get("refusal"))
    # Ollama's own form has images beside the text.
    images = [media_of(one) for one in list_of(raw.get("images")) if isinstance(one, str)]
    media += [one for one in images if one is not None]
    return Message(text_of(raw.get("role")) or "user", text, calls, media)


def tool(raw: dict[str, Any]) -> str:
    """Return the name of a tool: a function's own, or the type of one that the server runs."""
    return text_of(dict_of(raw.get("function")).get("name")) or text_of(raw.get("type"))
