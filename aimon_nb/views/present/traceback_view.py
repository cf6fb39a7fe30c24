"""The frames that an error passed through: cells by their numbers, libraries by their names."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict

from aimon_nb.model import Frame
from aimon_nb.model.code_files import LIBRARY_FOLDERS, cell_name
from aimon_nb.views.present import formatting

_OURS = str(Path(__file__).parents[2])


class FrameView(TypedDict):
    """One frame as the page gets it; `code` is its source line."""

    place: str
    code: str
    library: bool


def traceback(frames: Iterable[Frame]) -> list[FrameView]:
    """Return the frames of a traceback without ours, the innermost last."""
    return [_frame(*frame) for frame in frames if not frame.file.startswith(_OURS)]


def _frame(file: str, line: int, function: str) -> FrameView:
    place, library = _place(file)
    within = f" in {function}" if not function.startswith("<module") else ""
    return {
        "place": formatting.line(f"{place}, line {line}{within}", 200),
        "code": formatting.line(linecache.getline(file, line), 200),
        "library": library,
    }


def _place(file: str) -> tuple[str, bool]:
    """Return a file's name (a cell's number, a library's path) and whether it is a library's."""
    path = file.replace("\\", "/")
    for folder in LIBRARY_FOLDERS:
        if folder in path:
            return path.rpartition(folder)[2], True
    library = path.startswith((sys.base_prefix.replace("\\", "/") + "/lib", "<frozen"))
    return cell_name(file) or path.rpartition("/")[2], library
