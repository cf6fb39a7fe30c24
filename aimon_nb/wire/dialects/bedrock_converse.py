"""Amazon Bedrock's Converse and ConverseStream.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html

The cache is counted beside `inputTokens`, so input is the sum of three. Whether
`totalTokens` holds the cache is not documented: it is kept only if it is the sum.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from aimon_nb.model import Message, ModelCall, Usage
from aimon_nb.model.call import Media
from aimon_nb.wire.dialects import known_usage
from aimon_nb.wire.dialects.dialect import Dialect
from aimon_nb.wire.dialects.json_values import (
    count_of,
    dict_of,
    dicts_of,
    first_count,
    index_of,
    json_of,
    scalar_parameters,
    sum_of,
    text_of,
)
from aimon_nb.wire.dialects.parts import text_of_part

MODEL = re.compile(r"/model/([^/]+)/")
_PARAMETERS = ("maxTokens", "temperature", "topP")


class BedrockConverse(Dialect):
    """`POST /model/MODEL/converse` and `…/converse-stream`."""

    provider = "aws.bedrock"
    path_suffixes = frozenset({"converse", "converse-stream"})
    path_pattern = re.compile(r"/model/[^/]+/converse(?:-stream)?$")

    def request(self, call: ModelCall, body: dict[str, Any]) -> None:
        """Messages, tools and parameters; model and streaming stand in the path."""
        call.request_model = unquote(self.in_path(MODEL)) or None
        call.streaming = self.path.endswith("-stream")
        system = _text(body.get("system"), [])
        call.input = [Message("system", system)] if system else []
        names: dict[str, str] = {}
        call.input += [_message(m, names) for m in dicts_of(body.get("messages"))]
        tools = dicts_of(dict_of(body.get("toolConfig")).get("tools"))
        specs = [dict_of(tool.get("toolSpec")) for tool in tools]
        call.tools = [text_of(spec.get("name")) for spec in specs if spec]
        call.parameters = scalar_parameters(dict_of(body.get("inferenceConfig")), _PARAMETERS)

    def answer(self, call: ModelCall, event: dict[str, Any]) -> None:
        """A response, or one event of a stream as `{its name: what it holds}`."""
        if "output" in event or "usage" in event:
            self._response(call, event)
        start, delta = event.get("contentBlockStart"), event.get("contentBlockDelta")
        if isinstance(start, dict):
            self._block(call, dict_of(start.get("start")), index_of(start.get("contentBlockIndex")))
        if isinstance(delta, dict):
            self._block(call, dict_of(delta.get("delta")), index_of(delta.get("contentBlockIndex")))
        stop = text_of(dict_of(event.get("messageStop")).get("stopReason"))
        call.finish_reason = stop or call.finish_reason
        if isinstance(event.get("metadata"), dict):
            self._response(call, event["metadata"])

    def _response(self, call: ModelCall, response: dict[str, Any]) -> None:
        message = dict_of(dict_of(response.get("output")).get("message"))
        for index, block in enumerate(dicts_of(message.get("content"))):
            self._block(call, block, index)
        call.finish_reason = text_of(response.get("stopReason")) or call.finish_reason
        call.service_tier = text_of(dict_of(response.get("serviceTier")).get("type")) or (
            call.service_tier
        )
        raw = response.get("usage")
        if isinstance(raw, dict):
            self.take_usage(call, raw, usage(raw), known_usage.BEDROCK)
            call.details = details(raw)

    def _block(self, call: ModelCall, block: dict[str, Any], at: int) -> None:
        self.turns.add_text(call, text_of(block.get("text")))
        # Whole answers and deltas of a stream have the text in two places.
        reasoning = dict_of(block.get("reasoningContent"))
        text = text_of(dict_of(reasoning.get("reasoningText")).get("text"))
        self.turns.add_reasoning(call, text or text_of(reasoning.get("text")))
        tool = block.get("toolUse")
        if isinstance(tool, dict):
            self.turns.add_tool_call(
                call, text_of(tool.get("name")), json_of(tool.get("input")), at
            )


def usage(raw: dict[str, Any]) -> Usage:
    """Return the counts of Converse, and of Nova's own form, which ends two names otherwise."""
    read = first_count(raw, "cacheReadInputTokens", "cacheReadInputTokenCount")
    written = first_count(raw, "cacheWriteInputTokens", "cacheWriteInputTokenCount")
    cache = [value for key, value in raw.items() if key in _CACHE_COUNTS]
    input_tokens = sum_of(count_of(raw.get("inputTokens")), *cache)
    output_tokens, total = count_of(raw.get("outputTokens")), count_of(raw.get("totalTokens"))
    if total is None or total != sum_of(input_tokens, output_tokens or 0):
        total = None
    return Usage(input_tokens, read, written, output_tokens, None, total)


_CACHE_COUNTS = {
    *("cacheReadInputTokens", "cacheReadInputTokenCount"),
    *("cacheWriteInputTokens", "cacheWriteInputTokenCount"),
}


def details(raw: dict[str, Any]) -> dict[str, int]:
    """Return what was written to the cache, by how long it stays there."""
    counts = {}
    for part in dicts_of(raw.get("cacheDetails")):
        count = count_of(part.get("inputTokens"))
        if count and part.get("ttl") in ("5m", "1h"):
            counts[f"cache_write_{part['ttl']}_tokens"] = count
    return counts


def _message(raw: dict[str, Any], names: dict[str, str]) -> Message:
    """Return a message of the request; `names` are those of tool calls by their ids so far."""
    blocks = dicts_of(raw.get("content"))
    uses = [b["toolUse"] for b in blocks if isinstance(b.get("toolUse"), dict)]
    names |= {text_of(u.get("toolUseId")): text_of(u.get("name")) for u in uses}
    results = (dict_of(b.get("toolResult")).get("toolUseId") for b in blocks)
    tools = ", ".join(filter(None, (names.get(text_of(one), "") for one in results)))
    calls = [(text_of(u.get("name")), json_of(u.get("input"))) for u in uses]
    media: list[Media] = []
    text = _text(raw.get("content"), media)
    return Message(text_of(raw.get("role")) or "user", text, calls, media, tools)


def _text(content: Any, media: list[Media]) -> str:
    texts = (_part(block, media) for block in dicts_of(content) if "toolUse" not in block)
    return "\n".join(text for text in texts if text)


def _part(block: dict[str, Any], media: list[Media]) -> str:
    if isinstance(block.get("toolResult"), dict):
        results = dicts_of(block["toolResult"].get("content"))
        return "\n".join(
            json_of(one["json"]) if "json" in one else text_of_part(one, media) for one in results
        )
    return "" if "cachePoint" in block else text_of_part(block, media)
