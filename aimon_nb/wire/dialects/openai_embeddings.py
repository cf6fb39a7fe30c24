"""OpenAI's embeddings, also as others offer them, and Voyage's further two.

https://platform.openai.com/docs/api-reference/embeddings
https://docs.voyageai.com/reference/embeddings-api

Voyage tells a total alone: of an embedding all tokens are input.
"""

from __future__ import annotations

import re
from typing import Any

from aimon_nb.model import Message, ModelCall
from aimon_nb.wire.dialects import known_usage
from aimon_nb.wire.dialects.json_values import (
    count_of,
    dict_of,
    list_of,
    scalar_parameters,
    text_of,
)
from aimon_nb.wire.dialects.openai_form import OpenAIForm, as_input, usage


class OpenAIEmbeddings(OpenAIForm):
    """`POST …/embeddings`; an embedding has no output tokens.

    Voyage's `…/contextualizedembeddings` have lists of chunks as inputs and its
    `…/multimodalembeddings` contents with texts and images.
    """

    operation = "embeddings"
    path_suffixes = frozenset({"embeddings", "contextualizedembeddings", "multimodalembeddings"})
    body_markers = (b'"input"', b'"inputs"')
    path_pattern = re.compile(r"/(?:contextualized|multimodal)?embeddings$")

    def request(self, call: ModelCall, body: dict[str, Any]) -> None:
        """Model and texts of the request."""
        super().request(call, body)
        call.input = [Message("input", text) for text in _texts(body)]
        call.parameters = scalar_parameters(
            body, ("dimensions", "encoding_format", "output_dimension")
        )

    def answer(self, call: ModelCall, event: dict[str, Any]) -> None:
        """Model and usage; the vectors are not kept."""
        super().answer(call, event)
        raw = dict_of(event.get("usage"))
        if raw:
            self.take_usage(call, raw, as_input(usage(raw)), known_usage.EMBEDDINGS)
            # Voyage bills images by the pixel, beside the tokens.
            pixels = count_of(raw.get("image_pixels"))
            call.details = {"input_pixels": pixels} if pixels else {}


def _texts(body: dict[str, Any]) -> list[str]:
    """Return the texts of any of the three forms; an image has none."""
    value = body.get("input", body.get("inputs"))
    texts: list[str] = []
    for one in value if isinstance(value, list) else [value]:
        # The chunks of a document, or the contents of one input.
        parts = one if isinstance(one, list) else list_of(dict_of(one).get("content")) or [one]
        texts += [
            part if isinstance(part, str) else text_of(dict_of(part).get("text")) for part in parts
        ]
    return [text for text in texts if text]
