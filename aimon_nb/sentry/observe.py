"""Hearing every span of the SDK, in both lifecycles, with or without a client.

The span classes are wrapped once. On the user's thread a start or an end costs a
small object, a ContextVar and an append to the recorder's log; names, ops and
attributes are read from the SDK's own object later (`sentry.reading`). What the SDK
itself refuses shows no frame of ours (`__tracebackhide__`).

A span's parent is ours (`context.live`) wherever Sentry chose it implicitly,
since its scope is shared between the tasks of a `gather`; an explicit parent is
respected. An implicit span whose Sentry parent differs is put right at birth.
"""

from __future__ import annotations

import os
import random
import threading
from typing import Any

from sentry_sdk import scope, tracing

from aimon_nb.recording import context
from aimon_nb.recording.context import Kind, Node
from aimon_nb.recording.facts import describe, passed, status_of
from aimon_nb.recording.faults import faults
from aimon_nb.recording.patches import Patches
from aimon_nb.recording.recorder import Recorder
from aimon_nb.recording.records import Recording
from aimon_nb.sentry.check import probe
from aimon_nb.sentry.fallback import Fallback, said
from aimon_nb.sentry.reading import Ending, finish, read, told

# Our own generator: the user's seeded `random` stays theirs.
_bits = random.Random(os.urandom(16)).getrandbits  # noqa: S311
PIPELINE_NAME = "gen_ai.pipeline.name"
AGENT_OP = "gen_ai.invoke_agent"


class Hints(threading.local):
    """What the calls above a span's construction know of it."""

    implicit = False  # Sentry chooses the parent (stream lifecycle)
    making = False  # the wire makes this span ...
    under: Node | None = None  # ... under this one
    asked: tuple[Any, Any] | None = None  # (name, attributes) that the SDK may drop


class _Gone:
    """In the place of a class that the SDK has no more."""


class Observer:
    """The wraps, and the open spans by the identity of the SDK's object."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.open: dict[int, Node] = {}
        self.waiting: dict[Node, None] = {}  # of AI integrations, perhaps without a request yet
        self.agents: dict[Node, None] = {}  # of frameworks, open
        self.hints = Hints()
        self.fallback = Fallback(recorder)
        self.changed: str | None = None  # how the SDK differs from what we know, in a line
        self._patches = Patches()  # a wrap that could not be taken off stays quiet

    def install(self, patches: Patches) -> None:
        """Wrap the span classes of the installed SDK; of one that has changed, their ends only."""
        self.recorder.read, self._patches, self.changed = read, Patches(), None
        differences = self._wrap(self._patches) or probe(self)
        if differences:
            self._patches.undo()
            self._patches, self.changed = patches, said(differences)
            self.fallback.install(patches)
        else:
            patches.adopt(self._patches)
            self._patches = patches

    def _wrap(self, patches: Patches) -> list[str]:
        """Put the wraps on; returns what there is no more."""
        from aimon_nb.sentry import stream

        wraps = [
            (tracing, "Span", "__init__", self._init),
            (tracing, "Span", "__enter__", self._enter),
            (tracing, "Span", "__exit__", self.exit),
            (tracing, "Span", "finish", self.end),
            (tracing, "Transaction", "finish", self.end),
            (scope, "Scope", "start_span", self._start),
            (scope, "Scope", "start_transaction", self._start),
            *stream.wraps(self),
        ]
        return [
            f"no {cls or module.__name__}.{name}"
            for module, cls, name, make in wraps
            if not patches.wrap(getattr(module, cls, _Gone) if cls else module, name, make)
        ]

    def root(self, recording: Recording, sdk: Any) -> Node | None:
        """The node of a run's root span, which is open."""
        if self.changed is None:
            return self.open.get(id(sdk))
        recording.run.notes.append(self.changed)
        return self.fallback.root(recording, sdk)

    # -- the hot path -----------------------------------------------------------

    def started(self, sdk: Any, kind: Kind, data: dict[str, Any]) -> None:
        """Note a span that was made, its attributes in `data`, and find its parent."""
        name = context.pipeline.get() or context.default_pipeline
        if name is not None:
            data.setdefault(PIPELINE_NAME, name)
        recorder, hints = self.recorder, self.hints
        recording = context.recording.get() or recorder.sole
        if recording is None or not self._patches.live or recorder.forked:
            return
        node = Node(sdk, kind, recording, recorder.clock())
        cur = context.current.get()
        if cur is not None and (cur.t1 is not None or cur.exchange is not None):
            cur = context.live(cur)
        node.up, node.kept = cur, data
        node.span_id = sdk._span_id or _with_id(sdk)
        if hints.making:
            node.made, node.parent = True, hints.under
        else:
            node.parent = self._parent(node, cur)
            origin = sdk.origin if kind == "static" else data.get("sentry.origin")
            if origin != "manual" and str(origin).startswith("auto.ai."):
                node.home = context.home()
                self.waiting[node] = None
                if told(node, "sentry.op") == AGENT_OP:
                    self.agents[node] = None
            if kind == "noop" or (kind == "stream" and sdk._active):
                node.entered = True
                context.current.set(node)
        self.open[id(sdk)] = node
        recorder.log.append(node)
        if recording.closed:
            recorder.wake()

    def _parent(self, node: Node, cur: Node | None) -> Node | None:
        sdk, kind = node.sdk, node.kind
        static = kind in ("static", "dropped")
        given = sdk.parent_span_id if static else sdk._parent_span_id
        if cur is not None and given == cur.span_id:
            return cur
        # `Scope.start_span` hands itself on. An unsampled span of the stream lifecycle
        # names the root, whatever is true.
        implicit = sdk.scope is not None if static else self.hints.implicit or kind == "noop"
        if given is not None and not implicit:
            for other in list(self.open.values()):
                if other.span_id == given:
                    return context.live(other)
        if self.agents:
            about = told(node, "sentry.origin"), told(node, "sentry.op")
            agent = self.agent_above(*about, given, cur, noop=kind == "noop")
            if agent is not None:
                return agent
        if cur is None:
            return node.recording.root
        if kind == "static" and given is not None and _same_transaction(sdk, cur):
            sdk.parent_span_id = cur.span_id
        return cur

    def agent_above(
        self, origin: Any, op: Any, given: str | None, cur: Node | None, *, noop: bool = False
    ) -> Node | None:
        """The agent that a framework's step belongs to, opened in another task than the step's.

        Such a framework opens its agent in the task of the first turn, and the turns
        after it are in no task of that one. Sentry's scope (`given`) knows it.
        """
        if op == AGENT_OP or not self.agents:
            return None
        here = context.home()
        found = [
            agent
            for agent in list(self.agents)
            if agent.parent is cur and agent.home != here and told(agent, "sentry.origin") == origin
        ]
        sure = [agent for agent in found if agent.span_id == given]
        if noop and len(found) == 1:  # the SDK says of each that it is the root's
            return found[0]
        return sure[0] if sure else None

    def ended(self, sdk: Any) -> None:
        """Note that a span was finished."""
        node = self.open.pop(id(sdk), None)
        if node is None:
            return
        if node.home is not None:
            self.waiting.pop(node, None)
            self.agents.pop(node, None)
        if context.current.get() is node:
            context.current.set(node.up)
        if node.t1 is not None:
            return
        node.t1 = self.recorder.clock()
        self.recorder.log.append(node)
        if node.recording.closed:
            self.recorder.wake()

    def finish(self, node: Node, t1: int, end: float, how: Ending) -> None:
        """End a span made by `make`: at `t1` on our clock, `end` in seconds since the epoch."""
        node.t1 = t1
        if node.sdk is not None:
            self.open.pop(id(node.sdk), None)
            finish(node, end, how)
        self.recorder.log.append(node)

    def make(self, parent: Node, op: str, name: str, origin: str) -> Node:
        """A span of ours below `parent`, in what Sentry gets too; never current."""
        self.hints.making, self.hints.under = True, parent
        try:
            sdk = _child(parent, op, name, origin)
        finally:
            self.hints.making, self.hints.under = False, None
        node = self.open.get(id(sdk)) if sdk is not None else None
        return node if node is not None else self.bare(parent, op, name, origin)

    def bare(self, parent: Node, op: str, name: str, origin: str, t0: int | None = None) -> Node:
        """A record without a span of the SDK, which would make none or has one already."""
        at = self.recorder.clock() if t0 is None else t0
        node = Node(None, "bare", parent.recording, at)
        node.made, node.parent = True, parent
        node.span_id = f"{_bits(64):016x}"
        node.kept = {
            "sentry.op": op,
            "sentry.name": name,
            "sentry.origin": origin,
            "thread.name": threading.current_thread().name,
        }
        pipeline = context.pipeline_name()
        if pipeline is not None:
            node.kept[PIPELINE_NAME] = pipeline
        self.recorder.log.append(node)
        return node

    # -- the wraps --------------------------------------------------------------

    def _init(self, original: Any) -> Any:
        def __init__(sdk: Any, *args: Any, **kwargs: Any) -> None:
            __tracebackhide__ = True
            original(sdk, *args, **kwargs)
            if isinstance(sdk, tracing.NoOpSpan):
                return
            try:
                self.started(sdk, "static", sdk._data)
            except Exception:
                faults.note("hearing a span")

        return __init__

    def _enter(self, original: Any) -> Any:
        def __enter__(sdk: Any) -> Any:
            __tracebackhide__ = True
            node = self.open.get(id(sdk))
            # Once: a span entered twice would be above itself.
            if node is not None and not node.entered:
                try:
                    cur = context.current.get()
                    if cur is not None and (cur.t1 is not None or cur.exchange is not None):
                        cur = context.live(cur)
                    node.entered, node.up = True, cur
                    context.current.set(node)
                except Exception:
                    faults.note("entering a span")
            return original(sdk)

        return __enter__

    def exit(self, original: Any) -> Any:
        """Wrap an `__exit__`: keep the exception that ended the span."""

        def __exit__(sdk: Any, ty: Any, value: Any, tb: Any) -> Any:
            __tracebackhide__ = True
            node = self.open.get(id(sdk))
            if node is not None and isinstance(value, BaseException):
                try:
                    # In words, here: the user's `__str__` must not run on our thread.
                    node.error = (status_of(value), *describe(value), passed(value))
                except Exception:
                    faults.note("hearing an error")
            try:
                return original(sdk, ty, value, tb)
            finally:
                if node is not None and node.kind == "dropped":
                    with faults.guard("hearing the end of a span"):
                        self.ended(sdk)

        return __exit__

    def end(self, original: Any) -> Any:
        """Wrap a `finish` or `_end`; it may return early, so in a `finally`."""

        def finish(sdk: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            try:
                return original(sdk, *args, **kwargs)
            finally:
                try:
                    self.ended(sdk)
                except Exception:
                    faults.note("hearing the end of a span")

        return finish

    def _start(self, original: Any) -> Any:
        def start(scope: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            span = original(scope, *args, **kwargs)
            if type(span) is tracing.NoOpSpan and id(span) not in self.open:
                try:
                    self.dropped(span, kwargs)
                except Exception:
                    faults.note("hearing a span")
            return span

        return start

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
        self.started(span, "dropped", {k: v for k, v in kept.items() if v is not None})


def _with_id(sdk: Any) -> str:
    """Give a span its id now, and for less than the SDK would."""
    sdk._span_id = span_id = f"{_bits(64):016x}"
    return span_id


def _same_transaction(sdk: Any, cur: Node) -> bool:
    ours = sdk._containing_transaction
    return cur.kind == "static" and ours is not None and cur.sdk.containing_transaction is ours


def _child(parent: Node, op: str, name: str, origin: str) -> Any:
    if parent.kind == "static":
        # One that is not sampled nobody gets, and making it costs more than all else here.
        sampled = parent.sdk.sampled is not False
        return parent.sdk.start_child(op=op, name=name, origin=origin) if sampled else None
    if parent.kind == "stream":
        from sentry_sdk import traces

        attributes: dict[str, Any] = {"sentry.op": op, "sentry.origin": origin}
        return traces.start_span(name, attributes, parent.sdk, active=False)
    return None
