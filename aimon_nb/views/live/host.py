"""What kind of page shows this kernel's outputs, as far as the kernel can know."""

from __future__ import annotations

import os
import sys
from typing import Any


def shares_a_page() -> bool:
    """Return whether one output can reach what another's model has brought into the page.

    Colab has a frame for each output. VS Code loads its support of widgets when it first shows
    one, and may not have by now. marimo's widgets have no manager to ask.
    """
    return not ("google.colab" in sys.modules or "VSCODE_PID" in os.environ or in_marimo())


def in_marimo() -> bool:
    """Return whether this runs in a notebook of marimo's."""
    marimo = sys.modules.get("marimo")
    return marimo is not None and bool(marimo.running_in_notebook())


def names_its_cells() -> bool:
    """Return whether who runs this cell says which it is: a page does, and what has none does not.

    What runs a notebook without a page keeps the state of every model that is opened.
    """
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    parent: Any = getattr(getattr(shell, "kernel", None), "get_parent", dict)()
    return bool(parent.get("metadata", {}).get("cellId"))
