"""The way an error took: cells by their numbers, libraries by their names."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from aimon_nb.model import Frame
from aimon_nb.views.present import formatting

_OURS = str(Path(__file__).parents[2])
_LIBRARIES = ("site-packages/", "dist-packages/")


def traceback(frames: Iterable[Frame]) -> list[dict[str, Any]]:
    """List the frames, ours left out: place, source line, and whether it is a library's."""
    return [_frame(*frame) for frame in frames if not frame[0].startswith(_OURS)]


def _frame(file: str, line: int, function: str) -> dict[str, Any]:
    place, library = _place(file)
    within = f" in {function}" if not function.startswith("<module") else ""
    return {
        "place": formatting.line(f"{place}, line {line}{within}", 200),
        "code": formatting.line(linecache.getline(file, line), 200),
        "library": library,
    }


def _place(file: str) -> tuple[str, bool]:
    """Name a file: a cell by its number, a library's without the folders above it."""
    path = file.replace("\\", "/")
    for folder in _LIBRARIES:
        if folder in path:
            return path.rpartition(folder)[2], True
    library = path.startswith((sys.base_prefix.replace("\\", "/") + "/lib", "<frozen"))
    return _cell(file) or path.rpartition("/")[2], library


def _cell(file: str) -> str | None:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    name = getattr(getattr(shell, "compile", None), "format_code_name", None)
    known = name(file) if name is not None else None
    return " ".join(known) if known and known[0] == "Cell" else None
