"""LM Studio's own chat, plain and streamed.

https://lmstudio.ai/docs/developer/rest/chat
https://lmstudio.ai/docs/developer/rest/streaming-events

The server runs the tools itself, so one answer may hold several of the model's turns.
"""

from __future__ import annotations

import re
from typing import Any

from aimon_nb.model import Message, ModelCall, Usage
from aimon_nb.wire.dialects import known_usage
from aimon_nb.wire.dialects.dialect import Dialect
from aimon_nb.wire.dialects.json_values import (
    count_of,
    dict_of,
    dicts_of,
    json_of,
    list_of,
    scalar_parameters,
    text_of,
)

_PARAMETERS = (
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "max_output_tokens",
    "context_length",
    "reasoning",
)


class LMStudio(Dialect):
    """`POST /api/v1/chat`."""

    provider = "lmstudio"
    path_suffixes = frozenset({"chat"})
    body_markers = (b'"model"', b'"input"')
    path_pattern = re.compile(r"^/api/v1/chat$")

    def matches_body(self, body: bytes | None) -> bool:
        """Return whether a request asks a model: it holds both markers."""
        return body is None or all(marker in body for marker in self.body_markers)

    def request(self, call: ModelCall, body: dict[str, Any]) -> None:
        """Model, system prompt, input, integrations and parameters."""
        call.request_model = text_of(body.get("model")) or None
        call.streaming = body.get("stream") is True
        system, value = text_of(body.get("system_prompt")), body.get("input")
        call.input = [Message("system", system)] if system else []
        if isinstance(value, str):
            call.input.append(Message("user", value))
        call.input += [Message("user", _text(item)) for item in dicts_of(value)]
        call.tools = [_name(one) for one in list_of(body.get("integrations"))]
        call.parameters = scalar_parameters(body, _PARAMETERS)

    def answer(self, call: ModelCall, event: dict[str, Any]) -> None:
        """An answer, or one event of its stream, of which the last holds all once more."""
        kind = text_of(event.get("type"))
        call.response_model = text_of(event.get("model_instance_id")) or call.response_model
        if kind == "message.delta":
            self.turns.add_text(call, text_of(event.get("content")))
        elif kind == "reasoning.delta":
            self.turns.add_reasoning(call, text_of(event.get("content")))
        elif kind == "tool_call.arguments":
            self._tool_call(call, event)
        elif kind == "chat.end":
            self._end(call, dict_of(event.get("result")))
        elif not kind:
            self._end(call, event)

    def _end(self, call: ModelCall, result: dict[str, Any]) -> None:
        call.response_model = text_of(result.get("model_instance_id")) or call.response_model
        items = dicts_of(result.get("output"))
        if items:
            self.turns.reset(call)
        for item in items:
            kind = text_of(item.get("type"))
            if kind == "message":
                self.turns.add_text(call, text_of(item.get("content")))
            elif kind == "reasoning":
                self.turns.add_reasoning(call, text_of(item.get("content")))
            elif kind == "tool_call":
                self._tool_call(call, item)
        stats = dict_of(result.get("stats"))
        if items or stats:
            call.finish_reason = "stop"
        if stats:
            counts = Usage(
                input=count_of(stats.get("input_tokens")),
                output=count_of(stats.get("total_output_tokens")),
                reasoning=count_of(stats.get("reasoning_output_tokens")),
            )
            self.take_usage(call, stats, counts, known_usage.LMSTUDIO)

    def _tool_call(self, call: ModelCall, item: dict[str, Any]) -> None:
        name, arguments = text_of(item.get("tool")), json_of(item.get("arguments"))
        self.turns.add_tool_call(call, name, arguments)


def _text(item: dict[str, Any]) -> str:
    return text_of(item.get("content")) or f"[{text_of(item.get('type')) or 'part'}]"


def _name(integration: Any) -> str:
    """Return the name of an integration: a plugin's id, or the label of a server."""
    one = dict_of(integration)
    return text_of(integration) or text_of(one.get("id")) or text_of(one.get("server_label"))
