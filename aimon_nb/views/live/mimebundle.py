"""Mimebundles: what stands in a cell's output while it runs, and what is saved of it.

A bundle never holds a prompt, with one exception that the user asks for: `--save full`.
"""

from __future__ import annotations

from datetime import timezone
from html import escape
from typing import Any, Literal, Protocol

from aimon_nb.model import Run
from aimon_nb.model.redaction import redaction
from aimon_nb.views.live import saved_full
from aimon_nb.views.live.widget_view import WIDGET_VIEW, widget_view
from aimon_nb.views.present import formatting
from aimon_nb.views.present.outline import build_outline
from aimon_nb.views.static import html, text

Bundle = dict[str, Any]
Save = Literal["none", "summary", "tree", "full"]
DEFAULT_SAVE: Save = "tree"


class Model(Protocol):
    """A widget, as far as a bundle needs it."""

    @property
    def model_id(self) -> str | None:
        """The id under which the page knows the widget."""


def final(run: Run, mount_id: str | None = None, *, opened: bool = False) -> Bundle:
    """Return what the saved notebook holds: no widget, so that it reads the same everywhere.

    How much it is stands in the run's options as `save`. With `mount_id`, unique to
    this showing, a page that knows the run shows the live view in its place, and
    `opened` has it open there.
    """
    save: Save = run.options.get("save", DEFAULT_SAVE)
    run = redaction.run("notebook", run)
    if save == "none":
        return _mount_only(run, mount_id, opened=opened)
    if save == "summary":
        bundle = {"text/html": html.summary(run, mount_id), "text/plain": text.summary(run)}
    else:
        outline = build_outline(run)
        # The mark is true of HTML with its script alone.
        notes = formatting.saved_whole(run) if mount_id is not None else []
        page = html.static(run, mount_id, outline=outline, notes=notes)
        bundle = {"text/html": page, "text/plain": text.tree(run, outline=outline)}
    if mount_id is not None:
        script = saved_full.script if save == "full" else html.mount_script
        bundle["text/html"] += script(run, mount_id, opened=opened)
    return bundle


def live(run: Run, widget: Model) -> Bundle:
    """Return the live view, with a line for a notebook that is saved before the cell ends."""
    run = redaction.run("notebook", run)
    return {
        WIDGET_VIEW: widget_view(widget.model_id),
        "text/html": _paragraph(_stub(run)),
        "text/plain": _stub(run),
    }


def redraw(run: Run, mount_id: str, *, wait: bool = False, opened: bool = False) -> Bundle:
    """Return the live view of a running cell without its widget: a page that knows it shows it.

    In the file it is a line that says what stands there, also when the kernel died.
    `wait` holds the user's cleared output for a frame.
    """
    run = redaction.run("notebook", run)
    body = html.host(_paragraph(_stub(run)), mount_id, "opacity:.75")
    script = html.mount_script(run, mount_id, wait=wait, opened=opened)
    return {"text/html": body + script, "text/plain": _stub(run)}


def reopened(run: Run, mount_id: str) -> Bundle:
    """Return what shows a run from memory in another cell: it reads without a kernel too."""
    if run.running:
        tree = text.tree(redaction.run("notebook", run))
        return {**redraw(run, mount_id, opened=True), "text/plain": tree}
    return final(run, mount_id, opened=True)


def in_progress(run: Run) -> str:
    """Return the line in place of the tree of a run that has not ended in this file."""
    when = run.started.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    return (
        f"{formatting.line(run.name, 120)}: started {when}, still running when this was saved. "
        "If its kernel died, this run has no end."
    )


def _mount_only(run: Run, mount_id: str | None, *, opened: bool) -> Bundle:
    """Return nothing to read: an empty element, and the script for the page that has the run."""
    if mount_id is None:
        return {"text/plain": ""}
    script = html.mount_script(run, mount_id, opened=opened)
    return {"text/html": html.host("", mount_id, "") + script, "text/plain": ""}


def _stub(run: Run) -> str:
    return "" if run.options.get("save") == "none" else in_progress(run)


def _paragraph(line: str) -> str:
    return f'<div class="{html.NO_FORMULAS}">{escape(line, quote=False)}</div>' if line else ""
