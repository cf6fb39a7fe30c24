"""Steps that somebody other than the SDK tells of: agents, tools and functions of frameworks.

One is an `OpenSpan` of ours in the run, and a child of the tree at Sentry where that gets it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from aimon_nb.capture import context
from aimon_nb.capture.exceptions import describe, failed, frames_of, status_of
from aimon_nb.capture.kept_content import take_input, take_output
from aimon_nb.capture.span_adapter import Ending
from aimon_nb.capture.state import OpenSpan, RunState
from aimon_nb.capture.step_content import NOT_TAKEN, add_secret_names
from aimon_nb.sentry.call_attributes import step_attributes
from aimon_nb.sentry.secret_names import SECRET_NAMES
from aimon_nb.sentry.span_maker import PIPELINE_NAME
from aimon_nb.sentry.span_tracker import SpanTracker

_ENDINGS: dict[str, Ending] = {"ok": "ok", "cancelled": "cancelled", "abandoned": "cancelled"}
# What the SDK keeps out of events is in no content of ours.
add_secret_names(SECRET_NAMES)


class Steps:
    """Starts and ends them; what is below them, Sentry's spans too, hangs under them."""

    def __init__(self, tracker: SpanTracker) -> None:
        self._tracker = tracker

    def run_state(self) -> RunState | None:
        """The run that a step which starts now belongs to; None outside of runs."""
        recorder = self._tracker.recorder
        current_run = context.current_run.get()
        run_state = current_run or recorder.sole
        if run_state is None or not self._tracker.patches.live or recorder.forked:
            return None
        if current_run is None and context.is_of_another_cell(run_state):
            return None
        return run_state

    def start(
        self,
        op: str,
        name: str,
        *,
        origin: str,
        attributes: Mapping[str, Any] | None = None,
        parent: OpenSpan | None = None,
        is_current: bool = True,
        step_input: Any = NOT_TAKEN,
    ) -> OpenSpan | None:
        """Start a step; None outside of runs.

        Args:
            op: Of its span, `gen_ai.invoke_agent` say.
            name: Of its span.
            origin: Whose hooks tell of it: `auto.NAME`.
            attributes: Text, numbers and truth values, no content: Sentry gets them.
            parent: The step above it; the one that code is in if left out.
            is_current: Whether what begins in this context until its end is below it.
            step_input: What went into it, as it is: a bounded copy is made where the run
                wants any. A dict is taken for arguments by name. Sentry never gets it.

        """
        run_state = self.run_state()
        above = self._parent(run_state, parent) if run_state is not None else None
        if run_state is None or above is None:
            return None
        open_span = self._tracker.maker.make(above, op, name, origin)
        told = {**step_attributes(op), **(attributes or {})}
        pipeline = context.pipeline_name()
        if pipeline is not None:
            told.setdefault(PIPELINE_NAME, pipeline)
        if told:
            open_span.adapter.write(open_span, told, None)
        if step_input is not NOT_TAKEN:
            take_input(open_span, step_input)
        if is_current:
            open_span.entered_from, open_span.entered = context.current_span.get(), True
            context.current_span.set(open_span)
        if run_state.closed:
            self._tracker.recorder.wake()
        return open_span

    def _parent(self, run_state: RunState, given: OpenSpan | None) -> OpenSpan | None:
        if given is not None and given.run_state is run_state:
            nearest = context.nearest_open(given)
        else:
            nearest = context.nearest_open(context.current_span.get())
        return nearest or run_state.root

    def end(
        self,
        open_span: OpenSpan | None,
        error: BaseException | None = None,
        step_output: Any = NOT_TAKEN,
    ) -> None:
        """End a step, with what was raised in it; None, and one that has ended, do nothing.

        `step_output` is what came out of it, as it is; of one that failed nothing did.
        """
        if open_span is None or open_span.t1 is not None:
            return
        if step_output is not NOT_TAKEN and error is None:
            take_output(open_span, step_output)
        if error is not None and failed(error):
            open_span.error = (status_of(error), *describe(error), frames_of(error))
        if context.current_span.get() is open_span:
            context.current_span.set(open_span.entered_from)
        how: Ending = "ok"
        if open_span.error is not None:
            how = _ENDINGS.get(open_span.error[0], "error")
        self._tracker.maker.finish(open_span, self._tracker.recorder.clock(), time.time(), how)
        if open_span.run_state.closed:
            self._tracker.recorder.wake()
