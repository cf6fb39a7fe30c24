"""Makes the spans that are ours: of model calls that nobody else made one for, and of steps."""

from __future__ import annotations

import os
import random
import threading
from datetime import datetime
from typing import Any

from aimon_nb.capture import context
from aimon_nb.capture.run_recorder import Recorder
from aimon_nb.capture.span_adapter import Ending, SpanAdapter
from aimon_nb.capture.state import OpenSpan
from aimon_nb.sentry.adapters import BARE, at_sentry

# Our own generator: the user's seeded `random` stays theirs.
_generator = random.Random(os.urandom(16))  # noqa: S311
_bits = _generator.getrandbits
if hasattr(os, "register_at_fork"):
    # Else each child makes the ids that its parent makes.
    os.register_at_fork(after_in_child=_generator.seed)
ORIGIN = "auto.http.aimon_nb"  # of those that the wire makes
PIPELINE_NAME = "gen_ai.pipeline.name"


class SpanMaker:
    """Makes, tells of and ends spans of ours; none is ever current.

    Args:
        recorder: Where they are told of.
        open_by_id: The tracker's open spans by the identity of the SDK's object.

    """

    def __init__(self, recorder: Recorder, open_by_id: dict[int, OpenSpan]) -> None:
        self._recorder, self._open_by_id = recorder, open_by_id
        # Threads in which the SDK makes a span of ours just now. As a set, which is empty nearly
        # always, it costs a start 16 ns; a thread-local costs it 57.
        self.making: set[int] = set()

    def make(self, parent: OpenSpan, op: str, name: str, origin: str = ORIGIN) -> OpenSpan:
        """Make a span of ours below `parent`, at Sentry too where it is sampled; never current."""
        sdk, adapter = self.start_child(parent, op, name, origin)
        if sdk is None:
            return self.bare(parent, op, name, origin=origin)
        open_span = OpenSpan(sdk, adapter, parent.run_state, self._recorder.clock())
        open_span.span_id = sdk._span_id or assign_id(sdk)
        open_span.made_by_us, open_span.parent = True, parent
        self._recorder.log.append(open_span)
        return open_span

    def start_child(
        self, parent: OpenSpan, op: str, name: str, origin: str, start: datetime | None = None
    ) -> tuple[Any, SpanAdapter]:
        """Start Sentry's span of what is below `parent`, None where nobody gets it; its adapter."""
        above, thread = at_sentry(parent), threading.get_ident()
        self.making.add(thread)
        try:
            sdk = above.adapter.start_child(above, op, name, origin, start)
        finally:
            self.making.discard(thread)
        return sdk, above.adapter.carrier

    def bare(
        self, parent: OpenSpan, op: str, name: str, t0: int | None = None, origin: str = ORIGIN
    ) -> OpenSpan:
        """Make a span of ours without one of the SDK, which would make none or has one already."""
        open_span = self.held(parent, op, name, t0, origin)
        self._recorder.log.append(open_span)
        return open_span

    def held(
        self, parent: OpenSpan, op: str, name: str, t0: int | None = None, origin: str = ORIGIN
    ) -> OpenSpan:
        """Make a span of ours that nobody knows of before `release`, or ever."""
        at = self._recorder.clock() if t0 is None else t0
        open_span = OpenSpan(None, BARE, parent.run_state, at)
        open_span.made_by_us, open_span.parent = True, parent
        open_span.span_id = new_id()
        open_span.attributes = {
            "sentry.op": op,
            "sentry.name": name,
            "sentry.origin": origin,
            "thread.name": threading.current_thread().name,
        }
        pipeline = context.pipeline_name()
        if pipeline is not None:
            open_span.attributes[PIPELINE_NAME] = pipeline
        return open_span

    def release(self, open_span: OpenSpan, start: datetime) -> None:
        """Tell of a span that was held, at Sentry too; it began at `start`, UTC."""
        parent, recorded = open_span.parent, open_span.attributes
        if parent is not None and open_span.sdk_parent is not None:
            carrier = at_sentry(parent).adapter.carrier
            above = OpenSpan(open_span.sdk_parent, carrier, parent.run_state, parent.t0)
            open_span.sdk_parent = None
            op, name = recorded["sentry.op"], recorded["sentry.name"]
            sdk, adapter = self.start_child(above, op, name, ORIGIN, start)
            if sdk is not None:
                open_span.sdk, open_span.adapter = sdk, adapter
                open_span.span_id = sdk._span_id or assign_id(sdk)
                told = (key for key in (PIPELINE_NAME, "thread.name") if key in recorded)
                open_span.adapter.write(open_span, {key: recorded[key] for key in told}, None)
        open_span.note_call()
        self._recorder.log.append(open_span)

    def finish(self, open_span: OpenSpan, t1: int, end: float, how: Ending) -> None:
        """End a span at `t1` on our clock, `end` in seconds since the epoch."""
        open_span.t1 = t1
        if open_span.sdk is not None:
            # It was open until now, if it is the SDK's: its end must not be registered twice.
            self._open_by_id.pop(id(open_span.sdk), None)
            open_span.adapter.finish(open_span, end, how)
        self._recorder.log.append(open_span)


def new_id() -> str:
    """Return an id for a span."""
    return f"{_bits(64):016x}"


def assign_id(sdk: Any) -> str:
    """Give a span its id now, and for less than the SDK would."""
    sdk._span_id = span_id = f"{_bits(64):016x}"
    return span_id
