"""Ollama's own API as the truth server speaks it: chat, generate, embed."""

from __future__ import annotations

from collections.abc import Iterator

from aimon_nb.testing.counting import Tokens, Turns, answer_to, pieces, words
from aimon_nb.testing.dialect import Answer, Body, Endpoint, lines, model_of, wants_tool
from aimon_nb.testing.schema import example

_AT = "2026-01-01T00:00:00Z"


def error(_status: int, message: str) -> Body:
    """Shape a failure as Ollama does."""
    return {"error": message}


def _turns(body: Body) -> Turns:
    if "messages" in body:
        pairs = [(m.get("role", "user"), m.get("content") or "") for m in body["messages"]]
    else:
        pairs = [("system", body["system"])] if body.get("system") else []
        pairs.append(("user", body.get("prompt") or ""))
    return Turns(tuple(pairs))


def _counted(turns: Turns, model: str, said: str) -> Tokens:
    """Ollama tells neither cache nor reasoning apart."""
    tokens = turns.count(model, said)
    return Tokens(input=tokens.input, output=tokens.output)


def _answer(body: Body, chunks: int) -> Answer:
    turns = _turns(body)
    said = answer_to(turns.last, chunks)
    call: Body | None = None
    if wants_tool(turns, body.get("tools")):
        function = body["tools"][0]["function"]
        given = example(function.get("parameters") or {})
        call, said = {"function": {"name": function["name"], "arguments": given}}, str(given)
    tokens = _counted(turns, model_of(body), said)
    counts = {"prompt_eval_count": tokens.input, "eval_count": tokens.output}
    end = {"done": True, "done_reason": "stop", "total_duration": 1, **counts}
    parts = list(_parts(body, said, call, chunks if body.get("stream", True) else 1))
    if not body.get("stream", True):
        return Answer(tokens, body=parts[0] | end)
    told = [*parts, _part(body, "") | end]
    return Answer(tokens, frames=lines(told), kind="application/x-ndjson")


def _parts(body: Body, said: str, call: Body | None, chunks: int) -> Iterator[Body]:
    if call:
        part = _part(body, "")
        part["message"]["tool_calls"] = [call]
        yield part
        return
    for piece in pieces(said, chunks):
        yield _part(body, piece)


def _part(body: Body, text: str) -> Body:
    head = {"model": body["model"], "created_at": _AT, "done": False}
    if "messages" in body:
        return {**head, "message": {"role": "assistant", "content": text}}
    return {**head, "response": text}


def _texts(body: Body) -> list[str]:
    given = body.get("input") or []
    return [given] if isinstance(given, str) else list(given)


def _embed(body: Body, _chunks: int) -> Answer:
    model, texts = model_of(body), _texts(body)
    tokens = Tokens(input=sum(map(words, texts)))
    vectors = [[0.5, 0.5] for _ in texts]
    told = {"model": model, "embeddings": vectors, "prompt_eval_count": tokens.input}
    return Answer(tokens, body=told)


_TALK = Endpoint(lambda b: _turns(b).last, _answer, error)
CALLS = {
    "/api/chat": _TALK,
    "/api/generate": _TALK,
    "/api/embed": Endpoint(lambda b: " ".join(_texts(b)), _embed, error),
}
