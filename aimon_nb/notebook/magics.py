"""The magics: declarations and delegation only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, line_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring

from aimon_nb.api import RunView
from aimon_nb.model import Run
from aimon_nb.notebook import options
from aimon_nb.recording import context, recorder
from aimon_nb.views import frames

if TYPE_CHECKING:
    import pandas as pd

    from aimon_nb.notebook.cell import CellTracker


@magics_class
class AimonMagics(Magics):
    """Magics of aimon_nb."""

    tracker: CellTracker

    @no_var_expand
    @cell_magic
    def ai_track(self, line: str, cell: str) -> Any:
        """Track a cell; see `%%ai_track -h`."""
        __tracebackhide__ = True
        if options.parse(line).help:
            print(options.help_text())  # noqa: T201
            return None
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
    @argument("--run", default=None, help="a run's id or name (default: the last run)")
    @line_magic
    def ai_usage(self, line: str) -> pd.DataFrame:
        """Calls, tokens and cost as a DataFrame, a row a group."""
        asked = parse_argstring(self.ai_usage, line)
        keys = [name.strip() for name in asked.by.split(",")]
        try:
            return frames.usage(_chosen(asked.run), keys)
        except ValueError as error:
            raise UsageError(str(error)) from None

    @no_var_expand
    @magic_arguments()
    @argument("--run", default=None, help="a run's id or name (default: the last run)")
    @line_magic
    def ai_spans(self, line: str) -> pd.DataFrame:
        """The spans as a DataFrame, a row a span, in the order of the tree."""
        asked = parse_argstring(self.ai_spans, line)
        return frames.spans(_chosen(asked.run))

    @no_var_expand
    @magic_arguments()
    @argument("run", nargs="*", help="a run's id or name (default: the last run)")
    @line_magic
    def ai_show(self, line: str) -> RunView | None:
        """Open the live view of a run again, from memory."""
        asked = parse_argstring(self.ai_show, line)
        found = _chosen(" ".join(asked.run) or None)
        return RunView(found[0]) if found else None


def _chosen(name: str | None) -> list[Run]:
    found = recorder.runs()
    if name is None:
        return found[-1:]
    chosen = [run for run in found if name in (run.run_id, run.name)]
    if not chosen:
        known = ", ".join(dict.fromkeys(run.name for run in found)) or "none yet"
        raise UsageError(f"no run {name!r} in memory; there are: {known}")
    return chosen[-1:]
