"""Cohere as the truth server speaks it: chat, embed and rerank, versions 1 and 2.

What is billed is what the truth counts; of all tokens there are some more. A search, which
is what reranking is billed by, has no tokens.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from aimon_nb.testing.counting import Tokens, Turns, answer_to, pieces, words
from aimon_nb.testing.dialect import (
    Answer,
    Body,
    Endpoint,
    lines,
    model_of,
    sse,
    text_of,
    wants_tool,
)
from aimon_nb.testing.schema import example

_UNBILLED = 60  # tokens of Cohere's own around a prompt


def error(_status: int, message: str) -> Body:
    """Shape a failure as Cohere does."""
    return {"id": "truth", "message": message}


def _turns_v2(body: Body) -> Turns:
    messages = body.get("messages") or []
    return Turns(tuple((m.get("role", "user"), text_of(m.get("content"))) for m in messages))


def _turns_v1(body: Body) -> Turns:
    pairs = [("system", body["preamble"])] if body.get("preamble") else []
    pairs += [(t["role"].lower(), t.get("message", "")) for t in body.get("chat_history") or []]
    return Turns((*pairs, ("user", body.get("message") or "")))


def _usage(tokens: Tokens) -> Body:
    every = {"input_tokens": tokens.input + _UNBILLED, "output_tokens": tokens.output}
    return {
        "billed_units": {"input_tokens": tokens.input, "output_tokens": tokens.output},
        "tokens": every,
        "cached_tokens": tokens.cached,
    }


def _counted(turns: Turns, model: str, said: str) -> Tokens:
    """Cohere tells no cache writes and no reasoning apart."""
    tokens = turns.count(model, said)
    return Tokens(tokens.input, tokens.cached, 0, tokens.output)


def _chat_v2(body: Body, chunks: int) -> Answer:
    turns, call = _turns_v2(body), None
    if wants_tool(turns, body.get("tools")):
        function = body["tools"][0]["function"]
        said = json.dumps(example(function.get("parameters") or {}))
        call = {"name": function["name"], "arguments": said}
    else:
        said = answer_to(turns.last, chunks)
    tokens = _counted(turns, model_of(body), said)
    end: Body = {"finish_reason": "TOOL_CALL" if call else "COMPLETE", "usage": _usage(tokens)}
    if body.get("stream"):
        told: list[tuple[str | None, Any]] = [
            (event["type"], event) for event in _events_v2(said, call, end, chunks)
        ]
        return Answer(tokens, frames=sse(told))
    message: Body = {"role": "assistant"}
    if call:
        message["tool_calls"] = [{"id": "t1", "type": "function", "function": call}]
    else:
        message["content"] = [{"type": "text", "text": said}]
    return Answer(tokens, body={"id": "truth", "message": message, **end})


def _events_v2(said: str, call: Body | None, end: Body, chunks: int) -> Iterator[Body]:
    yield {"type": "message-start", "id": "truth", "delta": {"message": {"role": "assistant"}}}
    kind, at = ("tool-call" if call else "content"), {"index": 0}
    first: Body = {"content": {"type": "text", "text": ""}}
    if call:
        empty = {"name": call["name"], "arguments": ""}
        first = {"tool_calls": {"id": "t1", "type": "function", "function": empty}}
    yield {"type": f"{kind}-start", **at, "delta": {"message": first}}
    for piece in pieces(said, chunks):
        more: Body = {"content": {"text": piece}}
        if call:
            more = {"tool_calls": {"function": {"arguments": piece}}}
        yield {"type": f"{kind}-delta", **at, "delta": {"message": more}}
    yield {"type": f"{kind}-end", **at}
    yield {"type": "message-end", "id": "truth", "delta": end}


def _chat_v1(body: Body, chunks: int) -> Answer:
    turns = _turns_v1(body)
    said = answer_to(turns.last, chunks)
    tokens = _counted(turns, model_of(body), said)
    whole: Body = {
        "text": said,
        "generation_id": "truth",
        "response_id": "truth",
        "finish_reason": "COMPLETE",
        "meta": {"api_version": {"version": "1"}, **_usage(tokens)},
    }
    if not body.get("stream"):
        return Answer(tokens, body=whole)
    told = [
        {"event_type": "stream-start", "is_finished": False, "generation_id": "truth"},
        *({"event_type": "text-generation", "text": p} for p in pieces(said, chunks)),
        {"event_type": "stream-end", "finish_reason": "COMPLETE", "response": whole},
    ]
    return Answer(tokens, frames=lines(told), kind="application/stream+json")


def _embed(body: Body, _chunks: int) -> Answer:
    model_of(body)
    texts = body.get("texts") or []
    tokens = Tokens(input=sum(map(words, texts)))
    vectors = [[0.5, 0.5] for _ in texts]
    by_type = body.get("embedding_types")
    return Answer(
        tokens,
        body={
            "id": "truth",
            "response_type": "embeddings_by_type" if by_type else "embeddings_floats",
            "texts": texts,
            "embeddings": {"float": vectors} if by_type else vectors,
            "meta": {"billed_units": {"input_tokens": tokens.input}},
        },
    )


def _rerank(body: Body, _chunks: int) -> Answer:
    model_of(body)
    told = [{"index": at, "relevance_score": 0.5} for at, _ in enumerate(body["documents"])]
    meta = {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}
    return Answer(Tokens(), body={"id": "truth", "results": told, "meta": meta}, usage_told=False)


_RERANK = Endpoint(lambda b: str(b.get("query") or ""), _rerank, error)
_EMBED = Endpoint(lambda b: " ".join(b.get("texts") or []), _embed, error)
CALLS = {
    "/v1/chat": Endpoint(lambda b: _turns_v1(b).last, _chat_v1, error),
    "/v2/chat": Endpoint(lambda b: _turns_v2(b).last, _chat_v2, error),
    "/v1/embed": _EMBED,
    "/v2/embed": _EMBED,
    "/v1/rerank": _RERANK,
    "/v2/rerank": _RERANK,
}
