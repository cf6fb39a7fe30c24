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
    for add in reversed(
        [
            argument("--run", default=None, help="a run's id or name (default: the last run)"),
            argument("--since", default=None, help="all runs since: 30m, 2h, 2026-11-23, today"),
            argument("--to", default=None, metavar="FILE", help="csv, parquet, json, jsonl, html"),
            argument("--force", action="store_true", help="replace a file that is there"),
        ]
    ):
        magic = add(magic)
    return magic


def runs(args: Any) -> list[Run]:
    """Return the runs in memory that the options choose: the last one, if they say nothing."""
    if args.run is None and args.since is None:
        return _last()
    selected = recorder.runs()
    if args.since is not None:
        start = moment(args.since, datetime.now(timezone.utc))
        selected = [run for run in selected if run.started >= start]
    if args.run is not None:
        selected = _named(args.run, selected)
    return selected if args.since is not None else selected[-1:]


def all_runs() -> list[Run]:
    """Return every run in memory, in the order they started."""
    return recorder.runs()


def named(name: str | None) -> list[Run]:
    """Return the runs of a name or id, latest last; the last run without one."""
    return _last() if name is None else _named(name, recorder.runs())


def _last() -> list[Run]:
    """Return the run that is meant where none is named (`last_run()`); [] before the first."""
    run = recorder.last_run()
    return [] if run is None else [run]


def _named(name: str, candidates: list[Run]) -> list[Run]:
    # A name with spaces stands in quotes, which IPython leaves on.
    name = name.strip("\"'")
    matching = [run for run in candidates if name in (run.run_id, run.name)]
    if not matching:
        known = ", ".join(dict.fromkeys(run.name for run in candidates)) or "none yet"
        old = recorder.registry.note_of_forgotten(recorder.limits)
        raise ValueError(f"no run {name!r} in memory; there are: {known}{old and f' ({old})'}")
    return matching


def moment(text: str, now: datetime) -> datetime:
    """Return the time that `30m`, `2h`, `1d`, `today` or a date names; dates are local."""
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


def write(args: Any, selected: list[Run], **what: Any) -> Path:
    """Write runs to the file of `--to`; returns its path."""
    from aimon_nb.views.tables.export import export

    return export(selected, args.to.strip("\"'"), force=args.force, **what)


@contextmanager
def one_line() -> Iterator[None]:
    """A wrong option or a file that cannot be written is one line, without a traceback."""
    try:
        yield
    except (ValueError, OSError, ImportError) as error:
        raise UsageError(str(error)) from None
