"""Reading and writing the SDK's span objects, whichever of its classes they are."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Literal

from sentry_sdk import tracing

from aimon_nb.model import Span
from aimon_nb.recording.context import Node
from aimon_nb.recording.facts import status_from, word


def told(node: Node, key: str) -> Any:
    """One attribute of a span, or its op or origin: cheap enough for the user's thread."""
    sdk = node.sdk
    if node.kind == "static":
        if key == "sentry.op":
            return getattr(sdk, "op", None)
        return getattr(sdk, "origin", None) if key == "sentry.origin" else _data(sdk).get(key)
    if node.kind == "stream":
        return sdk._attributes.get(key) if sdk is not None else None
    return node.kept.get(key)


def _data(sdk: Any) -> dict[str, Any]:
    return sdk._data if sdk is not None else {}


def read(node: Node, span: Span) -> dict[str, Any] | None:
    """Write on a record what its span says of itself now, and return its attributes.

    Off the user's thread; None if there is nothing to read any more.
    """
    if node.kind == "static":
        return _read_static(node, span) if node.sdk is not None else None
    if node.kind == "stream":
        return _read_stream(node.sdk, span) if node.sdk is not None else None
    kept = dict(node.kept)
    name = word(kept.pop("sentry.name", None))
    span.name = name or word(node.sdk.name if node.kind == "noop" else None)
    span.op = word(kept.pop("sentry.op", None))
    span.origin = word(kept.pop("sentry.origin", None)) or None
    span.thread = word(kept.pop("thread.name", None)) or span.thread
    if node.kind == "bare":
        span.trace_id = node.recording.run.trace_id
    return kept


def _read_static(node: Node, span: Span) -> dict[str, Any]:
    sdk = node.sdk
    # A plain span has no other name; to ask it for one costs more than all else here.
    plain = type(sdk) is tracing.Span
    name = "" if plain else word(getattr(sdk, "name", None))
    span.name = name or word(sdk.description) or span.name
    span.op = word(sdk.op) or span.op
    span.origin, span.trace_id = word(sdk.origin), sdk._trace_id or span.trace_id
    if sdk.status is not None and span.duration is not None:
        span.status = status_from(sdk.status)
    if span.sent is None and node.recording.run.destination != "local":
        span.sent = _sent_apart(node)
    data = dict(sdk._data)
    data.pop("thread.id", None)
    span.thread = word(data.pop("thread.name", None)) or span.thread
    if sdk._tags:
        data.update(sdk._tags)
    return data


def _sent_apart(node: Node) -> str | None:
    """What becomes of a span outside the root's transaction: one of the user's own, or none."""
    root, sdk = node.recording.root, node.sdk
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
    span.name = word(sdk._name) or span.name
    span.op = word(data.pop("sentry.op", None)) or span.op
    span.origin = word(data.pop("sentry.origin", None)) or None
    span.trace_id = sdk._trace_id or span.trace_id
    if sdk._status is not None and span.duration is not None:
        span.status = status_from(sdk._status)
    span.thread = word(data.pop("thread.name", None)) or span.thread
    hidden = ("sentry.", "process.", "thread.")
    return {k: v for k, v in data.items() if type(k) is not str or not k.startswith(hidden)}


def write(node: Node, attributes: dict[str, Any], name: str | None = None) -> None:
    """Put attributes (and a better name) on the span that Sentry gets."""
    sdk = node.sdk
    if node.kind == "static" and sdk is not None:
        for key, value in attributes.items():
            sdk.set_data(key, value)
        if name is not None:
            sdk.description = name
    elif node.kind == "stream" and sdk is not None:
        for key, value in attributes.items():
            sdk.set_attribute(key, value)
        if name is not None:
            sdk.name = name
    elif node.kind in ("noop", "dropped", "bare"):
        node.kept.update(attributes)
        if name is not None:
            node.kept["sentry.name"] = name


Ending = Literal["ok", "error", "cancelled"]
_STATIC: dict[Ending, str] = {"ok": "ok", "error": "internal_error", "cancelled": "cancelled"}


def finish(node: Node, end: float, how: Ending) -> None:
    """End a span that we made, at `end` (seconds since the epoch)."""
    sdk = node.sdk
    if node.kind == "static":
        sdk.set_status(_STATIC[how])
        sdk.finish(end_timestamp=datetime.fromtimestamp(end, timezone.utc))
    elif node.kind == "stream":
        sdk.status = "ok" if how == "ok" else "error"
        sdk.end(end)
