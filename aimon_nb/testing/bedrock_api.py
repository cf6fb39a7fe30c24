"""Amazon Bedrock as the truth server speaks it: Converse, and models by Invoke.

These are Anthropic's and Cohere's. Cohere's tell no usage in the body: there are only
Bedrock's own counts, in headers.
"""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from aimon_nb.testing import anthropic_api
from aimon_nb.testing.counting import Tokens, Turns, answer_to, pieces
from aimon_nb.testing.dialect import Answer, Body, Endpoint, model_of, text_of, wants_tool
from aimon_nb.testing.schema import example

_KIND = "application/vnd.amazon.eventstream"
_MODEL = "/model/{model}/"


def error(_status: int, message: str) -> Body:
    """Shape a failure as Bedrock does."""
    return {"message": message}


def frames(events: Iterable[tuple[str, Any]]) -> list[bytes]:
    """Encode (event type, payload) pairs as frames of Amazon's event stream."""
    return [_frame(kind, json.dumps(payload).encode()) for kind, payload in events]


def _frame(kind: str, payload: bytes) -> bytes:
    told = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    head = b"".join(
        bytes([len(k)]) + k.encode() + b"\x07" + struct.pack(">H", len(v)) + v.encode()
        for k, v in told.items()
    )
    prelude = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    whole = prelude + struct.pack(">I", zlib.crc32(prelude)) + head + payload
    return whole + struct.pack(">I", zlib.crc32(whole))


# --- converse -----------------------------------------------------------------------------------


def _turns(body: Body) -> Turns:
    system = text_of(body.get("system"))
    pairs = [("system", system)] if system else []
    for message in body.get("messages") or []:
        results = [p["toolResult"] for p in message["content"] if "toolResult" in p]
        told = [text_of(result.get("content")) for result in results]
        role = "tool" if told else str(message.get("role", "user"))
        pairs.append((role, " ".join([*told, text_of(message["content"])]).strip()))
    return Turns(tuple(pairs))


def _usage(tokens: Tokens) -> Body:
    beside = tokens.input - tokens.cached - tokens.cache_write
    return {
        "inputTokens": beside,
        "outputTokens": tokens.output,
        "totalTokens": beside + tokens.output,
        "cacheReadInputTokens": tokens.cached,
        "cacheWriteInputTokens": tokens.cache_write,
    }


def _block(body: Body, chunks: int) -> tuple[Body, str, Tokens]:
    """What is said, as a block and as text, and its counts."""
    turns = _turns(body)
    tools = (body.get("toolConfig") or {}).get("tools") or []
    if wants_tool(turns, tools):
        spec = tools[0]["toolSpec"]
        given = example(spec["inputSchema"]["json"])
        said = json.dumps(given)
        block: Body = {"toolUse": {"toolUseId": "t1", "name": spec["name"], "input": given}}
    else:
        said = answer_to(turns.last, chunks)
        block = {"text": said}
    return block, said, _without_reasoning(turns.count(model_of(body), said))


def _without_reasoning(tokens: Tokens) -> Tokens:
    """Converse counts no reasoning apart."""
    return Tokens(tokens.input, tokens.cached, tokens.cache_write, tokens.output)


def _converse(body: Body, chunks: int) -> Answer:
    block, _, tokens = _block(body, chunks)
    whole = {
        "output": {"message": {"role": "assistant", "content": [block]}},
        "stopReason": "tool_use" if "toolUse" in block else "end_turn",
        "usage": _usage(tokens),
        "metrics": {"latencyMs": 1},
    }
    return Answer(tokens, body=whole)


def _converse_stream(body: Body, chunks: int) -> Answer:
    block, said, tokens = _block(body, chunks)
    told = frames(_events(block, said, tokens, chunks))
    return Answer(tokens, frames=told, kind=_KIND)


def _events(block: Body, said: str, tokens: Tokens, chunks: int) -> Iterator[tuple[str, Body]]:
    at: Body = {"contentBlockIndex": 0}
    tool = block.get("toolUse")
    yield "messageStart", {"role": "assistant"}
    if tool:
        start = {"toolUse": {"toolUseId": tool["toolUseId"], "name": tool["name"]}}
        yield "contentBlockStart", {**at, "start": start}
    for piece in pieces(said, chunks):
        delta: Body = {"toolUse": {"input": piece}} if tool else {"text": piece}
        yield "contentBlockDelta", {**at, "delta": delta}
    yield "contentBlockStop", at
    yield "messageStop", {"stopReason": "tool_use" if tool else "end_turn"}
    yield "metadata", {"usage": _usage(tokens), "metrics": {"latencyMs": 1}}


# --- invoke -------------------------------------------------------------------------------------


def _invoke(body: Body, chunks: int) -> Answer:
    if "message" in body:
        return _invoke_cohere(body, chunks)
    whole, tokens = anthropic_api.message(body, chunks)
    return Answer(tokens, body=whole)


def _invoke_cohere(body: Body, chunks: int) -> Answer:
    turns = Turns((("user", body["message"]),))
    said = answer_to(turns.last, chunks)
    tokens = _without_reasoning(turns.count(model_of(body), said))
    beside = tokens.input - tokens.cached - tokens.cache_write
    told = {"Input": beside, "Output": tokens.output, "Cache-Read-Input": tokens.cached}
    headers = tuple((f"X-Amzn-Bedrock-{name}-Token-Count", str(n)) for name, n in told.items())
    return Answer(tokens, {"text": said, "finish_reason": "COMPLETE"}, headers=headers)


def _invoke_asked(body: Body) -> str:
    return str(body.get("message") or anthropic_api.turns(body).last)


def _invoke_stream(body: Body, chunks: int) -> Answer:
    whole, tokens = anthropic_api.message(body, chunks)
    told = [json.dumps(event).encode() for event in anthropic_api.events(whole, chunks)]
    packed = [("chunk", {"bytes": base64.b64encode(event).decode()}) for event in told]
    return Answer(tokens, frames=frames(packed), kind=_KIND)


CALLS = {
    _MODEL + "converse": Endpoint(lambda b: _turns(b).last, _converse, error),
    _MODEL + "converse-stream": Endpoint(lambda b: _turns(b).last, _converse_stream, error),
    _MODEL + "invoke": Endpoint(_invoke_asked, _invoke, error),
    _MODEL + "invoke-with-response-stream": Endpoint(
        lambda b: anthropic_api.turns(b).last, _invoke_stream, error
    ),
}
