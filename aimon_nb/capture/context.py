"""Where code stands: the run, the span it is in, the pipeline.

Sentry's scopes are shared between the tasks of one `gather`, so its parents are
wrong there. Ours live in ContextVars, which tasks copy; threads and pools do not:
`propagation` takes them there.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from contextvars import ContextVar
from typing import Any

from aimon_nb.capture.items import current_item
from aimon_nb.capture.state import OpenSpan, RunState, TaskAndThread, TrackedCall
from aimon_nb.model.caller import Caller

current_span: ContextVar[OpenSpan | None] = ContextVar("aimon_nb_span", default=None)
current_run: ContextVar[RunState | None] = ContextVar("aimon_nb_run", default=None)
current_pipeline: ContextVar[str | None] = ContextVar("aimon_nb_pipeline", default=None)
current_invocation: ContextVar[TrackedCall | None] = ContextVar("aimon_nb_tracked", default=None)
# When the untracked cell began that began this code, by the recorder's clock: code of a run, of
# a script, and what was begun before we were loaded or beside our hooks has None.
untracked_cell: ContextVar[int | None] = ContextVar("aimon_nb_untracked_cell", default=None)
# Where the task, thread or job that runs here was begun; of a job `this_thread` knows it, too.
started_at: ContextVar[Caller | None] = ContextVar("aimon_nb_started_at", default=None)
PROPAGATED: tuple[ContextVar[Any], ...] = (
    current_run,
    current_span,
    current_pipeline,
    untracked_cell,
    started_at,
    current_item,
    current_invocation,
)

# The notebook's own (`%ai_pipeline`): for code in no pipeline of its own. A plain
# variable, for what an async cell sets in a ContextVar dies with its task.
default_pipeline: str | None = None


class _ThreadState(threading.local):
    """What a thread knows of itself, whatever context its code runs in."""

    job_begun_at: Caller | None = None  # the job of a pool that it runs

    def __init__(self) -> None:
        # Half as dear to ask for here as by `threading.current_thread()`.
        self.thread = threading.current_thread()


this_thread = _ThreadState()


def pipeline_name() -> str | None:
    """The pipeline that code runs in."""
    return current_pipeline.get() or default_pipeline


def nearest_open(open_span: OpenSpan | None) -> OpenSpan | None:
    """The nearest span that may be a parent: open and, when a call, not answered yet.

    It always ends: `entered_from` is set once, before a span is current, and `parent` when it
    is made.
    """
    while open_span is not None:
        if open_span.t1 is not None:
            open_span = open_span.entered_from
        elif open_span.model_request is not None and open_span.model_request.ok is True:
            open_span = open_span.parent
        else:
            return open_span
    return None


def is_of_another_cell(run_state: RunState) -> bool:
    """Whether this code is in no run, and was begun by another cell than the one this run is of.

    False where nobody knows what began it: then the only open run takes it. A run that no
    cell opened may be left open for the cells that follow.
    """
    cell = untracked_cell.get()
    if cell is None or cell == run_state.untracked_cell or current_run.get() is not None:
        return False
    return cell < run_state.t0 or run_state.run.execution_count is not None


def task_and_thread() -> TaskAndThread:
    """The (task, thread) that runs now: references, for a dead one's id is soon another's."""
    thread = weakref.ref(threading.current_thread())
    try:
        task = asyncio.current_task()
    except RuntimeError:
        task = None
    return (None if task is None else weakref.ref(task)), thread


def current_context() -> tuple[Any, ...]:
    """Return the values of our context variables."""
    return tuple(var.get() for var in PROPAGATED)


def attach(values: tuple[Any, ...]) -> None:
    """Set our context variables to what `current_context()` returned.

    Never `reset(token)`: a cell or a generator may end in another context.
    """
    for var, value in zip(PROPAGATED, values, strict=True):
        var.set(value)
