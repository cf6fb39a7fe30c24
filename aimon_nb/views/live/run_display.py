"""A run on screen: opened before the cell's body runs, static when it has ended."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from aimon_nb.model import Run
from aimon_nb.model.run import RunStatus
from aimon_nb.views.live import mimebundle
from aimon_nb.views.live.host import shares_a_page
from aimon_nb.views.live.surfaces import (
    HtmlSurface,
    MarimoSurface,
    Surface,
    TextSurface,
    WidgetSurface,
)

if TYPE_CHECKING:
    from aimon_nb.views.live.widget import RunWidget
    from aimon_nb.views.live.widget.run_publisher import RunPublisher

Mode = Literal["live", "html", "text", "none"]
# What a mode becomes in the environment that the program runs in.
Shown = Mode | Literal["marimo"]

_KERNEL_WIDGET = "aimon_nb.views.live.widget.kernel_widget"
# Ids differ at each showing: pages share their scope.
_display_ids = itertools.count(1)


def _display(data: dict[str, Any], display_id: str, *, update: bool = False) -> None:
    from IPython.display import display

    display(data, raw=True, display_id=display_id, update=update)


class RunDisplay:
    """All showings of one run: they share one widget, made when it is first needed.

    One that is `deferred` shows nothing until its run has changed; `display` puts
    a bundle into the cell's output under a display id, from any thread then.
    """

    def __init__(self, run: Run, mode: Shown, *, deferred: bool = False) -> None:
        self.run, self.deferred = run, deferred
        self.display: Callable[[dict[str, Any], str], None] = _display
        # One that the user holds, and one that stands in the cell's output for its first second.
        self._widget: RunWidget | None = None
        self._live_widget: RunWidget | None = None
        self._publisher: RunPublisher | None = None
        self.display_id = self._new_id()
        self._extra_displays: list[str] = []  # ids under which it was shown again while it ran
        self._surface = self._surface_for(mode)

    def _surface_for(self, mode: Shown) -> Surface:
        run = self.run
        where = (run, self.display_id, self._new_id, self._display)
        if mode == "live":
            return WidgetSurface(
                *where, widget=self._make_live_widget, release=self._close_live_widget
            )
        if mode == "html":
            return HtmlSurface(*where)
        if mode == "text":
            return TextSurface(run)
        return MarimoSurface(run) if mode == "marimo" else Surface()

    @property
    def widget(self) -> RunWidget:
        """The run as a widget, kept as long as the run; a page that shows it gets all rows."""
        if self._widget is None:
            self._widget = self._new_widget()
        return self._widget

    def _publish(self) -> RunPublisher:
        """Return what tells the pages of the run, from now on if it did not yet."""
        if self._publisher is None:
            from aimon_nb.views.live.widget import WholeRunWidget
            from aimon_nb.views.live.widget.kernel_widget import RunChannel
            from aimon_nb.views.live.widget.run_publisher import RunPublisher

            make = RunChannel if shares_a_page() else WholeRunWidget
            self._publisher = RunPublisher(self.run, make, _runs)
            if self.run.running and self.run.spans:
                # A page's request does not arrive while the cell runs.
                self._publisher.send_all()
        return self._publisher

    def _new_widget(self) -> RunWidget:
        from aimon_nb.views.live.widget import RunWidget
        from aimon_nb.views.live.widget.kernel_widget import RunChannel

        channel: Any = self._publish().channel
        return RunWidget.of(channel) if isinstance(channel, RunChannel) else channel

    def _make_live_widget(self) -> RunWidget:
        self._live_widget = self._new_widget()
        return self._live_widget

    def _close_live_widget(self) -> None:
        """Close the widget that has left the output, unless it carries the run's messages."""
        widget, self._live_widget = self._live_widget, None
        carrier = None if self._publisher is None else self._publisher.channel
        if widget is not None and widget is not carrier:
            widget.close()

    def open(self) -> None:
        """Display the view, empty still."""
        if not self.deferred:
            self._surface.open()

    def update(self, changed: set[str]) -> None:
        """Show the spans that changed."""
        # The first call of a quiet cell can come from a task that outlives it: no end of
        # the run follows then, which would leave the saved form. What cannot be drawn anew
        # (text, in a terminal that has its prompt back) is not begun then.
        is_late = self.deferred and not self.run.running
        if is_late and not self._surface.in_output:
            return
        if self.deferred:
            self.deferred, changed = False, set(self.run.spans)
            self._surface.open()
        if self._publisher is not None:
            self._publisher.send(changed)
        if is_late:
            self._surface.finish()
        else:
            self._surface.update()

    def mark_ended(self, status: RunStatus, ended: datetime) -> None:
        """Show the final status of the run and when it `ended`, while its last spans are parsed."""
        if self._publisher is not None:
            self._publisher.publish_end(status, ended)

    def finish(self) -> None:
        """Leave the static form in the cell; in this page the full view stays mounted on it."""
        if self._publisher is not None:
            # The page paints the end while the rest is parsed.
            self._publisher.channel.flush()
            self._publisher.channel.remember()
        if not self.deferred:
            self._surface.finish()
        for display_id in self._extra_displays:
            _display(self.reopened(), display_id, update=True)
        if self._publisher is not None:
            self._publisher.finish()

    def redraw(self, *, wait: bool) -> dict[str, Any]:
        """Return the bundle that shows the view once more after a `clear_output` of the user's."""
        return self._surface.redraw(wait=wait)

    def reopened(self) -> dict[str, Any]:
        """Return the bundle that shows the run in another cell: its saved form, with the view."""
        # The page fetches what it lacks.
        self._publish()
        return mimebundle.reopened(self.run, self._new_id())

    def show_again(self) -> None:
        """Show the run, which goes on, in another output; its saved form will stand there, too."""
        self._extra_displays.append(self._new_id())
        _display(self.reopened(), self._extra_displays[-1])

    @property
    def on_screen(self) -> bool:
        """Whether a live view stands in the cell's output, or may yet."""
        return self._surface.on or (self.deferred and self._surface.in_output)

    @property
    def waits_for_end(self) -> bool:
        """Whether nothing new is shown before the end: no thread could be started to draw it."""
        return self._surface.waits_for_end

    def close(self) -> None:
        """Let go of the run in the page; what is displayed stays."""
        self._close_live_widget()
        widget, self._widget, publisher, self._publisher = self._widget, None, self._publisher, None
        if widget is not None:
            widget.close()
        if publisher is not None:
            publisher.channel.close()

    def _new_id(self) -> str:
        return f"aimon-{self.run.run_id}-{next(_display_ids)}"

    def _display(self, data: dict[str, Any]) -> None:
        self.display(data, self.display_id)


# The one view of each run in memory, by the run's id.
displays: dict[str, RunDisplay] = {}


def _runs() -> list[Run]:
    """Return the runs that are in memory and shown."""
    return [display.run for display in list(displays.values())]


def display_of(run: Run) -> RunDisplay:
    """Return the one view of a run; a run that had none gets one that nothing displays yet."""
    return displays.setdefault(run.run_id, RunDisplay(run, "none"))


def close_all() -> None:
    """Take everything of ours out of the pages; what is displayed stays."""
    for display in displays.values():
        display.close()
    displays.clear()
    carrier = sys.modules.get(_KERNEL_WIDGET)
    if carrier is not None:
        carrier.close_kernel_widget()
