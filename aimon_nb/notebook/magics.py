"""The magics: declarations and delegation only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring
from traitlets import Bool, observe

from aimon_nb.api import RunView, install
from aimon_nb.notebook import chosen, options
from aimon_nb.recording import context
from aimon_nb.views import frames

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from aimon_nb.notebook.cell import CellTracker


@magics_class
class AimonMagics(Magics):
    """Magics of aimon_nb."""

    tracker: CellTracker
    estimate = Bool(
        default_value=False,
        help="Where a provider tells no usage, count tokens here: marked ~, in no exact sum.",
    ).tag(config=True)

    @observe("estimate")
    def _estimate(self, change: Any) -> None:
        install(estimate=change["new"])

    @no_var_expand
    @line_cell_magic
    def ai_track(self, line: str, cell: str | None = None) -> Any:
        """Track a cell, or with one `%` a statement; see `%%ai_track -h`."""
        __tracebackhide__ = True
        if cell is None and line.strip() not in ("", "-h", "--help"):
            return self.tracker.run_statement(line)
        if options.parse(line).help:
            print(options.help_text())  # noqa: T201
            return None
        if cell is None:
            raise UsageError("%ai_track needs a statement, %%ai_track a cell; -h shows help")
        return self.tracker.run_nested(line, cell)

    @no_var_expand
    @magic_arguments()
    @argument("name", nargs="*", help="name of the pipeline; it may hold spaces")
    @argument("--clear", action="store_true", help="have no pipeline")
    @line_magic
    def ai_pipeline(self, line: str) -> str | None:
        """Show, set or clear the notebook's pipeline.

        It names the pipeline of cells without a name of their own.
        """
        asked = parse_argstring(self.ai_pipeline, line)
        name = " ".join(asked.name)
        if asked.clear and name:
            raise UsageError(f"give a name or --clear, not both (got {name!r})")
        if asked.clear:
            context.default_pipeline = None
        elif name:
            context.default_pipeline = name
        return context.default_pipeline if not (name or asked.clear) else None

    @no_var_expand
    @magic_arguments()
    @argument("--by", default="model", help="comma list of: " + ", ".join(frames.KEYS))
    @chosen.options
    @line_magic
    def ai_usage(self, line: str) -> pd.DataFrame | Path:
        """Calls, tokens and cost as a DataFrame, a row a group.

        %ai_usage --by model,day --since 2h
        """
        asked = parse_argstring(self.ai_usage, line)
        keys = [name.strip() for name in asked.by.split(",") if name.strip()]
        with chosen.one_line():
            runs = chosen.runs(asked)
            if asked.to is not None:
                return chosen.write(asked, runs, by=keys)
            return frames.usage(runs, keys)

    @no_var_expand
    @magic_arguments()
    @argument("--content", action="store_true", help="with prompts and answers")
    @chosen.options
    @line_magic
    def ai_spans(self, line: str) -> pd.DataFrame | Path:
        """The spans as a DataFrame, a row a span, in the order of the tree.

        A DataFrame that is shown is saved with the notebook: `--content` too.

        %ai_spans --to spans.parquet
        """
        asked = parse_argstring(self.ai_spans, line)
        with chosen.one_line():
            runs = chosen.runs(asked)
            if asked.to is not None:
                return chosen.write(asked, runs, content=asked.content)
            return frames.spans(runs, content=asked.content)

    @no_var_expand
    @magic_arguments()
    @argument("name", nargs="*", help="a run's id or name (default: the last run)")
    @line_magic
    def ai_show(self, line: str) -> RunView | None:
        """Open the live view of a run again, from memory."""
        asked = parse_argstring(self.ai_show, line)
        with chosen.one_line():
            found = chosen.named(" ".join(asked.name) or None)
        return RunView(found[-1]) if found else None
