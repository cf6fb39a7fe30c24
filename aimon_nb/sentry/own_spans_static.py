"""A span of ours as sentry-sdk 2's transactions have it, and what such a transaction carries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sentry_sdk


def start(name: str, op: str, **options: Any) -> Any:
    """Start a child of the open transaction, else a transaction: outside one nothing is sent."""
    outer = sentry_sdk.get_current_span() or sentry_sdk.get_isolation_scope().span
    transaction = outer.containing_transaction if outer is not None else None
    if transaction is not None and transaction.timestamp is None:
        # Both are the transaction's business.
        for key in ("source", "sampled"):
            options.pop(key, None)
        return sentry_sdk.start_span(name=name, op=op, **options)
    # One that Sentry will not get: stay in its trace.
    if outer is not None:
        options = {"trace_id": outer.trace_id, "parent_span_id": outer.span_id, **options}
    return sentry_sdk.start_transaction(name=name, op=op, **options)


def start_unsampled(name: str, op: str, options: Mapping[str, Any]) -> Any:
    """Start a transaction that Sentry does not get, also where one is open that it gets."""
    return sentry_sdk.start_transaction(name=name, op=op, **{**options, "sampled": False})


def carried_ids(root: Any) -> set[str] | None:
    """Return the ids of the spans that the root's transaction carries; None if it collects none."""
    recorder = getattr(getattr(root, "containing_transaction", None), "_span_recorder", None)
    if recorder is None:
        return None
    return {span._span_id for span in recorder.spans if span.timestamp is not None}


def discard_spans(root: Any) -> bool:
    """Let a root carry no spans; False if it is none of the static lifecycle's."""
    if not hasattr(root, "_span_recorder"):
        return False
    root._span_recorder = None
    return True
