"""A run from its opening to its end: its view, its output, its interrupt, its last note."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from datetime import timedelta
from types import CodeType
from typing import TYPE_CHECKING, Any

from aimon_nb.app import interrupts
from aimon_nb.app.budgets import last_notes
from aimon_nb.app.clear_output import output_keeper
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.limits import SPANS
from aimon_nb.model import Run
from aimon_nb.model.error_groups import as_one, leaves
from aimon_nb.model.errors import BudgetExceeded, RefusedInPoolError
from aimon_nb.model.run import RunStatus
from aimon_nb.providers import IN_PROCESS
from aimon_nb.sentry import error_events, own_spans
from aimon_nb.sentry.root_span import RootSpan
from aimon_nb.sentry.sent_spans import SOURCE
from aimon_nb.views.live.run_display import RunDisplay, Shown
from aimon_nb.views.present import batches

if TYPE_CHECKING:
    from aimon_nb.app.monitoring import Monitor
    from aimon_nb.capture.state import RunState

# In Pyodide, or at the limit of a container.
_NO_THREAD = "no thread could be started: the view was brought up to date only at the end"


class RunSession:
    """A run that is open: `finish` closes it, whatever happened."""

    def __init__(self, monitor: Monitor, root: RootSpan, mode: Shown) -> None:
        self._monitor, self._root = monitor, root
        self.run_state = root.run_state
        self.run = root.run_state.run
        view = RunDisplay(self.run, mode, deferred=self.run_state.quiet)
        with internal_errors.suppress("opening the view"):
            view.open()
        monitor.views[self.run.run_id] = view
        self.view = view
        self._unwatch: Callable[[], None] | None = None
        self._watched_output: str | None = None
        with internal_errors.suppress("describing the root span"):
            own_spans.set_tags(root.sdk, self.run.options.get("tags", {}))
            own_spans.set_data(root.sdk, _place(self.run) | self.run.options.get("data", {}))

    def with_source(self, cell: str) -> RunSession:
        """Put the source of the run's cell on the root span, if the user wants it at Sentry.

        The line of the magic is no part of it.
        """
        if not self._monitor.settings.sentry_source or self.run.destination == "local":
            return self
        with internal_errors.suppress("reading a cell's source"):
            from aimon_nb.app.cell_source import shown_source

            head, _, body = cell.partition("\n")
            shown = shown_source(body if head.startswith("%%") else cell)
            if shown:
                own_spans.set_data(self._root.sdk, {SOURCE: shown})
        return self

    def watch(
        self,
        shell: Any,
        begins: frozenset[CodeType],
        ends: frozenset[CodeType] = frozenset(),
        *,
        pending: bool,
    ) -> None:
        """Watch the code that runs now: for an interrupt, and for a `clear_output` in this shell.

        Args:
            shell: IPython's.
            begins: code of ours that opens a run.
            ends: code of ours that closes one.
            pending: whether an interrupt has come already.

        """
        with internal_errors.suppress("watching the output"):
            self._keeper = output_keeper(shell)
            self._watched_output = self._keeper.watch(self.view)
        self.begin()
        with internal_errors.suppress("watching for an interrupt"):
            self._unwatch = interrupts.watch(self.run_state, begins, ends, pending=pending)

    def begin(self) -> None:
        """Have the run's time begin here: to open it was none of the user's work."""
        with internal_errors.suppress("beginning a run"):
            self._monitor.recorder.begin_run(self.run_state)

    def finish(self, error: BaseException | None, left_at: int | None = None) -> bool:
        """Close the run, and let no interrupt fall into that; returns whether one came.

        Its code was left at `left_at`, by the recorder's clock; None: now.
        """
        left_at = self._monitor.recorder.clock() if left_at is None else left_at
        with interrupts.deferred_sigint() as pending:
            with internal_errors.suppress("releasing the output"):
                if self._watched_output is not None:
                    self._keeper.release(self._watched_output, self.view)
            self.end(error, left_at)
        if self._unwatch is not None:
            self._unwatch()
        return pending.is_set()

    def end(self, error: BaseException | None, left_at: int | None = None) -> None:
        """Close the run, whose code was left at `left_at`, by the recorder's clock; None: now.

        The order is what matters: the page is told at once that it is over; then come the
        error, the answers still on their way and the last picture, and only then the root
        closes, for there Sentry serialises the whole run.
        """
        recorder = self._monitor.recorder
        left_at = recorder.clock() if left_at is None else left_at
        if self.run_state.quiet:
            recorder.catch_up()
        run = self.run
        status = _status_of(self.run_state, error)
        op = run.options.get("op") or "ai.pipeline"
        with internal_errors.suppress("showing that a run is over"):
            ended = run.started + timedelta(seconds=self.run_state.seconds(left_at))
            self.view.mark_ended(status, ended)
        with internal_errors.suppress("capturing an error"):
            is_sent = self.run_state.may_be_sent and not self.run_state.quiet
            if status == "error" and error is not None and is_sent:
                tags = run.options.get("tags")
                error_events.capture(error, run.name, op, self._root.sdk, tags=tags)
        with internal_errors.suppress("leaving a run"):
            self._root.leave()
        with internal_errors.suppress("ending a run"):
            last = as_one(error) or error or self.run_state.refusal
            recorder.end_run(self.run_state, status, last, self._add_last_notes, left_at)
        with internal_errors.suppress("showing the end of a run"):
            self.view.finish()
        with internal_errors.suppress("closing the root span"):
            close = self._root.drop if self.run_state.quiet else self._root.close
            with self._monitor.delivery.closing(run.trace_id):
                close(error)
        self._monitor.open_sessions.pop(run.run_id, None)

    def take_refusal(self) -> BudgetExceeded | None:
        """Return what a budget refused first, once: whoever ran the code must hear of it.

        Kept any longer it would hold the frames that it came through.
        """
        refusal, self.run_state.refusal = self.run_state.refusal, None
        return refusal

    def abort(self) -> None:
        """Have Sentry get what is known of the run, for the process ends; its view stays."""
        if not self.run_state.quiet:
            self._root.abort()

    def _add_last_notes(self) -> None:
        """Note what is known only now that all spans have ended."""
        run = self.run
        if not self.run_state.has_thread or self.view.waits_for_end:
            run.notes.append(_NO_THREAD)
        unsent = self._root.set_sent_status()
        if unsent:
            run.notes.append(
                f"{unsent:,} spans not sent to Sentry: over its limit for a transaction; "
                'with trace_lifecycle="stream" in sentry_sdk.init there is none'
            )
        run.notes += batches.notes(run)
        with internal_errors.suppress("settling a budget"):
            run.notes += last_notes(self.run_state)
        own_spans.set_data(self._root.sdk, _numbers(run))
        count = internal_errors.count - self.run_state.faults_before
        if count:
            run.incomplete = True
            run.notes.append(f"aimon_nb had {count} faults of its own here: this may be incomplete")
        # A quiet one is shown only once it has a call.
        elif run.status == "ok" and not (self.run_state.quiet or self.run_state.told_others):
            run.notes += _why_empty(run)


def _place(run: Run) -> dict[str, Any]:
    """Return which cell of which notebook a run is of, as far as that is known."""
    place = {
        "notebook.name": run.notebook,
        "notebook.cell.number": run.execution_count,
        "notebook.cell.id": run.cell_id,
    }
    return {key: value for key, value in place.items() if value is not None}


def _numbers(run: Run) -> dict[str, Any]:
    """Return what the root says of a batch and a budget: numbers, and no key of an item."""
    numbers = {"items": len(run.items) or None, "budget": run.options.get("budget")}
    return {name: number for name, number in numbers.items() if number is not None}


def _status_of(run_state: RunState, error: BaseException | None) -> RunStatus:
    status = status_of_run(error or run_state.refusal, stopped=run_state.stop)
    # Code that went on after an interrupt is well if it asked nothing more.
    return "interrupted" if status == "ok" and run_state.has_stopped_calls else status


def status_of_run(error: BaseException | None, *, stopped: bool = False) -> RunStatus:
    """How a run ended that this exception left.

    A run that was `stopped` is interrupted, whatever its code made of that: a
    destructor can swallow the KeyboardInterrupt, and the next call is refused.
    """
    if error is None:
        return "ok"
    if stopped:
        return "interrupted"
    # A group of tasks ends with a group of their errors; and what tried again may say `from` what.
    causes = (cause for one, _ in leaves(error) for cause in (one, getattr(one, "__cause__", None)))
    if any(isinstance(one, (BudgetExceeded, RefusedInPoolError)) for one in causes):
        return "over_budget"
    # ipykernel cancels the task of an async cell at an interrupt.
    interrupts = (KeyboardInterrupt, asyncio.CancelledError)
    return "interrupted" if isinstance(error, interrupts) else "error"


def _why_empty(run: Run) -> list[str]:
    """Return a line that says why a run has no span but its root; none if it has others."""
    if (
        run.unread
        or SPANS in run.caps
        or any(span_id != run.root_id for span_id in list(run.spans))
    ):
        return []
    local = [name for name in IN_PROCESS.values() if name in sys.modules]
    if local:
        reason = f"no model call crossed an HTTP client here; {local[0]} runs in this process"
        return [f"{reason}: record its tokens with record_token_usage"]
    return ["no span and no model call was heard in this cell"]
