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
from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.run_recorder import Recorder
from aimon_nb.capture.span_adapter import Ending
from aimon_nb.capture.state import OpenSpan, RunState
from aimon_nb.sentry.adapters import BARE, SentryAdapter, attribute
from aimon_nb.sentry.compat_fallback import Fallback

# Our own generator: the user's seeded `random` stays theirs.
_bits = random.Random(os.urandom(16)).getrandbits  # noqa: S311
PIPELINE_NAME = "gen_ai.pipeline.name"
AGENT_OP = "gen_ai.invoke_agent"


class SpanTracker:
    """The open spans by the identity of the SDK's object: what `instrument`'s hooks call."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.open_by_id: dict[int, OpenSpan] = {}
        # Of AI integrations, perhaps without a request yet.
        self.unmatched_call_spans: dict[OpenSpan, None] = {}
        self.open_agent_spans: dict[OpenSpan, None] = {}  # of frameworks, open
        # Threads that construct a span of ours just now. A set, and no thread-local: as long as
        # it is empty, which is nearly always, to look costs a start 15 ns.
        self._making: set[int] = set()
        self.fallback = Fallback(recorder)
        self.changed: str | None = None  # how the SDK differs from what we know, in a line
        self.patches = Patches()  # a hook that could not be taken off stays quiet

    def root(self, run_state: RunState, sdk: Any) -> OpenSpan | None:
        """Return the open span of a run's root."""
        if self.changed is None:
            return self.open_by_id.get(id(sdk))
        run_state.run.notes.append(self.changed)
        return self.fallback.root(run_state, sdk)

    # -- the hot path -----------------------------------------------------------

    def on_start(
        self,
        sdk: Any,
        adapter: SentryAdapter,
        data: dict[str, Any],
        origin: Any,
        *,
        parent_is_default: bool,
    ) -> OpenSpan | None:
        """Register a span that the SDK made, its attributes in `data`; None where none is wanted.

        `parent_is_default`: whether Sentry chose the parent, and not the user's code.
        """
        name = context.current_pipeline.get() or context.default_pipeline
        # On our own spans too, and outside of runs: Sentry gets it.
        if name is not None:
            data.setdefault(PIPELINE_NAME, name)
        recorder = self.recorder
        run_state = context.current_run.get() or recorder.sole
        if run_state is None or not self.patches.live or recorder.forked:
            return None
        if self._making and threading.get_ident() in self._making:
            return None
        open_span = OpenSpan(sdk, adapter, run_state, recorder.clock())
        cur = context.current_span.get()
        if cur is not None and (cur.t1 is not None or cur.model_request is not None):
            cur = context.nearest_open(cur)
        open_span.entered_from, open_span.attributes = cur, data
        open_span.span_id = sdk._span_id or _assign_id(sdk)
        open_span.parent = self._parent(
            open_span, cur, adapter, parent_is_default=parent_is_default
        )
        if origin != "manual" and str(origin).startswith("auto.ai."):
            open_span.task_and_thread = context.task_and_thread()
            self.unmatched_call_spans[open_span] = None
            if attribute(open_span, "sentry.op") == AGENT_OP:
                self.open_agent_spans[open_span] = None
        self.open_by_id[id(sdk)] = open_span
        recorder.log.append(open_span)
        if run_state.closed:
            recorder.wake()
        return open_span

    def _parent(
        self,
        open_span: OpenSpan,
        cur: OpenSpan | None,
        adapter: SentryAdapter,
        *,
        parent_is_default: bool,
    ) -> OpenSpan | None:
        parent_id = adapter.parent_id(open_span.sdk)
        if cur is not None and parent_id == cur.span_id:
            return cur
        if parent_id is not None and not parent_is_default:
            for other in list(self.open_by_id.values()):
                if other.span_id == parent_id:
                    return context.nearest_open(other)
        if self.open_agent_spans:
            origin, op = attribute(open_span, "sentry.origin"), attribute(open_span, "sentry.op")
            knows = adapter.knows_parent
            agent = self.agent_above(origin, op, parent_id, cur, knows_parent=knows)
            if agent is not None:
                return agent
        if cur is None:
            return open_span.run_state.root
        if parent_id is not None:
            adapter.correct_parent(open_span.sdk, cur)
        return cur

    def agent_above(
        self,
        origin: Any,
        op: Any,
        parent_id: str | None,
        cur: OpenSpan | None,
        *,
        knows_parent: bool = True,
    ) -> OpenSpan | None:
        """Return the agent, opened in another task, that a framework's step belongs to.

        Such a framework opens its agent in the task of the first turn, and the turns
        after it are in no task of that one. Sentry's scope (`parent_id`) knows it.
        """
        if op == AGENT_OP or not self.open_agent_spans:
            return None
        here = context.task_and_thread()
        candidates = [
            agent
            for agent in list(self.open_agent_spans)
            if agent.parent is cur
            and agent.task_and_thread != here
            and attribute(agent, "sentry.origin") == origin
        ]
        if not knows_parent and len(candidates) == 1:
            return candidates[0]
        return next((agent for agent in candidates if agent.span_id == parent_id), None)

    def on_end(self, sdk: Any) -> None:
        """Register the end of a span."""
        open_span = self.open_by_id.pop(id(sdk), None)
        if open_span is None:
            return
        if open_span.task_and_thread is not None:
            self.unmatched_call_spans.pop(open_span, None)
            self.open_agent_spans.pop(open_span, None)
        if context.current_span.get() is open_span:
            context.current_span.set(open_span.entered_from)
        if open_span.t1 is not None:
            return
        open_span.t1 = self.recorder.clock()
        self.recorder.log.append(open_span)
        if open_span.run_state.closed:
            self.recorder.wake()

    # -- spans of ours ----------------------------------------------------------

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


def _assign_id(sdk: Any) -> str:
    """Give a span its id now, and for less than the SDK would."""
    sdk._span_id = span_id = f"{_bits(64):016x}"
    return span_id
