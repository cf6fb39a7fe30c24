"""OpenAI's chat completions, as many others speak it too (vLLM, Ollama, Groq …).

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

import re
from typing import Any

from aimon_nb.model import Call, Message, Usage
from aimon_nb.wire.dialects.reading import count_of, dict_of, list_of, text_of

PARAMETERS = (
    "temperature",
    "top_p",
    "max_tokens",
    "max_completion_tokens",
    "seed",
    "n",
    "reasoning_effort",
    "service_tier",
    "presence_penalty",
    "frequency_penalty",
)


class OpenAIChat:
    """`POST …/chat/completions`, plain and streamed."""

    provider = "openai"
    paths = re.compile(r"/chat/completions$")

    def operation(self, path: str) -> str:  # noqa: ARG002
        """Always a chat."""
        return "chat"

    def request(self, call: Call, body: dict[str, Any]) -> None:
        """Model, messages, tools and parameters of the request."""
        call.request_model = text_of(body.get("model")) or None
        call.input = [message(m) for m in list_of(body.get("messages"))]
        call.tools = [
            text_of(dict_of(dict_of(t).get("function")).get("name"))
            for t in list_of(body.get("tools"))
        ]
        call.parameters = {k: body[k] for k in PARAMETERS if body.get(k) is not None}

    def answer(self, call: Call, event: dict[str, Any]) -> None:
        """A completion, or one `chat.completion.chunk`."""
        call.response_model = text_of(event.get("model")) or call.response_model
        call.service_tier = text_of(event.get("service_tier")) or call.service_tier
        for choice in list_of(event.get("choices")):
            self._choice(call, dict_of(choice))
        if isinstance(event.get("usage"), dict):
            call.usage = usage(event["usage"])

    def _choice(self, call: Call, choice: dict[str, Any]) -> None:
        index = choice.get("index")
        index = index if isinstance(index, int) and 0 <= index < 128 else 0
        while len(call.output) <= index:
            call.output.append(Message("assistant"))
        turn = call.output[index]
        if isinstance(choice.get("message"), dict):
            said = message(choice["message"])
            turn.text, turn.tool_calls = said.text, said.tool_calls
        delta = dict_of(choice.get("delta"))
        turn.text += text_of(delta.get("content")) + text_of(delta.get("refusal"))
        for part in list_of(delta.get("tool_calls")):
            _grow(turn, dict_of(part))
        if choice.get("finish_reason"):
            call.finish_reason = text_of(choice["finish_reason"])


def message(raw: Any) -> Message:
    """A message of the request or the answer."""
    raw = dict_of(raw)
    content = raw.get("content")
    if isinstance(content, list):
        parts = [dict_of(p) for p in content]
        text = "\n".join(
            text_of(p.get("text")) or f"[{text_of(p.get('type')) or 'part'}]" for p in parts
        )
    else:
        text = text_of(content)
    functions = [dict_of(dict_of(c).get("function")) for c in list_of(raw.get("tool_calls"))]
    calls = [(text_of(f.get("name")), text_of(f.get("arguments"))) for f in functions]
    return Message(
        text_of(raw.get("role")) or "assistant", text or text_of(raw.get("refusal")), calls
    )


def usage(raw: dict[str, Any]) -> Usage:
    """`usage` of an answer; what is missing or no count is unknown."""
    prompt = dict_of(raw.get("prompt_tokens_details"))
    completion = dict_of(raw.get("completion_tokens_details"))
    return Usage(
        input=count_of(raw.get("prompt_tokens")),
        cached=count_of(prompt.get("cached_tokens")),
        cache_write=count_of(prompt.get("cache_write_tokens")),
        output=count_of(raw.get("completion_tokens")),
        reasoning=count_of(completion.get("reasoning_tokens")),
        total=count_of(raw.get("total_tokens")),
    )


def _grow(turn: Message, part: dict[str, Any]) -> None:
    index, function = part.get("index"), dict_of(part.get("function"))
    index = index if isinstance(index, int) and 0 <= index < 128 else len(turn.tool_calls)
    while len(turn.tool_calls) <= index:
        turn.tool_calls.append(("", ""))
    name, arguments = turn.tool_calls[index]
    turn.tool_calls[index] = (
        name + text_of(function.get("name")),
        arguments + text_of(function.get("arguments")),
    )
