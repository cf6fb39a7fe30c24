"""A run on screen: opened before the cell's body runs, static when it has ended."""

from __future__ import annotations

import itertools
from typing import Any, Literal

from aimon_nb.model import Run
from aimon_nb.views import bundle, rows

Mode = Literal["live", "html", "text", "none"]

_showings = itertools.count(1)  # ids differ at each showing: pages share their scope
BATCH = 500  # rows a message


class LiveView:
    """One showing of one run."""

    def __init__(self, run: Run, mode: Mode) -> None:
        self._run, self._mode = run, mode
        self._widget: Any = None
        self._finished = False
        self.display_id = f"aimon-{run.run_id}-{next(_showings)}"

    def open(self) -> None:
        """Display the view, empty still."""
        if self._mode == "live":
            from IPython.display import display

            from aimon_nb.views.widget import RunWidget

            self._widget = RunWidget(run_id=self._run.run_id)
            display(bundle.live(self._run, self._widget), raw=True, display_id=self.display_id)

    def update(self, changed: set[str]) -> None:
        """Send the changed spans to the page."""
        if self._widget is not None:
            self._send(changed)
            if self._finished:
                self._swap()

    def finish(self) -> None:
        """Leave the static form in the cell; in this page the full view stays mounted on it."""
        self._finished = True
        if self._mode == "live":
            self._widget.snapshot = rows.snapshot(self._run)
            self._swap()
        elif self._mode == "text":
            from IPython.display import display

            display(bundle.final(self._run, None), raw=True)

    def again(self, *, wait: bool) -> dict[str, Any]:
        """The bundle that shows the view once more after a `clear_output` of the user's."""
        mount_id = f"{self.display_id}-{next(_showings)}"
        return bundle.again(self._run, mount_id, wait=wait)

    @property
    def on_screen(self) -> bool:
        """Whether a live view stands in the cell's output."""
        return self._widget is not None and not self._finished

    def close(self) -> None:
        """Let the page's model go; what is displayed stays."""
        widget, self._widget = self._widget, None
        if widget is not None:
            widget.close()

    def _send(self, changed: set[str]) -> None:
        run = self._run
        spans = [span for span in (run.spans.get(i) for i in changed) if span is not None]
        spans.sort(key=lambda span: span.offset)
        for start in range(0, max(len(spans), 1), BATCH):
            part = spans[start : start + BATCH]
            self._widget.send_rows(rows.header(run), [rows.row(span, run) for span in part])
        # Content goes by message only: a trait could be saved with the notebook.
        details = {s.span_id: rows.detail(s) for s in spans if s.span_id != run.root_id}
        if details:
            self._widget.send_details(details)

    def _swap(self) -> None:
        from IPython.display import update_display

        update_display(
            bundle.final(self._run, f"{self.display_id}-{next(_showings)}"),
            raw=True,
            display_id=self.display_id,
        )
