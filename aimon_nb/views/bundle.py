"""Mimebundles: what a notebook is given while a cell runs, and what it keeps."""

from __future__ import annotations

from datetime import timezone
from html import escape
from typing import Any, Protocol

from aimon_nb.model import Run
from aimon_nb.views import html, lines, text, words

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
Bundle = dict[str, Any]


class Model(Protocol):
    """A widget, as far as a bundle needs it."""

    @property
    def model_id(self) -> str | None:
        """The id under which the page knows the widget."""


def final(run: Run, mount_id: str | None = None) -> Bundle:
    """Build what the saved notebook keeps: no widget, so that it reads the same everywhere."""
    return _saved(run, mount_id, opened=False)


def live(run: Run, widget: Model) -> Bundle:
    """Build the live view, with words for a notebook that is saved before the cell ends."""
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    said = in_progress(run)
    return {WIDGET_VIEW: view, "text/html": _paragraph(said), "text/plain": said}


def again(run: Run, mount_id: str, *, wait: bool = False) -> Bundle:
    """Build the live view shown once more after the user's code cleared the output."""
    said = in_progress(run)
    body = html.host(_paragraph(said), mount_id, "opacity:.75")
    script = html.mount_script(run.run_id, mount_id, wait=wait)
    return {"text/html": body + script, "text/plain": said}


def reopened(run: Run, mount_id: str) -> Bundle:
    """Build what shows a run from memory in another cell: it reads without a kernel too."""
    if not run.running:
        return _saved(run, mount_id, opened=True)
    body = html.host(_paragraph(in_progress(run)), mount_id, "opacity:.75")
    script = html.mount_script(run.run_id, mount_id, opened=True)
    return {"text/html": body + script, "text/plain": text.tree(run)}


def in_progress(run: Run) -> str:
    """Say what stands in for the tree of a run that has not ended in this file."""
    when = run.started.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    return (
        f"{words.line(run.name, 120)}: started {when}, still running when this was saved. "
        "If its kernel died, this run has no end."
    )


def _saved(run: Run, mount_id: str | None, *, opened: bool) -> Bundle:
    laid = lines.tree(run)
    saved = html.static(run, mount_id, opened=opened, laid=laid)
    return {"text/html": saved, "text/plain": text.tree(run, laid=laid)}


def _paragraph(said: str) -> str:
    return f"<div>{escape(said, quote=False)}</div>"
