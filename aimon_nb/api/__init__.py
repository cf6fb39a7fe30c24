"""What the magics do, as plain Python: it works without a notebook too."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable
from types import CodeType
from typing import TYPE_CHECKING, Any

from aimon_nb.ai.hearing import hearing
from aimon_nb.ai.options import Options
from aimon_nb.api import interrupts
from aimon_nb.api.outputs import guard_of
from aimon_nb.api.run_view import RunView
from aimon_nb.model import Run, Span
from aimon_nb.model.run import RunStatus
from aimon_nb.pricing import overrides
from aimon_nb.pricing.book import book
from aimon_nb.recording import context, recorder
from aimon_nb.recording.caps import SPANS
from aimon_nb.recording.faults import faults
from aimon_nb.sentry import errors, spans
from aimon_nb.sentry.root import Root, open_root
from aimon_nb.views import place
from aimon_nb.views.bundle import KEEPS, Save
from aimon_nb.views.live import LiveView, Shown
from aimon_nb.wire.estimate import estimates

if TYPE_CHECKING:
    from aimon_nb.recording.records import Recording

# Libraries that run a model inside this process, past every HTTP client.
IN_PROCESS = ("transformers", "llama_cpp", "vllm", "ctransformers", "mlx_lm", "gpt4all")


class Monitor:
    """Everything of ours that is in place in this process, and its undo."""

    def __init__(self) -> None:
        self.recorder = recorder
        self.observer = hearing.observer
        self.client = hearing.client
        self.views: dict[str, LiveView] = {}
        self.view: place.View
        self.save: Save
        self.forget_defaults()
        self._remove: list[Any] = []

    def install(self) -> None:
        """Put the wraps on; a second call does nothing."""
        hearing.install()
        if not self._remove:
            book.find_span = _find_span
            self._remove = [self.recorder.on_event(self._show), overrides.on_change(self._reprice)]

    def uninstall(self) -> None:
        """Take everything off again; runs stay in memory."""
        hearing.uninstall()
        estimates.on = False
        for remove in self._remove:
            remove()
        self._remove = []
        self.recorder.close()
        for view in self.views.values():
            view.close()
        self.views.clear()
        self.forget_defaults()

    def forget_defaults(self) -> None:
        """Show and keep runs as if nobody had said how."""
        self.view, self.save = "auto", KEEPS

    def open(
        self,
        name: str,
        view: place.View | None = None,
        save: Save | None = None,
        *,
        options: dict[str, Any] | None = None,
        **facts: Any,
    ) -> Tracked:
        """Open a run, its root span and its view; None is what `%config` says.

        With `quiet=True` it is seen, sent and listed only once it has a model call.
        """
        self.install()
        hearing.frameworks.retry()
        mode = place.shown(view or self.view)
        options = dict(options or {})
        if place.keeps() and (save or self.save) != KEEPS:  # elsewhere nothing is kept
            options["save"] = save or self.save
        notes = []
        try:
            self.client.ensure()
        except Exception as error:
            notes.append(f"SENTRY_DSN cannot be used, spans stay here: {error}")
        root = open_root(self.recorder, self.observer, name, options=options, **facts)
        tracked = Tracked(self, root, mode)
        tracked.run.notes += notes
        self._forget_views()
        return tracked

    def _forget_views(self) -> None:
        """The recorder keeps so much of so many runs; what it let go is let go here too."""
        kept = {run_id: one.run for run_id, one in list(self.recorder.recordings.items())}
        for run_id in [i for i, view in self.views.items() if view.run is not kept.get(i)]:
            with faults.guard("letting a view go"):
                self.views.pop(run_id).close()

    def view_of(self, run: Run) -> LiveView:
        """The one view of a run; a run that had none gets one that nothing displays yet."""
        return self.views.setdefault(run.run_id, LiveView(run, "none"))

    def _show(self, recording: Recording, changed: set[str]) -> None:
        view = self.views.get(recording.run.run_id)
        if view is not None:
            view.update(changed)

    def _reprice(self) -> None:
        self.recorder.reprice()


class Tracked:
    """A run that is open: `finish` closes it, whatever happened."""

    def __init__(self, monitor: Monitor, root: Root, mode: Shown) -> None:
        self._monitor, self._root = monitor, root
        self.recording = root.recording
        self.run = root.recording.run
        view = LiveView(self.run, mode, waits=self.recording.quiet)
        with faults.guard("opening the view"):
            view.open()
        monitor.views[self.run.run_id] = view
        self.view = view
        self._unwatch: Callable[[], None] | None = None
        self._output: str | None = None
        with faults.guard("describing the root span"):
            spans.set_tags(root.sdk, self.run.options.get("tags", {}))
            spans.set_data(root.sdk, self.run.options.get("data", {}))

    def watch(
        self,
        shell: Any,
        begins: frozenset[CodeType],
        ends: frozenset[CodeType] = frozenset(),
        *,
        came: bool,
    ) -> None:
        """Stand guard over the code that runs now: its interrupt, and its output in this shell."""
        with faults.guard("watching the output"):
            self._guard = guard_of(shell)
            self._output = self._guard.watch(self.view)
        with faults.guard("watching for an interrupt"):
            self._unwatch = interrupts.watch(self.recording, begins, ends, came=came)

    def finish(self, error: BaseException | None) -> bool:
        """Close the run, let no interrupt fall into that, and tell whether one came."""
        with interrupts.deferred() as came:
            with faults.guard("letting the output go"):
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
        if self.recording.quiet:
            self._monitor.recorder.drain()
        run, status = self.run, status_of_run(error, stopped=self.recording.stop)
        op = run.options.get("op") or "ai.pipeline"
        with faults.guard("showing that a run is over"):
            self.view.over(status)
        with faults.guard("capturing an error"):
            if status == "error" and error is not None and not self.recording.quiet:
                tags = run.options.get("tags")
                errors.capture(error, run.name, op, self._root.sdk, tags=tags)
        with faults.guard("leaving a run"):
            self._root.leave()
        with faults.guard("ending a run"):
            self._monitor.recorder.end_run(self.recording, status, error, self._last_words)
        with faults.guard("showing the end of a run"):
            self.view.finish()
        with faults.guard("closing the root span"):
            close = self._root.drop if self.recording.quiet else self._root.close
            close(error)

    def _last_words(self) -> None:
        run = self.run
        unsent = self._root.mark_sent()
        if unsent:
            said = f"{unsent:,} spans not sent to Sentry: over its limit for a transaction"
            run.notes.append(said)
        count = faults.count - self.recording.faults_before
        if count:
            run.incomplete = True
            run.notes.append(f"aimon_nb had {count} faults of its own here: this may be incomplete")
        elif (
            run.status == "ok" and not self.recording.quiet
        ):  # such a run is shown when it has a call
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
    local = [name for name in IN_PROCESS if name in sys.modules]
    if local:
        said = f"no model call crossed an HTTP client here; {local[0]} runs in this process"
        return [f"{said}: record its tokens with record_token_usage"]
    return ["no span and no model call was heard in this cell"]


def _find_span(span_id: str) -> Span | None:
    found = (run.spans.get(span_id) for run in reversed(recorder.runs()))
    return next((span for span in found if span is not None), None)


monitor = Monitor()


def install(*, estimate: bool | None = None) -> None:
    """Start to hear spans and model calls in this process (loading the extension does it).

    A second call puts nothing on twice. Importing the package never does it; the first
    tracked call, `track` and `set_ai_pipeline_name` do.

    Args:
        estimate: whether calls of which the provider tells no usage get tokens counted
            here, marked `~` and in no exact sum; `%config AimonMagics.estimate` is the
            same. None leaves it as it is: off at first.

    Example:
        install()  # at the top of a script: spans from here on are heard
        with track("answer") as run:
            answer(question)

    Source: docs/ARCHITECTURE.md, "Everything undone" (what it puts on, unloading takes off).
    """
    monitor.install()
    if estimate is not None:
        estimates.on = estimate


class Track:
    """What `track` gives: `with` and `async with` open a run and close it.

    It may be used again, also in itself and in several tasks or threads at once: each
    time it is a run of its own.

    Example:
        answering = track("answer")
        async with answering as run:
            await answer(question)

    Source: `%%ai_track`, of which it is the form without a notebook.
    """

    def __init__(
        self,
        name: str,
        view: place.View | None,
        save: Save | None,
        facts: dict[str, Any],
    ) -> None:
        self._name, self._view, self._save, self._facts = name, view, save, facts
        self._open: list[Tracked] = []

    def __enter__(self) -> RunView:
        with interrupts.deferred() as came:
            tracked = monitor.open(self._name, self._view, self._save, options=self._facts)
            self._open.append(tracked)
        begins = frozenset({Track.__enter__.__code__, Track.__exit__.__code__})
        shell = place.shell()
        if shell is not None:
            tracked.watch(shell, begins, came=came.is_set())
        elif came.is_set():
            interrupts.again()
        return RunView(tracked.run)

    def __exit__(self, ty: object, error: BaseException | None, tb: object) -> None:
        """Close the run that this code is in: tasks may share one `track`."""
        here, inside = spans.here(), context.recording.get()
        mine = next((t for t in self._open if t.recording is inside), self._open[-1])
        self._open.remove(mine)
        if mine.finish(error):
            interrupts.again()  # for the code that goes on
        if mine.recording is not inside:  # a coroutine thrown away, closed who knows where
            spans.put(here)

    async def __aenter__(self) -> RunView:
        return self.__enter__()

    async def __aexit__(self, ty: object, error: BaseException | None, tb: object) -> None:
        self.__exit__(ty, error, tb)


def track(
    name: str,
    *,
    view: place.View | None = None,
    save: Save | None = None,
    **options: Any,
) -> Track:
    """Track a block of code as a run: `%%ai_track` without a notebook.

    Args:
        name: name of the run, its root span and its pipeline.
        view: how it is shown; `auto` is live in a notebook, text in a terminal
            IPython, the saved form at the end in marimo and nothing in a script.
        save: what a saved notebook keeps: `none`, `summary`, `tree`, or `full`, which
            alone keeps prompts. None for either is what `%config AimonMagics` says.
        **options: `op`, `sentry_tags`, `sentry_data` and options of Sentry's span, as
            `ai_track` takes them.

    Returns:
        A context manager, sync and async, whose value is the run (a `RunView`).

    Raises:
        TypeError: an unknown option, or one of a wrong type.
        ValueError: an unknown `view` or `save`.

    Example:
        with track("answer", sentry_tags={"model": "gpt-4"}) as run:
            answer(question)
        run.usage()

    Source: sentry-sdk's page on AI monitoring (the options); `%%ai_track`.
    """
    told = Options.of(name, options)
    place.check(view, save)
    facts = {"op": told.op, "tags": told.tags, "data": told.data, "span": told.span}
    return Track(name, view, save, {key: value for key, value in facts.items() if value})


def runs() -> list[RunView]:
    """Every run in memory, oldest first.

    How many are kept, and how much of each, `%config AimonMagics` says.

    Returns:
        A list of runs, those that go on among them; empty before the first.

    Example:
        [run.name for run in runs() if run.status == "error"]

    Source: `%ai_show NAME`, which shows one of them.
    """
    return [RunView(run) for run in recorder.runs()]


def last_run() -> RunView | None:
    """The run that started last, or None before the first.

    Returns:
        The run, which may still go on.

    Example:
        last_run().usage(by=["provider", "model"])

    Source: `%ai_show`, which shows it where no run is named.
    """
    found: Iterable[RunView] = reversed(runs())
    return next(iter(found), None)
