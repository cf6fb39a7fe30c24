"""Ollama's own API: chat, generate and embed, a JSON object a line.

https://github.com/ollama/ollama/blob/main/docs/api.md

It streams unless the request has `"stream": false`. The counts come with the last line,
the prompt's not where the whole prompt was in its cache.
"""

from __future__ import annotations

import re
from typing import Any

from aimon_nb.model import Message, ModelCall, Usage
from aimon_nb.wire.dialects.dialect import Dialect
from aimon_nb.wire.dialects.json_values import (
    count_of,
    dict_of,
    dicts_of,
    json_of,
    scalar_parameters,
    text_of,
)
from aimon_nb.wire.dialects.openai_chat import messages, tool

_OPERATIONS = {"chat": "chat", "generate": "text_completion"}
_PARAMETERS = ("temperature", "top_p", "top_k", "num_predict", "num_ctx", "seed")


class Ollama(Dialect):
    """`POST /api/chat`, `/api/generate`, `/api/embed` and the older `/api/embeddings`."""

    provider = "ollama"
    path_suffixes = frozenset({"chat", "generate", "embed", "embeddings"})
    body_markers = (b'"model"',)
    path_pattern = re.compile(r"^/api/(?:chat|generate|embed|embeddings)$")

    def __init__(self, host: str, path: str) -> None:
        super().__init__(host, path)
        self.operation = _OPERATIONS.get(path.rpartition("/")[2], "embeddings")

    def request(self, call: ModelCall, body: dict[str, Any]) -> None:
        """Model, turns, tools and options."""
        call.request_model = text_of(body.get("model")) or None
        call.streaming = self.operation != "embeddings" and body.get("stream") is not False
        call.input = messages(dicts_of(body.get("messages")))
        texts = body.get("input")
        pairs = [("system", body.get("system")), ("user", body.get("prompt"))]
        pairs += [("input", text) for text in (texts if isinstance(texts, list) else [texts])]
        call.input += [Message(role, text) for role, text in pairs if text and text_of(text)]
        call.tools = [tool(t) for t in dicts_of(body.get("tools"))]
        call.parameters = scalar_parameters(dict_of(body.get("options")), _PARAMETERS)
        call.parameters |= scalar_parameters(body, ("think", "keep_alive"))

    def answer(self, call: ModelCall, event: dict[str, Any]) -> None:
        """An answer, or one line of it."""
        call.response_model = text_of(event.get("model")) or call.response_model
        # `chat` answers with a message; `generate` has the same beside the rest.
        reply = dict_of(event.get("message"))
        reasoning = text_of(reply.get("thinking")) or text_of(event.get("thinking"))
        self.turns.add_reasoning(call, reasoning)
        self.turns.add_text(call, text_of(reply.get("content")) or text_of(event.get("response")))
        for tool_call in dicts_of(reply.get("tool_calls")):
            function = dict_of(tool_call.get("function"))
            arguments = json_of(function.get("arguments"))
            self.turns.add_tool_call(call, text_of(function.get("name")), arguments)
        if event.get("done") is True:
            call.finish_reason = text_of(event.get("done_reason")) or "stop"
        if event.get("done") is True or self.operation == "embeddings":
            call.usage = Usage(
                input=count_of(event.get("prompt_eval_count")),
                output=count_of(event.get("eval_count")),
            )
