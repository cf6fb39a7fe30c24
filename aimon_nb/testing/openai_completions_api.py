"""OpenAI's completions of a bare prompt as the truth server speaks them, below two base paths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aimon_nb.testing import openai_api
from aimon_nb.testing.counting import Tokens, Turns, answer_to, pieces
from aimon_nb.testing.dialect import CREATED, Answer, Body, Endpoint, model_of, sse


def _prompt(body: Body) -> str:
    given = body.get("prompt") or ""
    return given if isinstance(given, str) else " ".join(map(str, given))


def _usage(tokens: Tokens) -> Body:
    counts = {"prompt_tokens": tokens.input, "completion_tokens": tokens.output}
    return {**counts, "total_tokens": tokens.total}


def _answer(body: Body, chunks: int) -> Answer:
    said = answer_to(_prompt(body), chunks)
    model = model_of(body)
    counted = Turns((("user", _prompt(body)),)).count(model, said)
    # It tells no reasoning apart.
    tokens = Tokens(counted.input, 0, 0, counted.output)
    head = {"id": "cmpl-truth", "object": "text_completion", "created": CREATED, "model": model}
    if not body.get("stream"):
        choice = {"index": 0, "text": said, "logprobs": None, "finish_reason": "stop"}
        return Answer(tokens, body={**head, "choices": [choice], "usage": _usage(tokens)})
    told = bool((body.get("stream_options") or {}).get("include_usage"))
    events = list(_events(head, said, chunks))
    if told:
        events.insert(-1, (None, {**head, "choices": [], "usage": _usage(tokens)}))
    return Answer(tokens, frames=sse(events), usage_told=told)


def _events(head: Body, said: str, chunks: int) -> Iterator[tuple[str | None, Any]]:
    for piece in pieces(said, chunks):
        choice = {"index": 0, "text": piece, "logprobs": None, "finish_reason": None}
        yield None, {**head, "choices": [choice]}
    end = {"index": 0, "text": "", "logprobs": None, "finish_reason": "stop"}
    yield None, {**head, "choices": [end]}
    yield None, "[DONE]"


_COMPLETIONS = Endpoint(_prompt, _answer, openai_api.error)
CALLS = {"/v1/completions": _COMPLETIONS, "/llm/completions": _COMPLETIONS}
