"""Tracks every span of the SDK, in both lifecycles, with or without a client.

The span classes are wrapped once. On the user's thread a start or an end costs a
small object, a ContextVar and an append to the recorder's log; names, ops and
attributes are read from the SDK's own object later (`sentry.adapters`). What the SDK
itself refuses shows no frame of ours (`__tracebackhide__`).

A span's parent is ours (`context.nearest_open`) wherever Sentry chose it implicitly,
since its scope is shared between the tasks of a `gather`; an explicit parent is
respected. An implicit span whose Sentry parent differs is put right at birth.
"""

from __future__ import annotations

import threading
from typing import Any

from aimon_nb.capture import context
from aimon_nb.capture.callers import find_caller
from aimon_nb.capture.context import current_pipeline, current_run, current_span
from aimon_nb.capture.event_log import EventLog
from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.run_recorder import Recorder
from aimon_nb.capture.state import ForeignCall, OpenSpan
from aimon_nb.model.span import CALL_OPS
from aimon_nb.sentry.adapters import SentryAdapter, attribute
from aimon_nb.sentry.compat_fallback import Fallback
from aimon_nb.sentry.open_agents import AGENT_OP, OpenAgents
from aimon_nb.sentry.span_maker import PIPELINE_NAME, SpanMaker, assign_id

_SERVER_OP = "mcp.server"  # what a server of MCP does


class SpanTracker:
    """The open spans by the identity of the SDK's object: what `instrument`'s hooks call."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.open_by_id: dict[int, OpenSpan] = {}
        # Of AI integrations, perhaps without a request yet.
        self.unmatched_call_spans: dict[OpenSpan, None] = {}
        self.agents = OpenAgents()
        # Tools that are called on an MCP server, which may be in this process.
        self.remote_calls: dict[OpenSpan, None] = {}
        self.maker = SpanMaker(recorder, self.open_by_id)
        self._making = self.maker.making
        # A hook that could not be taken off does nothing: its patches are not live.
        self.patches = Patches()
        # How the SDK differs from what we know, in a line; then `fallback` tracks the spans.
        self.changed: str | None = None
        self.fallback = Fallback(recorder)
        # What each run says of other libraries that are not as we know them.
        self.notes: list[str] = []

    def on_start(
        self,
        sdk: Any,
        adapter: SentryAdapter,
        data: dict[str, Any],
        origin: Any,
        *,
        parent_is_default: bool,
    ) -> OpenSpan | None:
        """Register a span that the SDK made, its attributes in `data`; None outside of runs.

        `parent_is_default`: whether Sentry chose the parent, and not the user's code.
        """
        # On our own spans too, and outside of runs: Sentry gets it.
        name = current_pipeline.get() or context.default_pipeline
        if name is not None:
            data.setdefault(PIPELINE_NAME, name)
        recorder, run_here = self.recorder, current_run.get()
        run_state = run_here if run_here is not None else recorder.sole
        if run_state is None or not self.patches.live or recorder.forked:
            return None
        # The maker registers it itself.
        if self._making and threading.get_ident() in self._making:
            return None
        open_span = OpenSpan(sdk, adapter, run_state, recorder.clock())
        if run_here is None and _is_foreign(open_span, data, recorder.log):
            return None
        current = current_span.get()
        if current is not None and (current.t1 is not None or current.model_request is not None):
            current = context.nearest_open(current)
        open_span.entered_from, open_span.attributes = current, data
        open_span.span_id = sdk._span_id or assign_id(sdk)
        parent_id = adapter.parent_id(sdk)
        # Where it is not reliable, an agent of another task may be nearer.
        is_sure = adapter.parent_id_is_reliable or not self.agents.spans
        open_span.parent = (
            current
            if is_sure and current is not None and parent_id == current.span_id
            else self._parent(
                open_span, current, parent_id, adapter, is_given=not parent_is_default
            )
        )
        if self.remote_calls and attribute(open_span, "sentry.op") == _SERVER_OP:
            # One in this process: the row of its client says the same.
            open_span.is_alias = open_span.parent in self.remote_calls
        if origin != "manual" and str(origin).startswith("auto.ai."):
            open_span.task_and_thread = context.task_and_thread()
            self.unmatched_call_spans[open_span] = None
            if attribute(open_span, "sentry.op") == AGENT_OP:
                self.agents.add(open_span)
        self.open_by_id[id(sdk)] = open_span
        recorder.log.append(open_span)
        if run_state.closed:
            recorder.wake()
        return open_span

    def _parent(
        self,
        open_span: OpenSpan,
        current: OpenSpan | None,
        parent_id: Any,
        adapter: SentryAdapter,
        *,
        is_given: bool,
    ) -> OpenSpan | None:
        """Return the parent of a span that the SDK put below another than `current`.

        `is_given`: the user's code named the parent.
        """
        if parent_id is not None and is_given:
            for other in list(self.open_by_id.values()):
                if other.span_id == parent_id:
                    return context.nearest_open(other)
        if self.agents.spans or self.remote_calls:
            elsewhere = self._in_other_task(open_span, parent_id, current, adapter)
            if elsewhere is not None:
                if parent_id not in (None, elsewhere.span_id):
                    adapter.correct_parent(open_span.sdk, elsewhere)
                return elsewhere
        if current is None:
            return open_span.run_state.root
        if parent_id is not None:
            adapter.correct_parent(open_span.sdk, current)
        return current

    def _in_other_task(
        self,
        open_span: OpenSpan,
        parent_id: Any,
        current: OpenSpan | None,
        adapter: SentryAdapter,
    ) -> OpenSpan | None:
        """Return the agent of a step, or the call that a server answers, below `current`."""
        op = attribute(open_span, "sentry.op")
        step, knows = (attribute(open_span, "sentry.origin"), op), adapter.parent_id_is_reliable
        agent = self.agents.agent_of(step, parent_id, current, parent_id_is_reliable=knows)
        return agent or self.remote_call(op, current)

    def remote_call(self, op: Any, current: OpenSpan | None) -> OpenSpan | None:
        """Return the open call that a server's span below `current` answers; None if unknown."""
        if op != _SERVER_OP or len(self.remote_calls) != 1:
            return None
        call = above = next(iter(list(self.remote_calls)), None)
        while above is not None and above is not current:
            above = above.parent
        return call if current is None or above is current else None

    def on_end(self, sdk: Any) -> None:
        """Register the end of a span."""
        open_span = self.open_by_id.pop(id(sdk), None)
        if open_span is None:
            return
        if open_span.task_and_thread is not None:
            self.unmatched_call_spans.pop(open_span, None)
            self.agents.spans.pop(open_span, None)
            # A call over gRPC, say: of one that has a request, its request knows who asked.
            if open_span.model_request is None and attribute(open_span, "sentry.op") in CALL_OPS:
                open_span.caller = find_caller()
        if current_span.get() is open_span:
            current_span.set(open_span.entered_from)
        if open_span.t1 is not None:
            return
        open_span.t1 = self.recorder.clock()
        self.recorder.log.append(open_span)
        if open_span.run_state.closed:
            self.recorder.wake()


def _is_foreign(open_span: OpenSpan, data: dict[str, Any], log: EventLog) -> bool:
    """Return whether a span in no run is none of the only open one either; note a call there."""
    if not context.is_of_another_cell(open_span.run_state):
        return False
    open_span.attributes = data
    if attribute(open_span, "sentry.op") in CALL_OPS:
        log.append(ForeignCall(open_span.run_state, is_request=False))
    return True
