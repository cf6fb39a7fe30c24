"""Prices kept for later kernels: one small JSON file in the user's data folder."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

from aimon_nb.pricing.files import write_whole
from aimon_nb.pricing.user_prices import RATES, PriceRule, is_rate

VERSION = 1
_UNREADABLE = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)
_PATIENCE = 2.0  # seconds another kernel may take to write


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


def read() -> list[PriceRule]:
    """What was saved; nothing where there is no file.

    Raises:
        ValueError: the file is not what was written; it is left as it is.
    """
    file = path()
    try:
        return _entries(json.loads(file.read_text("utf-8")))
    except FileNotFoundError:
        return []
    except _UNREADABLE as error:
        raise ValueError(f"{file} cannot be read ({error}); mend it or delete it") from None


def _entries(data: dict[str, Any]) -> list[PriceRule]:
    if data["version"] != VERSION:
        raise ValueError(f"its version is {data['version']!r}")
    return [_entry(one) for one in data["prices"]]


def add(entry: PriceRule) -> None:
    """Add an entry to the file, in place of an earlier one on the same thing."""
    path().parent.mkdir(parents=True, exist_ok=True)
    _change(lambda kept: [*(one for one in kept if one.key != entry.key), entry])


def remove(model: str, host: str) -> bool:
    """Take everything under this name out of the file; whether there was anything."""
    if not any(entry.goes_by(model, host) for entry in read()):
        return False
    _change(lambda kept: [entry for entry in kept if not entry.goes_by(model, host)])
    return True


def _change(change: Callable[[list[PriceRule]], list[PriceRule]]) -> None:
    with _file_lock(path().parent):
        _write(change(read()))


@contextlib.contextmanager
def _file_lock(folder: Path) -> Iterator[None]:
    """One kernel at a time changes the file: else of two that save one would be lost.

    The lock ends with its process. Where a system or a file system has none, the last one wins.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    held = os.open(folder, os.O_RDONLY)
    try:
        until = time.monotonic() + _PATIENCE
        while not _locked(fcntl, held):
            if time.monotonic() > until:
                raise TimeoutError(f"another kernel is writing {path()}; try again")
            time.sleep(0.01)
        yield
    finally:
        os.close(held)


def _locked(fcntl: Any, held: int) -> bool:
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _write(entries: list[PriceRule]) -> None:
    file = path()
    text = json.dumps({"version": VERSION, "prices": [_plain(e) for e in entries]}, indent=2)
    write_whole(file, lambda temporary: _put(temporary, text), force=True)


def _put(file: Path, text: str) -> None:
    file.write_text(text + "\n", "utf-8")


def _plain(entry: PriceRule) -> dict[str, Any]:
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


def _entry(data: dict[str, Any]) -> PriceRule:
    rates = tuple((name, _rate(data[name])) for name in RATES if name in data)
    start = datetime.fromisoformat(data["start"]) if "start" in data else None
    entry = PriceRule(
        kind=data["kind"],
        name=data["name"].lower(),
        provider=data.get("provider"),
        glob=bool(data.get("glob")),
        start=start if start is None or start.tzinfo else start.replace(tzinfo=timezone.utc),
        rates=rates,
        target=data.get("target"),
        saved=True,
    )
    if not _is_whole(entry):
        raise ValueError(f"its entry for {entry.name!r} is incomplete")
    return entry


def _rate(value: Any) -> Decimal:
    rate = Decimal(value if isinstance(value, str) else json.dumps(value))
    if not is_rate(rate):
        raise ValueError(f"a price is {value!r}")
    return rate


def _is_whole(entry: PriceRule) -> bool:
    """Whether it says what its kind must: half an alias would make a model free."""
    if not all(isinstance(text, (str, type(None))) for text in (entry.provider, entry.target)):
        return False
    if entry.kind == "price":
        return any(name in ("input_mtok", "output_mtok") for name, _ in entry.rates)
    needed = {"alias": entry.target, "host": entry.provider, "free": "", "free host": ""}
    return entry.name != "" and needed.get(entry.kind) is not None
