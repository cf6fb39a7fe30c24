"""Where this program runs, and so how a run can be shown there."""

from __future__ import annotations

import sys
from typing import Any, Literal

from aimon_nb.views.live.host import in_marimo
from aimon_nb.views.live.run_display import Mode, Shown

View = Literal["auto"] | Mode


def resolve_view(view: View) -> Shown:
    """Return the view to show here; `auto` is live in a kernel, text in a terminal IPython."""
    if in_marimo() and view != "none":
        return "marimo"
    if view != "auto":
        return view
    if ipython_shell() is None:
        return "none"
    return "live" if outputs_are_saved() else "text"


def outputs_are_saved() -> bool:
    """Return whether outputs may be saved here: in a kernel they are its notebook's."""
    return hasattr(ipython_shell(), "kernel")


def ipython_shell() -> Any:
    """Return IPython's shell; None where there is none."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None
