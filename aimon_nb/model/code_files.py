"""Whose code a file holds: a notebook's cell, the user's own, or a library's."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

LIBRARY_FOLDERS = ("site-packages/", "dist-packages/")
# Code without a file that a person may have typed; any other was made by a library.
_TYPED = ("<ipython-input", "<stdin>", "<string>", "<timed ", "<doctest ", "<magic-")
_PATHS = sysconfig.get_paths()
_NOT_THE_USERS = tuple(
    f"{folder}{os.sep}"
    for folder in {
        *(_PATHS[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")),
        str(Path(os.__file__).parent),  # a zip file, in Pyodide
        str(Path(__file__).parents[1]),
    }
)


def is_users(file: str) -> bool:
    """Return whether the code of this file is the user's: no library's, not Python's, not ours."""
    if file.startswith("<"):
        return file.startswith(_TYPED)
    path = file.replace("\\", "/")
    return not (file.startswith(_NOT_THE_USERS) or any(part in path for part in LIBRARY_FOLDERS))


def cell_name(file: str) -> str | None:
    """Return `Cell In[3]` for the file name that IPython compiled a cell under."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    format_code_name = getattr(getattr(shell, "compile", None), "format_code_name", None)
    parts = format_code_name(file) if format_code_name is not None else None
    return " ".join(parts) if parts and parts[0] == "Cell" else None


def place(file: str) -> str:
    """Return what a reader calls a file of code: `Cell In[3]`, `File ~/rows.py`."""
    home = str(Path.home()) + os.sep
    path = f"~{os.sep}{file.removeprefix(home)}" if file.startswith(home) else file
    return cell_name(file) or f"File {path}"
