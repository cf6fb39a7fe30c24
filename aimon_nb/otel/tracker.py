"""Registers OpenTelemetry's spans in the run: their start, their true parent and their end.

Who is above whom is ours (`context.current_span`), which threads and pools take along; only a
parent that the user's code names wins. A span without either hangs under the run.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from aimon_nb.capture import context
from aimon_nb.capture.exceptions import describe, frames_of, status_of
from aimon_nb.capture.span_adapter import Ending, SpanAdapter
from aimon_nb.capture.state import OpenSpan, RunState
from aimon_nb.model.span import CALL_OPS
from aimon_nb.otel import conventions
from aimon_nb.otel.adapter import OtelAdapter
from aimon_nb.otel.conventions import FOLDED, STEP
from aimon_nb.otel.open_spans import OpenOtelSpans, OtelSpan, ids_of, innermost
from aimon_nb.sentry.adapters import BARE, SentryAdapter
from aimon_nb.sentry.span_maker import PIPELINE_NAME, assign_id, new_id
from aimon_nb.sentry.span_tracker import SpanTracker
from aimon_nb.sentry.steps import Steps

# Their spans get attributes only after the start.
_TOLD_LATE = frozenset({"langfuse-sdk"})
_ENDINGS: dict[str, Ending] = {"cancelled": "cancelled", "abandoned": "cancelled"}
_BARE = OtelAdapter(BARE)
_NAME, _CREATE = "gen_ai.operation.name", FOLDED.removeprefix("gen_ai.")


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
        self._tracker, self._steps, self._sentry_hears = tracker, steps, sentry_hears
        self.frameworks: set[str] = set()  # of which a span came
        self.open_spans = OpenOtelSpans()
        self._adapters: dict[SpanAdapter, OtelAdapter] = {}

    def on_start(
        self,
        span: Any,
        scope: str,
        attributes: Any,
        named: Any,
        *,
        has_ids: bool,
        is_sent: Callable[[Any], bool] | None = None,
    ) -> OpenSpan | None:
        """Register a span that has started; None outside of runs and for what has no row.

        Args:
            span: OpenTelemetry's, or a light one of ours.
            scope: The name of its tracer.
            attributes: What it was started with.
            named: The span in the context that the caller named; None if he named none.
            has_ids: Whether its ids are its own.
            is_sent: Whether the user's own exporter sends it to Sentry.

        """
        run_state = self._steps.run_state()
        if run_state is None or not self._has_row(scope, attributes):
            return None
        parent = self._parent(run_state, named)
        if parent is None:
            return None
        origin, tracker = f"auto.otel.{scope}", self._tracker
        sdk, adapter = None, _BARE
        if run_state.run.destination != "local" and not (is_sent is not None and is_sent(span)):
            sdk, adapter = self._start_at_sentry(parent, span.name, origin)
        open_span = OtelSpan(sdk, adapter, run_state, tracker.recorder.clock())
        open_span.source, open_span.parent = span, parent
        open_span.span_id = new_id() if sdk is None else sdk._span_id or assign_id(sdk)
        open_span.attributes = {
            "sentry.origin": origin,
            "thread.name": threading.current_thread().name,
        }
        pipeline = context.pipeline_name()
        if pipeline is not None:
            open_span.attributes[PIPELINE_NAME] = pipeline
        if sdk is not None:
            tracker.open_by_id[id(sdk)] = open_span
        if has_ids:
            open_span.ids = ids_of(span)
        handled = sys.exc_info()[1]
        if handled is not None:
            open_span.handled = handled
        self._await_request(open_span, scope, attributes)
        self.open_spans.add(open_span)
        self._tell(open_span)
        return open_span

    def _has_row(self, scope: str, attributes: Any) -> bool:
        framework = conventions.framework_of_scope(scope)
        if framework is not None:
            self.frameworks.add(framework)
            if self._sentry_hears(framework):
                return False
        return not attributes or attributes.get(_NAME) != _CREATE

    def _parent(self, run_state: RunState, named: Any) -> OpenSpan | None:
        """The named parent, if it is another than the current one; else where our context is."""
        given = self.open_spans.find(named) if named is not None else None
        if given is not None and given is not innermost() and given.t1 is None:
            nearest = context.nearest_open(given)
            if nearest is not None and nearest.run_state is run_state:
                return nearest
        return context.nearest_open(context.current_span.get()) or run_state.root

    def _start_at_sentry(self, parent: OpenSpan, name: str, origin: str) -> tuple[Any, OtelAdapter]:
        sdk, carrier = self._tracker.maker.start_child(parent, STEP, name, origin)
        if sdk is None or not isinstance(carrier, SentryAdapter):
            return None, _BARE
        adapter = self._adapters.get(carrier)
        if adapter is None:
            adapter = self._adapters[carrier] = OtelAdapter(carrier)
        return sdk, adapter

    def _await_request(self, open_span: OtelSpan, scope: str, attributes: Any) -> None:
        """A call that nobody enters may take a request all the same."""
        is_call = attributes and conventions.op_of(attributes.get) in CALL_OPS
        if is_call or scope in _TOLD_LATE:
            open_span.task_and_thread = context.task_and_thread()
            self._tracker.unmatched_call_spans[open_span] = None

    def _tell(self, open_span: OpenSpan) -> None:
        recorder = self._tracker.recorder
        recorder.log.append(open_span)
        if open_span.run_state.closed:
            recorder.wake()

    def on_end(self, span: Any, t1: int) -> None:
        """Register the end of a span, at `t1` by our clock."""
        open_span = self.open_spans.pop(span)
        if open_span is None:
            return
        if open_span.task_and_thread is not None:
            self._tracker.unmatched_call_spans.pop(open_span, None)
        if open_span.t1 is not None:
            return
        how = _note_error(open_span)
        open_span.t1 = t1
        if open_span.sdk is not None:
            self._finish_at_sentry(open_span, how)
        self._tell(open_span)

    def _finish_at_sentry(self, open_span: OtelSpan, how: Ending) -> None:
        self._tracker.open_by_id.pop(id(open_span.sdk), None)
        adapter, request = open_span.adapter, open_span.model_request
        if not isinstance(adapter, OtelAdapter):
            return
        adapter.tell(open_span)
        end = partial(adapter.carrier.finish, open_span, time.time(), how)
        waits = adapter.carrier.leaves_at_end and request is not None and request.ok
        if not (waits and request is not None and request.defer_end(end)):
            end()


def _note_error(open_span: OtelSpan) -> Ending:
    """What ended it: OpenTelemetry says nothing of what is no `Exception`, and no frames."""
    error, handled = sys.exc_info()[1], open_span.handled
    open_span.handled = None
    status = getattr(open_span.source, "status", None)
    failed = getattr(getattr(status, "status_code", None), "name", None) == "ERROR"
    if error is not None and error is not handled:
        tells_nothing = hasattr(open_span.source, "answer") or not isinstance(error, Exception)
        if failed or tells_nothing:
            open_span.error = (status_of(error), *describe(error), frames_of(error))
            return _ENDINGS.get(open_span.error[0], "error")
    return "error" if failed else "ok"
