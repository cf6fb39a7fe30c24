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
from traitlets import Bool, Enum, Int, observe

from aimon_nb.app import Monitor
from aimon_nb.app.run_view import RunView
from aimon_nb.capture import context, recorder
from aimon_nb.capture.limits import Limits
from aimon_nb.notebook import header, run_selection
from aimon_nb.views.tables import frames
from aimon_nb.wire.token_estimate import estimates

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from aimon_nb.notebook.cell import CellTracker


_DEFAULTS = Limits()


@magics_class
class AimonMagics(Magics):
    """Magics of aimon_nb, and its settings."""

    view = Enum(header.VIEWS, "auto", help="default of --view").tag(config=True)
    save = Enum(header.SAVES, "tree", help="default of --save").tag(config=True)
    estimate = Bool(
        default_value=False,
        help="Where a provider tells no usage, count tokens here: marked ~, in no exact sum.",
    ).tag(config=True)

    auto = Bool(
        default_value=False, help="Track every cell; one without a model call shows nothing."
    ).tag(config=True)
    max_spans = Int(
        _DEFAULTS.spans, min=1, help="Spans a run: later ones fold; what they cost is counted."
    ).tag(config=True)
    max_attribute_bytes = Int(
        _DEFAULTS.attribute_bytes, min=0, help="Bytes of attributes kept of a span."
    ).tag(config=True)
    max_runs = Int(_DEFAULTS.runs, min=1, help="Finished runs kept in memory.").tag(config=True)

    def __init__(self, shell: Any, tracker: CellTracker, monitor: Monitor, **settings: Any) -> None:
        self.tracker, self._monitor = tracker, monitor
        super().__init__(shell, **settings)

    @observe("view", "save")
    def _shown(self, change: Any) -> None:
        setattr(self._monitor, change["name"], change["new"])  # `track` goes by them too

    @observe("estimate")
    def _estimated(self, change: Any) -> None:
        estimates.on = change["new"]

    @observe("auto")
    def _tracked(self, change: Any) -> None:
        self.tracker.auto = change["new"]

    @observe("max_spans", "max_attribute_bytes", "max_runs")
    def _limited(self, _: Any) -> None:
        recorder.limits = Limits(self.max_spans, self.max_attribute_bytes, self.max_runs)

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
    def ai_pipeline(self, asked: Any) -> str | None:
        """Show, set or clear the notebook's pipeline.

        It names the pipeline of cells without a name of their own.

        Example:
            %ai_pipeline nightly
        """
        name = " ".join(asked.name)
        if asked.clear and name:
            raise UsageError(f"give a name or --clear, not both (got {name!r})")
        if asked.clear:
            context.default_pipeline = None
        elif name:
            context.default_pipeline = name
        return context.default_pipeline if not (name or asked.clear) else None

    @no_var_expand
    @header.with_help
    @argument("state", nargs="?", help="on or off (default: show which)")
    @line_magic
    def ai_auto(self, asked: Any) -> str | None:
        """Track every cell from the next one on, or no longer.

        A cell without a model call shows nothing and is no run.

        Example:
            %ai_auto on
        """
        state = asked.state
        if state is None:
            return "on" if self.auto else "off"
        if state not in ("on", "off"):
            raise UsageError(f"%ai_auto takes on or off, or nothing to show which; got {state!r}")
        self.auto = state == "on"
        return None

    @no_var_expand
    @header.with_help
    @argument("--by", default="model", help="comma list of: " + ", ".join(frames.KEYS))
    @run_selection.options
    @line_magic
    def ai_usage(self, asked: Any) -> pd.DataFrame | Path:
        """Calls, tokens and cost as a DataFrame, a row a group.

        Example:
            %ai_usage --by model,day --since 2h
        """
        keys = [name.strip() for name in asked.by.split(",") if name.strip()]
        with run_selection.one_line():
            runs = run_selection.runs(asked)
            if asked.to is not None:
                return run_selection.write(asked, runs, by=keys)
            return frames.usage(runs, keys)

    @no_var_expand
    @header.with_help
    @argument("--content", action="store_true", help="with prompts and answers")
    @run_selection.options
    @line_magic
    def ai_spans(self, asked: Any) -> pd.DataFrame | Path:
        """The spans as a DataFrame, a row a span, in the order of the tree.

        A DataFrame that is shown is saved with the notebook: `--content` too.

        Example:
            %ai_spans --to spans.parquet
        """
        with run_selection.one_line():
            runs = run_selection.runs(asked)
            if asked.to is not None:
                return run_selection.write(asked, runs, content=asked.content)
            return frames.spans(runs, content=asked.content)

    @no_var_expand
    @header.with_help
    @argument("name", nargs="*", help="a run's id or name (default: the last run)")
    @line_magic
    def ai_show(self, asked: Any) -> RunView | None:
        """Open the live view of a run again, from memory.

        Example:
            %ai_show summarise
        """
        with run_selection.one_line():
            found = run_selection.named(" ".join(asked.name) or None)
        return RunView(found[-1]) if found else None
