"""Mistral's conversations and agents as the truth server speaks them.

A connector brings as many tokens into the context as the instructions have words: they
stand beside the prompt. Nothing of a conversation is remembered.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

from aimon_nb.testing import mistral_api
from aimon_nb.testing.counting import Tokens, Turns, answer_to, pieces, words
from aimon_nb.testing.dialect import Answer, Body, Endpoint, model_of, sse, text_of, wants_tool
from aimon_nb.testing.schema import example

_BASE = "/mistral/v1/conversations"
_AGENTS_MODEL = "mistral-medium-latest"
_WHEN = "2026-01-01T00:00:00Z"
_numbers = count(1)


def _turns(body: Body) -> Turns:
    pairs = [("system", body["instructions"])] if body.get("instructions") else []
    given = body.get("inputs") or ""
    for entry in [{"content": given}] if isinstance(given, str) else given:
        if entry.get("type") == "function.result":
            pairs.append(("tool", str(entry.get("result"))))
        else:
            pairs.append((entry.get("role", "user"), text_of(entry.get("content"))))
    return Turns(tuple(pairs))


def _usage(tokens: Tokens, connectors: int) -> Body:
    told: Body = {
        "prompt_tokens": tokens.input - connectors,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.total,
    }
    if connectors:
        told |= {"connector_tokens": connectors, "connectors": {"web_search": 1}}
    return told


def _answer(body: Body, chunks: int) -> Answer:
    model = model_of({"model": body.get("model") or _AGENTS_MODEL})
    turns, number = _turns(body), next(_numbers)
    tools = body.get("tools") or []
    functions = [tool["function"] for tool in tools if tool.get("type") == "function"]
    entry: Body = {"object": "entry", "id": f"entry_{number}", "model": model, "created_at": _WHEN}
    if wants_tool(turns, functions):
        said = json.dumps(example(functions[0].get("parameters") or {}))
        entry |= {"type": "function.call", "tool_call_id": f"call_{number}"}
        entry |= {"name": functions[0]["name"], "arguments": said}
    else:
        said = answer_to(turns.last, chunks)
        entry |= {"type": "message.output", "role": "assistant", "content": said}
    searches = any(tool.get("type") == "web_search" for tool in tools)
    connectors = words(turns.instructions) if searches else 0
    # Mistral tells no cache and no reasoning of a conversation apart.
    counted = turns.count(model, said)
    tokens = Tokens(counted.input + connectors, 0, 0, counted.output)
    whole = {
        "object": "conversation.response",
        "conversation_id": f"conv_{number}",
        "outputs": [entry],
        "usage": _usage(tokens, connectors),
    }
    if not body.get("stream"):
        return Answer(tokens, body=whole)
    told: list[tuple[str | None, Any]] = [
        (event["type"], event) for event in _events(whole, entry, said, chunks)
    ]
    return Answer(tokens, frames=sse(told))


def _events(whole: Body, entry: Body, said: str, chunks: int) -> Iterator[Body]:
    at: Body = {"created_at": _WHEN, "output_index": 0}
    started = "conversation.response.started"
    yield {"type": started, "conversation_id": whole["conversation_id"], "created_at": _WHEN}
    kept: Body = {
        key: entry[key] for key in ("id", "model", "name", "tool_call_id") if key in entry
    }
    is_call = "name" in entry
    for piece in pieces(said, chunks):
        more: Body = {"type": "message.output.delta", "role": "assistant", "content": piece}
        if is_call:
            more = {"type": "function.call.delta", "arguments": piece}
        yield {**kept, **at, **more}
    yield {"type": "conversation.response.done", "usage": whole["usage"], "created_at": _WHEN}


def _as_agent(body: Body, chunks: int) -> Answer:
    """An agent's completion: a chat whose model the agent has."""
    model_of({"model": body.get("agent_id")})
    chat = mistral_api.CALLS["/mistral/v1/chat/completions"]
    return chat.answer({**body, "model": _AGENTS_MODEL}, chunks)


_ENDPOINT = Endpoint(lambda b: _turns(b).last, _answer, mistral_api.error)
CALLS = {
    _BASE: _ENDPOINT,
    f"{_BASE}/{{id}}": _ENDPOINT,
    f"{_BASE}/{{id}}/restart": _ENDPOINT,
    "/mistral/v1/agents/completions": Endpoint(
        mistral_api.CALLS["/mistral/v1/chat/completions"].asked, _as_agent, mistral_api.error
    ),
}
