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
        self._known = self.open_spans.by_identity
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
        recorder = self._recorder
        run_state = current_run.get()
        if run_state is None or recorder.forked:
            run_state = self._run_state()
        facts = self._scopes.get(scope) or self._known_scope(scope)
        op = STEP
        if attributes and not KINDS.isdisjoint(attributes):
            op = conventions.op_of(attributes.get)
        if run_state is None:
            return None
        if (facts.is_remarkable or op is not STEP) and not self._has_row(facts, op):
            return None
        # Here, for each call of a function is a part of what a span may cost: the nearest open
        # one, of what the caller named or of where code is; else the root.
        parent = current_span.get() if named is None else self._named(named, run_state)
        if parent is None or parent.t1 is not None or parent.model_request is not None:
            parent = context.nearest_open(parent) or run_state.root
            if parent is None:
                return None
        open_span = OtelSpan(_BARE, run_state, span, facts, parent, self._clock())
        open_span.pipeline = current_pipeline.get() or context.default_pipeline
        open_span.handled = _exception()
        if run_state.run.destination != "local" or op is not STEP or facts.is_told_late:
            self._place(open_span, op, is_sent)
        known, open_spans = self._known, self.open_spans
        known[id(span)] = open_span
        if open_spans.by_ids is not None or len(known) >= open_spans.purge_at:
            open_spans.add(open_span)
        recorder.log.append(open_span)
        if run_state.closed:
            recorder.wake()
        return open_span

    def _known_scope(self, scope: str) -> Scope:
        if len(self._scopes) >= _SCOPES:
            self._scopes.clear()
        return self._scopes.setdefault(scope, _facts(scope))

    def _has_row(self, scope: Scope, op: str) -> bool:
        if scope.framework is not None and not scope.is_telemetry:
            self.frameworks.add(scope.framework)
            if self._sentry_hears(scope.framework):
                return False
        return op not in WITHOUT_ROW and not scope.is_telemetry

    def _await_request(self, open_span: OtelSpan) -> None:
        """A call that nobody enters may take a request all the same."""
        open_span.task_and_thread = context.task_and_thread()
        waiting = self._tracker.unmatched_call_spans
        if len(waiting) >= self._purge_at:
            _forget_left(waiting)
            self._purge_at = 2 * len(waiting) + _MANY
        waiting[open_span] = None

    def _named(self, named: Any, run_state: RunState) -> OpenSpan | None:
        """The parent that the caller named, if it is another than the current one."""
        given, current = self.open_spans.find(named), current_span.get()
        if given is None or given.t1 is not None or _is_innermost(given, current):
            return current
        nearest = context.nearest_open(given)
        return nearest if nearest is not None and nearest.run_state is run_state else current

    def _place(self, open_span: OtelSpan, op: str, is_sent: Callable[[Any], bool] | None) -> None:
        """Do what few spans need: one at Sentry, and one that may take a request."""
        if open_span.run_state.run.destination != "local" and open_span.parent is not None:
            self._start_at_sentry(open_span, open_span.parent, is_sent)
        if op is not STEP or open_span.scope.is_told_late:
            self._await_request(open_span)

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

    def on_end(self, open_span: OtelSpan, t1: int, ended: Any = None) -> None:
        """Register the end of a span, at `t1` by our clock; `ended` is the SDK's, if it is one."""
        self._known.pop(id(open_span.source), None)
        if self.open_spans.by_ids is not None:
            self.open_spans.remove_ids(open_span)
        if open_span.task_and_thread is not None:
            self._tracker.unmatched_call_spans.pop(open_span, None)
        if open_span.t1 is not None:
            return
        error, recorder = _exception(), self._recorder
        if error is not None:
            _note_error(open_span, error)
        open_span.t1 = t1
        if open_span.sdk is not None:
            _finish_at_sentry(self._tracker, open_span)
        if ended is not None:
            open_span.take(ended)
        recorder.log.append(open_span)
        if open_span.run_state.closed:
            recorder.wake()


def _finish_at_sentry(tracker: SpanTracker, open_span: OtelSpan) -> None:
    tracker.open_by_id.pop(id(open_span.sdk), None)
    adapter, request = open_span.adapter, open_span.model_request
    if not isinstance(adapter, OtelAdapter):
        return
    adapter.tell(open_span)
    how: Ending = "error" if _failed(open_span.source) else "ok"
    if open_span.error is not None:
        how = _ENDINGS.get(open_span.error[0], "error")
    end = partial(adapter.carrier.finish, open_span, time.time(), how)
    waits = adapter.carrier.leaves_at_end and request is not None and request.ok
    if not (waits and request is not None and request.defer_end(end)):
        end()


def _facts(scope: str) -> Scope:
    framework, is_telemetry = conventions.framework_of_scope(scope), scope in conventions.TELEMETRY
    is_remarkable = framework is not None or is_telemetry
    return Scope(f"auto.otel.{scope}", framework, scope in _TOLD_LATE, is_telemetry, is_remarkable)


def _forget_left(waiting: dict[OpenSpan, None]) -> None:
    """Forget what nobody ended, of runs that are over: each request would look at it."""
    for one in list(waiting):
        if one.t1 is not None or one.run_state.closed:
            waiting.pop(one, None)


def _is_innermost(given: OtelSpan, current: OpenSpan | None) -> bool:
    """Whether it is the span of OpenTelemetry's that code is in, whatever else it is in."""
    while current is not None and not isinstance(current, OtelSpan):
        current = current.parent
    return current is given


def _note_error(open_span: OtelSpan, error: BaseException) -> None:
    """What ended it: OpenTelemetry says nothing of what is no `Exception`, and no frames."""
    if error is open_span.handled:
        return
    source = open_span.source
    if hasattr(source, "answer") or not isinstance(error, Exception) or _failed(source):
        open_span.error = (status_of(error), *describe(error), frames_of(error))


def _failed(source: Any) -> bool:
    """Whether a span says itself that it failed."""
    return getattr(getattr(source.status, "status_code", None), "name", None) == "ERROR"


def _exc_info() -> BaseException | None:
    return sys.exc_info()[1]


# What code is handling, or what is on its way through it; Python 3.11 has a cheaper word for it.
_exception: Callable[[], BaseException | None] = getattr(sys, "exception", _exc_info)
