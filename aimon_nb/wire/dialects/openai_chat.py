"""OpenAI's chat completions, as many others speak it too (vLLM, Ollama, Groq …).

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

import re
from typing import Any

from aimon_nb.model import Call, Message, Usage

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
        call.request_model = _text(body.get("model")) or None
        call.input = [message(m) for m in _list(body.get("messages"))]
        call.tools = [
            _text(_dict(_dict(t).get("function")).get("name")) for t in _list(body.get("tools"))
        ]
        call.parameters = {k: body[k] for k in PARAMETERS if body.get(k) is not None}

    def answer(self, call: Call, event: dict[str, Any]) -> None:
        """A completion, or one `chat.completion.chunk`."""
        call.response_model = _text(event.get("model")) or call.response_model
        call.service_tier = _text(event.get("service_tier")) or call.service_tier
        for choice in _list(event.get("choices")):
            self._choice(call, _dict(choice))
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
        delta = _dict(choice.get("delta"))
        turn.text += _text(delta.get("content")) + _text(delta.get("refusal"))
        for part in _list(delta.get("tool_calls")):
            _grow(turn, _dict(part))
        if choice.get("finish_reason"):
            call.finish_reason = _text(choice["finish_reason"])


def message(raw: Any) -> Message:
    """A message of the request or the answer."""
    raw = _dict(raw)
    content = raw.get("content")
    if isinstance(content, list):
        parts = [_dict(p) for p in content]
        text = "\n".join(
            _text(p.get("text")) or f"[{_text(p.get('type')) or 'part'}]" for p in parts
        )
    else:
        text = _text(content)
    functions = [_dict(_dict(c).get("function")) for c in _list(raw.get("tool_calls"))]
    calls = [(_text(f.get("name")), _text(f.get("arguments"))) for f in functions]
    return Message(_text(raw.get("role")) or "assistant", text or _text(raw.get("refusal")), calls)


def usage(raw: dict[str, Any]) -> Usage:
    """`usage` of an answer; what is missing or no count is unknown."""
    prompt = _dict(raw.get("prompt_tokens_details"))
    completion = _dict(raw.get("completion_tokens_details"))
    return Usage(
        input=_count(raw.get("prompt_tokens")),
        cached=_count(prompt.get("cached_tokens")),
        cache_write=_count(prompt.get("cache_write_tokens")),
        output=_count(raw.get("completion_tokens")),
        reasoning=_count(completion.get("reasoning_tokens")),
        total=_count(raw.get("total_tokens")),
    )


def _grow(turn: Message, part: dict[str, Any]) -> None:
    index, function = part.get("index"), _dict(part.get("function"))
    index = index if isinstance(index, int) and 0 <= index < 128 else len(turn.tool_calls)
    while len(turn.tool_calls) <= index:
        turn.tool_calls.append(("", ""))
    name, arguments = turn.tool_calls[index]
    turn.tool_calls[index] = (
        name + _text(function.get("name")),
        arguments + _text(function.get("arguments")),
    )


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
