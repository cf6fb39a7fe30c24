"""The static lifecycle: `tracing.Span` and the transactions, which end with sentry-sdk 2."""

from __future__ import annotations

from functools import partial
from typing import Any

from sentry_sdk import scope, tracing

from aimon_nb.capture import context
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.sentry.span_hooks import Hook, keep_error, note_end
from aimon_nb.sentry.span_tracker import SpanTracker


def hooks(tracker: SpanTracker) -> list[Hook]:
    """Return the hooks on the static lifecycle's classes."""
    return [
        (tracing, "Span", "__init__", partial(_init, tracker)),
        (tracing, "Span", "__enter__", partial(_enter, tracker)),
        (tracing, "Span", "__exit__", partial(keep_error, tracker)),
        (tracing, "Span", "finish", partial(note_end, tracker)),
        (tracing, "Transaction", "finish", partial(note_end, tracker)),
        (scope, "Scope", "start_span", partial(_start, tracker)),
        (scope, "Scope", "start_transaction", partial(_start, tracker)),
    ]


def _init(tracker: SpanTracker, original: Any) -> Any:
    def __init__(sdk: Any, *args: Any, **kwargs: Any) -> None:
        __tracebackhide__ = True
        original(sdk, *args, **kwargs)
        if isinstance(sdk, tracing.NoOpSpan):
            return
        try:
            tracker.on_start(sdk, "static", sdk._data)
        except Exception:
            internal_errors.record("tracking a span")

    return __init__


def _enter(tracker: SpanTracker, original: Any) -> Any:
    def __enter__(sdk: Any) -> Any:
        __tracebackhide__ = True
        open_span = tracker.open_by_id.get(id(sdk))
        # Once: a span entered twice would be above itself.
        if open_span is not None and not open_span.entered:
            try:
                current = context.current_span.get()
                if current is not None and (
                    current.t1 is not None or current.model_request is not None
                ):
                    current = context.nearest_open(current)
                open_span.entered, open_span.entered_from = True, current
                context.current_span.set(open_span)
            except Exception:
                internal_errors.record("entering a span")
        return original(sdk)

    return __enter__


def _start(tracker: SpanTracker, original: Any) -> Any:
    """The static API hands out a no-op in the stream lifecycle: only here its name is known."""

    def start(scope: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        span = original(scope, *args, **kwargs)
        if type(span) is tracing.NoOpSpan and id(span) not in tracker.open_by_id:
            try:
                tracker.dropped(span, kwargs)
            except Exception:
                internal_errors.record("tracking a span")
        return span

    return start
