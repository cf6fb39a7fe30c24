"""A run from its opening to its end: its view, its output, its interrupt, its last note."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from types import CodeType
from typing import TYPE_CHECKING, Any

from aimon_nb.app import interrupts
from aimon_nb.app.clear_output import guard_of
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.limits import SPANS
from aimon_nb.model import Run
from aimon_nb.model.run import RunStatus
from aimon_nb.providers import IN_PROCESS
from aimon_nb.sentry import error_events, own_spans
from aimon_nb.sentry.root_span import RootSpan
from aimon_nb.views.live.run_display import RunDisplay, Shown

if TYPE_CHECKING:
    from aimon_nb.app.monitoring import Monitor


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
        self._output: str | None = None
        with internal_errors.suppress("describing the root span"):
            own_spans.set_tags(root.sdk, self.run.options.get("tags", {}))
            own_spans.set_data(root.sdk, self.run.options.get("data", {}))

    def watch(
        self,
        shell: Any,
        begins: frozenset[CodeType],
        ends: frozenset[CodeType] = frozenset(),
        *,
        pending: bool,
    ) -> None:
        """Stand guard over the code that runs now: its interrupt, and its output in this shell."""
        with internal_errors.suppress("watching the output"):
            self._guard = guard_of(shell)
            self._output = self._guard.watch(self.view)
        with internal_errors.suppress("watching for an interrupt"):
            self._unwatch = interrupts.watch(self.run_state, begins, ends, pending=pending)

    def finish(self, error: BaseException | None) -> bool:
        """Close the run, let no interrupt fall into that, and tell whether one came."""
        with interrupts.deferred_sigint() as came:
            with internal_errors.suppress("letting the output go"):
                if self._output is not None:
                    self._guard.release(self._output, self.view)
            self.end(error)
        if self._unwatch is not None:
            self._unwatch()
        return came.is_set()

    def end(self, error: BaseException | None) -> None:
        """Close the run in the order that leaves nothing half-said.

        That it is over at once; then the error, the answers still on their way, the
        picture, and only then the root, for there Sentry serialises the whole run.
        """
        if self.run_state.quiet:
            self._monitor.recorder.drain()
        run, status = self.run, status_of_run(error, stopped=self.run_state.stop)
        op = run.options.get("op") or "ai.pipeline"
        with internal_errors.suppress("showing that a run is over"):
            self.view.mark_ended(status)
        with internal_errors.suppress("capturing an error"):
            if status == "error" and error is not None and not self.run_state.quiet:
                tags = run.options.get("tags")
                error_events.capture(error, run.name, op, self._root.sdk, tags=tags)
        with internal_errors.suppress("leaving a run"):
            self._root.leave()
        with internal_errors.suppress("ending a run"):
            self._monitor.recorder.end_run(self.run_state, status, error, self._last_words)
        with internal_errors.suppress("showing the end of a run"):
            self.view.finish()
        with internal_errors.suppress("closing the root span"):
            close = self._root.drop if self.run_state.quiet else self._root.close
            close(error)

    def _last_words(self) -> None:
        run = self.run
        unsent = self._root.mark_sent()
        if unsent:
            said = f"{unsent:,} spans not sent to Sentry: over its limit for a transaction"
            run.notes.append(said)
        count = internal_errors.count - self.run_state.faults_before
        if count:
            run.incomplete = True
            run.notes.append(f"aimon_nb had {count} faults of its own here: this may be incomplete")
        elif run.status == "ok" and not self.run_state.quiet:  # a quiet one is shown with a call
            run.notes += _why_empty(run)


def status_of_run(error: BaseException | None, *, stopped: bool = False) -> RunStatus:
    """How a run ended that this exception left.

    A run that was `stopped` is interrupted, whatever its code made of that: a
    destructor can swallow the KeyboardInterrupt, and the next call is refused.
    """
    if error is None:
        return "ok"
    if stopped:
        return "interrupted"
    # ipykernel cancels the task of an async cell at an interrupt.
    interrupts = (KeyboardInterrupt, asyncio.CancelledError)
    return "interrupted" if isinstance(error, interrupts) else "error"


def _why_empty(run: Run) -> list[str]:
    if SPANS in run.caps or any(span_id != run.root_id for span_id in list(run.spans)):
        return []
    local = [name for name in IN_PROCESS.values() if name in sys.modules]
    if local:
        said = f"no model call crossed an HTTP client here; {local[0]} runs in this process"
        return [f"{said}: record its tokens with record_token_usage"]
    return ["no span and no model call was heard in this cell"]
