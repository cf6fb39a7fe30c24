"""LM Studio's own chat as the truth server speaks it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aimon_nb.testing.counting import Tokens, Turns, answer_to, pieces
from aimon_nb.testing.dialect import Answer, Body, Endpoint, model_of, sse


def error(_status: int, message: str) -> Body:
    """Shape a failure as LM Studio does."""
    return {"error": {"type": "invalid_request", "message": message}}


def _turns(body: Body) -> Turns:
    pairs = [("system", body["system_prompt"])] if body.get("system_prompt") else []
    given = body.get("input") or ""
    items = [{"content": given}] if isinstance(given, str) else given
    return Turns((*pairs, *(("user", str(item.get("content", ""))) for item in items)))


def _answer(body: Body, chunks: int) -> Answer:
    turns, model = _turns(body), model_of(body)
    said = answer_to(turns.last, chunks)
    counted = turns.count(model, said)
    # It tells no cache.
    tokens = Tokens(counted.input, 0, 0, counted.output, counted.reasoning)
    result: Body = {
        "model_instance_id": model,
        "output": [{"type": "message", "content": said}],
        "stats": {
            "input_tokens": tokens.input,
            "total_output_tokens": tokens.output,
            "reasoning_output_tokens": tokens.reasoning,
            "tokens_per_second": 40.5,
            "time_to_first_token_seconds": 0.1,
        },
        "response_id": "resp_truth",
    }
    if not body.get("stream"):
        return Answer(tokens, body=result)
    told: list[tuple[str | None, Any]] = [
        (event["type"], event) for event in _events(model, said, result, chunks)
    ]
    return Answer(tokens, frames=sse(told))


def _events(model: str, said: str, result: Body, chunks: int) -> Iterator[Body]:
    yield {"type": "chat.start", "model_instance_id": model}
    yield {"type": "message.start"}
    for piece in pieces(said, chunks):
        yield {"type": "message.delta", "content": piece}
    yield {"type": "message.end"}
    yield {"type": "chat.end", "result": result}


CALLS = {"/api/v1/chat": Endpoint(lambda b: _turns(b).last, _answer, error)}
