"""The stream lifecycle (`trace_lifecycle="stream"`): its span classes and its no-ops.

A span leaves for Sentry at its end there, so one whose model call is not read
yet is held back: taken off its scope at once, really ended when the answer's
usage is on it.
"""

from __future__ import annotations

import time
from typing import Any

from sentry_sdk import tracing
from sentry_sdk.scope import Scope

from aimon_nb.recording import context
from aimon_nb.recording.faults import faults
from aimon_nb.recording.patches import Patches
from aimon_nb.sentry.observe import Observer

try:
    from sentry_sdk import traces
except ImportError:  # an SDK without the stream lifecycle
    traces = None  # type: ignore[assignment]


def install(observer: Observer, patches: Patches) -> None:
    """Wrap the stream lifecycle's classes, and the static API's no-op in it."""
    idle = tracing.NoOpSpan
    patches.wrap(idle, "finish", observer.end)
    patches.wrap(idle, "start_child", lambda original: _child(observer, original))
    for name in ("set_data", "set_tag", "update_data"):
        patches.wrap(idle, name, lambda original: _keep(observer, original))
    if traces is None:
        return
    streamed, noop = traces.StreamedSpan, traces.NoOpStreamedSpan
    patches.wrap(streamed, "__init__", lambda original: _init(observer, original))
    patches.wrap(streamed, "__exit__", observer.exit)
    patches.wrap(streamed, "_end", lambda original: _end(observer, original))
    patches.wrap(noop, "__init__", lambda original: _noop_init(observer, original))
    patches.wrap(noop, "__exit__", observer.exit)
    patches.wrap(noop, "_end", observer.end)
    for name in ("set_attribute", "set_attributes"):
        patches.wrap(noop, name, lambda original: _keep(observer, original))
    patches.wrap(traces, "start_span", lambda original: _asked(observer, original))
    patches.wrap(Scope, "start_streamed_span", lambda original: _start(observer, original))


def _init(observer: Observer, original: Any) -> Any:
    def __init__(sdk: Any, *args: Any, **kwargs: Any) -> None:
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

    def start_span(name: Any, attributes: Any = None, *args: Any, **kwargs: Any) -> Any:
        hints = observer.hints
        before, hints.asked = hints.asked, (name, attributes)
        try:
            return original(name, attributes, *args, **kwargs)
        finally:
            hints.asked = before

    return start_span


def _keep(observer: Observer, original: Any) -> Any:
    """A no-op throws its data away; a reader of the run wants it."""

    def setter(sdk: Any, *args: Any, **kwargs: Any) -> Any:
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
        span = original(sdk, *args, **kwargs)
        try:
            observer.dropped(span, kwargs)
        except Exception:
            faults.note("hearing a span")
        return span

    return start_child


def _end(observer: Observer, original: Any) -> Any:
    def _end(sdk: Any, end_timestamp: Any = None) -> Any:
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
        hints = observer.hints
        before, hints.implicit = hints.implicit, parent_span is traces._DEFAULT_PARENT_SPAN
        if hints.implicit:
            with faults.guard("choosing a parent"):
                cur = context.live(context.current.get())
                if cur is not None and cur.kind == "stream" and cur.sdk is not scope.streamed_span:
                    parent_span = cur.sdk
        try:
            return original(scope, name, attributes, parent_span, active)
        finally:
            hints.implicit = before

    return start_streamed_span
