"""Gemini as the truth server speaks it, on the paths of AI Studio and of Vertex."""

from __future__ import annotations

import json
from typing import Any

from aimon_nb.testing.counting import Tokens, Turns, answer_to, pieces, words
from aimon_nb.testing.dialect import (
    Answer,
    Body,
    Endpoint,
    model_of,
    sse,
    text_of,
    tools_called,
    wants_tool,
)
from aimon_nb.testing.schema import example

# Google's own client writes the newer one in both spellings.
_SCHEMAS = ("parametersJsonSchema", "parameters_json_schema", "parameters")
_STATUS = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}


def error(status: int, message: str) -> Body:
    """Shape a failure as Google does."""
    return {"error": {"code": status, "message": message, "status": _STATUS.get(status, "UNKNOWN")}}


def _turns(body: Body) -> Turns:
    system = body.get("systemInstruction") or {}
    pairs = [("system", text_of(system.get("parts")))] if system else []
    for content in body.get("contents") or []:
        results = [p["functionResponse"] for p in content["parts"] if "functionResponse" in p]
        told = [json.dumps(result.get("response")) for result in results]
        role = "tool" if told else str(content.get("role", "user"))
        pairs.append((role, " ".join([*told, text_of(content["parts"])]).strip()))
    return Turns(tuple(pairs))


def _usage(tokens: Tokens) -> Body:
    """Thoughts stand beside the candidates; zeros are left out."""
    told = {
        "promptTokenCount": tokens.input,
        "cachedContentTokenCount": tokens.cached,
        "candidatesTokenCount": tokens.output - tokens.reasoning,
        "thoughtsTokenCount": tokens.reasoning,
        "totalTokenCount": tokens.total,
    }
    return {name: number for name, number in told.items() if number}


def _said(body: Body, chunks: int) -> tuple[str, list[Body]]:
    """The text of the answer, and the functions called if it is a call."""
    turns = _turns(body)
    functions = [f for t in body.get("tools") or [] for f in t.get("functionDeclarations", [])]
    calls = [
        {"name": f["name"], "args": example(_lower(_schema(f)))}
        for f in tools_called(turns, functions)
    ]
    if calls:
        return " ".join(json.dumps(call["args"]) for call in calls), calls
    config = body.get("generationConfig") or {}
    wanted = config.get("responseJsonSchema") or config.get("responseSchema")
    if wanted:
        return json.dumps(example(_lower(wanted))), []
    return answer_to(turns.last, chunks), []


def _schema(function: Body) -> Any:
    return next((function[key] for key in _SCHEMAS if key in function), {})


def _lower(schema: Any) -> Any:
    """Google writes the types of a schema in capitals."""
    if isinstance(schema, dict):
        return {
            k: v.lower() if k == "type" and isinstance(v, str) else _lower(v)
            for k, v in schema.items()
        }
    return [_lower(s) for s in schema] if isinstance(schema, list) else schema


def _whole(body: Body, chunks: int) -> tuple[list[Body], Tokens]:
    """The parts of the answer, one a chunk, and its counts."""
    said, calls = _said(body, chunks)
    tokens = _turns(body).count(model_of(body), said)
    parts: list[Body] = [{"functionCall": call} for call in calls]
    return parts or [{"text": piece} for piece in pieces(said, chunks)], tokens


def _chunk(body: Body, parts: list[Body], usage: Body, *, last: bool) -> Body:
    candidate: Body = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if last:
        candidate["finishReason"] = "STOP"
        candidate |= _hosted(body, candidate["content"]["parts"])
    told = {"candidates": [candidate], "usageMetadata": usage}
    return {**told, "modelVersion": body["model"], "responseId": "truth"}


def _hosted(body: Body, parts: list[Body]) -> Body:
    """Tell of a search and of a program that failed, where the server is asked to use its tools."""
    tools = [tool for tool in body.get("tools") or [] if "functionDeclarations" not in tool]
    if not wants_tool(_turns(body), tools):
        return {}
    names = {name for tool in tools for name in tool}
    if "codeExecution" in names:
        program: Body = {"executableCode": {"language": "PYTHON", "code": "1 / 0"}}
        failed: Body = {"outcome": "OUTCOME_FAILED", "output": "ZeroDivisionError"}
        parts[:0] = [program, {"codeExecutionResult": failed}]
    queries = ["words", "more words"] if "googleSearch" in names else []
    return {"groundingMetadata": {"webSearchQueries": queries}} if queries else {}


def _generate(body: Body, _chunks: int) -> Answer:
    parts, tokens = _whole(body, 1)
    return Answer(tokens, body=_chunk(body, parts, _usage(tokens), last=True))


def _stream(body: Body, chunks: int) -> Answer:
    parts, tokens = _whole(body, chunks)
    early = {"promptTokenCount": tokens.input, "totalTokenCount": tokens.input}
    told = [_chunk(body, [part], early, last=False) for part in parts[:-1]]
    told.append(_chunk(body, parts[-1:], _usage(tokens), last=True))
    return Answer(tokens, frames=sse([(None, event) for event in told]))


def _asked(body: Body) -> list[str]:
    requests = body.get("requests") or [body]
    return [text_of((r.get("content") or {}).get("parts")) for r in requests]


def _embed(body: Body, _chunks: int) -> Answer:
    model_of(body)
    tokens = Tokens(input=sum(map(words, _asked(body))))
    usage = {"promptTokenCount": tokens.input, "totalTokenCount": tokens.input}
    return Answer(tokens, body={"embedding": {"values": [0.5, 0.5]}, "usageMetadata": usage})


def _embed_batch(body: Body, _chunks: int) -> Answer:
    model_of(body)
    texts = _asked(body)
    told = [{"values": [0.5, 0.5]} for _ in texts]
    tokens = Tokens(input=sum(map(words, texts)))
    return Answer(tokens, body={"embeddings": told}, usage_told=False)


_GENERATE = Endpoint(lambda b: _turns(b).last, _generate, error)
_STREAM = Endpoint(lambda b: _turns(b).last, _stream, error)
_HOMES = (
    "/v1beta/models/{model}:",
    "/v1/models/{model}:",
    "/v1beta1/projects/truth/locations/global/publishers/google/models/{model}:",
)
_VERBS = {
    "generateContent": _GENERATE,
    "streamGenerateContent": _STREAM,
    "embedContent": Endpoint(lambda b: " ".join(_asked(b)), _embed, error),
    "batchEmbedContents": Endpoint(lambda b: " ".join(_asked(b)), _embed_batch, error),
}
CALLS = {home + verb: endpoint for home in _HOMES for verb, endpoint in _VERBS.items()}
