"""Which trace the root of a run is in, and whether Sentry gets it."""

from __future__ import annotations

from typing import Any

import sentry_sdk

from aimon_nb.sentry import own_spans
from aimon_nb.sentry.sdk import CURRENT_STREAMED, NoOpStreamedSpan, is_streaming


def start(name: str, op: str, options: dict[str, Any], *, may_be_sent: bool) -> Any:
    """Start the root of a run in the current scope, which is the run's own.

    A surrounding span or a trace that was continued stays the one above it; else the run is a
    trace of its own.
    """
    client, scope = sentry_sdk.get_client(), sentry_sdk.get_current_scope()
    if not is_streaming():
        if not may_be_sent:
            return own_spans.start_unsampled(name, op, options)
        # What the user said of this very run comes last.
        return own_spans.start(name, op, **{**_static_options(client.options, scope), **options})
    before = scope.get_active_propagation_context()
    if getattr(scope, CURRENT_STREAMED) is None and before.parent_span_id is None:
        # Of this scope alone, so that what is outside of the run keeps its trace.
        scope.set_new_propagation_context()
    if may_be_sent:
        return own_spans.start(name, op, **options)
    # As the SDK makes one that it does not sample: what begins below it is none either.
    trace_id = scope.get_active_propagation_context().trace_id
    attributes: Any = {"sentry.op": op, "sentry.origin": options.get("origin")}
    return NoOpStreamedSpan(name=name, attributes=attributes, scope=scope, trace_id=trace_id)


def _static_options(client_options: dict[str, Any], scope: Any) -> dict[str, Any]:
    """Return what makes a transaction of ours part of a continued trace, and sampled.

    A tracked cell was asked for by name, so a rate for all does not leave it to chance; what
    decides for each one does: a sampler, the trace that is continued, or a rate of 0.
    """
    if callable(client_options.get("traces_sampler")):
        options: dict[str, Any] = {}
    else:
        options = {"sampled": True} if client_options.get("traces_sample_rate") else {}
    continued = scope.get_active_propagation_context()
    if continued.parent_span_id is None or _has_span(scope):
        return options
    if continued.parent_sampled is not None:
        options.pop("sampled", None)
    return {
        **options,
        "trace_id": continued.trace_id,
        "parent_span_id": continued.parent_span_id,
        "parent_sampled": continued.parent_sampled,
        "baggage": continued.baggage,
        "same_process_as_parent": False,
    }


def _has_span(scope: Any) -> bool:
    return (scope.span or sentry_sdk.get_isolation_scope().span) is not None
