"""Hooks that both lifecycles have: on a span's error, its end and the attributes of a no-op."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aimon_nb.capture.exceptions import describe, failed, frames_of, status_of
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.sentry.span_tracker import SpanTracker

# (module, class or "" for the module itself, method, what makes the wrapped one of the original)
Hook = tuple[Any, str, str, Callable[[Any], Any]]


def record_error(tracker: SpanTracker, original: Any) -> Any:
    """Wrap an `__exit__`: record the exception that ended the span."""
    open_by_id = tracker.open_by_id

    def __exit__(sdk: Any, ty: Any, value: Any, tb: Any) -> Any:
        __tracebackhide__ = True
        open_span = open_by_id.get(id(sdk))
        if open_span is None:
            return original(sdk, ty, value, tb)
        if value is not None and isinstance(value, BaseException):
            try:
                if failed(value):
                    # In words, here: the user's `__str__` must not run on our thread.
                    open_span.error = (status_of(value), *describe(value), frames_of(value))
                else:
                    ty = value = tb = None
            except Exception:
                internal_errors.record("tracking an error")
        try:
            return original(sdk, ty, value, tb)
        finally:
            # The static API's no-op has no `finish` in its `__exit__`.
            if open_span.t1 is None:
                with internal_errors.suppress("tracking the end of a span"):
                    tracker.on_end(sdk)

    return __exit__


def track_end(tracker: SpanTracker, original: Any) -> Any:
    """Wrap a `finish` or `_end`; it may return early, so in a `finally`."""

    def finish(sdk: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        try:
            return original(sdk, *args, **kwargs)
        finally:
            try:
                tracker.on_end(sdk)
            except Exception:
                internal_errors.record("tracking the end of a span")

    return finish


def record_attributes(tracker: SpanTracker, original: Any) -> Any:
    """Wrap a setter of a no-op, which throws its data away: a reader of the run wants it."""

    def setter(sdk: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        open_span = tracker.open_by_id.get(id(sdk))
        if open_span is not None:
            try:
                open_span.attributes.update(args[0] if len(args) == 1 else {args[0]: args[1]})
            except Exception:
                internal_errors.record("recording a span's attributes")
        return original(sdk, *args, **kwargs)

    return setter
