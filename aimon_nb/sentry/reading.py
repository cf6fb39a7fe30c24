"""Reading and writing the SDK's span objects, whichever of its classes they are."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Literal

from aimon_nb.recording.context import Node
from aimon_nb.recording.facts import Facts

_EMPTY = Facts()


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


def read(node: Node) -> Facts:
    """What the span says of itself now. Off the user's thread."""
    if node.kind == "static":
        return _read_static(node) if node.sdk is not None else _EMPTY
    if node.kind == "stream":
        return (
            _read_stream(node.sdk, dict(node.sdk._attributes)) if node.sdk is not None else _EMPTY
        )
    kept = dict(node.kept)
    return Facts(
        name=str(kept.pop("sentry.name", None) or (node.sdk.name if node.kind == "noop" else "")),
        op=str(kept.pop("sentry.op", "")),
        origin=kept.pop("sentry.origin", None),
        trace_id=node.recording.run.trace_id if node.kind == "bare" else None,
        thread=kept.pop("thread.name", None),
        data=kept,
    )


def _sent_apart(node: Node) -> str | None:
    """What becomes of a span outside the root's transaction: one of the user's own, or none."""
    root = node.recording.root
    transaction = node.sdk._containing_transaction
    if node.recording.run.destination == "local" or root is None or root.kind != "static":
        return None
    if hasattr(node.sdk, "source"):  # a transaction itself
        transaction = node.sdk
    if transaction is None:
        return "no: dropped"
    if transaction is root.sdk.containing_transaction:
        return None
    return "yes" if transaction.sampled else "no: not sampled"


def _read_static(node: Node) -> Facts:
    sdk = node.sdk
    data = dict(sdk._data)
    data.pop("thread.id", None)
    if sdk._tags:
        data.update(sdk._tags)
    return Facts(
        name=getattr(sdk, "name", None) or sdk.description or "",
        op=sdk.op or "",
        status=sdk.status,
        origin=sdk.origin,
        trace_id=sdk._trace_id,
        thread=data.pop("thread.name", None),
        data=data,
        sent=_sent_apart(node),
    )


def _read_stream(sdk: Any, data: dict[str, Any]) -> Facts:
    return Facts(
        name=sdk._name or "",
        op=str(data.pop("sentry.op", "")),
        status=sdk._status,
        origin=data.pop("sentry.origin", None),
        trace_id=sdk._trace_id,
        thread=data.pop("thread.name", None),
        data={
            k: v for k, v in data.items() if not k.startswith(("sentry.", "process.", "thread."))
        },
    )


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
