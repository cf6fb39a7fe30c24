"""The magics: declarations and delegation only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import (
    Magics,
    line_cell_magic,
    line_magic,
    magics_class,
    no_var_expand,
    output_can_be_silenced,
)
from IPython.core.magic_arguments import argument
from traitlets import All, observe

from aimon_nb.app import Monitor, sending
from aimon_nb.app.run_view import RunView
from aimon_nb.capture import context
from aimon_nb.model.redaction import redaction
from aimon_nb.notebook import header, run_selection, setting_traits
from aimon_nb.views.static.sending import SendingView
from aimon_nb.views.tables import frames

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from aimon_nb.notebook.cell import CellTracker


@magics_class
class AimonMagics(Magics):
    """Magics of aimon_nb, and its settings."""

    # Not a base class: `%config` would say its name, and take a section of that name.
    vars().update(setting_traits.traits())

    def __init__(self, shell: Any, tracker: CellTracker, monitor: Monitor, **settings: Any) -> None:
        self.tracker, self._monitor = tracker, monitor
        # Settings that a configuration file or `%config` gives.
        self.explicit: dict[str, Any] = {}
        super().__init__(shell, **settings)
        # Not by the observer: traitlets calls none for a value that is the trait's own
        # default, though the environment has given another one.
        self._configure(setting_traits.explicit_values(self))

    @observe(All)
    def _on_change(self, change: Any) -> None:
        if change["name"] in setting_traits.NAMES:
            self._configure({change["name"]: change["new"]})

    def _configure(self, values: dict[str, Any]) -> None:
        self.explicit |= values
        # Not kept here alone: `track` goes by them, too.
        self._monitor.configure(**values)

    @no_var_expand
    @output_can_be_silenced
    @line_cell_magic
    def ai_track(self, line: str, cell: str | None = None) -> Any:
        """Track a cell, or with one `%` a statement; see `%%ai_track -h`."""
        __tracebackhide__ = True
        if cell is None and line.strip() not in ("", "-h", "--help"):
            return self.tracker.run_statement(line)
        if header.parse(line).help:
            print(header.help_text())  # noqa: T201
            return None
        if cell is None:
            raise UsageError("%ai_track needs a statement, %%ai_track a cell; -h shows help")
        return self.tracker.run_nested(line, cell)

    @no_var_expand
    @header.with_help
    @argument("name", nargs="*", help="name of the pipeline; it may hold spaces")
    @argument("--clear", action="store_true", help="have no pipeline")
    @line_magic
    def ai_pipeline(self, args: Any) -> str | None:
        """Show, set or clear the notebook's pipeline.

        It names the pipeline of cells without a name of their own.

        Example:
            %ai_pipeline nightly
        """
        name = " ".join(args.name)
        if args.clear and name:
            raise UsageError(f"give a name or --clear, not both (got {name!r})")
        if args.clear:
            context.default_pipeline = None
        elif name:
            context.default_pipeline = name
        return context.default_pipeline if not (name or args.clear) else None

    @no_var_expand
    @header.with_help
    @argument("state", nargs="?", help="on or off (default: show which)")
    @line_magic
    def ai_auto(self, args: Any) -> str | None:
        """Track every cell from the next one on, or no longer.

        A cell without a model call shows nothing and is no run.

        Example:
            %ai_auto on
        """
        state = args.state
        if state is None:
            return "on" if self._monitor.settings.auto else "off"
        if state not in ("on", "off"):
            raise UsageError(f"%ai_auto takes on or off, or nothing to show which; got {state!r}")
        self.auto = state == "on"
        return None

    @no_var_expand
    @header.with_help
    @argument("--by", default="model", help="comma list of: " + ", ".join(frames.KEYS))
    @run_selection.options
    @line_magic
    def ai_usage(self, args: Any) -> pd.DataFrame | Path:
        """Calls, tokens and cost as a DataFrame, a row a group.

        Example:
            %ai_usage --by model,day --since 2h
        """
        keys = [name.strip() for name in args.by.split(",") if name.strip()]
        with run_selection.one_line():
            runs = run_selection.runs(args)
            if args.to is not None:
                return run_selection.write(args, runs, by=keys)
            return frames.usage([redaction.run("table", run) for run in runs], keys)

    @no_var_expand
    @header.with_help
    @argument("--content", action="store_true", help="with prompts and answers")
    @run_selection.options
    @line_magic
    def ai_spans(self, args: Any) -> pd.DataFrame | Path:
        """The spans as a DataFrame, a row a span, in the order of the tree.

        A DataFrame that is shown is saved with the notebook: `--content` too.

        Example:
            %ai_spans --to spans.parquet
        """
        with run_selection.one_line():
            runs = run_selection.runs(args)
            if args.to is not None:
                return run_selection.write(args, runs, content=args.content)
            shown = [redaction.run("table", run) for run in runs]
            return frames.spans(shown, content=args.content)

    @no_var_expand
    @header.with_help
    @argument("name", nargs="*", help="a run's id or name (default: the last run)")
    @line_magic
    def ai_show(self, args: Any) -> RunView | None:
        """Open the live view of a run again, from memory.

        Example:
            %ai_show summarise
        """
        with run_selection.one_line():
            runs = run_selection.named(" ".join(args.name) or None)
        return RunView(runs[-1]) if runs else None

    @no_var_expand
    @header.with_help
    @argument("action", nargs="?", choices=["test"], help="send one, and say what came back")
    @line_magic
    def ai_sentry(self, args: Any) -> SendingView | None:
        """Where spans go, and what became of them there: sent, not sent and why.

        `AimonMagics.sentry_url` makes the last run's trace a link.

        Example:
            %ai_sentry test
        """
        if args.action == "test":
            print(sending.send_one())  # noqa: T201 (the user wants it)
            return None
        return SendingView(sending.status(self._monitor.settings.sentry_url))
