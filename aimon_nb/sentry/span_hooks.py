"""What is put around the SDK's methods in both lifecycles: the error of a span, and its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aimon_nb.capture.exceptions import describe, frames_of, status_of
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.sentry.span_tracker import SpanTracker

# (module, class or "" for the module itself, method, what makes the wrapped one of the original)
Hook = tuple[Any, str, str, Callable[[Any], Any]]


def keep_error(tracker: SpanTracker, original: Any) -> Any:
    """Wrap an `__exit__`: keep the exception that ended the span."""

    def __exit__(sdk: Any, ty: Any, value: Any, tb: Any) -> Any:
        __tracebackhide__ = True
        open_span = tracker.open_by_id.get(id(sdk))
        if open_span is not None and isinstance(value, BaseException):
            try:
                # In words, here: the user's `__str__` must not run on our thread.
                open_span.error = (status_of(value), *describe(value), frames_of(value))
            except Exception:
                internal_errors.record("tracking an error")
        try:
            return original(sdk, ty, value, tb)
        finally:
            if open_span is not None and open_span.kind == "dropped":
                with internal_errors.suppress("tracking the end of a span"):
                    tracker.on_end(sdk)

    return __exit__


def note_end(tracker: SpanTracker, original: Any) -> Any:
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
