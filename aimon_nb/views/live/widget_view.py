"""How a notebook's output names a widget."""

from __future__ import annotations

from typing import TypedDict

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


class WidgetView(TypedDict):
    """What stands in an output under that mime type."""

    version_major: int
    version_minor: int
    model_id: str | None


def widget_view(model_id: str | None) -> WidgetView:
    """Return the reference by which the page finds the widget of this id."""
    return {"version_major": 2, "version_minor": 0, "model_id": model_id}
