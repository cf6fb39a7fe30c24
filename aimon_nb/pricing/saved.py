"""Prices kept for later kernels: one small JSON file in the user's data folder."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from datetime import datetime, timezone
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from aimon_nb.pricing.book import RATES, Entry
from aimon_nb.pricing.files import write_whole

VERSION = 1
_KINDS = ("price", "alias", "free", "host", "free host")


def home() -> Path:
    """The folder of this user's data; the variable AIMON_NB_HOME names another."""
    given = os.environ.get("AIMON_NB_HOME")
    if given:
        return Path(given).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library/Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")
    return base / "aimon_nb"


def path() -> Path:
    """The file that holds them."""
    return home() / "prices.json"


def read() -> list[Entry]:
    """What was saved; nothing where there is no file.

    Raises:
        ValueError: the file is not what was written; it is left as it is.
    """
    file = path()
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        return []
    try:
        return _entries(json.loads(text))
    except (ValueError, LookupError, TypeError, AttributeError, InvalidOperation) as error:
        raise ValueError(f"{file} cannot be read ({error}); mend it or delete it") from None


def _entries(data: dict[str, Any]) -> list[Entry]:
    if data["version"] != VERSION:
        raise ValueError(f"its version is {data['version']!r}")
    return [_entry(one) for one in data["prices"]]


def keep(entry: Entry) -> None:
    """Add an entry to the file, in place of an earlier one on the same thing."""
    _write([one for one in read() if one.key != entry.key] + [entry])


def forget(keys: Iterable[tuple[object, ...]]) -> None:
    """Take entries out of the file."""
    gone = set(keys)
    _write([entry for entry in read() if entry.key not in gone])


def _write(entries: list[Entry]) -> None:
    file = path()
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"version": VERSION, "prices": [_plain(e) for e in entries]}, indent=2)
    write_whole(file, lambda temporary: _put(temporary, text), force=True)


def _put(file: Path, text: str) -> None:
    file.write_text(text + "\n", "utf-8")


def _plain(entry: Entry) -> dict[str, Any]:
    data = {
        "kind": entry.kind,
        "name": entry.name,
        "provider": entry.provider,
        "glob": entry.glob or None,
        "start": entry.start.isoformat() if entry.start is not None else None,
        "target": entry.target,
        **{name: str(rate) for name, rate in entry.rates},
    }
    return {key: value for key, value in data.items() if value is not None}


def _entry(data: dict[str, Any]) -> Entry:
    if data["kind"] not in _KINDS:
        raise ValueError(f"kind {data['kind']!r}")
    rates = tuple((name, Decimal(data[name])) for name in RATES if name in data)
    if not all(rate.is_finite() and rate >= 0 for _, rate in rates):
        raise ValueError(f"a price of {data['name']!r}")
    start = datetime.fromisoformat(data["start"]) if "start" in data else None
    return Entry(
        kind=data["kind"],
        name=str(data["name"]).lower(),
        provider=data.get("provider"),
        glob=bool(data.get("glob")),
        start=start if start is None or start.tzinfo else start.replace(tzinfo=timezone.utc),
        rates=rates,
        target=data.get("target"),
        saved=True,
    )
