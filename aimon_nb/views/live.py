"""A run on screen: opened before the cell's body runs, static when it has ended."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from aimon_nb.model import Run
from aimon_nb.views import bundle

if TYPE_CHECKING:
    from aimon_nb.views.widget import RunWidget
    from aimon_nb.views.widget.feed import Feed

Mode = Literal["live", "html", "text", "none"]

_showings = itertools.count(1)  # ids differ at each showing: pages share their scope


def _display(data: dict[str, Any], display_id: str) -> None:
    from IPython.display import display

    display(data, raw=True, display_id=display_id)


class LiveView:
    """All showings of one run: they share one widget, made when it is first needed.

    One that `waits` shows nothing until there is news of its run; `display` puts
    a bundle into the cell's output under a display id, from any thread then.
    """

    def __init__(self, run: Run, mode: Mode, *, waits: bool = False) -> None:
        self.run, self._mode, self.waits = run, mode, waits
        self.display: Callable[[dict[str, Any], str], None] = _display
        self._widget: RunWidget | None = None
        self._feed: Feed | None = None
        self._opened = self._finished = False
        self.display_id = f"aimon-{run.run_id}-{next(_showings)}"

    @property
    def widget(self) -> RunWidget:
        """The run as a widget; a page that shows it is told everything."""
        if self._widget is None:
            from aimon_nb.views.widget.feed import Feed

            self._feed = Feed(self.run)
            self._widget = self._feed.widget
            if self.run.running and self.run.spans:
                self._feed.send_all()  # a page cannot ask while the cell runs
        return self._widget

    def open(self) -> None:
        """Display the view, empty still."""
        if self._mode == "live" and not self.waits:
            self.display(bundle.live(self.run, self.widget), self.display_id)
            self._opened = True

    def update(self, changed: set[str]) -> None:
        """Send the changed spans to the page."""
        if self.waits:
            self.waits, changed = False, set(self.run.spans)
            self.open()
        if self._feed is not None:
            self._feed.send(changed)
            if self._finished and self._opened:
                self._swap()

    def finish(self) -> None:
        """Leave the static form in the cell; in this page the full view stays mounted on it."""
        self._finished = True
        if self._widget is not None:
            self._widget.remember()
        if self._opened:
            self._swap()
        elif self._mode == "text" and not self.waits:
            from IPython.display import display

            display(bundle.final(self.run, None), raw=True)

    def again(self, *, wait: bool) -> dict[str, Any]:
        """The bundle that shows the view once more after a `clear_output` of the user's."""
        mount_id = f"{self.display_id}-{next(_showings)}"
        return bundle.again(self.run, mount_id, wait=wait)

    def reopened(self) -> dict[str, Any]:
        """The bundle that shows the run in another cell: the saved form, and over it the view."""
        with_model = self.widget  # the page fetches what it lacks from it
        mount_id = f"aimon-{with_model.run_id}-{next(_showings)}"
        return bundle.reopened(self.run, mount_id)

    @property
    def on_screen(self) -> bool:
        """Whether a live view stands in the cell's output, or may yet."""
        return self._mode == "live" and (self._opened or self.waits) and not self._finished

    def close(self) -> None:
        """Let the page's model go; what is displayed stays."""
        widget, self._widget, self._feed = self._widget, None, None
        if widget is not None:
            widget.close()

    def _swap(self) -> None:
        from IPython.display import update_display

        update_display(
            bundle.final(self.run, f"{self.display_id}-{next(_showings)}"),
            raw=True,
            display_id=self.display_id,
        )
