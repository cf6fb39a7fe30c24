"""What a run looks like while it runs and after: in a page, as HTML, as text, or not at all."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

from aimon_nb.model import Run
from aimon_nb.model.redaction import redaction
from aimon_nb.views.live import mimebundle
from aimon_nb.views.live.host import shares_a_page
from aimon_nb.views.live.ticker import Ticker
from aimon_nb.views.static import html, text

# Seconds after which a page that can show the widget does.
SETTLED = 1.0
# Seconds between two drawings of the HTML view.
PAUSE = 0.5


class Surface:
    """Shows nothing."""

    # Whether its live view stands in the cell's output, where a clear takes it away.
    in_output = False
    # Whether it stands there now.
    on = False
    # Whether it shows nothing new before the end: no thread could be started to draw it.
    waits_for_end = False

    def open(self) -> None:
        """Show the run, empty still."""

    def update(self) -> None:
        """Show what is new."""

    def finish(self) -> None:
        """Leave what is saved."""

    def redraw(self, *, wait: bool) -> mimebundle.Bundle:
        """Return what shows the run once more after its output was cleared."""
        raise NotImplementedError(wait)


class OutputSurface(Surface):
    """What stands in the cell's output under a display id, and is drawn anew there."""

    in_output = True

    def __init__(
        self,
        run: Run,
        display_id: str,
        new_mount_id: Callable[[], str],
        display: Callable[[mimebundle.Bundle], None],
    ) -> None:
        self._run, self._id, self._display = run, display_id, display
        self._new_mount_id = new_mount_id
        self._finished = False

    def _show(self, bundle: mimebundle.Bundle) -> None:
        from IPython.display import update_display

        update_display(bundle, raw=True, display_id=self._id)


class WidgetSurface(OutputSurface):
    """The widget while the cell runs; the saved form, with the view mounted on it, after.

    A file that holds a widget shows an error in place of it, and whatever stands
    beside it is not looked at. So the widget is taken out of the output as soon as
    the page knows the run: a notebook that is saved before the cell ends, or whose
    kernel dies, reads too.
    """

    def __init__(
        self, *where: Any, widget: Callable[[], mimebundle.Model], release: Callable[[], None]
    ) -> None:
        super().__init__(*where)
        self._widget, self._release = widget, release
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def open(self) -> None:
        """Display the widget, empty still; where no thread can be started, a line in its place."""
        timer = threading.Timer(SETTLED, self._replace_widget)
        timer.daemon = True
        try:
            timer.start()
        except RuntimeError:
            # Nor could pyzmq start its own, which it needs for a message as large as the widget:
            # half of it would be sent, and break the cell's other outputs.
            self.waits_for_end = True
            self._display(self.redraw(wait=False))
        else:
            self._timer = timer
            self._display(mimebundle.live(self._run, self._widget()))
        self.on = True

    def update(self) -> None:
        """Draw the saved form anew; a widget gets its rows from the publisher."""
        if self._finished and self._id:
            self._show(mimebundle.final(self._run, self._new_mount_id()))

    def finish(self) -> None:
        """Put the saved form in the place of it."""
        if self._timer is not None:
            self._timer.cancel()
        with self._lock:
            self._finished, self.on = True, False
        self.update()
        self._release()

    def redraw(self, *, wait: bool) -> mimebundle.Bundle:
        """Return the view without its widget."""
        return mimebundle.redraw(self._run, self._new_mount_id(), wait=wait)

    def _replace_widget(self) -> None:
        with self._lock:
            if not self._finished and shares_a_page():
                self._show(self.redraw(wait=False))
                self._release()


class HtmlSurface(OutputSurface):
    """The static form, drawn again and again under one display id: no widgets needed."""

    def __init__(self, *where: Any) -> None:
        super().__init__(*where)
        self._ticker = Ticker(self._draw, PAUSE)

    def open(self) -> None:
        """Draw it for the first time."""
        self._display(self.redraw(wait=False))
        self.on = True
        self.waits_for_end = not self._ticker.start()

    def update(self) -> None:
        """Draw it soon."""
        if self._finished:
            self._show(self._final())
        else:
            self._ticker.wake()

    def finish(self) -> None:
        """Leave the saved form."""
        self._finished, self.on = True, False
        try:
            self._ticker.stop()
        finally:
            self.update()

    def redraw(self, *, wait: bool) -> mimebundle.Bundle:  # noqa: ARG002 (nothing to hold: no script)
        """Return it drawn once more."""
        run = redaction.run("notebook", self._run)
        return {"text/html": html.static(run), "text/plain": text.tree(run)}

    def _draw(self) -> None:
        self._show(self.redraw(wait=False))

    def _final(self) -> mimebundle.Bundle:
        # Only `--save full` has a script that opens the view where there is no widget.
        is_full = self._run.options.get("save") == "full"
        return mimebundle.final(self._run, self._new_mount_id() if is_full else None)


class TextSurface(Surface):
    """The tree as text: when the run has ended, and in a terminal while it runs too."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._terminal: Any = None

    def open(self) -> None:
        """Begin to draw where there is a terminal."""
        from aimon_nb.views.live.terminal import Terminal

        self._terminal = Terminal.on(self._run)
        self.waits_for_end = self._terminal is not None and not self._terminal.draws

    def finish(self) -> None:
        """Print the whole tree."""
        try:
            if self._terminal is not None:
                self._terminal.close()
        finally:
            self._print()

    def _print(self) -> None:
        ipython = sys.modules.get("IPython")
        if ipython is not None and ipython.get_ipython() is not None:
            from IPython.display import display

            display(mimebundle.final(self._run), raw=True)
        else:
            print(text.tree(self._run))  # noqa: T201 (a script that wants the text view)


class MarimoSurface(Surface):
    """The saved form below marimo's cell, when the run has ended."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def finish(self) -> None:
        """Append it to the output of the cell that runs."""
        import marimo

        marimo.output.append(marimo.Html(html.static(redaction.run("notebook", self._run))))
