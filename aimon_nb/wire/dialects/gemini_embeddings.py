"""Google's embeddings: embedContent, batchEmbedContents, and Vertex's predict.

https://ai.google.dev/api/embeddings
https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api

AI Studio reports usage for its newer models only; Vertex a count for each text.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from aimon_nb.model import Message, ModelCall, Usage
from aimon_nb.wire.dialects import known_usage
from aimon_nb.wire.dialects.dialect import Dialect
from aimon_nb.wire.dialects.gemini import MODEL, turn
from aimon_nb.wire.dialects.json_values import count_of, dict_of, dicts_of, sum_of, text_of

_MOST = 16  # kinds of content; what is beyond it is nonsense


class GeminiEmbeddings(Dialect):
    """`POST …/MODEL:embedContent`, `:batchEmbedContents`; `…-embedding-…:predict`."""

    provider = "gcp.gemini"
    operation = "embeddings"
    path_suffixes = frozenset(
        {"embedContent", "batchEmbedContents", "asyncBatchEmbedContent", "predict"}
    )
    path_pattern = re.compile(
        r"/models/[^/:]+:(?:embedContent|batchEmbedContents|asyncBatchEmbedContent)$"
        r"|/publishers/google/models/[^/:]*embedding[^/:]*:predict$"
    )

    def __init__(self, host: str, path: str) -> None:
        super().__init__(host, path)
        if "/publishers/" in path:
            self.provider = "gcp.vertex_ai"

    def request(self, call: ModelCall, body: dict[str, Any]) -> None:
        """Texts of the request; the model stands in the path."""
        call.request_model = unquote(self.in_path(MODEL)) or None
        # A batch holds requests; a single one is its own.
        requests = dicts_of(body.get("requests")) or [body]
        contents = [r["content"] for r in requests if isinstance(r.get("content"), dict)]
        call.input = [turn("input", content) for content in contents]
        instances = dicts_of(body.get("instances"))
        call.input += [Message("input", text_of(i.get("content"))) for i in instances]

    def answer(self, call: ModelCall, event: dict[str, Any]) -> None:
        """Usage, where there is one; the vectors are not kept."""
        raw = dict_of(event.get("usageMetadata"))
        if raw:
            total = count_of(raw.get("totalTokenCount"))
            usage = Usage(input=count_of(raw.get("promptTokenCount")), total=total)
            self.take_usage(call, raw, usage, known_usage.GEMINI)
            call.details = _details(raw)
        counts = [_token_count(prediction) for prediction in dicts_of(event.get("predictions"))]
        if counts and None not in counts:
            call.usage = Usage(input=sum_of(0, *counts))


def _details(raw: dict[str, Any]) -> dict[str, int]:
    """Return the tokens of what is no text: each kind has its price."""
    counts: dict[str, int] = {}
    for part in dicts_of(raw.get("promptTokensDetails"))[:_MOST]:
        kind, count = text_of(part.get("modality")).lower(), count_of(part.get("tokenCount"))
        if count and kind != "text":
            counts[f"input_{kind[:40]}_tokens"] = count
    return counts


def _token_count(prediction: dict[str, Any]) -> int | None:
    statistics = dict_of(dict_of(prediction.get("embeddings")).get("statistics"))
    return count_of(statistics.get("token_count"))
