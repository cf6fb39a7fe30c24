"""Cohere's chat, versions 1 and 2.

https://docs.cohere.com/v2/reference/chat
https://docs.cohere.com/v1/reference/chat
https://docs.cohere.com/docs/how-does-cohere-pricing-work

Cohere reports two counts: `tokens`, all that the model read and wrote, and
`billed_units`, those of them it charges for. The latter are used, for they are
what a cost follows from; the former only where there are no others.
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
    index_of,
    json_of,
    scalar_parameters,
    text_of,
)
from aimon_nb.wire.dialects.openai_chat import messages as messages_v2

_PARAMETERS = ("temperature", "p", "k", "max_tokens", "seed", "safety_mode", "citation_quality")


class Cohere(Dialect):
    """`POST …/v1/chat` and `…/v2/chat`, plain and streamed."""

    provider = "cohere"
    path_suffixes = frozenset({"chat"})
    body_markers = (b'"model"',)
    path_pattern = re.compile(r"/v[12]/chat$")

    def request(self, call: ModelCall, body: dict[str, Any]) -> None:
        """Model, turns, tools and parameters, of either version."""
        call.request_model = text_of(body.get("model")) or None
        call.streaming = body.get("stream") is True
        call.input = messages_v2(dicts_of(body.get("messages")))
        call.input += _turns_v1(body)
        tools = dicts_of(body.get("tools"))
        call.tools = [text_of(dict_of(t.get("function", t)).get("name")) for t in tools]
        call.parameters = scalar_parameters(body, _PARAMETERS)

    def answer(self, call: ModelCall, event: dict[str, Any]) -> None:
        """An answer, or one event of its stream: `type` in version 2, `event_type` in 1."""
        if "event_type" in event:
            self._event_v1(call, event)
        elif "type" in event:
            self._event_v2(call, event)
        elif "message" in event:
            self._message(call, dict_of(event["message"]))
            self._end(call, event)
        else:
            self._answer_v1(call, event)

    def _event_v1(self, call: ModelCall, event: dict[str, Any]) -> None:
        kind = event["event_type"]
        if kind == "text-generation":
            self.turns.add_text(call, text_of(event.get("text")))
        elif kind == "stream-end" and isinstance(event.get("response"), dict):
            self.turns.reset(call)
            self._answer_v1(call, event["response"])
            self._end(call, event)

    def _answer_v1(self, call: ModelCall, answer: dict[str, Any]) -> None:
        self.turns.add_text(call, text_of(answer.get("text")))
        for tool_call in dicts_of(answer.get("tool_calls")):
            arguments = json_of(tool_call.get("parameters"))
            self.turns.add_tool_call(call, text_of(tool_call.get("name")), arguments)
        self._end(call, answer)

    def _event_v2(self, call: ModelCall, event: dict[str, Any]) -> None:
        delta = dict_of(event.get("delta"))
        self._message(call, dict_of(delta.get("message")), index_of(event.get("index")))
        if event["type"] == "message-end":
            self._end(call, delta)

    def _message(self, call: ModelCall, message: dict[str, Any], index: int = 0) -> None:
        self.turns.add_reasoning(call, text_of(message.get("tool_plan")))
        content = message.get("content")
        for part in dicts_of(content) or [dict_of(content)]:
            self.turns.add_text(call, text_of(part.get("text")))
            self.turns.add_reasoning(call, text_of(part.get("thinking")))
        # A list in an answer, but one call in an event.
        value = message.get("tool_calls")
        tool_calls = dicts_of(value if isinstance(value, list) else [value])
        for at, tool_call in enumerate(tool_calls, index):
            function = dict_of(tool_call.get("function"))
            arguments = json_of(function.get("arguments"))
            self.turns.add_tool_call(call, text_of(function.get("name")), arguments, at)

    def _end(self, call: ModelCall, event: dict[str, Any]) -> None:
        call.finish_reason = text_of(event.get("finish_reason")) or call.finish_reason
        raw = event.get("usage") or event.get("meta")
        if isinstance(raw, dict):
            self.take_usage(call, raw, usage(raw), known_usage.COHERE)


def usage(raw: dict[str, Any]) -> Usage:
    """Return what `usage` (version 2) or `meta` (version 1) says is billed, else all."""
    counts = dict_of(raw.get("billed_units")) or dict_of(raw.get("tokens"))
    billed, cached = count_of(counts.get("input_tokens")), count_of(raw.get("cached_tokens"))
    # The cache is counted among all tokens, of which some are not billed.
    if cached is not None and (billed is None or cached > billed):
        cached = None
    return Usage(input=billed, cached=cached, output=count_of(counts.get("output_tokens")))


def _turns_v1(body: dict[str, Any]) -> list[Message]:
    pairs = [("system", body.get("preamble"))]
    history = dicts_of(body.get("chat_history"))
    pairs += [(text_of(t.get("role")).lower() or "user", t.get("message")) for t in history]
    pairs.append(("user", body.get("message")))
    said = [Message(role, text) for role, text in pairs if text and isinstance(text, str)]
    return said + [_result_v1(one) for one in dicts_of(body.get("tool_results"))]


def _result_v1(one: dict[str, Any]) -> Message:
    name = text_of(dict_of(one.get("call")).get("name"))
    return Message("tool", json_of(one.get("outputs")), tools=name)
