"""A run as its user has it: tables, text, files and the live view."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

from aimon_nb.app.run_calls import RunCalls
from aimon_nb.model.redaction import redaction
from aimon_nb.model.run import RunStatus
from aimon_nb.views.live.run_display import display_of
from aimon_nb.views.static import text
from aimon_nb.views.tables import frames
from aimon_nb.views.tables.usage_table import UsageTable

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from aimon_nb.views.live.widget import RunWidget

Keys = str | Sequence[str]


class RunView(RunCalls):
    """A run as its user has it: tables and text, always of its latest state.

    As the last line of a cell it shows itself: live, or as text in a terminal.

    Example:
        run = last_run()
        run.usage()

    Source: docs/schema.md (the columns), docs/cost.md (what counts, and what it costs).
    """

    @property
    def run_id(self) -> str:
        """Its id; ids sort by start."""
        return self._run.run_id

    @property
    def name(self) -> str:
        """The NAME it was tracked under."""
        return self._run.name

    @property
    def status(self) -> RunStatus:
        """How it stands: `running`, `ok`, `error`, `interrupted` …."""
        return self._run.status

    def spans(self, *, content: bool = False) -> pd.DataFrame:
        """A row a span, in the order of the tree; NA for what is unknown.

        Args:
            content: whether `input_text` and `output_text` hold prompts, answers, arguments
                and results; a DataFrame that is shown is saved with the notebook.

        Returns:
            Durations in seconds, `start` in UTC, money in US dollars, tokens as counts.

        Example:
            run.spans().nlargest(5, "duration_s")[["name", "duration_s", "cost_usd"]]
        """
        return frames.spans([redaction.run("table", self._latest)], content=content)

    @overload
    def usage(self, by: Keys = ..., *, styled: Literal[False] = ...) -> pd.DataFrame: ...
    @overload
    def usage(self, by: Keys = ..., *, styled: Literal[True]) -> UsageTable: ...
    def usage(self, by: Keys = ("model",), *, styled: bool = False) -> pd.DataFrame | UsageTable:
        """Calls, tokens and cost, a row a group.

        Args:
            by: what to group by, one or several: `model`, `caller`, `agent`,
                `provider`, `cell`, `day` … (the error for another word lists them all).
            styled: whether to give a table for people to look at; its numbers are in `data`.

        Returns:
            Times in seconds, money in US dollars; NA for what no call of a group tells.

        Raises:
            ValueError: there is nothing like that to group by.

        Example:
            run.usage(by=["provider", "model"], styled=True)
        """
        keys = [by] if isinstance(by, str) else list(by)
        data = frames.usage([redaction.run("table", self._latest)], keys)
        return UsageTable(data, keys) if styled else data

    def plot(self) -> Figure:
        """Cost and tokens by model, and a waterfall.

        Returns:
            A figure of matplotlib: US dollars, tokens, and seconds since the start.

        Raises:
            ImportError: matplotlib is not installed.

        Example:
            run.plot().savefig("run.png")
        """
        from aimon_nb.views.tables.plots import plot

        return plot(self._to_be_saved)

    def export(self, path: str | Path, *, content: bool = False, force: bool = False) -> Path:
        """Write a file: csv, parquet, json, jsonl or html, as its suffix says.

        Args:
            path: the file; `~` is the home folder.
            content: whether prompts and answers are written too (not in html).
            force: whether a file that is there is replaced.

        Returns:
            The path of the file, whole.

        Raises:
            ValueError: the suffix is none of those, or html was to hold prompts.
            FileExistsError: there is such a file, and `force` is not set.
            FileNotFoundError: there is no such folder.
            ImportError: parquet was asked for, and pyarrow is not installed.

        Example:
            run.export("run.json", content=True)
        """
        from aimon_nb.views.tables.export import export

        return export([self._latest], path, content=content, force=force)

    def tree(self) -> str:
        """The tree as text.

        Returns:
            Lines of spans with time, tokens and cost, as a terminal shows them.

        Example:
            print(run.tree())
        """
        return text.tree(self._to_be_saved)

    @property
    def widget(self) -> RunWidget:
        """The live view as a widget: `HBox([a.widget, b.widget])`."""
        return display_of(self._latest).widget.with_layout()
