"""Which runs a table magic is about, and the file they go to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic_arguments import argument

from aimon_nb.capture import recorder
from aimon_nb.model import Run

_AGO = re.compile(r"(\d+(?:\.\d+)?) ?(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def options(magic: Callable[..., Any]) -> Callable[..., Any]:
    """Give a magic the options that choose runs and a file."""
    for one in reversed(
        [
            argument("--run", default=None, help="a run's id or name (default: the last run)"),
            argument("--since", default=None, help="all runs since: 30m, 2h, 2026-11-23, today"),
            argument("--to", default=None, metavar="FILE", help="csv, parquet, json, jsonl, html"),
            argument("--force", action="store_true", help="replace a file that is there"),
        ]
    ):
        magic = one(magic)
    return magic


def runs(asked: Any) -> list[Run]:
    """The runs in memory that the options choose: the last one, if they say nothing."""
    found = recorder.runs()
    if asked.since is not None:
        start = moment(asked.since, datetime.now(timezone.utc))
        found = [run for run in found if run.started >= start]
    if asked.run is not None:
        found = _named(asked.run, found)
    return found if asked.since is not None else found[-1:]


def named(name: str | None) -> list[Run]:
    """The runs of a name or id, latest last; all of them without one."""
    found = recorder.runs()
    return found if name is None else _named(name, found)


def _named(name: str, found: list[Run]) -> list[Run]:
    # A name with spaces stands in quotes, which IPython leaves on.
    name = name.strip("\"'")
    chosen = [run for run in found if name in (run.run_id, run.name)]
    if not chosen:
        known = ", ".join(dict.fromkeys(run.name for run in found)) or "none yet"
        old = recorder.registry.note_of_forgotten(recorder.limits)
        raise ValueError(f"no run {name!r} in memory; there are: {known}{old and f' ({old})'}")
    return chosen


def moment(text: str, now: datetime) -> datetime:
    """The time that `30m`, `2h`, `1d`, `today` or a date names; dates are local."""
    text = text.strip("\"' ")
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return now - timedelta(seconds=float(ago[1]) * _SECONDS[ago[2]])
    if text == "today":
        return now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise ValueError(f"--since {text!r}: write 30m, 2h, 1d, today or 2026-11-23") from None


def write(asked: Any, chosen: list[Run], **what: Any) -> Path:
    """Write the chosen runs to `--to`; returns the path of the file."""
    from aimon_nb.views.tables.export import export

    return export(chosen, asked.to.strip("\"'"), force=asked.force, **what)


@contextmanager
def one_line() -> Iterator[None]:
    """A wrong option or a file that cannot be written is one line, without a traceback."""
    try:
        yield
    except (ValueError, OSError, ImportError) as error:
        raise UsageError(str(error)) from None
