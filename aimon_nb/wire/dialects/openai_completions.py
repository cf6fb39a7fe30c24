"""OpenAI's completions of a bare prompt, which vLLM and others still serve.

https://platform.openai.com/docs/api-reference/completions

Mistral's fill-in-the-middle and agents share the path's end; they answer as a chat does:
https://docs.mistral.ai/api/#tag/fim
"""

from __future__ import annotations

import re
from typing import Any

from aimon_nb.model import Message, ModelCall
from aimon_nb.wire.dialects.json_values import index_of, text_of
from aimon_nb.wire.dialects.openai_chat import OpenAIChat


class OpenAICompletions(OpenAIChat):
    """`POST …/completions`, plain and streamed.

    Gateways have it below any path, so that where neither path nor host is a model's the
    request must hold a model and a prompt, or an agent and messages.
    """

    operation = "text_completion"
    path_suffixes = frozenset({"completions"})
    body_markers = (b'"model"', b'"prompt"')
    path_pattern = re.compile(r"/completions$")
    usual_path = re.compile(r"/(?:v\d+|beta|fim|agents|deployments/[^/]+|openai)/completions$")

    def __init__(self, host: str, path: str) -> None:
        super().__init__(host, path)
        self._required: tuple[bytes, ...] = self.body_markers
        if path.endswith("/agents/completions"):
            self.operation, self._required = "chat", (b'"agent_id"', b'"messages"')
        elif "/deployments/" in path:
            self._required = (b'"prompt"',)

    def holds_markers(self, body: bytes) -> bool:
        """Return whether a body holds all that such a request has."""
        return all(marker in body for marker in self._required)

    def request(self, call: ModelCall, body: dict[str, Any]) -> None:
        """Prompt and suffix are the turns; token ids show as nothing."""
        super().request(call, body)
        prompt = body.get("prompt")
        texts = prompt if isinstance(prompt, list) else [prompt]
        call.input += [Message("user", text) for text in texts if isinstance(text, str)]
        if text_of(body.get("suffix")):
            call.input.append(Message("suffix", body["suffix"]))

    def _choice(self, call: ModelCall, choice: dict[str, Any]) -> None:
        self.turns.add_text(call, text_of(choice.get("text")), index_of(choice.get("index")))
        super()._choice(call, choice)
