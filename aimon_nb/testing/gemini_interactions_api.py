"""Gemini's interactions as the truth server speaks them, in steps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

from aimon_nb.testing import gemini_api
from aimon_nb.testing.counting import Tokens, Turns, answer_to, pieces
from aimon_nb.testing.dialect import Answer, Body, Endpoint, model_of, sse, text_of, wants_tool
from aimon_nb.testing.schema import example

_numbers = count(1)


def _turns(body: Body) -> Turns:
    pairs = [("system", body["system_instruction"])] if body.get("system_instruction") else []
    given = body.get("input") or ""
    if isinstance(given, str):
        return Turns((*pairs, ("user", given)))
    steps = given if isinstance(given, list) else [given]
    if not any("content" in step or "result" in step for step in steps):
        return Turns((*pairs, ("user", text_of(steps))))
    for step in steps:
        if str(step.get("type")).endswith("_result"):
            result = step.get("result")
            pairs.append(("tool", text_of(result) or json.dumps(result)))
        elif "content" in step:
            is_model = step.get("type") == "model_output" or step.get("role") == "model"
            pairs.append(("model" if is_model else "user", text_of(step["content"])))
    return Turns(tuple(pairs))


def _usage(tokens: Tokens) -> Body:
    """Thoughts stand beside the output."""
    return {
        "total_input_tokens": tokens.input,
        "input_tokens_by_modality": [{"modality": "text", "tokens": tokens.input}],
        "total_cached_tokens": tokens.cached,
        "total_output_tokens": tokens.output - tokens.reasoning,
        "total_thought_tokens": tokens.reasoning,
        "total_tool_use_tokens": 0,
        "total_tokens": tokens.total,
    }


def _answer(body: Body, chunks: int) -> Answer:
    model = model_of({"model": body.get("model") or body.get("agent")})
    turns, number = _turns(body), next(_numbers)
    functions = [tool for tool in body.get("tools") or [] if tool.get("type") == "function"]
    step: Body = {"type": "model_output"}
    if wants_tool(turns, functions):
        arguments = example(functions[0].get("parameters") or {})
        said = json.dumps(arguments)
        step = {"type": "function_call", "id": f"call_{number}", "name": functions[0]["name"]}
        step["arguments"] = arguments
    else:
        said = answer_to(turns.last, chunks)
        step["content"] = [{"type": "text", "text": said}]
    tokens = turns.count(model, said)
    head: Body = {"id": f"v1_{number}", "object": "interaction", "model": model}
    end = {"status": "requires_action" if "name" in step else "completed", "usage": _usage(tokens)}
    if not body.get("stream"):
        return Answer(tokens, body={**head, **end, "steps": [step]})
    told: list[tuple[str | None, Any]] = [
        (event["event_type"], event) for event in _events(head, step, end, said, chunks)
    ]
    return Answer(tokens, frames=sse(told))


def _events(head: Body, step: Body, end: Body, said: str, chunks: int) -> Iterator[Body]:
    begun = {**head, "status": "in_progress"}
    yield {"event_type": "interaction.created", "interaction": begun}
    at: Body = {"index": 0}
    empty: Body = {"arguments": {}} if "name" in step else {"content": []}
    yield {"event_type": "step.start", **at, "step": {**step, **empty}}
    kind, key = ("arguments_delta", "arguments") if "name" in step else ("text", "text")
    for piece in pieces(said, chunks):
        yield {"event_type": "step.delta", **at, "delta": {"type": kind, key: piece}}
    yield {"event_type": "step.stop", **at}
    yield {"event_type": "interaction.completed", "interaction": {**head, **end}}


_ENDPOINT = Endpoint(lambda b: _turns(b).last, _answer, gemini_api.error)
CALLS = {f"/{version}/interactions": _ENDPOINT for version in ("v1", "v1beta", "v1alpha")}
