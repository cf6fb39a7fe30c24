"""An SDK that is not as we know it: its spans are recorded when they end.

Only what a span must have under any name is used: a method that ends it, an id, a
name, a start. Model calls come from the wire as always, below the run.
"""

from __future__ import annotations

import threading
from datetime import datetime, timezone
from typing import Any

import sentry_sdk

from aimon_nb.capture import context
from aimon_nb.capture.exceptions import describe, frames_of, status_of
from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.run_recorder import Recorder
from aimon_nb.capture.state import OpenSpan, RunState
from aimon_nb.model.span import CALL_OPS
from aimon_nb.sentry.adapters import BARE
from aimon_nb.sentry.sdk import HAS_TRANSACTIONS

ENDS = ("__exit__", "finish", "end", "_end", "_finish")
MODULES = (*(("sentry_sdk.tracing",) if HAS_TRANSACTIONS else ()), "sentry_sdk.traces")


class _ReentrancyGuard(threading.local):
    """Whether this thread is in a method that ends a span: `__exit__` calls `finish`."""

    inside = False


class Fallback:
    """Wraps on whatever ends a span."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._guard = _ReentrancyGuard()
        # By run and span id; a parent ends later.
        self._open_spans: dict[tuple[str, str], OpenSpan] = {}
        self._patches: Patches | None = None

    def install(self, patches: Patches) -> None:
        """Wrap every class that looks like a span."""
        self._patches = patches
        for cls in _span_classes():
            for name in ENDS:
                if callable(cls.__dict__.get(name)):
                    patches.wrap(cls, name, self._end)

    def root(self, run_state: RunState, sdk: Any) -> OpenSpan:
        """Return the open span of a run's root, which is not to be recorded at its end."""
        open_span = self._open_span(run_state, str(_first(sdk, "span_id", "_span_id")))
        open_span.attributes = {
            "sentry.op": str(_first(sdk, "op") or ""),
            "sentry.name": run_state.run.name,
        }
        self._recorder.log.append(open_span)
        return open_span

    def _end(self, original: Any) -> Any:
        def end(sdk: Any, *args: Any, **kwargs: Any) -> Any:
            outermost, self._guard.inside = not self._guard.inside, True
            try:
                return original(sdk, *args, **kwargs)
            finally:
                self._guard.inside = not outermost
                if outermost:
                    with internal_errors.suppress("tracking the end of a span"):
                        self._record_ended(sdk, args[1] if len(args) == 3 else None)

        return end

    def _record_ended(self, sdk: Any, error: Any) -> None:
        run_state = context.current_run.get() or self._recorder.sole
        live = self._patches is not None and self._patches.live
        if run_state is None or not live or self._recorder.forked:
            return
        if context.is_of_another_cell(run_state):
            return
        data = _first(sdk, "_data", "_attributes")
        data = dict(data) if isinstance(data, dict) else {}
        op = str(_first(sdk, "op") or data.pop("sentry.op", ""))
        span_id = _first(sdk, "span_id", "_span_id")
        if not isinstance(span_id, str) or op in CALL_OPS:
            return
        open_span = self._open_span(run_state, span_id)
        if open_span.t1 is not None or open_span is run_state.root:
            return
        parent_id = _first(sdk, "parent_span_id", "_parent_span_id")
        if isinstance(parent_id, str):
            open_span.parent = self._open_span(run_state, parent_id)
        name = _first(sdk, "name", "description", "_name")
        open_span.attributes = {**data, "sentry.op": op, "sentry.name": str(name or "")}
        if isinstance(error, BaseException):
            open_span.error = (status_of(error), *describe(error), frames_of(error))
        open_span.t1 = self._recorder.clock()
        open_span.t0 = open_span.t1 - _nanoseconds_since(
            _first(sdk, "start_timestamp", "_start_timestamp")
        )
        # Its start and its end.
        self._recorder.log.extend((open_span, open_span))

    def _open_span(self, run_state: RunState, span_id: str) -> OpenSpan:
        key = (run_state.run.run_id, span_id)
        open_span = self._open_spans.get(key)
        if open_span is None:
            open_span = self._open_spans[key] = OpenSpan(
                None, BARE, run_state, self._recorder.clock()
            )
            open_span.span_id = span_id
        return open_span

    def forget(self, run_state: RunState) -> None:
        """Let go of a run that is over; children of a span that never ended move to its root."""
        run_id = run_state.run.run_id
        for key in [key for key in self._open_spans if key[0] == run_id]:
            del self._open_spans[key]
        spans = run_state.run.spans
        for span in spans.values():
            if span.parent_id is not None and span.parent_id not in spans:
                span.parent_id = run_state.run.root_id


def _span_classes() -> list[type]:
    from importlib import import_module

    classes: list[type] = []
    for name in MODULES:
        with internal_errors.suppress(f"looking for spans in {name}"):
            things = vars(import_module(name)).values()
            classes += [t for t in things if isinstance(t, type) and t.__module__ == name]
    return [cls for cls in classes if "Span" in cls.__name__ or "Transaction" in cls.__name__]


def _first(sdk: Any, *names: str) -> Any:
    for name in names:
        value = getattr(sdk, name, None)
        if value is not None:
            return value
    return None


def _nanoseconds_since(start: Any) -> int:
    if isinstance(start, datetime):
        start = start.replace(tzinfo=start.tzinfo or timezone.utc).timestamp()
    if not isinstance(start, (int, float)):
        return 0
    return max(0, int((datetime.now(timezone.utc).timestamp() - start) * 1e9))


def describe_differences(differences: list[str]) -> str:
    """Return the line that the tree shows of an SDK that differs from what we know."""
    some = ", ".join(differences[:3]) + (" …" if len(differences) > 3 else "")
    return (
        f"sentry-sdk {sentry_sdk.VERSION} is not as aimon_nb knows it ({some}): "
        "spans are shown when they end, below Sentry's parents"
    )
