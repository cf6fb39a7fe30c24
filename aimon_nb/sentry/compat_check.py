"""Whether the installed SDK is as we know it: tried before the hooks are put on.

What is hooked must be there, and a span of each class, which nobody gets, must be
tracked from its start to its end, with its name, op and attributes.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

import sentry_sdk
from sentry_sdk import scope as sentry_scope
from sentry_sdk import traces

from aimon_nb.capture import context
from aimon_nb.capture.run_recorder import Recorder
from aimon_nb.capture.state import OpenSpan, RunState
from aimon_nb.model import Run, Span
from aimon_nb.sentry.adapters import BARE, SentryAdapter
from aimon_nb.sentry.discarding import discarding_scope
from aimon_nb.sentry.sdk import HAS_TRANSACTIONS, NOOP_SPAN, START_STREAMED, STREAMED_SPAN
from aimon_nb.sentry.span_tracker import SpanTracker

NAME, OP, KEY = "probe", "aimon_nb.probe", "aimon_nb.key"


class ProbeTracker(SpanTracker):
    """A tracker of its own thread's spans alone, into a log that nobody reads."""

    def __init__(self) -> None:
        super().__init__(_recorder())
        self._thread = threading.get_ident()

    def on_start(
        self,
        sdk: Any,
        adapter: SentryAdapter,
        data: dict[str, Any],
        origin: Any,
        *,
        parent_is_default: bool,
    ) -> OpenSpan | None:
        """Register a span of this thread; those of others are none of the probe's."""
        if threading.get_ident() != self._thread:
            return None
        return super().on_start(sdk, adapter, data, origin, parent_is_default=parent_is_default)


@functools.cache
def _recorder() -> Recorder:
    # One a process: each stays registered for forks.
    return Recorder()


def verify_hooks(tracker: ProbeTracker) -> list[str]:
    """Return the span classes whose spans are not tracked as they should be."""

    def static() -> Any:
        from sentry_sdk import tracing

        span = tracing.Span(op=OP, name=NAME)
        span.set_data(KEY, 1)
        with span:
            return span

    def streamed() -> Any:
        scope = sentry_sdk.get_current_scope()
        # Below a sampled one, for as a root it would be a no-op: this scope's client samples none.
        root = getattr(traces, STREAMED_SPAN)(name=NAME, active=False, scope=scope)
        start = getattr(scope, START_STREAMED)
        span = start(NAME, {"sentry.op": OP, KEY: 1}, root, active=False)
        span.end()
        return span

    def noop() -> Any:
        attributes = {"sentry.op": OP, KEY: 1}
        span = getattr(traces, NOOP_SPAN)(name=NAME, attributes=attributes)
        span.end()
        return span

    probes = {STREAMED_SPAN: streamed, NOOP_SPAN: noop}
    if HAS_TRANSACTIONS:
        probes = {"Span": static, **probes}
    return [f"a {name}" for name, make in probes.items() if not _is_tracked(tracker, make)]


def _is_tracked(tracker: ProbeTracker, make: Any) -> bool:
    with _isolated_probe(tracker) as log:
        try:
            sdk = make()
            # It is in the log twice: at its start and at its end.
            open_span, ended_span = log
            span = Span(open_span.span_id, None, NAME, open_span.run_state.run.started, 0.0)
            data = open_span.adapter.read(open_span, span) or {}
        except Exception:
            return False
    return (
        (span.name, span.op, data.get(KEY)) == (NAME, OP, 1)
        and open_span is ended_span
        and open_span.span_id == sdk.span_id
        and open_span.t1 is not None
    )


@contextmanager
def _isolated_probe(tracker: ProbeTracker) -> Iterator[Any]:
    """Attach a run of the probe's to this thread, and a client that sends nothing."""
    before, scope = context.current_context(), sentry_scope._current_scope.get()
    tracker.recorder.log.clear()
    run = Run(run_id=NAME, name=NAME, started=datetime.now(timezone.utc))
    run_state = RunState(run, 0)
    run_state.root = OpenSpan(None, BARE, run_state, 0)
    run_state.root.span_id = NAME
    sentry_scope._current_scope.set(discarding_scope())
    context.attach((run_state, *(None for _ in before[1:])))
    try:
        yield tracker.recorder.log
    finally:
        context.attach(before)
        sentry_scope._current_scope.set(scope)
