"""Attributes of spans → fields of their records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aimon_nb.capture.redact import redact_urls
from aimon_nb.capture.to_plain import key_text
from aimon_nb.model import Span, Usage
from aimon_nb.model.span import SpanStatus
from aimon_nb.model.usage import MAX_TOKENS, NOTHING

# Field of `Span` ← attribute names, first match wins. The documented names and
# today's (sentry-conventions) stand side by side in the SDK's integrations.
_FIELDS: tuple[tuple[str, str, str], ...] = (
    ("provider", "gen_ai.provider.name", "gen_ai.system"),
    ("request_model", "gen_ai.request.model", ""),
    ("model", "gen_ai.response.model", "ai.model_id"),
    ("operation", "gen_ai.operation.name", ""),
    ("agent", "gen_ai.agent.name", ""),
    ("tool", "gen_ai.tool.name", "mcp.tool.name"),
    ("conversation", "gen_ai.conversation.id", ""),
)
_PIPELINE = "gen_ai.pipeline.name"
# What integrations put on a tool's span, too: it is the model of the agent that calls it.
_OF_MODELS = frozenset({"provider", "request_model", "model"})
# Most spans say nothing of a model: one look tells.
_MODEL_KEYS = frozenset(key for _, *keys in _FIELDS for key in keys)
_P = "gen_ai.usage."
# Kind ← attribute names, first match wins: the documented names, then today's
# conventions (LangChain's integration writes only those), then old ones.
_USAGE_KEYS: dict[str, tuple[str, ...]] = {
    "input": (_P + "input_tokens", _P + "prompt_tokens", "ai.prompt_tokens.used"),
    "cached": (_P + "input_tokens.cached", _P + "cache_read.input_tokens"),
    "cache_write": (_P + "input_tokens.cache_write", _P + "cache_creation.input_tokens"),
    "output": (_P + "output_tokens", _P + "completion_tokens", "ai.completion_tokens.used"),
    "reasoning": (_P + "output_tokens.reasoning", _P + "reasoning.output_tokens"),
    "total": (_P + "total_tokens", "ai.total_tokens.used"),
}
_ALL_USAGE_KEYS = frozenset(name for names in _USAGE_KEYS.values() for name in names)
_STATUSES: dict[str, SpanStatus] = {"ok": "ok", "cancelled": "cancelled"}


def update_fields(span: Span, attributes: dict[str, Any]) -> None:
    """Set what the attributes (plain data) say: pipeline, provider, models, agent, tool."""
    span.attributes = redact_urls(attributes)
    pipeline = attributes.get(_PIPELINE)
    if pipeline:
        span.pipeline = as_text(pipeline)
    if not _MODEL_KEYS.isdisjoint(attributes):
        get = attributes.get
        request_model = get("gen_ai.request.model")
        is_tool = span.op == "gen_ai.execute_tool" and _ALL_USAGE_KEYS.isdisjoint(attributes)
        for name, first, second in _FIELDS:
            value = get(first) or get(second) or (request_model if name == "model" else None)
            if value and not (is_tool and name in _OF_MODELS):
                setattr(span, name, as_text(value))
    if span.provider is None and span.op.endswith(".cohere"):
        span.provider = "cohere"  # whose integration says it nowhere else


def as_text(value: Any) -> str:
    """Return a value as text; of a user's object its type's name: its `__str__` may do anything."""
    if type(value) is str:
        return value
    if isinstance(value, str):  # an enum's, say
        return str.__str__(value)
    if value is None:
        return ""
    return key_text(value) if isinstance(value, (int, float)) else f"<{type(value).__name__}>"


def status_from(status: Any) -> SpanStatus:
    """How a span ended, from the SDK's word for it."""
    return _STATUSES.get(as_text(status), "error")


def reported_usage(attributes: Mapping[str, Any]) -> Usage:
    """Return the counts that the attributes of a span report; None for each kind that none does."""
    if _ALL_USAGE_KEYS.isdisjoint(attributes):
        return NOTHING
    return Usage(*[_first(attributes, names) for names in _USAGE_KEYS.values()])


def _first(attributes: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    for name in names:
        value = attributes.get(name)
        if value is None or isinstance(value, bool):
            continue
        if isinstance(value, (int, float)) and abs(value) < MAX_TOKENS:
            return int(value)
    return None


def is_counted_by_sdk(usage: Usage, attributes: Mapping[str, Any], origin: str | None) -> bool:
    """Return whether an SDK integration may have counted these recorded tokens itself.

    The SDK does not mark them. LiteLLM counts the tokens of a stream where the provider
    reports none, and so does the OpenAI integration with tiktoken: text only, without cache
    and reasoning.
    """
    if attributes.get("gen_ai.response.streaming") is not True or not usage.known:
        return False
    if origin == "auto.ai.litellm":
        return True
    return origin == "auto.ai.openai" and usage.cached is usage.reasoning is None
