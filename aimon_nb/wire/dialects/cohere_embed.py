"""Cohere's embeddings, versions 1 and 2.

https://docs.cohere.com/v2/reference/embed
"""

from __future__ import annotations

import re
from typing import Any

from aimon_nb.model import Message, ModelCall
from aimon_nb.wire.dialects import known_usage
from aimon_nb.wire.dialects.cohere import usage
from aimon_nb.wire.dialects.dialect import Dialect
from aimon_nb.wire.dialects.json_values import dict_of, list_of, scalar_parameters, text_of


class CohereEmbed(Dialect):
    """`POST …/v1/embed` and `…/v2/embed`."""

    provider = "cohere"
    operation = "embeddings"
    path_suffixes = frozenset({"embed"})
    body_markers = (b'"model"',)
    path_pattern = re.compile(r"/v[12]/embed$")

    def request(self, call: ModelCall, body: dict[str, Any]) -> None:
        """Model and texts of the request."""
        call.request_model = text_of(body.get("model")) or None
        texts = list_of(body.get("texts"))
        call.input = [Message("input", text) for text in texts if isinstance(text, str)]
        call.parameters = scalar_parameters(body, ("input_type", "truncate", "output_dimension"))

    def answer(self, call: ModelCall, event: dict[str, Any]) -> None:
        """Usage; the vectors are not kept."""
        if event.get("meta"):
            raw = dict_of(event["meta"])
            self.take_usage(call, raw, usage(raw), known_usage.COHERE)
