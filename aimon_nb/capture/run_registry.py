"""The runs in memory: those that are open, and of the others the latest."""

from __future__ import annotations

import os
from collections import deque
from datetime import datetime, timedelta
from typing import Any

from aimon_nb.capture import context, limits
from aimon_nb.capture.exceptions import describe
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.limits import Limits
from aimon_nb.capture.prompt_quotes import recent_prompts, without_quotes
from aimon_nb.capture.state import RunState
from aimon_nb.model import Run
from aimon_nb.model.run import RunStatus

QUIET_KEPT = 10  # closed runs without a call, which a task they left may still make


class RunRegistry:
    """Run states by run id, oldest first; whoever writes holds the recorder's lock."""

    def __init__(self) -> None:
        self.states: dict[str, RunState] = {}
        self.open_runs: list[RunState] = []
        self.forgotten: deque[RunState] = deque()  # whose content is still to be let go of
        self._count = 0
        self._forgotten: datetime | None = None  # start of the latest run that max_runs let go

    @property
    def sole(self) -> RunState | None:
        """The open run, when there is exactly one."""
        return self.open_runs[0] if len(self.open_runs) == 1 else None

    @property
    def last(self) -> RunState | None:
        """The shown run that began last; of runs inside one another that are over, the outermost.

        A run inside another is a part of what that one was about.
        """
        shown = [one for one in list(self.states.values()) if not one.quiet]
        last = shown[-1] if shown else None
        while last is not None and last.closed and last.outer_id is not None:
            outer = self.states.get(last.outer_id)
            if outer is None or outer.quiet or not outer.closed:
                break
            last = outer
        return last

    def open(
        self, name: str, started: datetime, t0: int, caps: Limits, fields: dict[str, Any]
    ) -> RunState:
        """Make a run that starts now and keep it; let go of what is beyond the caps.

        Args:
            name: The run's.
            started: The time of its start, UTC.
            t0: The same on the recorder's clock, nanoseconds.
            caps: How much is kept.
            fields: Further fields of `Run`.

        """
        self._count += 1
        # It sorts by start, and nobody guesses it: a script of a page that knows it gets the view.
        run_id = f"{started:%Y%m%dT%H%M%S}-{self._count:03d}{os.urandom(6).hex()}"
        run_state = RunState(Run(run_id=run_id, name=name, started=started, **fields), t0)
        run_state.faults_before = internal_errors.count
        run_state.span_limit.limits = caps
        run_state.untracked_cell = context.untracked_cell.get()
        around = context.current_run.get()
        if around is not None and not around.closed:
            run_state.outer, run_state.outer_id = around, around.run.run_id
        self.states[run_id] = run_state
        self.open_runs.append(run_state)
        self._forget_old(run_state.run, caps)
        return run_state

    def close(
        self, run_state: RunState, status: RunStatus, error: BaseException | None, t1: int
    ) -> None:
        """A run is over, at `t1` on the recorder's clock; it stays in memory."""
        run = run_state.run
        run.duration = run_state.seconds(t1)
        run.ended = run.started + timedelta(seconds=run.duration)
        run.status = status
        with run_state.items.lock, internal_errors.suppress("telling which row failed"):
            run_state.left_loops.end(error)
        run_state.items.end(run_state)
        run_state.closed = True
        run_state.captured.clear()
        run_state.outer = None
        if run_state in self.open_runs:
            self.open_runs.remove(run_state)
        if error is not None:
            run.error_type, told = describe(error)
            run.error = without_quotes(told, recent_prompts.text())

    def forget_all(self) -> None:
        """Let go of every run."""
        for run_state in self.states.values():
            run_state.forgotten = True
        self.states.clear()

    def _forget_old(self, new: Run, caps: Limits) -> None:
        closed = [one for one in self.states.values() if one.closed]
        quiet = [one for one in closed if one.quiet]
        shown = [one for one in closed if not one.quiet]
        old = shown[: -caps.runs]
        for one in (*old, *quiet[:-QUIET_KEPT]):
            one.forgotten = True
            del self.states[one.run.run_id]
        self.forgotten.extend(old)
        if old:
            self._forgotten = old[-1].run.started
            new.caps[limits.RUNS] = self.note_of_forgotten(caps)
        if new.cell_id is not None:
            _let_go_of_plain(
                [one for one in shown[-caps.runs :] if one.run.cell_id == new.cell_id], caps.spans
            )

    def note_of_forgotten(self, caps: Limits) -> str:
        """What a reader who looks for an old run must know; "" while all are in memory."""
        if self._forgotten is None:
            return ""
        return f"older runs are no longer in memory: {limits.RUNS} = {caps.runs:,}"


def _let_go_of_plain(of_cell: list[RunState], room: int) -> None:
    """Keep whole the last runs of a cell that runs again, as far as their spans have room."""
    for count, one in enumerate(reversed(of_cell), 2):
        room -= len(one.run.spans)
        if count > limits.WHOLE_RUNS or room < 0:
            one.run = limits.without_plain(one.run)
