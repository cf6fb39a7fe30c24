"""Registers OpenTelemetry's spans in the run: their start, their true parent and their end.

Who is above whom is ours (`context.current_span`), which threads and pools take along; only a
parent that the user's code names wins. A span without either hangs under the run.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from aimon_nb.capture import context
from aimon_nb.capture.context import current_pipeline, current_run, current_span
from aimon_nb.capture.exceptions import describe, frames_of, status_of
from aimon_nb.capture.span_adapter import Ending, SpanAdapter
from aimon_nb.capture.state import OpenSpan, RunState
from aimon_nb.otel import conventions
from aimon_nb.otel.adapter import OtelAdapter
from aimon_nb.otel.conventions import KINDS, STEP, WITHOUT_ROW
from aimon_nb.otel.open_spans import OpenOtelSpans, OtelSpan, Scope
from aimon_nb.sentry.adapters import BARE, SentryAdapter
from aimon_nb.sentry.span_maker import assign_id
from aimon_nb.sentry.span_tracker import SpanTracker
from aimon_nb.sentry.steps import Steps

# Their spans get attributes only after the start.
_TOLD_LATE = frozenset({"langfuse-sdk"})
_ENDINGS: dict[str, Ending] = {"cancelled": "cancelled", "abandoned": "cancelled"}
_BARE, _BRIDGED = OtelAdapter(BARE), OtelAdapter(BARE, is_sent_by_user=True)
_SCOPES = 1000  # facts of so many tracers are kept
_MANY = 1000


class OtelTracker:
    """What the hooks on OpenTelemetry call.

    Args:
        tracker: Of the SDK's spans.
        steps: Says which run a span belongs to.
        sentry_hears: Whether an integration of Sentry's tells of a framework already.

    """

    def __init__(
        self, tracker: SpanTracker, steps: Steps, sentry_hears: Callable[[str], bool]
    ) -> None:
        self._tracker, self._run_state, self._sentry_hears = tracker, steps.run_state, sentry_hears
        self._recorder, self._clock = tracker.recorder, tracker.recorder.clock
        self.frameworks: set[str] = set()  # of which a span came
        self.open_spans = OpenOtelSpans()
        self._scopes: dict[str, Scope] = {}
        self._adapters: dict[SpanAdapter, OtelAdapter] = {}
        self._purge_at = _MANY

    def on_start(
        self,
        span: Any,
        scope: str,
        attributes: Any,
        named: Any,
        is_sent: Callable[[Any], bool] | None = None,
    ) -> OpenSpan | None:
        """Register a span that has started; None outside of runs and for what has no row.

        Args:
            span: OpenTelemetry's, or a light one of ours.
            scope: The name of its tracer.
            attributes: What it was started with.
            named: The span in the context that the caller named; None if he named none.
            is_sent: Whether the user's own exporter sends it to Sentry.

        """
        run_state = current_run.get()
        if run_state is None or self._recorder.forked:
            run_state = self._run_state()
        facts = self._scopes.get(scope) or self._known(scope)
        op = STEP
        if attributes and not KINDS.isdisjoint(attributes):
            op = conventions.op_of(attributes.get)
        if run_state is None or not self._has_row(facts, op):
            return None
        parent = self._parent(named, run_state)
        if parent is None:
            return None
        open_span = OtelSpan(_BARE, run_state, span, facts, parent, self._clock())
        pipeline = current_pipeline.get() or context.default_pipeline
        if pipeline is not None:
            open_span.pipeline = pipeline
        handled = _exception()
        if handled is not None:
            open_span.handled = handled
        if run_state.run.destination != "local":
            self._start_at_sentry(open_span, parent, is_sent)
        if op is not STEP or facts.is_told_late:
            self._await_request(open_span)
        self.open_spans.add(open_span)
        self._recorder.log.append(open_span)
        if run_state.closed:
            self._recorder.wake()
        return open_span

    def _known(self, scope: str) -> Scope:
        framework = conventions.framework_of_scope(scope)
        if len(self._scopes) >= _SCOPES:
            self._scopes.clear()
        facts = Scope(f"auto.otel.{scope}", framework, scope in _TOLD_LATE)
        self._scopes[scope] = facts
        return facts

    def _has_row(self, scope: Scope, op: str) -> bool:
        if scope.framework is not None:
            self.frameworks.add(scope.framework)
            if self._sentry_hears(scope.framework):
                return False
        return op not in WITHOUT_ROW

    def _await_request(self, open_span: OtelSpan) -> None:
        """A call that nobody enters may take a request all the same."""
        open_span.task_and_thread = context.task_and_thread()
        waiting = self._tracker.unmatched_call_spans
        if len(waiting) >= self._purge_at:
            # Those that nobody ended, of runs that are over: each request would look at them.
            for one in list(waiting):
                if one.t1 is not None or one.run_state.closed:
                    waiting.pop(one, None)
            self._purge_at = 2 * len(waiting) + _MANY
        waiting[open_span] = None

    def _parent(self, named: Any, run_state: RunState) -> OpenSpan | None:
        """The nearest open one, of what the caller named or of where code is; else the root."""
        parent = current_span.get() if named is None else self._named(named, run_state)
        if parent is None or parent.t1 is not None or parent.model_request is not None:
            return context.nearest_open(parent) or run_state.root
        return parent

    def _named(self, named: Any, run_state: RunState) -> OpenSpan | None:
        """The parent that the caller named, if it is another than the current one."""
        given, current = self.open_spans.find(named), current_span.get()
        if given is None or given.t1 is not None or _is_innermost(given, current):
            return current
        nearest = context.nearest_open(given)
        return nearest if nearest is not None and nearest.run_state is run_state else current

    def _start_at_sentry(
        self, open_span: OtelSpan, parent: OpenSpan, is_sent: Callable[[Any], bool] | None
    ) -> None:
        """Start Sentry's span for one, where anybody gets that and the user does not send it."""
        if is_sent is not None and is_sent(open_span.source):
            open_span.adapter = _BRIDGED
            return
        name, origin = open_span.source.name, open_span.scope.origin
        sdk, carrier = self._tracker.maker.start_child(parent, STEP, name, origin)
        if sdk is None or not isinstance(carrier, SentryAdapter):
            return
        adapter = self._adapters.get(carrier)
        if adapter is None:
            adapter = self._adapters[carrier] = OtelAdapter(carrier)
        open_span.sdk, open_span.adapter = sdk, adapter
        open_span.span_id = sdk._span_id or assign_id(sdk)
        self._tracker.open_by_id[id(sdk)] = open_span

    def on_end(self, open_span: OtelSpan, t1: int) -> None:
        """Register the end of a span, at `t1` by our clock."""
        self.open_spans.remove(open_span)
        if open_span.task_and_thread is not None:
            self._tracker.unmatched_call_spans.pop(open_span, None)
        if open_span.t1 is not None:
            return
        error, status = _exception(), open_span.source.status
        how: Ending = "ok"
        if error is not None or (status is not None and not status.is_unset):
            how = _note_error(open_span, error, status)
        open_span.t1 = t1
        if open_span.sdk is not None:
            _finish_at_sentry(self._tracker, open_span, how)
        self._recorder.log.append(open_span)
        if open_span.run_state.closed:
            self._recorder.wake()


def _finish_at_sentry(tracker: SpanTracker, open_span: OtelSpan, how: Ending) -> None:
    tracker.open_by_id.pop(id(open_span.sdk), None)
    adapter, request = open_span.adapter, open_span.model_request
    if not isinstance(adapter, OtelAdapter):
        return
    adapter.tell(open_span)
    end = partial(adapter.carrier.finish, open_span, time.time(), how)
    waits = adapter.carrier.leaves_at_end and request is not None and request.ok
    if not (waits and request is not None and request.defer_end(end)):
        end()


def _is_innermost(given: OtelSpan, current: OpenSpan | None) -> bool:
    """Whether it is the span of OpenTelemetry's that code is in, whatever else it is in."""
    while current is not None and not isinstance(current, OtelSpan):
        current = current.parent
    return current is given


def _note_error(open_span: OtelSpan, error: BaseException | None, status: Any) -> Ending:
    """What ended it: OpenTelemetry says nothing of what is no `Exception`, and no frames."""
    failed = getattr(getattr(status, "status_code", None), "name", None) == "ERROR"
    if error is not None and error is not open_span.handled:
        is_light = hasattr(open_span.source, "answer")
        if failed or is_light or not isinstance(error, Exception):
            open_span.error = (status_of(error), *describe(error), frames_of(error))
            return _ENDINGS.get(open_span.error[0], "error")
    return "error" if failed else "ok"


def _exc_info() -> BaseException | None:
    return sys.exc_info()[1]


# What code is handling, or what is on its way through it; Python 3.11 has a cheaper word for it.
_exception: Callable[[], BaseException | None] = getattr(sys, "exception", _exc_info)
