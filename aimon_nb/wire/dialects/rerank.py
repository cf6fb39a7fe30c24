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
from aimon_nb.wire.dialects import known_usage
from aimon_nb.wire.dialects.dialect import Dialect
from aimon_nb.wire.dialects.json_values import (
    count_of,
    dict_of,
    list_of,
    scalar_parameters,
    text_of,
)
from aimon_nb.wire.dialects.openai_form import as_input, usage


class Rerank(Dialect):
    """`POST …/rerank` with a query and documents, below any path."""

    provider = "cohere"
    operation = "rerank"
    path_suffixes = frozenset({"rerank"})
    body_markers = (b'"query"', b'"documents"')
    path_pattern = re.compile(r"/rerank$")
    usual_path = re.compile(r"/v[12]/rerank$")

    def holds_markers(self, body: bytes) -> bool:
        """Return whether a body holds all that such a request has."""
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
        raw, meta = dict_of(event.get("usage")), dict_of(event.get("meta"))
        if raw:
            self.take_usage(call, raw, as_input(usage(raw)), known_usage.CHAT)
        elif meta:
            billed = dict_of(meta.get("billed_units"))
            into = count_of(billed.get("input_tokens"))
            self.take_usage(call, meta, Usage(input=into), known_usage.RERANK)
            searches = count_of(billed.get("search_units"))
            call.details = {"rerank_searches": searches} if searches else {}


def _text(document: Any) -> str:
    return document if isinstance(document, str) else text_of(dict_of(document).get("text"))
