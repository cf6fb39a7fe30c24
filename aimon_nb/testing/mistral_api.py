"""Mistral as the truth server speaks it: OpenAI's form, but a stream tells its usage unasked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from aimon_nb.testing import openai_api
from aimon_nb.testing.dialect import Answer, Body, Endpoint

_BASE = "/mistral/v1"
_EMBEDDINGS = openai_api.CALLS["/v1/embeddings"]
_CHAT = openai_api.CALLS["/v1/chat/completions"]


def error(status: int, message: str) -> Body:
    """Shape a failure as Mistral does."""
    return {"object": "error", "message": message, "type": "error", "code": str(status)}


def _chat(body: Body, chunks: int) -> Answer:
    return _CHAT.answer({**body, "stream_options": {"include_usage": True}}, chunks)


def _as_chat(body: Body) -> Body:
    """What is to be filled in, as a conversation; a suffix is one more turn before it."""
    turns: list[Any] = [{"role": "user", "content": body.get("prompt") or ""}]
    if body.get("suffix"):
        turns.insert(0, {"role": "assistant", "content": body["suffix"]})
    return {**body, "messages": turns}


def _fim(body: Body, chunks: int) -> Answer:
    return _chat(_as_chat(body), chunks)


def _embed(body: Body, chunks: int) -> Answer:
    answer = _EMBEDDINGS.answer(body, chunks)
    return replace(answer, body={"id": "truth", **answer.body})


CALLS = {
    f"{_BASE}/chat/completions": Endpoint(_CHAT.asked, _chat, error),
    f"{_BASE}/fim/completions": Endpoint(lambda b: b.get("prompt") or "", _fim, error),
    f"{_BASE}/embeddings": Endpoint(_EMBEDDINGS.asked, _embed, error),
}
