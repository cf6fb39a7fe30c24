"""Hooks on the static lifecycle, which ends with sentry-sdk 2: `tracing.Span` and transactions.

In the stream lifecycle the static API hands out a `NoOpSpan`, of which Sentry gets nothing.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from sentry_sdk import scope, tracing

from aimon_nb.capture import context
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.sentry.adapters_static import DROPPED, STATIC
from aimon_nb.sentry.span_hooks import Hook, record_attributes, record_error, track_end
from aimon_nb.sentry.span_tracker import SpanTracker


def hooks(tracker: SpanTracker) -> list[Hook]:
    """Return the hooks on the static lifecycle's classes."""
    return [
        (tracing, "Span", "__init__", partial(_init, tracker)),
        (tracing, "Span", "__enter__", partial(_enter, tracker)),
        (tracing, "Span", "__exit__", partial(record_error, tracker)),
        (tracing, "Span", "finish", partial(track_end, tracker)),
        (tracing, "Transaction", "finish", partial(track_end, tracker)),
        (scope, "Scope", "start_span", partial(_start, tracker)),
        (scope, "Scope", "start_transaction", partial(_start, tracker)),
        (tracing, "NoOpSpan", "finish", partial(track_end, tracker)),
        (tracing, "NoOpSpan", "start_child", partial(_start_child, tracker)),
        (tracing, "NoOpSpan", "set_data", partial(record_attributes, tracker)),
        (tracing, "NoOpSpan", "set_tag", partial(record_attributes, tracker)),
        (tracing, "NoOpSpan", "update_data", partial(record_attributes, tracker)),
    ]


def _init(tracker: SpanTracker, original: Any) -> Any:
    no_op = tracing.NoOpSpan

    def __init__(sdk: Any, *args: Any, **kwargs: Any) -> None:
        __tracebackhide__ = True
        original(sdk, *args, **kwargs)
        if isinstance(sdk, no_op):
            return
        try:
            # `Scope.start_span`, which chooses the current span as the parent, hands itself on.
            by_scope = sdk.scope is not None
            tracker.on_start(sdk, STATIC, sdk._data, sdk.origin, parent_is_default=by_scope)
        except Exception:
            internal_errors.record("tracking a span")

    return __init__


def _enter(tracker: SpanTracker, original: Any) -> Any:
    open_by_id, current_span = tracker.open_by_id, context.current_span

    def __enter__(sdk: Any) -> Any:
        __tracebackhide__ = True
        open_span = open_by_id.get(id(sdk))
        # Once: a span entered twice would be above itself.
        if open_span is not None and not open_span.entered:
            try:
                current = current_span.get()
                if current is not None and (
                    current.t1 is not None or current.model_request is not None
                ):
                    current = context.nearest_open(current)
                open_span.entered, open_span.entered_from = True, current
                current_span.set(open_span)
            except Exception:
                internal_errors.record("entering a span")
        return original(sdk)

    return __enter__


def _start(tracker: SpanTracker, original: Any) -> Any:
    no_op = tracing.NoOpSpan

    def start(scope: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        span = original(scope, *args, **kwargs)
        if type(span) is no_op and id(span) not in tracker.open_by_id:
            _track_dropped(tracker, span, kwargs)
        return span

    return start


def _start_child(tracker: SpanTracker, original: Any) -> Any:
    def start_child(sdk: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        span = original(sdk, *args, **kwargs)
        _track_dropped(tracker, span, kwargs)
        return span

    return start_child


def _track_dropped(tracker: SpanTracker, span: Any, kwargs: dict[str, Any]) -> None:
    """Register a no-op: its name and op are known only here, where it is asked for."""
    try:
        name = kwargs.get("name") or kwargs.get("description")
        op, origin = kwargs.get("op"), kwargs.get("origin", "manual")
        if not name and not op:
            return
        known = {"sentry.op": op, "sentry.name": name, "sentry.origin": origin}
        data = {key: value for key, value in known.items() if value is not None}
        tracker.on_start(span, DROPPED, data, origin, parent_is_default=True)
    except Exception:
        internal_errors.record("tracking a span")
