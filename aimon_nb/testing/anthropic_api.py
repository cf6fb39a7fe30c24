"""Anthropic's messages as the truth server speaks them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

from aimon_nb.testing import jobs_api
from aimon_nb.testing.counting import Tokens, Turns, answer_to, pieces
from aimon_nb.testing.dialect import Answer, Body, Endpoint, model_of, sse, text_of, wants_tool
from aimon_nb.testing.schema import example

_numbers = count(1)
_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def error(status: int, message: str) -> Body:
    """Shape a failure as Anthropic does."""
    kind = _ERROR_TYPES.get(status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": message}}


def turns(body: Body) -> Turns:
    """The conversation of a request."""
    system = text_of(body.get("system"))
    pairs = [("system", system)] if system else []
    for message in body.get("messages") or []:
        content = message.get("content")
        results = content if isinstance(content, list) else []
        told = [text_of(p.get("content")) for p in results if p.get("type") == "tool_result"]
        role = "tool" if told else str(message.get("role", "user"))
        pairs.append((role, " ".join([*told, text_of(content)]).strip()))
    return Turns(tuple(pairs))


def usage(tokens: Tokens) -> Body:
    """Counts in which the cache stands beside the input."""
    return {
        "input_tokens": tokens.input - tokens.cached - tokens.cache_write,
        "cache_read_input_tokens": tokens.cached,
        "cache_creation_input_tokens": tokens.cache_write,
        "cache_creation": {
            "ephemeral_5m_input_tokens": tokens.cache_write,
            "ephemeral_1h_input_tokens": 0,
        },
        "output_tokens": tokens.output,
        "output_tokens_details": {"thinking_tokens": tokens.reasoning},
        "service_tier": "standard",
    }


def message(body: Body, chunks: int) -> tuple[Body, Tokens]:
    """The whole message that answers a request, and its counts."""
    asked = turns(body)
    model, number = model_of(body), next(_numbers)
    tools = [tool for tool in body.get("tools") or [] if "input_schema" in tool]
    block: Body
    if wants_tool(asked, tools):
        given = example(tools[0]["input_schema"])
        said = json.dumps(given)
        block = {"type": "tool_use", "id": f"toolu_{number}", "name": tools[0]["name"]}
        block["input"] = given
    else:
        said = answer_to(asked.last, chunks)
        block = {"type": "text", "text": said}
    tokens = asked.count(model, said)
    return {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [*_hosted(body, number), block],
        "stop_reason": "tool_use" if "input" in block else "end_turn",
        "stop_sequence": None,
        "usage": usage(tokens),
    }, tokens


def _hosted(body: Body, number: int) -> list[Body]:
    """The blocks of a web search or a program, where the server is asked to use such a tool."""
    kinds = ("web_search_", "code_execution_")
    tools = [t for t in body.get("tools") or [] if str(t.get("type", "")).startswith(kinds)]
    told: list[Body] = []
    for at, tool in enumerate(tools if wants_tool(turns(body), tools) else ()):
        name, one = tool["name"], f"srvtoolu_{number}_{at}"
        error: Body = {"type": f"{name}_tool_result_error", "error_code": "unavailable"}
        found: Any = [] if name == "web_search" else error
        used: Body = {"type": "server_tool_use", "id": one, "name": name, "input": {"query": "x"}}
        result: Body = {"type": f"{name}_tool_result", "tool_use_id": one, "content": found}
        told += [used, result]
    return told


def events(whole: Body, chunks: int) -> Iterator[Body]:
    """The same message as the events of a stream."""
    (*hosted, block), told = whole["content"], whole["usage"]
    begun: Body = {"content": [], "stop_reason": None}
    first = {**told, "output_tokens": 1, "output_tokens_details": None}
    yield {"type": "message_start", "message": {**whole, **begun, "usage": first}}
    for place, one in enumerate(hosted):
        yield {"type": "content_block_start", "index": place, "content_block": one}
        yield {"type": "content_block_stop", "index": place}
    at: Body = {"index": len(hosted)}
    is_text = block["type"] == "text"
    empty: Body = {"text": ""} if is_text else {"input": {}}
    kind, key = ("text_delta", "text") if is_text else ("input_json_delta", "partial_json")
    text = block["text"] if is_text else json.dumps(block["input"])
    yield {"type": "content_block_start", **at, "content_block": {**block, **empty}}
    yield {"type": "ping"}
    for piece in pieces(text, chunks):
        yield {"type": "content_block_delta", **at, "delta": {"type": kind, key: piece}}
    yield {"type": "content_block_stop", **at}
    delta = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    final = {k: told[k] for k in ("output_tokens", "output_tokens_details")}
    yield {"type": "message_delta", "delta": delta, "usage": final}
    yield {"type": "message_stop"}


def _messages(body: Body, chunks: int) -> Answer:
    whole, tokens = message(body, chunks)
    if not body.get("stream"):
        return Answer(tokens, body=whole)
    told: list[tuple[str | None, Any]] = [(e["type"], e) for e in events(whole, chunks)]
    return Answer(tokens, frames=sse(told))


_MESSAGES = Endpoint(lambda b: turns(b).last, _messages, error)
CALLS = {
    "/v1/messages": _MESSAGES,
    "/v1/messages/batches": jobs_api.anthropic_batches(_MESSAGES),
}
