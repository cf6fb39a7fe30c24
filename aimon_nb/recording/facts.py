"""What an SDK's span says of itself, and what a record takes from it."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from aimon_nb.model import Frame, Run, Span, Usage
from aimon_nb.model.span import SpanStatus
from aimon_nb.pricing.usage import reported

ERROR_LENGTH = 500  # characters of an error message kept
FRAMES = 30  # frames of a traceback kept, the innermost


@dataclass(slots=True)
class Facts:
    """A reading of the SDK's own span object."""

    name: str = ""
    op: str = ""
    status: str | None = None
    origin: str | None = None
    trace_id: str | None = None
    thread: str | None = None
    sent: str | None = None  # where that is settled already
    data: dict[str, Any] = field(default_factory=dict)


# Field of `Span` ← attribute names, first match wins. The documented names and
# today's (sentry-conventions) stand side by side in the SDK's integrations.
FIELDS: dict[str, tuple[str, ...]] = {
    "pipeline": ("gen_ai.pipeline.name",),
    "provider": ("gen_ai.provider.name", "gen_ai.system"),
    "request_model": ("gen_ai.request.model",),
    "model": ("gen_ai.response.model", "ai.model_id"),
    "operation": ("gen_ai.operation.name",),
    "agent": ("gen_ai.agent.name",),
    "tool": ("gen_ai.tool.name",),
}
_BY_ATTRIBUTE = {
    key: (name, rank) for name, keys in FIELDS.items() for rank, key in enumerate(keys)
}
_SECRETS = (
    (re.compile(r"//[^\s/@'\"]+@"), "//…@"),
    (re.compile(r"\?[^\s=?'\"()<>]+=[^\s'\"()<>]*"), "?…"),
    (re.compile(r"(?i)\bbearer +[\w.~+/=-]{8,}"), "Bearer …"),
    (re.compile(r"\b(?:sk|pk|rk|gsk|xai|hf|r8|nvapi)[-_](?=[\w*-]*[\d*])[\w*-]{12,}"), "…"),
    (re.compile(r"\b(?:AIza[\w-]{20,}|A[KS]IA[A-Z0-9]{12,})"), "…"),
)
_ENDED: dict[str, SpanStatus] = {"ok": "ok", "cancelled": "cancelled"}


def apply(facts: Facts, span: Span, run: Run) -> bool:
    """Bring a record up to date; True if a reader would see a difference."""
    before = (span.name, span.op, span.model, span.status, span.usage, len(span.attributes))
    span.name, span.op = facts.name or span.name, facts.op or span.op
    span.origin, span.trace_id = facts.origin, facts.trace_id or span.trace_id
    span.thread = facts.thread or span.thread
    span.sent = span.sent or facts.sent
    span.attributes = facts.data
    if span.duration is not None and facts.status is not None:
        span.status = _ENDED.get(facts.status, "error")
    for name, value in _fields(facts.data).items():
        if span.call is None or getattr(span, name) is None:
            setattr(span, name, value)
    if span.call is None or not span.call.usage.known:
        span.usage = _counted(span, reported(facts.data))
    if run.trace_id is None and span.span_id == run.root_id:
        run.trace_id = span.trace_id
    return before != (
        span.name,
        span.op,
        span.model,
        span.status,
        span.usage,
        len(span.attributes),
    )


def _counted(span: Span, told: Usage) -> Usage:
    # What was recorded by hand goes before an estimate.
    return told if told.known or span.call is None else span.call.estimate


def _fields(data: dict[str, Any]) -> dict[str, str]:
    found: dict[str, tuple[int, str]] = {}
    for key, value in data.items():
        field_of = _BY_ATTRIBUTE.get(key)
        if field_of is not None and value:
            name, rank = field_of
            if name not in found or rank < found[name][0]:
                found[name] = (rank, str(value))
    fields = {name: value for name, (_, value) in found.items()}
    if "model" not in fields and "request_model" in fields:
        fields["model"] = fields["request_model"]
    return fields


def status_of(error: BaseException) -> SpanStatus:
    """How a span ended that this exception left."""
    if isinstance(error, (KeyboardInterrupt, SystemExit)):
        return "interrupted"
    if type(error).__name__ == "CancelledError":
        return "cancelled"
    return "abandoned" if isinstance(error, GeneratorExit) else "error"


def describe(error: BaseException) -> tuple[str, str]:
    """(type, message) of an exception, whatever its `__str__` does."""
    try:
        text = str(error)
    except Exception:
        text = "(its message cannot be read)"
    return type(error).__name__, without_keys(text)[:ERROR_LENGTH]


def passed(error: BaseException) -> tuple[Frame, ...]:
    """The frames that an exception came through, in words: the frames themselves hold locals."""
    found: deque[Frame] = deque(maxlen=FRAMES)
    at = error.__traceback__
    while at is not None:
        code = at.tb_frame.f_code
        found.append((code.co_filename, at.tb_lineno, code.co_name))
        at = at.tb_next
    return tuple(found)


def without_keys(text: str) -> str:
    """A message without a URL's user and query, and without words that look like keys.

    An HTTP client tells the whole URL that it could not reach, and a provider the
    key that it refused.
    """
    for pattern, stands_in in _SECRETS:
        text = pattern.sub(stands_in, text)
    return text
