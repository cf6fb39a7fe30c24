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

import os
import random
import threading
from typing import Any

from aimon_nb.capture import context
from aimon_nb.capture.event_log import EventLog
from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.run_recorder import Recorder
from aimon_nb.capture.span_adapter import Ending
from aimon_nb.capture.state import ForeignCall, OpenSpan
from aimon_nb.model.span import CALL_OPS
from aimon_nb.sentry.adapters import BARE, SentryAdapter, attribute
from aimon_nb.sentry.compat_fallback import Fallback
from aimon_nb.sentry.open_agents import AGENT_OP, OpenAgents

# Our own generator: the user's seeded `random` stays theirs.
_bits = random.Random(os.urandom(16)).getrandbits  # noqa: S311
PIPELINE_NAME = "gen_ai.pipeline.name"


class SpanTracker:
    """The open spans by the identity of the SDK's object: what `instrument`'s hooks call."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.open_by_id: dict[int, OpenSpan] = {}
        # Of AI integrations, perhaps without a request yet.
        self.unmatched_call_spans: dict[OpenSpan, None] = {}
        self.agents = OpenAgents()
        # Threads in which the SDK makes a span of ours: a set costs a start 16 ns, a local one 57.
        self._making: set[int] = set()
        # A hook that could not be taken off does nothing: its patches are not live.
        self.patches = Patches()
        # How the SDK differs from what we know, in a line; then `fallback` tracks the spans.
        self.changed: str | None = None
        self.fallback = Fallback(recorder)

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
        name = context.current_pipeline.get() or context.default_pipeline
        if name is not None:
            data.setdefault(PIPELINE_NAME, name)
        recorder, current_run = self.recorder, context.current_run.get()
        run_state = current_run or recorder.sole
        if run_state is None or not self.patches.live or recorder.forked:
            return None
        if self._making and threading.get_ident() in self._making:  # `make` registers it itself
            return None
        open_span = OpenSpan(sdk, adapter, run_state, recorder.clock())
        if current_run is None and _is_foreign(open_span, data, recorder.log):
            return None
        current = context.current_span.get()
        if current is not None and (current.t1 is not None or current.model_request is not None):
            current = context.nearest_open(current)
        open_span.entered_from, open_span.attributes = current, data
        open_span.span_id = sdk._span_id or _assign_id(sdk)
        open_span.parent = self._parent(
            open_span, current, adapter, parent_is_default=parent_is_default
        )
        if origin != "manual" and str(origin).startswith("auto.ai."):
            open_span.task_and_thread = context.task_and_thread()
            self.unmatched_call_spans[open_span] = None
            if attribute(open_span, "sentry.op") == AGENT_OP:
                self.agents.spans[open_span] = None
        self.open_by_id[id(sdk)] = open_span
        recorder.log.append(open_span)
        if run_state.closed:
            recorder.wake()
        return open_span

    def _parent(
        self,
        open_span: OpenSpan,
        current: OpenSpan | None,
        adapter: SentryAdapter,
        *,
        parent_is_default: bool,
    ) -> OpenSpan | None:
        parent_id = adapter.parent_id(open_span.sdk)
        if current is not None and parent_id == current.span_id:
            return current
        if parent_id is not None and not parent_is_default:
            for other in list(self.open_by_id.values()):
                if other.span_id == parent_id:
                    return context.nearest_open(other)
        if self.agents.spans:
            step = attribute(open_span, "sentry.origin"), attribute(open_span, "sentry.op")
            knows = adapter.parent_id_is_reliable
            agent = self.agents.agent_of(step, parent_id, current, parent_id_is_reliable=knows)
            if agent is not None:
                return agent
        if current is None:
            return open_span.run_state.root
        if parent_id is not None:
            adapter.correct_parent(open_span.sdk, current)
        return current

    def on_end(self, sdk: Any) -> None:
        """Register the end of a span."""
        open_span = self.open_by_id.pop(id(sdk), None)
        if open_span is None:
            return
        if open_span.task_and_thread is not None:
            self.unmatched_call_spans.pop(open_span, None)
            self.agents.spans.pop(open_span, None)
        if context.current_span.get() is open_span:
            context.current_span.set(open_span.entered_from)
        if open_span.t1 is not None:
            return
        open_span.t1 = self.recorder.clock()
        self.recorder.log.append(open_span)
        if open_span.run_state.closed:
            self.recorder.wake()

    def make(self, parent: OpenSpan, op: str, name: str, origin: str) -> OpenSpan:
        """Make a span of ours below `parent`, at Sentry too where it is sampled; never current."""
        thread = threading.get_ident()
        self._making.add(thread)
        try:
            sdk = parent.adapter.start_child(parent, op, name, origin)
        finally:
            self._making.discard(thread)
        if sdk is None:
            return self.bare(parent, op, name, origin)
        open_span = OpenSpan(sdk, parent.adapter, parent.run_state, self.recorder.clock())
        open_span.span_id = sdk._span_id or _assign_id(sdk)
        open_span.made_by_us, open_span.parent = True, parent
        self.recorder.log.append(open_span)
        return open_span

    def bare(
        self, parent: OpenSpan, op: str, name: str, origin: str, t0: int | None = None
    ) -> OpenSpan:
        """Make a span of ours without one of the SDK, which would make none or has one already."""
        at = self.recorder.clock() if t0 is None else t0
        open_span = OpenSpan(None, BARE, parent.run_state, at)
        open_span.made_by_us, open_span.parent = True, parent
        open_span.span_id = f"{_bits(64):016x}"
        open_span.attributes = {
            "sentry.op": op,
            "sentry.name": name,
            "sentry.origin": origin,
            "thread.name": threading.current_thread().name,
        }
        pipeline = context.pipeline_name()
        if pipeline is not None:
            open_span.attributes[PIPELINE_NAME] = pipeline
        self.recorder.log.append(open_span)
        return open_span

    def finish(self, open_span: OpenSpan, t1: int, end: float, how: Ending) -> None:
        """End a span at `t1` on our clock, `end` in seconds since the epoch."""
        open_span.t1 = t1
        if open_span.sdk is not None:
            # It was open until now, if it is the SDK's: its end must not be registered twice.
            self.open_by_id.pop(id(open_span.sdk), None)
            open_span.adapter.finish(open_span, end, how)
        self.recorder.log.append(open_span)


def _is_foreign(open_span: OpenSpan, data: dict[str, Any], log: EventLog) -> bool:
    """Return whether a span in no run is none of the only open one either; note a call there."""
    if not context.is_of_another_cell(open_span.run_state):
        return False
    open_span.attributes = data
    if attribute(open_span, "sentry.op") in CALL_OPS:
        log.append(ForeignCall(open_span.run_state, is_request=False))
    return True


def _assign_id(sdk: Any) -> str:
    """Give a span its id now, and for less than the SDK would."""
    sdk._span_id = span_id = f"{_bits(64):016x}"
    return span_id
