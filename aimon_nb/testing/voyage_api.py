"""Voyage as the truth server speaks it: embeddings of three kinds, and reranking."""

from __future__ import annotations

from typing import Any

from aimon_nb.testing.counting import Tokens, words
from aimon_nb.testing.dialect import Answer, Body, Endpoint, model_of, text_of

_BASE = "/voyage/v1"


def error(_status: int, message: str) -> Body:
    """Shape a failure as Voyage does."""
    return {"detail": message}


def _texts(body: Body) -> list[str]:
    given = body.get("input", body.get("inputs")) or []
    texts: list[str] = []
    for one in [given] if isinstance(given, str) else given:
        if isinstance(one, dict):
            texts.append(text_of(one.get("content")))
        else:
            texts += one if isinstance(one, list) else [one]
    return texts


def _embed(body: Body, _chunks: int) -> Answer:
    texts = _texts(body)
    tokens = Tokens(input=sum(map(words, texts)))
    told: list[Any] = [
        {"object": "embedding", "index": index, "embedding": [0.5, 0.5]}
        for index, _ in enumerate(texts)
    ]
    usage = {"total_tokens": tokens.input}
    whole = {"object": "list", "data": told, "model": model_of(body), "usage": usage}
    return Answer(tokens, body=whole)


def _query(body: Body) -> str:
    return str(body.get("query") or "")


def _rerank(body: Body, _chunks: int) -> Answer:
    documents = body.get("documents") or []
    tokens = Tokens(input=words(_query(body)) * len(documents) + sum(map(words, documents)))
    told = [{"index": index, "relevance_score": 0.5} for index, _ in enumerate(documents)]
    usage = {"total_tokens": tokens.input}
    whole = {"object": "list", "data": told, "model": model_of(body), "usage": usage}
    return Answer(tokens, body=whole)


_EMBED = Endpoint(lambda b: " ".join(_texts(b)), _embed, error)
CALLS = {
    f"{_BASE}/embeddings": _EMBED,
    f"{_BASE}/contextualizedembeddings": _EMBED,
    f"{_BASE}/multimodalembeddings": _EMBED,
    f"{_BASE}/rerank": Endpoint(_query, _rerank, error),
}
