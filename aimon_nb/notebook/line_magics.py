"""What the line magics do with their options, which `magics` declares."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from aimon_nb.app.run_view import RunView
from aimon_nb.capture import context
from aimon_nb.capture.redact import redact_name
from aimon_nb.model import Run
from aimon_nb.model.redaction import redaction
from aimon_nb.notebook import run_selection
from aimon_nb.views.tables import frames

if TYPE_CHECKING:
    import pandas as pd


def pipeline(args: Any) -> str | None:
    """Set or clear the notebook's pipeline; return it where that is asked."""
    name = " ".join(args.name)
    if args.clear and name:
        raise UsageError(f"give a name or --clear, not both (got {name!r})")
    if args.clear:
        context.default_pipeline = None
    elif name:
        context.default_pipeline = redact_name(name)
    return context.default_pipeline if not (name or args.clear) else None


def usage(args: Any) -> pd.DataFrame | Path:
    """Return usage by group, or the file that it is written to."""
    keys = [name.strip() for name in args.by.split(",") if name.strip()]
    with run_selection.one_line():
        runs = run_selection.runs(args)
        if args.to is not None:
            return run_selection.write(args, runs, by=keys)
        return frames.usage(_as_tables(runs), keys)


def spans(args: Any) -> pd.DataFrame | Path:
    """Return the spans, or the file that they are written to."""
    with run_selection.one_line():
        runs = run_selection.runs(args)
        if args.to is not None:
            return run_selection.write(args, runs, content=args.content)
        return frames.spans(_as_tables(runs), content=args.content)


def all_runs() -> pd.DataFrame:
    """Return the runs in memory, a row each."""
    return frames.runs(_as_tables(run_selection.all_runs()))


def _as_tables(runs: list[Run]) -> list[Run]:
    """Return the runs as the user wants them in a table that is shown (`install(redact=…)`)."""
    return [redaction.run("table", run) for run in runs]


def show(args: Any) -> RunView | None:
    """Return the run that is named, the last one without a name; None before the first."""
    with run_selection.one_line():
        runs = run_selection.named(" ".join(args.name) or None)
    return RunView(runs[-1]) if runs else None
