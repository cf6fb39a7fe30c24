"""Mistral's conversations, with a model or an agent, plain and streamed.

https://docs.mistral.ai/api/endpoint/beta/conversations

What a connector (web search, code, a library of documents) brought into the context is
counted beside the prompt, and billed as input; each of its calls is billed, too.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

from aimon_nb.model import Message, ModelCall, Usage
from aimon_nb.model.call import Media
from aimon_nb.wire.dialects import known_usage
from aimon_nb.wire.dialects.dialect import Dialect
from aimon_nb.wire.dialects.json_values import (
    count_of,
    dict_of,
    dicts_of,
    json_of,
    scalar_parameters,
    text_of,
)
from aimon_nb.wire.dialects.openai_chat import PARAMETERS, tool
from aimon_nb.wire.dialects.parts import text_of_content

_MOST = 16  # kinds of connectors; what is beyond it is nonsense
# Under the price list's names where it has one, else under names of the same kind.
_CONNECTORS = {"web_search": "web_searches", "code_interpreter": "code_executions"}


_CONVERSATION = re.compile(r"/v1/conversations/([^/]+)")


class MistralConversations(Dialect):
    """`POST /v1/conversations`, `…/conversations/ID` and `…/conversations/ID/restart`."""

    provider = "mistral_ai"
    path_suffixes = frozenset({"conversations", "restart", "conversations/*"})
    body_markers = (b'"inputs"', b'"tool_confirmations"')
    path_pattern = re.compile(r"/v1/conversations(?:/[^/]+(?:/restart)?)?$")
    # OpenAI has conversations at the same path, which only keep what was said.
    hosts = re.compile(r"^(?!(?:.*\.)?(?:openai\.com|azure\.\w+)$)", re.IGNORECASE)

    def __init__(self, host: str, path: str) -> None:
        super().__init__(host, path)
        # The ids of the calls in a stream whose name is known.
        self._named: set[str] = set()

    def matches_body(self, body: bytes | None) -> bool:
        """Return whether a request asks a model: beyond Mistral's hosts it must hold inputs."""
        if self._is_known and self.provider == MistralConversations.provider:
            return True
        return body is not None and any(marker in body for marker in self.body_markers)

    def request(self, call: ModelCall, body: dict[str, Any]) -> None:
        """Model (an agent's is not told), instructions, inputs, tools and parameters."""
        call.conversation = self.in_path(_CONVERSATION) or None
        call.request_model = text_of(body.get("model")) or None
        call.streaming = body.get("stream") is True
        instructions, inputs = text_of(body.get("instructions")), body.get("inputs")
        call.input = [Message("system", instructions)] if instructions else []
        if isinstance(inputs, str):
            call.input.append(Message("user", inputs))
        names: dict[str, str] = {}
        call.input += [_entry(entry, names) for entry in dicts_of(inputs)]
        call.tools = [tool(one) for one in dicts_of(body.get("tools"))]
        arguments = dict_of(body.get("completion_args"))
        call.parameters = scalar_parameters(arguments, (*PARAMETERS, "random_seed"))

    def answer(self, call: ModelCall, event: dict[str, Any]) -> None:
        """A response with its entries, or one event of its stream."""
        kind = text_of(event.get("type"))
        call.response_model = text_of(event.get("model")) or call.response_model
        call.conversation = text_of(event.get("conversation_id")) or call.conversation
        if kind == "conversation.response.error":
            call.error = text_of(event.get("message")) or call.error or "error"
        elif kind == "message.output.delta":
            self._content(call, event.get("content"))
        elif kind in ("function.call.delta", "tool.execution.started"):
            self._tool_call(call, event, text_of(event.get("id")))
        elif kind == "tool.execution.delta":
            self.turns.add_tool_call(
                call, "", json_of(event.get("arguments")), text_of(event.get("id"))
            )
        elif kind == "conversation.response.done" or "outputs" in event:
            self._end(call, event)

    def _end(self, call: ModelCall, response: dict[str, Any]) -> None:
        entries = dicts_of(response.get("outputs"))
        for entry in entries:
            call.response_model = text_of(entry.get("model")) or call.response_model
            kind = text_of(entry.get("type"))
            if kind == "message.output":
                self._content(call, entry.get("content"))
            elif kind in ("function.call", "tool.execution"):
                self._tool_call(call, entry)
        # The API names no reason: a function that was called last waits for its result.
        called = bool(entries) and entries[-1].get("type") == "function.call"
        call.finish_reason = "tool_calls" if called else "stop"
        raw = dict_of(response.get("usage"))
        if raw:
            self.take_usage(call, raw, usage(raw), known_usage.CONVERSATIONS)
            call.details = _details(raw)

    def _content(self, call: ModelCall, content: Any) -> None:
        for part in dicts_of(content if isinstance(content, list) else [content]):
            if part.get("type") == "thinking":
                self.turns.add_reasoning(call, text_of_content(part.get("thinking")))
            else:
                self.turns.add_text(call, text_of(part.get("text")))
        self.turns.add_text(call, text_of(content))

    def _tool_call(self, call: ModelCall, entry: dict[str, Any], at: str | None = None) -> None:
        name, arguments = text_of(entry.get("name")), json_of(entry.get("arguments"))
        if text_of(entry.get("type")).startswith("tool.execution"):
            self.server_tools.add(call, name, text_of(entry.get("id")) or None)
        # A function's call may come in pieces, each of which has its name.
        known = bool(at) and at in self._named
        self.turns.add_tool_call(call, "" if known else name, arguments, at or None)
        if at:
            self._named.add(at)


def usage(raw: dict[str, Any]) -> Usage:
    """Return the counts of a conversation's `usage`; the connectors' tokens are input."""
    prompt, output = count_of(raw.get("prompt_tokens")), count_of(raw.get("completion_tokens"))
    total, connectors = count_of(raw.get("total_tokens")), raw.get("connector_tokens")
    inside = None not in (prompt, output, total) and total == (prompt or 0) + (output or 0)
    if connectors is not None and not inside:
        beside = count_of(connectors)
        prompt = None if prompt is None or beside is None else prompt + beside
    return Usage(input=prompt, output=output, total=total)


def _details(raw: dict[str, Any]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name, value in islice(dict_of(raw.get("connectors")).items(), _MOST):
        count = count_of(value)
        if count:
            counts[_CONNECTORS.get(name, f"{name[:40]}_calls")] = count
    return counts


def _entry(entry: dict[str, Any], names: dict[str, str]) -> Message:
    """Return a message of the request; `names` are those of tool calls by their ids so far."""
    kind = text_of(entry.get("type"))
    if kind in ("function.call", "tool.execution"):
        called = (text_of(entry.get("name")), json_of(entry.get("arguments")))
        names[text_of(entry.get("tool_call_id"))] = called[0]
        return Message("assistant", "", [called])
    if kind == "function.result":
        tools = names.get(text_of(entry.get("tool_call_id")), "")
        return Message("tool", json_of(entry.get("result")), tools=tools)
    media: list[Media] = []
    text = text_of_content(entry.get("content"), media)
    return Message(text_of(entry.get("role")) or "user", text, [], media)
