"""The adapters of `tracing.Span`: spans of transactions, and no-ops of the static API."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from sentry_sdk import tracing

from aimon_nb.capture.attributes import as_text, status_from
from aimon_nb.capture.span_adapter import Ending
from aimon_nb.capture.state import OpenSpan
from aimon_nb.model import Span
from aimon_nb.sentry import own_spans_static
from aimon_nb.sentry.adapters import RecordedAdapter, SentryAdapter, at_sentry

_STATUS: dict[Ending, str] = {"ok": "ok", "error": "internal_error", "cancelled": "cancelled"}


class StaticAdapter(SentryAdapter):
    """Transactions and the spans in them."""

    def attribute(self, open_span: OpenSpan, key: str) -> Any:
        """Return one item of the span's data, or its op or origin."""
        sdk = open_span.sdk
        if sdk is None:
            return None
        if key == "sentry.op":
            return sdk.op
        return sdk.origin if key == "sentry.origin" else sdk._data.get(key)

    def read(self, open_span: OpenSpan, span: Span) -> dict[str, Any] | None:
        """Copy what the SDK's object holds to `span`; return its data and tags."""
        sdk = open_span.sdk
        if sdk is None:
            return None
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

    def write(self, open_span: OpenSpan, attributes: dict[str, Any], name: str | None) -> None:
        """Set data and description of the SDK's object."""
        sdk = open_span.sdk
        if sdk is None:
            return
        for key, value in attributes.items():
            sdk.set_data(key, value)
        if name is not None:
            sdk.description = name

    def set_op(self, open_span: OpenSpan, op: str) -> None:
        """Set the op: it is sent at the very end."""
        open_span.sdk.op = op

    def finish(self, open_span: OpenSpan, end: float, how: Ending) -> None:
        """End the SDK's span with a status of its own for each way to end."""
        open_span.sdk.set_status(_STATUS[how])
        open_span.sdk.finish(end_timestamp=datetime.fromtimestamp(end, timezone.utc))

    def start_child(
        self, parent: OpenSpan, op: str, name: str, origin: str, start: datetime | None = None
    ) -> Any:
        """Start a span below `parent`; None where it is not sampled."""
        sdk = parent.sdk
        # One that is not sampled nobody gets, and making it costs more than all else here.
        if sdk is None or sdk.sampled is False:
            return None
        child = sdk.start_child(op=op, name=name, origin=origin, start_timestamp=start)
        return None if isinstance(child, tracing.NoOpSpan) else child

    def is_sampled(self, sdk: Any) -> bool:
        """Whether the transaction collects spans."""
        return own_spans_static.carried_ids(sdk) is not None

    def parent_id(self, sdk: Any) -> Any:
        """Return the id of the parent that the SDK chose."""
        return sdk.parent_span_id

    def correct_parent(self, sdk: Any, parent: OpenSpan) -> None:
        """Put a span of the same transaction below its true parent: it is sent at the very end."""
        transaction = sdk._containing_transaction
        parent = at_sentry(parent)
        if (
            parent.adapter.carrier is self
            and transaction is not None
            and parent.sdk.containing_transaction is transaction
        ):
            sdk.parent_span_id = parent.span_id


class DroppedAdapter(RecordedAdapter):
    """No-ops that the static API hands out in the stream lifecycle."""

    unsent_reason = "no: static API"
    unsent_note = (
        "spans of sentry_sdk.start_span are not sent in the stream lifecycle: "
        "use sentry_sdk.traces.start_span"
    )

    def parent_id(self, sdk: Any) -> Any:
        """Return the id of the parent that the SDK chose."""
        return sdk.parent_span_id


def _sent_apart(open_span: OpenSpan) -> str | None:
    """What becomes of a span outside of the root's transaction; None if it is inside.

    It is in a transaction of the user's own, or in none.
    """
    root, sdk = open_span.run_state.root, open_span.sdk
    if root is None or root.adapter is not STATIC:
        return None
    # None once the root has ended, which the user's code may do before the run ends.
    root_sdk = root.sdk
    transaction = sdk if isinstance(sdk, tracing.Transaction) else sdk._containing_transaction
    if transaction is None:
        return "no: dropped"
    if root_sdk is None or transaction in (root_sdk, root_sdk.containing_transaction):
        return None
    if transaction.sampled is None:
        # Its client decides right after it is made, and our thread was faster.
        return None
    return "yes" if transaction.sampled else "no: not sampled"


STATIC, DROPPED = StaticAdapter(), DroppedAdapter()
