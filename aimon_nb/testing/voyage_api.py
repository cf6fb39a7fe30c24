"""Voyage as the truth server speaks it: embeddings of three kinds, and reranking."""

from __future__ import annotations

from dataclasses import replace

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
    usage = {"total_tokens": tokens.input}
    whole = {**_vectors(len(texts)), "model": model_of(body), "usage": usage}
    return Answer(tokens, body=whole)


def _embed_chunks(body: Body, chunks: int) -> Answer:
    """Embed documents, each a list of chunks."""
    answer = _embed(body, chunks)
    documents = [_vectors(len(document)) for document in body["inputs"]]
    told = [{**document, "index": index} for index, document in enumerate(documents)]
    return replace(answer, body={**answer.body, "data": told})


def _embed_contents(body: Body, chunks: int) -> Answer:
    """Embed inputs that are lists of texts and images; nothing but texts is counted."""
    answer = _embed(body, chunks)
    told = {"text_tokens": answer.tokens.input, "image_pixels": 0, "video_pixels": 0}
    return replace(answer, body={**answer.body, "usage": {**told, **answer.body["usage"]}})


def _vectors(count: int) -> Body:
    one: Body = {"object": "embedding", "embedding": [0.5, 0.5]}
    return {"object": "list", "data": [{**one, "index": index} for index in range(count)]}


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
    f"{_BASE}/contextualizedembeddings": replace(_EMBED, answer=_embed_chunks),
    f"{_BASE}/multimodalembeddings": replace(_EMBED, answer=_embed_contents),
    f"{_BASE}/rerank": Endpoint(_query, _rerank, error),
}
