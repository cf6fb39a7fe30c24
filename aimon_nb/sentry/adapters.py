"""Reading and writing the SDK's span objects, whichever of its classes they are."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Literal

from sentry_sdk import tracing

from aimon_nb.capture.attributes import as_text, status_from
from aimon_nb.capture.state import OpenSpan
from aimon_nb.model import Span


def attribute(open_span: OpenSpan, key: str) -> Any:
    """One attribute of a span, or its op or origin: cheap enough for the user's thread."""
    sdk = open_span.sdk
    if open_span.kind == "static":
        if key == "sentry.op":
            return getattr(sdk, "op", None)
        return getattr(sdk, "origin", None) if key == "sentry.origin" else _data(sdk).get(key)
    if open_span.kind == "stream":
        return sdk._attributes.get(key) if sdk is not None else None
    return open_span.kept_attributes.get(key)


def _data(sdk: Any) -> dict[str, Any]:
    return sdk._data if sdk is not None else {}


def read_span(open_span: OpenSpan, span: Span) -> dict[str, Any] | None:
    """Write on a record what its span says of itself now, and return its attributes.

    Off the user's thread; None if there is nothing to read any more.
    """
    if open_span.kind == "static":
        return _read_static(open_span, span) if open_span.sdk is not None else None
    if open_span.kind == "stream":
        return _read_stream(open_span.sdk, span) if open_span.sdk is not None else None
    kept = dict(open_span.kept_attributes)
    name = as_text(kept.pop("sentry.name", None))
    span.name = name or as_text(open_span.sdk.name if open_span.kind == "noop" else None)
    span.op = as_text(kept.pop("sentry.op", None))
    span.origin = as_text(kept.pop("sentry.origin", None)) or None
    span.thread = as_text(kept.pop("thread.name", None)) or span.thread
    if open_span.kind == "bare":
        span.trace_id = open_span.run_state.run.trace_id
    return kept


def _read_static(open_span: OpenSpan, span: Span) -> dict[str, Any]:
    sdk = open_span.sdk
    # A plain span has no other name; to ask it for one costs more than all else here.
    plain = type(sdk) is tracing.Span
    name = "" if plain else as_text(getattr(sdk, "name", None))
    span.name = name or as_text(sdk.description) or span.name
    span.op = as_text(sdk.op) or span.op
    span.origin, span.trace_id = as_text(sdk.origin), sdk._trace_id or span.trace_id
    if sdk.status is not None and span.duration is not None:
        span.status = status_from(sdk.status)
    if span.sent is None and open_span.run_state.run.destination != "local":
        span.sent = _sent_apart(open_span)
    data = dict(sdk._data)
    data.pop("thread.id", None)
    span.thread = as_text(data.pop("thread.name", None)) or span.thread
    if sdk._tags:
        data.update(sdk._tags)
    return data


def _sent_apart(open_span: OpenSpan) -> str | None:
    """What becomes of a span outside the root's transaction: one of the user's own, or none."""
    root, sdk = open_span.run_state.root, open_span.sdk
    if root is None or root.kind != "static":
        return None
    transaction = sdk if isinstance(sdk, tracing.Transaction) else sdk._containing_transaction
    if transaction is None:
        return "no: dropped"
    if transaction is root.sdk or transaction is root.sdk.containing_transaction:
        return None
    return "yes" if transaction.sampled else "no: not sampled"


def _read_stream(sdk: Any, span: Span) -> dict[str, Any]:
    data = dict(sdk._attributes)
    span.name = as_text(sdk._name) or span.name
    span.op = as_text(data.pop("sentry.op", None)) or span.op
    span.origin = as_text(data.pop("sentry.origin", None)) or None
    span.trace_id = sdk._trace_id or span.trace_id
    if sdk._status is not None and span.duration is not None:
        span.status = status_from(sdk._status)
    span.thread = as_text(data.pop("thread.name", None)) or span.thread
    hidden = ("sentry.", "process.", "thread.")
    return {k: v for k, v in data.items() if type(k) is not str or not k.startswith(hidden)}


def write_span(open_span: OpenSpan, attributes: dict[str, Any], name: str | None = None) -> None:
    """Put attributes (and a better name) on the span that Sentry gets."""
    sdk = open_span.sdk
    if open_span.kind == "static" and sdk is not None:
        for key, value in attributes.items():
            sdk.set_data(key, value)
        if name is not None:
            sdk.description = name
    elif open_span.kind == "stream" and sdk is not None:
        for key, value in attributes.items():
            sdk.set_attribute(key, value)
        if name is not None:
            sdk.name = name
    elif open_span.kind in ("noop", "dropped", "bare"):
        open_span.kept_attributes.update(attributes)
        if name is not None:
            open_span.kept_attributes["sentry.name"] = name


Ending = Literal["ok", "error", "cancelled"]
_STATIC: dict[Ending, str] = {"ok": "ok", "error": "internal_error", "cancelled": "cancelled"}


def finish_span(open_span: OpenSpan, end: float, how: Ending) -> None:
    """End a span that we made, at `end` (seconds since the epoch)."""
    sdk = open_span.sdk
    if open_span.kind == "static":
        sdk.set_status(_STATIC[how])
        sdk.finish(end_timestamp=datetime.fromtimestamp(end, timezone.utc))
    elif open_span.kind == "stream":
        sdk.status = "ok" if how == "ok" else "error"
        sdk.end(end)
