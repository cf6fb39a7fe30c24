"""Reranking, as Cohere, Voyage, Jina and many servers offer it in one shape.

https://docs.cohere.com/v2/reference/rerank
https://docs.voyageai.com/reference/reranker-api

Cohere bills a search, of which one request may be several; the others bill the tokens of
query and documents, and tell their total alone or as the prompt's.
"""

from __future__ import annotations

import re
from typing import Any

from aimon_nb.model import Message, ModelCall, Usage
from aimon_nb.wire.dialects.dialect import Dialect
from aimon_nb.wire.dialects.json_values import (
    count_of,
    dict_of,
    first_count,
    list_of,
    scalar_parameters,
    text_of,
)

_USUAL_PATH = re.compile(r"/v[12]/rerank$")


class Rerank(Dialect):
    """`POST …/rerank` with a query and documents, below any path."""

    provider = "cohere"
    operation = "rerank"
    path_suffixes = frozenset({"rerank"})
    body_markers = (b'"query"', b'"documents"')
    path_pattern = re.compile(r"/rerank$")

    def matches_body(self, body: bytes | None) -> bool:
        """Return whether a request asks a model; a body that is not known is taken at its path."""
        is_usual = _USUAL_PATH.search(self.path) is not None
        if body is None or (is_usual and self._is_known):
            return is_usual
        return all(marker in body for marker in self.body_markers)

    def request(self, call: ModelCall, body: dict[str, Any]) -> None:
        """Model, query and documents."""
        call.request_model = text_of(body.get("model")) or None
        query = text_of(body.get("query"))
        call.input = [Message("user", query)] if query else []
        call.input += [Message("input", _text(one)) for one in list_of(body.get("documents"))]
        call.parameters = scalar_parameters(body, ("top_n", "top_k", "truncation"))

    def answer(self, call: ModelCall, event: dict[str, Any]) -> None:
        """Model and usage; the order of the documents is not kept."""
        call.response_model = text_of(event.get("model")) or call.response_model
        meta = dict_of(event.get("meta"))
        billed, tokens = dict_of(meta.get("billed_units")), dict_of(meta.get("tokens"))
        raw = dict_of(event.get("usage"))
        into = first_count(raw, "prompt_tokens", "total_tokens")
        if into is None:
            into = first_count(billed or tokens, "input_tokens", "total_tokens")
        if into is not None:
            call.usage = Usage(input=into, total=count_of(raw.get("total_tokens")))
        searches = count_of(billed.get("search_units"))
        if searches:
            call.details["rerank_searches"] = searches


def _text(document: Any) -> str:
    return document if isinstance(document, str) else text_of(dict_of(document).get("text"))
