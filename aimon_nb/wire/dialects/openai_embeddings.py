"""OpenAI's embeddings, also as others offer them.

https://platform.openai.com/docs/api-reference/embeddings
"""

from __future__ import annotations

import re
from typing import Any

from aimon_nb.model import Message, ModelCall
from aimon_nb.wire.dialects import known_usage
from aimon_nb.wire.dialects.json_values import dict_of, scalar_parameters
from aimon_nb.wire.dialects.openai_form import OpenAIForm, as_input, usage


class OpenAIEmbeddings(OpenAIForm):
    """`POST …/embeddings`; an embedding has no output tokens."""

    operation = "embeddings"
    path_suffixes = frozenset({"embeddings"})
    body_markers = (b'"input"',)
    path_pattern = re.compile(r"/embeddings$")

    def request(self, call: ModelCall, body: dict[str, Any]) -> None:
        """Model and texts of the request."""
        super().request(call, body)
        texts = body.get("input")
        texts = texts if isinstance(texts, list) else [texts]
        call.input = [Message("input", text) for text in texts if isinstance(text, str)]
        call.parameters = scalar_parameters(
            body, ("dimensions", "encoding_format", "output_dimension")
        )

    def answer(self, call: ModelCall, event: dict[str, Any]) -> None:
        """Model and usage; the vectors are not kept."""
        super().answer(call, event)
        raw = dict_of(event.get("usage"))
        if raw:
            self.take_usage(call, raw, as_input(usage(raw)), known_usage.CHAT)
