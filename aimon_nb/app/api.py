"""What a user calls without a notebook: `install`, `track`, `runs`, `last_run`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

from aimon_nb.ai.track_options import Options
from aimon_nb.app import budgets, interrupts, settings
from aimon_nb.app.monitoring import monitor
from aimon_nb.app.run_session import RunSession
from aimon_nb.app.run_view import RunView
from aimon_nb.capture import context, recorder
from aimon_nb.model.budget import OnBudget
from aimon_nb.model.redaction import Redact, redaction
from aimon_nb.sentry import own_spans
from aimon_nb.views.live import environment
from aimon_nb.views.live.mimebundle import Save


def install(*, estimate: bool | None = None, redact: Redact | Literal[False] | None = None) -> None:
    """Start to track spans and model calls in this process (loading the extension does it).

    A second call puts nothing on twice. Importing the package never does it; the first
    tracked call, `track` and `set_ai_pipeline_name` do.

    Args:
        estimate: whether calls of which the provider tells no usage get tokens counted
            here, marked `~` and in no exact sum; `%config AimonMagics.estimate` is the
            same. None leaves it as it is: off at first.
        redact: a function `f(destination, kind, value)` that is asked for each text before it
            is saved, shown as a table, exported or sent, and returns what stands in its place;
            the live view has the text itself. `destination` is `notebook`, `table`,
            `export` or `sentry`; `kind` is `name`, `error`, `attribute` (tags, data and
            parameters too), `prompt`, `answer`, `argument`, `result` or `source`. Where it raises,
            or returns no text, the text is left out. None leaves it as it is, False takes it off.

    Example:
        install()  # at the top of a script: spans from here on are tracked
        with track("answer") as run:
            answer(question)

    Source: docs/ARCHITECTURE.md, "Everything undone" (what it puts on, unloading takes off).
    """
    monitor.install()
    if estimate is not None:
        monitor.configure(estimate=estimate)
    if redact is not None:
        redaction.hook = redact or None


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
        view: environment.View | None,
        save: Save | None,
        options: dict[str, Any],
        limits: dict[str, Any],
    ) -> None:
        self._name, self._view, self._save, self._options = name, view, save, options
        self._limits = limits
        self._open: list[RunSession] = []

    def __enter__(self) -> RunView:
        with interrupts.deferred_sigint() as pending:
            session = monitor.open(
                self._name, self._view, self._save, options=self._options, **self._limits
            )
            self._open.append(session)
        begins = frozenset({Track.__enter__.__code__, Track.__exit__.__code__})
        shell = environment.ipython_shell()
        if shell is not None:
            session.watch(shell, begins, pending=pending.is_set())
        else:
            session.begin()
            if pending.is_set():
                interrupts.resend()
        return RunView(session.run)

    def __exit__(self, ty: object, error: BaseException | None, tb: object) -> None:
        """Close the run that this code is in: tasks may share one `track`."""
        before, current = own_spans.snapshot_context(), context.current_run.get()
        session = next((one for one in self._open if one.run_state is current), self._open[-1])
        self._open.remove(session)
        if session.finish(error):
            # For the code that goes on.
            interrupts.resend()
        # A coroutine that was thrown away may be closed anywhere.
        if session.run_state is not current:
            own_spans.attach_snapshot(before)
        refusal = session.take_refusal()
        if refusal is not None and error is None:
            # The block's code went on after it: whoever runs it is to know.
            raise refusal

    async def __aenter__(self) -> RunView:
        return self.__enter__()

    async def __aexit__(self, ty: object, error: BaseException | None, tb: object) -> None:
        self.__exit__(ty, error, tb)


def track(
    name: str,
    *,
    view: environment.View | None = None,
    save: Save | None = None,
    budget: float | Decimal | None = None,
    max_calls: int | None = None,
    max_tokens: int | None = None,
    on_budget: OnBudget | None = None,
    **options: Any,
) -> Track:
    """Track a block of code as a run: `%%ai_track` without a notebook.

    Args:
        name: name of the run, its root span and its pipeline.
        view: how it is shown; `auto` is live in a notebook, text in a terminal
            IPython, the saved form at the end in marimo and nothing in a script.
        save: what a saved notebook keeps: `none`, `summary`, `tree`, or `full`, which
            alone keeps prompts. None for either is what `%config AimonMagics` says.
        budget: US dollars that it may spend. A model call that does not fit in, with what calls
            in flight are expected to cost, is not sent: it raises `BudgetExceeded`, as all
            later ones do, and so does the end of the block if its code went on.
        max_calls: model calls that it may send.
        max_tokens: tokens, in and out, that it may use.
        on_budget: `stop`, or `warn`: calls go on, and a line of the run says so.
        **options: `op`, `tags`, `data` and options of Sentry's span, as `ai_track` takes
            them; `%config AimonMagics.tags` are tags of every run.

    Returns:
        A context manager, sync and async, whose value is the run (a `RunView`).

    Raises:
        TypeError: an unknown option, or one of a wrong type.
        ValueError: an unknown `view`, `save` or `on_budget`, a limit that is not more than 0, or
            a tag's name that Sentry does not take.

    Example:
        with track("answer", tags={"team": "search"}, data={"questions": 12}) as run:
            answer(question)
        run.usage()

    Source: sentry-sdk's page on AI monitoring (the options); `%%ai_track`.
    """
    read = Options.of(name, options)
    settings.check(view=view, save=save, on_budget=on_budget)
    usd, calls, tokens = budgets.checked(budget, max_calls, max_tokens)
    settings.check_tags(read.tags)
    of_run = {"op": read.op, "tags": read.tags, "data": read.data, "span": read.span}
    run_settings = {"max_calls": calls, "max_tokens": tokens, "on_budget": on_budget}
    limits = {"budget": usd, "run_settings": run_settings}
    return Track(name, view, save, {key: value for key, value in of_run.items() if value}, limits)


def runs() -> list[RunView]:
    """Every run in memory, in the order they started: a run before those inside it.

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

    Of runs inside one another it is the outermost as soon as that is over: a tracked cell, not
    the last block of `track` in it.

    Returns:
        The run, which may still go on.

    Example:
        last_run().usage(by=["provider", "model"])

    Source: `%ai_show`, which shows it where no run is named.
    """
    run = recorder.last_run()
    return None if run is None else RunView(run)
