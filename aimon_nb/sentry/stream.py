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

from aimon_nb.recording import context
from aimon_nb.recording.faults import faults
from aimon_nb.sentry.observe import Observer

Wrap = tuple[Any, str, str, Callable[[Any], Any]]


def wraps(observer: Observer) -> list[Wrap]:
    """(module, class, name, wrap) of the stream lifecycle's classes, and of the static no-op."""

    def made(make: Callable[[Observer, Any], Any]) -> Callable[[Any], Any]:
        return partial(make, observer)

    return [
        (tracing, "NoOpSpan", "finish", observer.end),
        (tracing, "NoOpSpan", "start_child", made(_child)),
        (tracing, "NoOpSpan", "set_data", made(_keep)),
        (tracing, "NoOpSpan", "set_tag", made(_keep)),
        (tracing, "NoOpSpan", "update_data", made(_keep)),
        (traces, "StreamedSpan", "__init__", made(_init)),
        (traces, "StreamedSpan", "__exit__", observer.exit),
        (traces, "StreamedSpan", "_end", made(_end)),
        (traces, "NoOpStreamedSpan", "__init__", made(_noop_init)),
        (traces, "NoOpStreamedSpan", "__exit__", observer.exit),
        (traces, "NoOpStreamedSpan", "_end", observer.end),
        (traces, "NoOpStreamedSpan", "set_attribute", made(_keep)),
        (traces, "NoOpStreamedSpan", "set_attributes", made(_keep)),
        (traces, "", "start_span", made(_asked)),
        (scope, "Scope", "start_streamed_span", made(_start)),
    ]


def _init(observer: Observer, original: Any) -> Any:
    def __init__(sdk: Any, *args: Any, **kwargs: Any) -> None:
        __tracebackhide__ = True
        original(sdk, *args, **kwargs)
        try:
            observer.started(sdk, "stream", sdk._attributes)
        except Exception:
            faults.note("hearing a span")

    return __init__


def _noop_init(observer: Observer, original: Any) -> Any:
    def __init__(
        sdk: Any, name: Any = None, attributes: Any = None, *args: Any, **kwargs: Any
    ) -> None:
        __tracebackhide__ = True
        original(sdk, name, attributes, *args, **kwargs)
        try:
            kept = dict(attributes or {})
            if name is None and observer.hints.asked is not None:
                name, attributes = observer.hints.asked
                kept = {**dict(attributes or {}), "sentry.name": name}
            observer.started(sdk, "noop", kept)
        except Exception:
            faults.note("hearing a span")

    return __init__


def _asked(observer: Observer, original: Any) -> Any:
    """In the static lifecycle it hands out a no-op without the name it was asked for."""

    def start_span(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        hints = observer.hints
        asked = dict(zip(("name", "attributes"), args, strict=False)) | kwargs
        before, hints.asked = hints.asked, (asked.get("name"), asked.get("attributes"))
        try:
            return original(*args, **kwargs)
        finally:
            hints.asked = before

    return start_span


def _keep(observer: Observer, original: Any) -> Any:
    """A no-op throws its data away; a reader of the run wants it."""

    def setter(sdk: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        node = observer.open.get(id(sdk))
        if node is not None:
            try:
                node.kept.update(args[0] if len(args) == 1 else {args[0]: args[1]})
            except Exception:
                faults.note("keeping a span's attributes")
        return original(sdk, *args, **kwargs)

    return setter


def _child(observer: Observer, original: Any) -> Any:
    def start_child(sdk: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        span = original(sdk, *args, **kwargs)
        try:
            observer.dropped(span, kwargs)
        except Exception:
            faults.note("hearing a span")
        return span

    return start_child


def _end(observer: Observer, original: Any) -> Any:
    def _end(sdk: Any, end_timestamp: Any = None) -> Any:
        __tracebackhide__ = True
        try:
            if _held(observer, original, sdk, end_timestamp):
                return None
        except Exception:
            faults.note("holding a span's end")
        try:
            return original(sdk, end_timestamp)
        finally:
            try:
                observer.ended(sdk)
            except Exception:
                faults.note("hearing the end of a span")

    return _end


def _held(observer: Observer, original: Any, sdk: Any, end_timestamp: Any) -> bool:
    node = observer.open.get(id(sdk))
    exchange = node.exchange if node is not None and not node.made else None
    if exchange is None or not exchange.good or sdk._end_timestamp is not None:
        return False
    end = end_timestamp if end_timestamp is not None else time.time()
    if not exchange.hold(lambda: original(sdk, end)):
        return False
    _off_scope(sdk)
    observer.ended(sdk)
    return True


def _off_scope(sdk: Any) -> None:
    if sdk._active:
        sdk._active = False
        sdk._scope.streamed_span = sdk._previous_span_on_scope
        del sdk._previous_span_on_scope


def _start(observer: Observer, original: Any) -> Any:
    def start_streamed_span(
        scope: Any, name: Any, attributes: Any, parent_span: Any, active: Any
    ) -> Any:
        __tracebackhide__ = True
        hints = observer.hints
        before, hints.implicit = hints.implicit, parent_span is traces._DEFAULT_PARENT_SPAN
        if hints.implicit:
            with faults.guard("choosing a parent"):
                parent_span = _true_parent(observer, scope.streamed_span, attributes or {})
        try:
            return original(scope, name, attributes, parent_span, active)
        finally:
            hints.implicit = before

    return start_streamed_span


def _true_parent(observer: Observer, chosen: Any, attributes: Any) -> Any:
    """The parent of a span whose scope chose `chosen`; the scope is shared between tasks."""
    cur = context.live(context.current.get())
    if cur is None or cur.kind != "stream" or cur.sdk is chosen:
        return traces._DEFAULT_PARENT_SPAN
    about = attributes.get("sentry.origin"), attributes.get("sentry.op")
    given = chosen._span_id if chosen is not None else None
    agent = observer.agent_above(*about, given, cur)
    return cur.sdk if agent is None else chosen
