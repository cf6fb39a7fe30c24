"""Anthropic's messages, also on Vertex, at Azure and as others offer them.

https://docs.anthropic.com/en/api/messages
https://docs.anthropic.com/en/docs/build-with-claude/streaming
https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from aimon_nb.model import Message, ModelCall
from aimon_nb.model.call import Media
from aimon_nb.wire.dialects import anthropic_usage, known_usage
from aimon_nb.wire.dialects.dialect import Dialect
from aimon_nb.wire.dialects.json_values import (
    count_of,
    dict_of,
    dicts_of,
    index_of,
    json_of,
    list_of,
    scalar_parameters,
    text_of,
)
from aimon_nb.wire.dialects.parts import text_of_content

_PARAMETERS = ("max_tokens", "temperature", "top_p", "top_k", "service_tier", "speed")
# Vertex has the model in the path.
_MODEL = re.compile(r"/models/([^/:]+):")


class Anthropic(Dialect):
    """`POST …/v1/messages` and Vertex's `…:rawPredict`, plain and streamed."""

    provider = "anthropic"
    path_suffixes = frozenset({"messages", "rawPredict", "streamRawPredict"})
    body_markers = (b'"model"', b'"anthropic_version"')
    path_pattern = re.compile(
        r"/v1/messages$|/publishers/anthropic/models/(?!count-tokens)[^/:]+:(?:streamR|r)awPredict$"
    )

    def __init__(self, host: str, path: str) -> None:
        super().__init__(host, path)
        # The `usage` of all events so far; later values replace earlier ones.
        self._usage: dict[str, Any] = {}

    def request(self, call: ModelCall, body: dict[str, Any]) -> None:
        """Model, system, messages, tools and parameters of the request."""
        call.request_model = text_of(body.get("model")) or unquote(self.in_path(_MODEL)) or None
        call.streaming = body.get("stream") is True
        system = text_of_content(body.get("system"))
        call.input = [Message("system", system)] if system else []
        names: dict[str, str] = {}
        call.input += [_message(m, names) for m in dicts_of(body.get("messages"))]
        tools = dicts_of(body.get("tools"))
        call.tools = [text_of(t.get("name")) or text_of(t.get("type")) for t in tools]
        call.parameters = scalar_parameters(body, _PARAMETERS)
        budget = dict_of(body.get("thinking")).get("budget_tokens")
        if count_of(budget):
            call.parameters["thinking_budget"] = budget

    def answer(self, call: ModelCall, event: dict[str, Any]) -> None:
        """A message, or one event of its stream."""
        kind = event.get("type")
        if kind == "message":
            self._message(call, event)
            self._count(call, event, is_final=True)
        elif kind == "message_start":
            message = dict_of(event.get("message"))
            self._message(call, message)
            self._count(call, message, is_final=False)
        elif kind == "content_block_start":
            block = dict_of(event.get("content_block"))
            self._block(call, block, index_of(event.get("index")), begins=True)
        elif kind == "content_block_delta":
            self._delta(call, dict_of(event.get("delta")), index_of(event.get("index")))
        elif kind == "message_delta":
            reason = text_of(dict_of(event.get("delta")).get("stop_reason"))
            call.finish_reason = reason or call.finish_reason
            self._count(call, event, is_final=call.finish_reason is not None)

    def _message(self, call: ModelCall, message: dict[str, Any]) -> None:
        call.response_model = text_of(message.get("model")) or call.response_model
        call.finish_reason = text_of(message.get("stop_reason")) or call.finish_reason
        for index, block in enumerate(dicts_of(message.get("content"))):
            self._block(call, block, index, begins=False)

    def _block(self, call: ModelCall, block: dict[str, Any], at: int, *, begins: bool) -> None:
        self.turns.add_text(call, text_of(block.get("text")))
        self.turns.add_reasoning(call, text_of(block.get("thinking")))
        kind = text_of(block.get("type"))
        if kind in ("server_tool_use", "mcp_tool_use"):
            self.server_tools.add(call, text_of(block.get("name")), text_of(block.get("id")))
        elif kind.endswith("_tool_result"):
            self.server_tools.fail(call, text_of(block.get("tool_use_id")), _failure(block))
        if kind.endswith("tool_use"):
            # A stream starts a block with an empty input; its arguments come in pieces.
            tool_input = block.get("input")
            arguments = "" if begins and not tool_input else json_of(tool_input)
            self.turns.add_tool_call(call, text_of(block.get("name")), arguments, at)

    def _delta(self, call: ModelCall, delta: dict[str, Any], at: int) -> None:
        self.turns.add_text(call, text_of(delta.get("text")))
        self.turns.add_reasoning(call, text_of(delta.get("thinking")))
        if isinstance(delta.get("partial_json"), str):
            self.turns.add_tool_call(call, "", delta["partial_json"], at)

    def _count(self, call: ModelCall, event: dict[str, Any], *, is_final: bool) -> None:
        """Set the call's usage by that of an event; before the final one, output is a guess."""
        raw = dict_of(event.get("usage"))
        self._usage |= {key: value for key, value in raw.items() if value is not None}
        call.service_tier = text_of(self._usage.get("service_tier")) or call.service_tier
        call.speed = text_of(self._usage.get("speed")) or call.speed
        counts, shortfalls = anthropic_usage.billed(self._usage)
        # What a server tool finds is input, too, and only the final usage has all of it.
        usage = anthropic_usage.usage(counts, is_final=is_final)
        self.take_usage(call, self._usage, usage, known_usage.ANTHROPIC, is_final=is_final)
        call.shortfalls += shortfalls
        call.details = anthropic_usage.details(counts)


def _failure(block: dict[str, Any]) -> str:
    """Return in words how a tool that the server ran failed; "" where it did not."""
    content = block.get("content")
    told = dict_of(content)
    failed = text_of(told.get("type")).endswith("_error") or block.get("is_error") is True
    said = text_of(told.get("error_code")) or text_of_content(content)
    return (said or "failed") if failed else ""


def _message(raw: dict[str, Any], names: dict[str, str]) -> Message:
    """Return a message of the request; `names` are those of tool calls by their ids so far."""
    blocks = list_of(raw.get("content"))
    uses = [b for b in dicts_of(blocks) if text_of(b.get("type")).endswith("tool_use")]
    calls = [(text_of(b.get("name")), json_of(b.get("input"))) for b in uses]
    rest = [b for b in blocks if b not in uses]
    media: list[Media] = []
    text = text_of_content(rest if blocks else raw.get("content"), media)
    names |= {text_of(b.get("id")): text_of(b.get("name")) for b in uses}
    of_results = (names.get(text_of(b.get("tool_use_id")), "") for b in dicts_of(rest))
    tools = ", ".join(filter(None, of_results))
    return Message(text_of(raw.get("role")) or "user", text, calls, media, tools)
