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
from aimon_nb.capture.state import OpenSpan, RunState, SdkSpanKind
from aimon_nb.sentry.adapters import Ending, attribute, finish_span
from aimon_nb.sentry.compat_fallback import Fallback

# Our own generator: the user's seeded `random` stays theirs.
_bits = random.Random(os.urandom(16)).getrandbits  # noqa: S311
PIPELINE_NAME = "gen_ai.pipeline.name"
AGENT_OP = "gen_ai.invoke_agent"


class CreationContext(threading.local):
    """What the calls above a span's construction know of it."""

    parent_is_default = False  # Sentry chooses the parent (stream lifecycle)
    created_by_us = False  # the wire makes this span ...
    our_parent: OpenSpan | None = None  # ... under this one
    requested_name: tuple[Any, Any] | None = None  # (name, attributes) that the SDK may drop


class SpanTracker:
    """The open spans by the identity of the SDK's object: what `instrument`'s hooks call."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.open_by_id: dict[int, OpenSpan] = {}
        # Of AI integrations, perhaps without a request yet.
        self.unmatched_call_spans: dict[OpenSpan, None] = {}
        self.open_agent_spans: dict[OpenSpan, None] = {}  # of frameworks, open
        self.creation = CreationContext()
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

    def on_start(self, sdk: Any, kind: SdkSpanKind, data: dict[str, Any]) -> None:
        """Note a span that was made, its attributes in `data`, and find its parent."""
        name = context.current_pipeline.get() or context.default_pipeline
        if name is not None:
            data.setdefault(PIPELINE_NAME, name)
        recorder, creation = self.recorder, self.creation
        run_state = context.current_run.get() or recorder.sole
        if run_state is None or not self.patches.live or recorder.forked:
            return
        open_span = OpenSpan(sdk, kind, run_state, recorder.clock())
        cur = context.current_span.get()
        if cur is not None and (cur.t1 is not None or cur.model_request is not None):
            cur = context.nearest_open(cur)
        open_span.entered_from, open_span.kept_attributes = cur, data
        open_span.span_id = sdk._span_id or _with_id(sdk)
        if creation.created_by_us:
            open_span.made_by_us, open_span.parent = True, creation.our_parent
        else:
            open_span.parent = self._parent(open_span, cur)
            origin = sdk.origin if kind == "static" else data.get("sentry.origin")
            if origin != "manual" and str(origin).startswith("auto.ai."):
                open_span.task_and_thread = context.task_and_thread()
                self.unmatched_call_spans[open_span] = None
                if attribute(open_span, "sentry.op") == AGENT_OP:
                    self.open_agent_spans[open_span] = None
            if kind == "noop" or (kind == "stream" and sdk._active):
                open_span.entered = True
                context.current_span.set(open_span)
        self.open_by_id[id(sdk)] = open_span
        recorder.log.append(open_span)
        if run_state.closed:
            recorder.wake()

    def _parent(self, open_span: OpenSpan, cur: OpenSpan | None) -> OpenSpan | None:
        sdk, kind = open_span.sdk, open_span.kind
        static = kind in ("static", "dropped")
        given = sdk.parent_span_id if static else sdk._parent_span_id
        if cur is not None and given == cur.span_id:
            return cur
        # `Scope.start_span` hands itself on. An unsampled span of the stream lifecycle
        # names the root, whatever is true.
        parent_is_default = (
            sdk.scope is not None if static else self.creation.parent_is_default or kind == "noop"
        )
        if given is not None and not parent_is_default:
            for other in list(self.open_by_id.values()):
                if other.span_id == given:
                    return context.nearest_open(other)
        if self.open_agent_spans:
            about = attribute(open_span, "sentry.origin"), attribute(open_span, "sentry.op")
            agent = self.agent_above(*about, given, cur, noop=kind == "noop")
            if agent is not None:
                return agent
        if cur is None:
            return open_span.run_state.root
        if kind == "static" and given is not None and _same_transaction(sdk, cur):
            sdk.parent_span_id = cur.span_id
        return cur

    def agent_above(
        self, origin: Any, op: Any, given: str | None, cur: OpenSpan | None, *, noop: bool = False
    ) -> OpenSpan | None:
        """The agent that a framework's step belongs to, opened in another task than the step's.

        Such a framework opens its agent in the task of the first turn, and the turns
        after it are in no task of that one. Sentry's scope (`given`) knows it.
        """
        if op == AGENT_OP or not self.open_agent_spans:
            return None
        here = context.task_and_thread()
        found = [
            agent
            for agent in list(self.open_agent_spans)
            if agent.parent is cur
            and agent.task_and_thread != here
            and attribute(agent, "sentry.origin") == origin
        ]
        sure = [agent for agent in found if agent.span_id == given]
        if noop and len(found) == 1:  # the SDK says of each that it is the root's
            return found[0]
        return sure[0] if sure else None

    def on_end(self, sdk: Any) -> None:
        """Note that a span was finished."""
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

    def finish(self, open_span: OpenSpan, t1: int, end: float, how: Ending) -> None:
        """End a span made by `make`: at `t1` on our clock, `end` in seconds since the epoch."""
        open_span.t1 = t1
        if open_span.sdk is not None:
            self.open_by_id.pop(id(open_span.sdk), None)
            finish_span(open_span, end, how)
        self.recorder.log.append(open_span)

    def make(self, parent: OpenSpan, op: str, name: str, origin: str) -> OpenSpan:
        """A span of ours below `parent`, in what Sentry gets too; never current."""
        self.creation.created_by_us, self.creation.our_parent = True, parent
        try:
            sdk = _child(parent, op, name, origin)
        finally:
            self.creation.created_by_us, self.creation.our_parent = False, None
        open_span = self.open_by_id.get(id(sdk)) if sdk is not None else None
        return open_span if open_span is not None else self.bare(parent, op, name, origin)

    def bare(
        self, parent: OpenSpan, op: str, name: str, origin: str, t0: int | None = None
    ) -> OpenSpan:
        """A record without a span of the SDK, which would make none or has one already."""
        at = self.recorder.clock() if t0 is None else t0
        open_span = OpenSpan(None, "bare", parent.run_state, at)
        open_span.made_by_us, open_span.parent = True, parent
        open_span.span_id = f"{_bits(64):016x}"
        open_span.kept_attributes = {
            "sentry.op": op,
            "sentry.name": name,
            "sentry.origin": origin,
            "thread.name": threading.current_thread().name,
        }
        pipeline = context.pipeline_name()
        if pipeline is not None:
            open_span.kept_attributes[PIPELINE_NAME] = pipeline
        self.recorder.log.append(open_span)
        return open_span

    def dropped(self, span: Any, kwargs: dict[str, Any]) -> None:
        """The static API in the stream lifecycle: only here are name and op still known."""
        name = kwargs.get("name") or kwargs.get("description")
        if not name and not kwargs.get("op"):
            return
        kept = {
            "sentry.op": kwargs.get("op"),
            "sentry.name": name,
            "sentry.origin": kwargs.get("origin", "manual"),
        }
        self.on_start(span, "dropped", {k: v for k, v in kept.items() if v is not None})


def _with_id(sdk: Any) -> str:
    """Give a span its id now, and for less than the SDK would."""
    sdk._span_id = span_id = f"{_bits(64):016x}"
    return span_id


def _same_transaction(sdk: Any, cur: OpenSpan) -> bool:
    ours = sdk._containing_transaction
    return cur.kind == "static" and ours is not None and cur.sdk.containing_transaction is ours


def _child(parent: OpenSpan, op: str, name: str, origin: str) -> Any:
    if parent.kind == "static":
        # One that is not sampled nobody gets, and making it costs more than all else here.
        sampled = parent.sdk.sampled is not False
        return parent.sdk.start_child(op=op, name=name, origin=origin) if sampled else None
    if parent.kind == "stream":
        from sentry_sdk import traces

        attributes: dict[str, Any] = {"sentry.op": op, "sentry.origin": origin}
        return traces.start_span(name, attributes, parent.sdk, active=False)
    return None
