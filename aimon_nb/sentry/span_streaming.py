"""The stream lifecycle, the only one of sentry-sdk 3: its span classes and its no-ops.

A span leaves for Sentry at its end there, so one whose model call is not read
yet ends later: it is taken off its scope at once, and really ended when the
answer's usage is on it.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from sentry_sdk import scope, traces

from aimon_nb.capture import context
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.state import OpenSpan
from aimon_nb.sentry.adapters import NOOP, STREAM, at_sentry
from aimon_nb.sentry.sdk import (
    CURRENT_STREAMED,
    NOOP_SPAN,
    START_STREAMED,
    STREAMED_SPAN,
    NoOpStreamedSpan,
    StreamedSpan,
)
from aimon_nb.sentry.span_hooks import Hook, record_attributes, record_error, track_end
from aimon_nb.sentry.span_tracker import SpanTracker


def hooks(tracker: SpanTracker) -> list[Hook]:
    """Return the hooks on the stream lifecycle's classes and on what starts their spans."""
    return [
        (traces, STREAMED_SPAN, "__exit__", partial(record_error, tracker)),
        (traces, STREAMED_SPAN, "_end", partial(_end, tracker)),
        (traces, NOOP_SPAN, "__init__", partial(_noop_init, tracker)),
        (traces, NOOP_SPAN, "__exit__", partial(record_error, tracker)),
        (traces, NOOP_SPAN, "_end", partial(track_end, tracker)),
        (traces, NOOP_SPAN, "set_attribute", partial(record_attributes, tracker)),
        (traces, NOOP_SPAN, "set_attributes", partial(record_attributes, tracker)),
        (traces, "", "start_span", partial(_start_any, tracker)),
        (scope, "Scope", START_STREAMED, partial(_start, tracker)),
    ]


def _start(tracker: SpanTracker, original: Any) -> Any:
    """Wrap what makes every streamed span: only here is known whether its parent was explicit."""

    def start_streamed_span(
        scope: Any, name: Any, attributes: Any, parent_span: Any, active: Any, links: Any = None
    ) -> Any:
        __tracebackhide__ = True
        parent_is_default = parent_span is traces._DEFAULT_PARENT_SPAN
        if parent_is_default:
            with internal_errors.suppress("choosing a parent"):
                parent_span = _true_parent(
                    tracker, getattr(scope, CURRENT_STREAMED), attributes or {}
                )
        if links is None:
            sdk = original(scope, name, attributes, parent_span, active)
        else:
            sdk = original(scope, name, attributes, parent_span, active, links)
        # Not a no-op, which its constructor has registered, nor one of `integrations`.
        if type(sdk) is StreamedSpan:
            try:
                data = sdk._attributes
                origin = data.get("sentry.origin")
                open_span = tracker.on_start(
                    sdk, STREAM, data, origin, parent_is_default=parent_is_default
                )
                if open_span is not None and sdk._active:
                    _make_current(open_span)
            except Exception:
                internal_errors.record("tracking a span")
        return sdk

    return start_streamed_span


def _true_parent(tracker: SpanTracker, chosen: Any, attributes: Any) -> Any:
    """Return the parent of a span whose scope chose `chosen`; the scope is shared between tasks."""
    current = context.nearest_open(context.current_span.get())
    if tracker.remote_calls:
        call = tracker.remote_call(attributes.get("sentry.op"), current)
        if call is not None and call.adapter is STREAM:
            return call.sdk
    current = at_sentry(current) if current is not None else None
    if current is None or current.adapter.carrier is not STREAM or current.sdk is chosen:
        return traces._DEFAULT_PARENT_SPAN
    step = attributes.get("sentry.origin"), attributes.get("sentry.op")
    parent_id = chosen._span_id if chosen is not None else None
    agent = tracker.agents.agent_of(step, parent_id, current)
    return current.sdk if agent is None else agent.sdk


def _make_current(open_span: OpenSpan) -> None:
    open_span.entered = True
    context.current_span.set(open_span)


def _noop_init(tracker: SpanTracker, original: Any) -> Any:
    """Wrap the constructor: a no-op may come from a `start_span` that was imported before us."""

    def __init__(
        sdk: Any, name: Any = None, attributes: Any = None, *args: Any, **kwargs: Any
    ) -> None:
        __tracebackhide__ = True
        original(sdk, name, attributes, *args, **kwargs)
        if type(sdk) is not NoOpStreamedSpan:  # one of `integrations`
            return
        try:
            data = dict(attributes or {})
            origin = data.get("sentry.origin")
            # Whatever parent was asked for, the SDK names another.
            open_span = tracker.on_start(sdk, NOOP, data, origin, parent_is_default=True)
            if open_span is not None:
                _make_current(open_span)
        except Exception:
            internal_errors.record("tracking a span")

    return __init__


def _start_any(tracker: SpanTracker, original: Any) -> Any:
    """Wrap `start_span`: in the static lifecycle its no-op has neither name nor attributes."""

    def start_span(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        sdk = original(*args, **kwargs)
        try:
            open_span = tracker.open_by_id.get(id(sdk))
            if open_span is not None and open_span.adapter is NOOP and sdk._name is None:
                arguments = dict(zip(("name", "attributes"), args, strict=False)) | kwargs
                open_span.attributes.update(arguments.get("attributes") or {})
                open_span.attributes["sentry.name"] = arguments.get("name")
        except Exception:
            internal_errors.record("recording a span's name")
        return sdk

    return start_span


def _end(tracker: SpanTracker, original: Any) -> Any:
    def _end(sdk: Any, end_timestamp: Any = None) -> Any:
        __tracebackhide__ = True
        try:
            if _defer_end(tracker, original, sdk, end_timestamp):
                return None
        except Exception:
            internal_errors.record("deferring a span's end")
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
    model_request = open_span.model_request if open_span is not None else None
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
        setattr(sdk._scope, CURRENT_STREAMED, sdk._previous_span_on_scope)
        del sdk._previous_span_on_scope
