"""OpenAI's embeddings, and those who speak it too.

https://platform.openai.com/docs/api-reference/embeddings
"""

from __future__ import annotations

import re
from typing import Any

from aimon_nb.model import Call, Message
from aimon_nb.wire.dialects.openai_chat import usage
from aimon_nb.wire.dialects.reading import text_of


class OpenAIEmbeddings:
    """`POST …/embeddings`; an embedding has no output tokens."""

    provider = "openai"
    paths = re.compile(r"/embeddings$")

    def operation(self, path: str) -> str:  # noqa: ARG002
        """Always embeddings."""
        return "embeddings"

    def request(self, call: Call, body: dict[str, Any]) -> None:
        """Model and texts of the request."""
        call.request_model = text_of(body.get("model")) or None
        texts = body.get("input")
        texts = texts if isinstance(texts, list) else [texts]
        call.input = [Message("input", text) for text in texts if isinstance(text, str)]

    def answer(self, call: Call, event: dict[str, Any]) -> None:
        """Model and usage; the vectors are not kept."""
        call.response_model = text_of(event.get("model")) or call.response_model
        if isinstance(event.get("usage"), dict):
            call.usage = usage(event["usage"])
