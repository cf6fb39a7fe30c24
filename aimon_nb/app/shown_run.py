"""How a run shows itself: as the last line of a cell, in a list, and where no view can be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aimon_nb.capture import recorder
from aimon_nb.model import Run
from aimon_nb.model.redaction import redaction
from aimon_nb.views.live import environment
from aimon_nb.views.live.run_display import display_of
from aimon_nb.views.static import html, text


class ShownRun:
    """A run as front ends draw it: live, as its saved form, or as a line."""

    def __init__(self, run: Run) -> None:
        self._run = run

    @property
    def _latest(self) -> Run:
        """The run, with all that has happened until now."""
        recorder.drain()
        return self._run

    @property
    def _to_be_saved(self) -> Run:
        return redaction.run("notebook", self._latest)

    def _ipython_display_(self) -> None:
        if not (self._run.running and environment.outputs_are_saved()):
            # IPython goes on to the mimebundle.
            raise NotImplementedError
        display_of(self._latest).show_again()

    def _repr_mimebundle_(
        self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None
    ) -> dict[str, Any]:
        from aimon_nb.views.live.widget import filter_mimebundle

        return filter_mimebundle(display_of(self._latest).reopened(), include, exclude)

    def _repr_html_(self) -> str:
        # For places that know no mimebundle.
        return html.static(self._to_be_saved)

    def __repr__(self) -> str:
        return text.in_a_list(self._to_be_saved)
