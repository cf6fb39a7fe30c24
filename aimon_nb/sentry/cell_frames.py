"""Frames of notebook cells in error events: named so that one failing line is one issue.

IPython compiles a cell under a name that holds the kernel's process or the cell's number,
so each restart, or each run, would make a new issue of the same line.
"""

from __future__ import annotations

import linecache
import re
from hashlib import blake2b
from typing import Any

from aimon_nb.model.code_files import is_users

# What the name of a cell's file holds of its source alone: ipykernel's, IPython's.
_CELL = re.compile(r"ipykernel_\d+[/\\](\w+)\.py$|^<ipython-input-\d+-(\w+)>$")
_RUNNERS = ("IPython.", "ipykernel.")
_OURS = "aimon_nb."


def name_cells(event: Any, notebook: str | None) -> None:
    """Name the frames of cells by their source, drop ours, and group by the user's failing line.

    Those of IPython that lead to a cell go, too. An event without a frame of a cell is grouped
    as Sentry has it.
    """
    values = event["exception"]["values"]
    for value in values:
        _drop_runners(value)
    # The last value is the error itself, the others are its causes.
    failing = _failing_line(_frames(values[-1]))
    if failing is not None:
        event["fingerprint"] = [
            "aimon_nb",
            str(values[-1].get("type")),
            notebook or "",
            "" if _cell_of(failing) else str(failing.get("module")),
            str(failing.get("function")),
            _line_hash(failing),
        ]
    for frame in (frame for value in values for frame in _frames(value)):
        cell = _cell_of(frame)
        if cell:
            frame["filename"] = frame["abs_path"] = f"{notebook or 'cell'}/{cell}.py"
            frame["in_app"] = True


def _frames(value: dict[str, Any]) -> list[dict[str, Any]]:
    frames: list[dict[str, Any]] = (value.get("stacktrace") or {}).get("frames") or []
    return frames


def _drop_runners(value: dict[str, Any]) -> None:
    frames = [one for one in _frames(value) if not _is_ours(one)]
    if any(map(_cell_of, frames)):
        while not _cell_of(frames[0]) and _module(frames[0]).startswith(_RUNNERS):
            del frames[0]
    if frames:
        value["stacktrace"]["frames"] = frames


def _failing_line(frames: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the innermost frame of the user's code, if a cell leads to it."""
    if not any(map(_cell_of, frames)):
        return None
    failing: dict[str, Any] = next(one for one in reversed(frames) if is_users(_path(one)))
    return failing


def _is_ours(frame: dict[str, Any]) -> bool:
    return _module(frame).startswith(_OURS)


def _module(frame: dict[str, Any]) -> str:
    return f"{frame.get('module') or ''}."


def _path(frame: dict[str, Any]) -> str:
    return str(frame.get("abs_path") or frame.get("filename") or "")


def _cell_of(frame: dict[str, Any]) -> str | None:
    """Return what the file's name says of the source of a cell; None for other files."""
    match = _CELL.search(_path(frame))
    return (match[1] or match[2]) if match else None


def _line_hash(frame: dict[str, Any]) -> str:
    """Return what tells this line from others, without a word of it."""
    number = frame.get("lineno") or 0
    line = linecache.getline(_path(frame), number).strip() or str(number)
    return blake2b(line.encode("utf-8", "replace"), digest_size=8).hexdigest()
