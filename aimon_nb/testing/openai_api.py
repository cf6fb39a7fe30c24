"""OpenAI's API as the truth server speaks it: chat completions, embeddings and models.

The responses, which go by the same paths and errors, are in `openai_responses_api`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from aimon_nb.testing import jobs_api, openai_responses_api
from aimon_nb.testing.counting import Tokens, Turns, answer_to, pieces, words
from aimon_nb.testing.dialect import (
    CREATED,
    Answer,
    Body,
    Endpoint,
    model_of,
    sse,
    text_of,
    tools_called,
)
from aimon_nb.testing.schema import example

_MODELS = ("gpt-4o", "gpt-4o-mini", "gpt-5", "gpt-5-mini", "o4-mini", "text-embedding-3-small")
_numbers = count(1)
_ERROR_TYPES = {
    401: "authentication_error",
    404: "invalid_request_error",
    429: "rate_limit_error",
}


def error(status: int, message: str) -> Body:
    """Shape a failure as OpenAI does."""
    kind = _ERROR_TYPES.get(
        status,
        "server_error" if status >= 500 else "invalid_request_error",
    )
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


# --- chat completions ---------------------------------------------------------------------------


def _chat_turns(body: Body) -> Turns:
    messages = body.get("messages") or []
    return Turns(tuple((m.get("role", "user"), text_of(m.get("content"))) for m in messages))


def _chat_usage(tokens: Tokens) -> Body:
    return {
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.total,
        "prompt_tokens_details": {
            "cached_tokens": tokens.cached,
            "cache_write_tokens": tokens.cache_write,
            "audio_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": tokens.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _chat_said(body: Body, chunks: int, number: int) -> tuple[str, list[Body]]:
    """Give the text of the answer, and the calls of tools if it is one."""
    turns = _chat_turns(body)
    functions = [t["function"] for t in body.get("tools") or () if t.get("type") == "function"]
    calls = [
        _tool_call(function, f"{number}" + f"_{at}" * bool(at))
        for at, function in enumerate(tools_called(turns, functions))
    ]
    if calls:
        return " ".join(call["function"]["arguments"] for call in calls), calls
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        return json.dumps(example(wanted["json_schema"].get("schema") or {})), []
    if wanted.get("type") == "json_object":
        return json.dumps({"answer": answer_to(turns.last, 0)}), []
    return answer_to(turns.last, chunks), []


def _chat(body: Body, chunks: int) -> Answer:
    model = model_of(body)
    number = next(_numbers)
    said, calls = _chat_said(body, chunks, number)
    tokens = _chat_turns(body).count(model, said)
    head = {"id": f"chatcmpl-{number}", "created": CREATED, "model": model}
    head |= {"service_tier": "default", "system_fingerprint": "fp_truth"}
    if body.get("stream"):
        told = bool((body.get("stream_options") or {}).get("include_usage"))
        usage = _chat_usage(tokens) if told else None
        events = _chat_events(head, said, calls, chunks, usage)
        return Answer(tokens, frames=sse(events), usage_told=told)
    message: Body = {
        "role": "assistant",
        "content": None if calls else said,
        "refusal": None,
        "annotations": [],
    }
    if calls:
        message["tool_calls"] = calls
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(calls)}
    whole = {"object": "chat.completion", "choices": [choice], "usage": _chat_usage(tokens)}
    return Answer(tokens, body=head | whole)


def _tool_call(function: Body, number: str) -> Body:
    arguments = json.dumps(example(function.get("parameters") or {}))
    return {
        "id": f"call_{number}",
        "type": "function",
        "function": {"name": function["name"], "arguments": arguments},
    }


def _finish(calls: list[Body]) -> str:
    return "tool_calls" if calls else "stop"


def _chat_events(
    head: Body, said: str, calls: list[Body], chunks: int, usage: Body | None
) -> Iterator[tuple[None, Any]]:
    head = head | {"object": "chat.completion.chunk"}

    def chunk(delta: Body, finish: str | None = None) -> tuple[None, Body]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        data = head | {"choices": [choice]}
        # As OpenAI does: null on every chunk but the last when usage was asked for.
        return None, data | {"usage": None} if usage else data

    if calls:
        for delta in _call_deltas(calls, chunks):
            yield chunk(delta)
    else:
        yield chunk({"role": "assistant", "content": "", "refusal": None})
        for part in pieces(said, chunks):
            yield chunk({"content": part})
    yield chunk({}, _finish(calls))
    if usage:
        yield None, head | {"choices": [], "usage": usage}
    yield None, "[DONE]"


def _call_deltas(calls: list[Body], chunks: int) -> Iterator[Body]:
    role: Body = {"role": "assistant", "content": None}
    for index, call in enumerate(calls):
        empty = {**call, "function": {**call["function"], "arguments": ""}}
        yield {**role, "tool_calls": [{"index": index, **empty}]}
        role = {}
        for part in pieces(call["function"]["arguments"], chunks):
            yield {"tool_calls": [{"index": index, "function": {"arguments": part}}]}


# --- embeddings and models ----------------------------------------------------------------------


def _embedding_texts(body: Body) -> list[str]:
    given = body.get("input", "")
    if isinstance(given, str):
        return [given]
    if given and isinstance(given[0], int):  # one text that is tokenised already
        given = [given]
    return [text if isinstance(text, str) else " ".join(map(str, text)) for text in given]


def _vector(text: str, size: int) -> list[float]:
    seed = hashlib.shake_256(text.encode()).digest(size)
    length = sum(byte * byte for byte in seed) ** 0.5 or 1.0
    return [byte / length for byte in seed]


def _embeddings(body: Body, _chunks: int) -> Answer:
    texts = _embedding_texts(body)
    data: list[Body] = []
    for index, text in enumerate(texts):
        vector: Any = _vector(text, body.get("dimensions") or 16)
        if body.get("encoding_format") == "base64":
            vector = base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
        data.append({"object": "embedding", "index": index, "embedding": vector})
    tokens = Tokens(input=sum(map(words, texts)))
    usage = {"prompt_tokens": tokens.input, "total_tokens": tokens.input}
    answer = {"object": "list", "data": data, "model": model_of(body), "usage": usage}
    return Answer(tokens, body=answer)


def _models() -> Body:
    made = {"object": "model", "created": CREATED, "owned_by": "truth"}
    return {"object": "list", "data": [{"id": name, **made} for name in _MODELS]}


_CHAT = Endpoint(lambda b: _chat_turns(b).last, _chat, error)
_RESPONSES = Endpoint(
    lambda b: openai_responses_api.turns(b).last, openai_responses_api.answer, error
)
CALLS: dict[str, Endpoint] = {
    "/v1/chat/completions": _CHAT,
    "/openai/deployments/{model}/chat/completions": _CHAT,
    "/v1/responses": _RESPONSES,
    "/llm/responses": _RESPONSES,
    "/v1/embeddings": Endpoint(lambda b: " ".join(_embedding_texts(b)), _embeddings, error),
    "/v1/batches": jobs_api.openai_batches(lambda: CALLS, error),
}
"""What is answered to a POST."""

PAGES: dict[str, Callable[[], Body]] = {"/v1/models": _models}
"""What is answered to a GET."""
