"""Amazon Bedrock's InvokeModel: each maker's own form inside Amazon's frames.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html

The model's name may be an ARN without the maker's name, so the form is known by the
fields: Anthropic's, Converse's (Nova), OpenAI's, or Llama's and Titan's few ones.
What Bedrock counts itself comes with the last event, and with a plain answer in
headers, the cache beside the input; it is used where the maker reports no usage.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import unquote

from aimon_nb.model import Message, ModelCall, Usage
from aimon_nb.wire.dialects.anthropic import Anthropic
from aimon_nb.wire.dialects.bedrock_converse import MODEL, BedrockConverse
from aimon_nb.wire.dialects.dialect import Dialect
from aimon_nb.wire.dialects.json_values import (
    count_of,
    dict_of,
    dicts_of,
    first_count,
    sum_of,
    text_of,
)
from aimon_nb.wire.dialects.openai_chat import OpenAIChat

_METRICS = "amazon-bedrock-invocationMetrics"
_ANTHROPIC = re.compile(r"message(?:_\w+)?$|content_block_\w+$")
_NOVA = {"messageStart", "contentBlockStart", "contentBlockDelta", "messageStop", "metadata"}
_TEXTS = ("generation", "outputText", "text", "completion")
_REASONS = ("stop_reason", "completionReason", "finish_reason")
_INPUT = ("prompt_token_count", "inputTextTokenCount")
_HEADERS = {
    "x-amzn-bedrock-input-token-count": "inputTokenCount",
    "x-amzn-bedrock-output-token-count": "outputTokenCount",
    "x-amzn-bedrock-cache-read-input-token-count": "cacheReadInputTokenCount",
    "x-amzn-bedrock-cache-write-input-token-count": "cacheWriteInputTokenCount",
}
_COUNT = re.compile(r"[0-9]{1,15}")
_OUTPUT = ("generation_token_count", "totalOutputTextTokenCount")


class BedrockInvoke(Dialect):
    """`POST /model/MODEL/invoke` and `…/invoke-with-response-stream`."""

    provider = "aws.bedrock"
    path_suffixes = frozenset({"invoke", "invoke-with-response-stream"})
    path_pattern = re.compile(r"/model/[^/]+/invoke(?:-with-response-stream)?$")
    headers = frozenset(_HEADERS)

    def __init__(self, host: str, path: str) -> None:
        super().__init__(host, path)
        if "embed" in path:
            self.operation = "embeddings"
        self._anthropic = Anthropic(host, path)
        self._converse = BedrockConverse(host, path)
        self._openai = OpenAIChat(host, path)

    def request(self, call: ModelCall, body: dict[str, Any]) -> None:
        """Messages and parameters by the maker's form; model and streaming stand in the path."""
        maker = self._request_form(body)
        if maker is not None:
            maker.request(call, body)
        prompt = body.get("prompt", body.get("inputText"))
        texts = body.get("texts") if isinstance(body.get("texts"), list) else [prompt]
        call.input += [Message("user", text) for text in texts or [] if isinstance(text, str)]
        call.request_model = unquote(self.in_path(MODEL)) or None
        call.streaming = self.path.endswith("-stream")

    def answer(self, call: ModelCall, event: dict[str, Any]) -> None:
        """A whole answer, or the chunk of a stream that holds one event."""
        if "chunk" in event:
            event = _chunk(dict_of(event["chunk"]))
        maker = self._answer_form(event)
        if maker is not None:
            maker.answer(call, event)
        else:
            self._few_fields(call, event)
        metrics = dict_of(event.get(_METRICS))
        if metrics and not call.usage.known:
            call.usage = _usage_by_metrics(metrics)

    def read_headers(self, call: ModelCall, headers: dict[str, str]) -> None:
        """Bedrock's own counts of a plain answer."""
        if not call.usage.known:
            counts = {name: text for name, text in headers.items() if _COUNT.fullmatch(text)}
            call.usage = _usage_by_metrics(
                {_HEADERS[name]: int(text) for name, text in counts.items()}
            )

    def _request_form(self, body: dict[str, Any]) -> Dialect | None:
        if "anthropic_version" in body:
            return self._anthropic
        if "inferenceConfig" in body or isinstance(body.get("system"), list):
            return self._converse
        messages = dicts_of(body.get("messages"))
        if not messages:
            return None
        # Nova's parts are objects without a type.
        parts = [part for m in messages for part in dicts_of(m.get("content"))]
        return self._converse if parts and "type" not in parts[0] else self._openai

    def _answer_form(self, event: dict[str, Any]) -> Dialect | None:
        if _ANTHROPIC.match(text_of(event.get("type"))):
            return self._anthropic
        if isinstance(event.get("output"), dict) or not _NOVA.isdisjoint(event):
            return self._converse
        return self._openai if isinstance(event.get("choices"), list) else None

    def _few_fields(self, call: ModelCall, event: dict[str, Any]) -> None:
        """Llama's, Titan's and Mistral's older answers."""
        inner = dicts_of(event.get("results")) + dicts_of(event.get("outputs"))
        for part in (event, *inner):
            self.turns.add_text(call, next((text_of(part[k]) for k in _TEXTS if part.get(k)), ""))
            reason = next((text_of(part[k]) for k in _REASONS if part.get(k)), "")
            call.finish_reason = reason or call.finish_reason
        # Llama counts along in each chunk: its counts are final with the reason.
        if self.operation == "embeddings":
            call.usage = Usage(input=first_count(event, *_INPUT))
        elif call.finish_reason is not None:
            call.usage = _few_counts(event, inner)


def _few_counts(event: dict[str, Any], inner: list[dict[str, Any]]) -> Usage:
    output = first_count(event, *_OUTPUT)
    # Titan has a count for each of its results.
    counts = [result["tokenCount"] for result in inner if "tokenCount" in result]
    if counts and len(counts) == len(inner):
        output = sum_of(0, *counts)
    return Usage(input=first_count(event, *_INPUT), output=output)


def _usage_by_metrics(metrics: dict[str, Any]) -> Usage:
    read, written = (
        metrics.get("cacheReadInputTokenCount"),
        metrics.get("cacheWriteInputTokenCount"),
    )
    return Usage(
        input=sum_of(count_of(metrics.get("inputTokenCount")), read, written),
        cached=count_of(read),
        cache_write=count_of(written),
        output=count_of(metrics.get("outputTokenCount")),
    )


def _chunk(chunk: dict[str, Any]) -> dict[str, Any]:
    try:
        return dict_of(json.loads(base64.b64decode(text_of(chunk.get("bytes")))))
    except (ValueError, RecursionError):
        return {}
