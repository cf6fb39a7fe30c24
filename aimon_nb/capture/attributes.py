"""Attributes of spans → fields of their records."""

from __future__ import annotations

from typing import Any

from aimon_nb.capture.to_plain import key_text
from aimon_nb.model import Span
from aimon_nb.model.span import SpanStatus

# Field of `Span` ← attribute names, first match wins. The documented names and
# today's (sentry-conventions) stand side by side in the SDK's integrations.
_FIELDS: tuple[tuple[str, str, str], ...] = (
    ("provider", "gen_ai.provider.name", "gen_ai.system"),
    ("request_model", "gen_ai.request.model", ""),
    ("model", "gen_ai.response.model", "ai.model_id"),
    ("operation", "gen_ai.operation.name", ""),
    ("agent", "gen_ai.agent.name", ""),
    ("tool", "gen_ai.tool.name", "mcp.tool.name"),
)
_PIPELINE = "gen_ai.pipeline.name"
# Most spans say nothing of a model: one look tells.
_MODEL_KEYS = frozenset(key for _, *keys in _FIELDS for key in keys)
_STATUSES: dict[str, SpanStatus] = {"ok": "ok", "cancelled": "cancelled"}


def update_fields(span: Span, attributes: dict[str, Any]) -> None:
    """Set what the attributes (plain data) say: pipeline, provider, models, agent, tool."""
    span.attributes = attributes
    pipeline = attributes.get(_PIPELINE)
    if pipeline:
        span.pipeline = as_text(pipeline)
    if not _MODEL_KEYS.isdisjoint(attributes):
        get = attributes.get
        request_model = get("gen_ai.request.model")
        for name, first, second in _FIELDS:
            value = get(first) or get(second) or (request_model if name == "model" else None)
            if value:
                setattr(span, name, as_text(value))
    if span.provider is None and span.op.endswith(".cohere"):
        span.provider = "cohere"  # whose integration says it nowhere else


def as_text(value: Any) -> str:
    """A value as a name: of an object of the user's own its type, for it may answer anything."""
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
