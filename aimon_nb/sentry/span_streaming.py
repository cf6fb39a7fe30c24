"""The stream lifecycle (`trace_lifecycle="stream"`): its span classes and its no-ops.

A span leaves for Sentry at its end there, so one whose model call is not read
yet is held back: taken off its scope at once, really ended when the answer's
usage is on it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from sentry_sdk import scope, traces, tracing

from aimon_nb.capture import context
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.sentry.span_hooks import Hook, keep_error, note_end
from aimon_nb.sentry.span_tracker import SpanTracker


def hooks(tracker: SpanTracker) -> list[Hook]:
    """Return the hooks on the stream lifecycle's classes, and on the static no-op."""

    def made(make: Callable[[SpanTracker, Any], Any]) -> Callable[[Any], Any]:
        return partial(make, tracker)

    return [
        (tracing, "NoOpSpan", "finish", made(note_end)),
        (tracing, "NoOpSpan", "start_child", made(_child)),
        (tracing, "NoOpSpan", "set_data", made(_keep_attributes)),
        (tracing, "NoOpSpan", "set_tag", made(_keep_attributes)),
        (tracing, "NoOpSpan", "update_data", made(_keep_attributes)),
        (traces, "StreamedSpan", "__init__", made(_init)),
        (traces, "StreamedSpan", "__exit__", made(keep_error)),
        (traces, "StreamedSpan", "_end", made(_end)),
        (traces, "NoOpStreamedSpan", "__init__", made(_noop_init)),
        (traces, "NoOpStreamedSpan", "__exit__", made(keep_error)),
        (traces, "NoOpStreamedSpan", "_end", made(note_end)),
        (traces, "NoOpStreamedSpan", "set_attribute", made(_keep_attributes)),
        (traces, "NoOpStreamedSpan", "set_attributes", made(_keep_attributes)),
        (traces, "", "start_span", made(_keep_requested_name)),
        (scope, "Scope", "start_streamed_span", made(_start)),
    ]


def _init(tracker: SpanTracker, original: Any) -> Any:
    def __init__(sdk: Any, *args: Any, **kwargs: Any) -> None:
        __tracebackhide__ = True
        original(sdk, *args, **kwargs)
        try:
            tracker.on_start(sdk, "stream", sdk._attributes)
        except Exception:
            internal_errors.record("tracking a span")

    return __init__


def _noop_init(tracker: SpanTracker, original: Any) -> Any:
    def __init__(
        sdk: Any, name: Any = None, attributes: Any = None, *args: Any, **kwargs: Any
    ) -> None:
        __tracebackhide__ = True
        original(sdk, name, attributes, *args, **kwargs)
        try:
            kept = dict(attributes or {})
            if name is None and tracker.creation.requested_name is not None:
                name, attributes = tracker.creation.requested_name
                kept = {**dict(attributes or {}), "sentry.name": name}
            tracker.on_start(sdk, "noop", kept)
        except Exception:
            internal_errors.record("tracking a span")

    return __init__


def _keep_requested_name(tracker: SpanTracker, original: Any) -> Any:
    """In the static lifecycle it hands out a no-op without the name it was asked for."""

    def start_span(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        creation = tracker.creation
        requested_name = dict(zip(("name", "attributes"), args, strict=False)) | kwargs
        before, creation.requested_name = (
            creation.requested_name,
            (requested_name.get("name"), requested_name.get("attributes")),
        )
        try:
            return original(*args, **kwargs)
        finally:
            creation.requested_name = before

    return start_span


def _keep_attributes(tracker: SpanTracker, original: Any) -> Any:
    """A no-op throws its data away; a reader of the run wants it."""

    def setter(sdk: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        open_span = tracker.open_by_id.get(id(sdk))
        if open_span is not None:
            try:
                open_span.kept_attributes.update(args[0] if len(args) == 1 else {args[0]: args[1]})
            except Exception:
                internal_errors.record("keeping a span's attributes")
        return original(sdk, *args, **kwargs)

    return setter


def _child(tracker: SpanTracker, original: Any) -> Any:
    def start_child(sdk: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        span = original(sdk, *args, **kwargs)
        try:
            tracker.dropped(span, kwargs)
        except Exception:
            internal_errors.record("tracking a span")
        return span

    return start_child


def _end(tracker: SpanTracker, original: Any) -> Any:
    def _end(sdk: Any, end_timestamp: Any = None) -> Any:
        __tracebackhide__ = True
        try:
            if _defer_end(tracker, original, sdk, end_timestamp):
                return None
        except Exception:
            internal_errors.record("holding a span's end")
        try:
            return original(sdk, end_timestamp)
        finally:
            try:
                tracker.on_end(sdk)
            except Exception:
                internal_errors.record("tracking the end of a span")

    return _end


def _defer_end(tracker: SpanTracker, original: Any, sdk: Any, end_timestamp: Any) -> bool:
    open_span = tracker.open_by_id.get(id(sdk))
    model_request = (
        open_span.model_request if open_span is not None and not open_span.made_by_us else None
    )
    if model_request is None or not model_request.ok or sdk._end_timestamp is not None:
        return False
    end = end_timestamp if end_timestamp is not None else time.time()
    if tracker.recorder.forked or not model_request.defer_end(lambda: original(sdk, end)):
        return False
    _off_scope(sdk)
    tracker.on_end(sdk)
    return True


def _off_scope(sdk: Any) -> None:
    if sdk._active:
        sdk._active = False
        sdk._scope.streamed_span = sdk._previous_span_on_scope
        del sdk._previous_span_on_scope


def _start(tracker: SpanTracker, original: Any) -> Any:
    def start_streamed_span(
        scope: Any, name: Any, attributes: Any, parent_span: Any, active: Any
    ) -> Any:
        __tracebackhide__ = True
        creation = tracker.creation
        before, creation.parent_is_default = (
            creation.parent_is_default,
            parent_span is traces._DEFAULT_PARENT_SPAN,
        )
        if creation.parent_is_default:
            with internal_errors.suppress("choosing a parent"):
                parent_span = _true_parent(tracker, scope.streamed_span, attributes or {})
        try:
            return original(scope, name, attributes, parent_span, active)
        finally:
            creation.parent_is_default = before

    return start_streamed_span


def _true_parent(tracker: SpanTracker, chosen: Any, attributes: Any) -> Any:
    """The parent of a span whose scope chose `chosen`; the scope is shared between tasks."""
    cur = context.nearest_open(context.current_span.get())
    if cur is None or cur.kind != "stream" or cur.sdk is chosen:
        return traces._DEFAULT_PARENT_SPAN
    about = attributes.get("sentry.origin"), attributes.get("sentry.op")
    given = chosen._span_id if chosen is not None else None
    agent = tracker.agent_above(*about, given, cur)
    return cur.sdk if agent is None else chosen
