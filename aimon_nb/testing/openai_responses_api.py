"""OpenAI's responses as the truth server speaks them; the rest of its API is in `openai_api`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count

from aimon_nb.testing import jobs_api
from aimon_nb.testing.counting import Tokens, Turns, answer_to, pieces
from aimon_nb.testing.dialect import (
    CREATED,
    Answer,
    Body,
    model_of,
    sse,
    text_of,
    tools_called,
    wants_tool,
)
from aimon_nb.testing.schema import example

_numbers = count(1)


def turns(body: Body) -> Turns:
    """Return the conversation of a request."""
    pairs = [("developer", body["instructions"])] if body.get("instructions") else []
    given = body.get("input") or ""
    for item in [{"role": "user", "content": given}] if isinstance(given, str) else given:
        if item.get("type") == "function_call_output":
            pairs.append(("tool", text_of(item.get("output"))))
        elif "role" in item:
            pairs.append((item["role"], text_of(item.get("content"))))
    return Turns(tuple(pairs))


def _usage(tokens: Tokens) -> Body:
    cache: Body = {"cached_tokens": tokens.cached, "cache_write_tokens": tokens.cache_write}
    return {
        "input_tokens": tokens.input,
        "input_tokens_details": cache,
        "output_tokens": tokens.output,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.total,
    }


def _item(body: Body, chunks: int, number: int) -> tuple[str, Body]:
    """Return the text of the answer and the output item that holds it."""
    conversation = turns(body)
    functions = [tool for tool in body.get("tools") or [] if tool.get("type") == "function"]
    for function in tools_called(conversation, functions)[:1]:
        text = json.dumps(example(function.get("parameters") or {}))
        call = {"type": "function_call", "id": f"fc_{number}", "call_id": f"call_{number}"}
        return text, {**call, "name": function["name"], "arguments": text}
    wanted = (body.get("text") or {}).get("format") or {}
    if wanted.get("type") == "json_schema":
        text = json.dumps(example(wanted.get("schema") or {}))
    else:
        text = answer_to(conversation.last, chunks)
    content = [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]
    head = {"type": "message", "id": f"msg_{number}", "role": "assistant"}
    return text, {**head, "content": content}


_HOSTED = {"web_search", "web_search_preview", "code_interpreter", "file_search", "mcp"}


def _hosted(body: Body, number: int) -> list[Body]:
    """Return the items of the tools that the server runs, where it is asked to use them."""
    tools = [tool for tool in body.get("tools") or [] if tool.get("type") in _HOSTED]
    if not wants_tool(turns(body), tools):
        return []
    return [_hosted_item(tool, f"{number}_{at}") for at, tool in enumerate(tools)]


def _hosted_item(tool: Body, number: str) -> Body:
    kind = str(tool["type"]).removesuffix("_preview")
    item: Body = {"type": f"{kind}_call", "id": f"{kind}_{number}", "status": "completed"}
    if kind == "web_search":
        return {**item, "action": {"type": "search", "query": "words", "sources": None}}
    if kind == "code_interpreter":
        return {**item, "code": "1 / 0", "container_id": "c", "outputs": None}
    if kind == "file_search":
        return {**item, "queries": ["words"], "results": None}
    failed: Body = {"status": "failed", "error": "the server is away", "output": None}
    named: Body = {"name": "look", "server_label": tool.get("server_label"), "arguments": "{}"}
    return {**item, **named, **failed}


def answer(body: Body, chunks: int) -> Answer:
    """Return the whole answer to a request, or its events where it asks for a stream."""
    number = next(_numbers)
    text, item = _item(body, chunks, number)
    tokens = turns(body).count(model_of(body), text)
    item, hosted = {**item, "status": "completed"}, _hosted(body, number)
    named = body.get("conversation")
    conversation = named if isinstance(named, dict) else {"id": named} if named else None
    whole = {
        "id": f"resp_{number}",
        "object": "response",
        "created_at": CREATED,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "model": body["model"],
        "output": [*hosted, item],
        "conversation": conversation,
        "parallel_tool_calls": True,
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools", []),
        "text": body.get("text", {"format": {"type": "text"}}),
        "metadata": {},
        "usage": _usage(tokens),
    }
    if body.get("background"):
        events = _numbered(_events({**whole, "background": True}, item, text, chunks))
        if not body.get("stream"):
            return Answer(tokens, body=jobs_api.background(whole, events))
        jobs_api.background(whole, told := list(events))
        return Answer(tokens, frames=sse(told))
    if not body.get("stream"):
        return Answer(tokens, body=whole)
    return Answer(tokens, frames=sse(_numbered(_events(whole, item, text, chunks))))


def _numbered(events: Iterator[Body]) -> Iterator[tuple[str, Body]]:
    for number, event in enumerate(events):
        yield event["type"], {**event, "sequence_number": number}


def _events(whole: Body, item: Body, text: str, chunks: int) -> Iterator[Body]:
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    *hosted, _ = whole["output"]
    for place, one in enumerate(hosted):
        begins = {**one, "status": "in_progress"}
        yield {"type": "response.output_item.added", "output_index": place, "item": begins}
        yield {"type": "response.output_item.done", "output_index": place, "item": one}
    at: Body = {"output_index": len(hosted)}
    open_item: Body = {**item, "status": "in_progress"}
    empty: Body = {"content": []} if "content" in item else {"arguments": ""}
    yield {"type": "response.output_item.added", **at, "item": open_item | empty}
    yield from _item_events(item, text, chunks, at)
    yield {"type": "response.output_item.done", **at, "item": item}
    yield {"type": "response.completed", "response": whole}


def _item_events(item: Body, text: str, chunks: int, place: Body) -> Iterator[Body]:
    at: Body = {"item_id": item["id"], **place}
    if "content" not in item:
        kind = "response.function_call_arguments"
        for piece in pieces(text, chunks):
            yield {"type": f"{kind}.delta", **at, "delta": piece}
        yield {"type": f"{kind}.done", **at, "name": item["name"], "arguments": text}
        return
    at["content_index"] = 0
    part = item["content"][0]
    yield {"type": "response.content_part.added", **at, "part": {**part, "text": ""}}
    for piece in pieces(text, chunks):
        yield {"type": "response.output_text.delta", **at, "delta": piece, "logprobs": []}
    yield {"type": "response.output_text.done", **at, "text": text, "logprobs": []}
    yield {"type": "response.content_part.done", **at, "part": part}
