"""The price rules saved for later kernels: one small JSON file in the user's data folder."""

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

from aimon_nb.files import write_whole
from aimon_nb.pricing.price_rule import RATES, PriceRule, is_rate

VERSION = 1
_UNREADABLE = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)
# Seconds that another kernel may take to write.
_PATIENCE = 2.0


def home() -> Path:
    """Return the folder of this user's data; the variable AIMON_NB_HOME names another."""
    override = os.environ.get("AIMON_NB_HOME")
    if override:
        return Path(override).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library/Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")
    return base / "aimon_nb"


def path() -> Path:
    """Return where the file is, or would be."""
    return home() / "prices.json"


def read() -> list[PriceRule]:
    """Return the saved rules, oldest first; none where there is no file.

    Raises:
        ValueError: the file is not what was written; it is left as it is.
    """
    file = path()
    try:
        data = json.loads(file.read_text("utf-8"))
        if data["version"] != VERSION:
            raise ValueError(f"its version is {data['version']!r}")
        return [_from_json(one) for one in data["prices"]]
    except FileNotFoundError:
        return []
    except _UNREADABLE as error:
        raise ValueError(f"{file} cannot be read ({error}); mend it or delete it") from None


def add(rule: PriceRule) -> None:
    """Add a rule to the file, in place of an earlier one on the same thing.

    Raises:
        OSError: the file cannot be written, or another kernel does not finish writing it.
    """
    try:
        path().parent.mkdir(parents=True, exist_ok=True)
        _change(lambda rules: [*(one for one in rules if one.key != rule.key), rule])
    except OSError as error:
        why = error.strerror or str(error)
        hint = "without save=True it holds for this kernel"
        raise OSError(f"{path()} is not written ({why}); {hint}") from None


def remove(model: str, host: str) -> bool:
    """Take everything under a name out of the file; returns whether there was anything."""
    if not any(rule.is_named(model, host) for rule in read()):
        return False
    _change(lambda rules: [rule for rule in rules if not rule.is_named(model, host)])
    return True


def _change(change: Callable[[list[PriceRule]], list[PriceRule]]) -> None:
    with _file_lock(path().parent):
        data = {"version": VERSION, "prices": [_to_json(rule) for rule in change(read())]}
        text = json.dumps(data, indent=2) + "\n"
        write_whole(path(), lambda temporary: _write_text(temporary, text), force=True)


def _write_text(file: Path, text: str) -> None:
    file.write_text(text, "utf-8")


@contextlib.contextmanager
def _file_lock(folder: Path) -> Iterator[None]:
    """Let one kernel at a time change the file: else of two that save one would be lost.

    The lock ends with its process. Where a system or a file system has none, the last one wins.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    # The folder is locked, not the file: that is replaced by another at each change.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        deadline = time.monotonic() + _PATIENCE
        while not _try_lock(fcntl, descriptor):
            if time.monotonic() > deadline:
                raise TimeoutError(f"another kernel is writing {path()}; try again")
            time.sleep(0.01)
        yield
    finally:
        os.close(descriptor)


def _try_lock(fcntl: Any, descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # A file system without locks.
        return True
    return True


def _to_json(rule: PriceRule) -> dict[str, Any]:
    data = {
        "kind": rule.kind,
        "name": rule.name,
        "provider": rule.provider,
        "glob": rule.glob or None,
        "start": rule.start.isoformat() if rule.start is not None else None,
        "target": rule.target,
        # As text, which is exact.
        **{name: str(rate) for name, rate in rule.rates},
    }
    return {key: value for key, value in data.items() if value is not None}


def _from_json(data: dict[str, Any]) -> PriceRule:
    """Return the rule that `_to_json` was called on; ValueError or LookupError where none was."""
    rates = tuple((name, _rate(data[name])) for name in RATES if name in data)
    start = datetime.fromisoformat(data["start"]) if "start" in data else None
    rule = PriceRule(
        kind=data["kind"],
        name=data["name"].lower(),
        provider=data.get("provider"),
        glob=bool(data.get("glob")),
        start=start if start is None or start.tzinfo else start.replace(tzinfo=timezone.utc),
        rates=rates,
        target=data.get("target"),
        saved=True,
    )
    if not _is_complete(rule):
        raise ValueError(f"its entry for {rule.name!r} is incomplete")
    return rule


def _rate(value: Any) -> Decimal:
    # A number that somebody wrote by hand is what he wrote, not the nearest float.
    rate = Decimal(value if isinstance(value, str) else json.dumps(value))
    if not is_rate(rate):
        raise ValueError(f"a price is {value!r}")
    return rate


def _is_complete(rule: PriceRule) -> bool:
    """Return whether it has what its kind must have: half an alias would make a model free."""
    if not all(isinstance(text, (str, type(None))) for text in (rule.provider, rule.target)):
        return False
    if rule.kind == "price":
        return any(name in ("input_mtok", "output_mtok") for name, _ in rule.rates)
    needed = {"alias": rule.target, "host": rule.provider, "free": "", "free host": ""}
    return rule.name != "" and needed.get(rule.kind) is not None
