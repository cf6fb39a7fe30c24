"""Hugging Face's text generation as the truth server speaks it; its chat is OpenAI's form.

It names no model and tells its counts only with `details`.
"""

from __future__ import annotations

from typing import Any

from aimon_nb.testing.counting import Tokens, answer_to, pieces, words
from aimon_nb.testing.dialect import Answer, Body, Endpoint, sse


def error(_status: int, message: str) -> Body:
    """Shape a failure as TGI does."""
    return {"error": message, "error_type": "truth"}


def _generate(body: Body, chunks: int) -> Answer:
    asked = body.get("inputs") or ""
    told = bool((body.get("parameters") or {}).get("details"))
    said = answer_to(asked, chunks)
    tokens = Tokens(input=words(asked), output=words(said))
    details: Body = {"finish_reason": "length", "generated_tokens": tokens.output, "seed": None}
    if body.get("stream"):
        details["input_length"] = tokens.input
        return _stream(said, tokens, details if told else None, chunks)
    details["prefill"] = [
        {"id": number, "text": word, "logprob": None} for number, word in enumerate(asked.split())
    ]
    details["tokens"] = []
    whole: Body = {"generated_text": said}
    return Answer(tokens, body=whole | ({"details": details} if told else {}), usage_told=told)


def _stream(said: str, tokens: Tokens, details: Body | None, chunks: int) -> Answer:
    parts = pieces(said, chunks)
    events: list[tuple[str | None, Any]] = []
    for number, part in enumerate(parts, 1):
        token = {"id": number, "text": part, "logprob": -0.5, "special": False}
        over = number == len(parts)
        end = {"generated_text": said if over else None, "details": details if over else None}
        events.append((None, {"index": number, "token": token, "top_tokens": [], **end}))
    return Answer(tokens, frames=sse(events), usage_told=details is not None)


def _generate_stream(body: Body, chunks: int) -> Answer:
    return _generate({**body, "stream": True}, chunks)


CALLS = {
    "/generate": Endpoint(lambda b: b.get("inputs") or "", _generate, error),
    "/generate_stream": Endpoint(lambda b: b.get("inputs") or "", _generate_stream, error),
}
