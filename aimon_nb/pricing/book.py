"""What the user said of prices, as data: it goes before every list."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Literal

from aimon_nb.model import Span
from aimon_nb.pricing.rates import Rates

Kind = Literal["price", "alias", "free", "host", "free host"]
Context = tuple[tuple[str, str], ...]
RATES = ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok")
_PORT = re.compile(r"(.*?)(?::(\d+))?", re.DOTALL)
_EVER = datetime.min.replace(tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing the user said.

    `name` is a model (or a pattern, with `glob`) or a host, in lower case.
    `provider` limits a price to one provider's calls; of an alias or a host it is
    the provider whose prices hold. Rates are in USD per million tokens.
    """

    kind: Kind
    name: str
    provider: str | None = None
    glob: bool = False
    start: datetime | None = None
    rates: tuple[tuple[str, Decimal], ...] = ()
    target: str | None = None
    saved: bool = False

    @property
    def key(self) -> tuple[object, ...]:
        """What a later word on the same thing replaces."""
        if self.kind in ("host", "free host"):
            return ("host", self.name)
        scope = self.provider if self.kind != "alias" else None
        return ("model", self.name, scope, self.glob, self.start)

    def holds(self, names: Iterable[str], provider: str | None, start: datetime) -> bool:
        """Whether it speaks of a call to one of these models at that time."""
        if self.kind != "alias" and self.provider not in (None, provider):
            return False
        if self.start is not None and start < self.start:
            return False
        if self.glob:
            return any(fnmatchcase(name, self.name) for name in names)
        return self.name in names

    @property
    def rank(self) -> tuple[bool, bool, datetime]:
        """The more it says, the more it counts."""
        narrow = self.provider is not None and self.kind != "alias"
        return not self.glob, narrow, self.start or _EVER


@dataclass(slots=True)
class Window:
    """A context that held for a while: from `start` to `end` (None while it goes on)."""

    context: Context
    start: datetime
    end: datetime | None = None


@dataclass(slots=True)
class Book:
    """Everything the user said in this process, and what he saved earlier."""

    entries: dict[tuple[object, ...], Entry] = field(default_factory=dict)
    context: Context = ()
    windows: list[Window] = field(default_factory=list)
    trouble: str | None = None  # why the saved prices could not be read
    opened: bool = False
    load: Callable[[], list[Entry]] = list
    # How to find a span by its id: handed in by whoever holds the runs.
    find_span: Callable[[str], Span | None] = lambda _: None
    _rates: dict[Entry, Rates] = field(default_factory=dict)
    _listeners: list[Callable[[], None]] = field(default_factory=list)
    # The user says a price on his thread while calls are priced on ours.
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def all(self) -> list[Entry]:
        """Every entry, oldest first; reads the saved ones on first use."""
        with self._lock:
            if not self.opened:
                self._open()
            return list(self.entries.values())

    def _open(self) -> None:
        try:
            saved = {entry.key: entry for entry in self.load()}
        except (OSError, ValueError) as error:
            self.trouble = f"saved prices are not used: {error}"
        else:
            self.entries = saved | self.entries
        self.opened = True

    def put(self, entry: Entry) -> None:
        """Take a word in, in place of an earlier one on the same thing."""
        with self._lock:
            self.all()
            self.entries.pop(entry.key, None)
            self.entries[entry.key] = entry

    def drop(self, names: Iterable[str]) -> list[Entry]:
        """Forget every word on these names; returns what it was."""
        wanted = set(names)
        with self._lock:
            gone = [entry for entry in self.all() if entry.name in wanted]
            for entry in gone:
                del self.entries[entry.key]
        return gone

    def model(self, names: Iterable[str], provider: str | None, start: datetime) -> Entry | None:
        """The word that holds for a call to one of these models."""
        if not self.entries and self.opened:
            return None
        wanted = [name.lower() for name in names]
        found: Entry | None = None
        for entry in self._models():
            if entry.holds(wanted, provider, start) and (found is None or entry.rank >= found.rank):
                found = entry
        return found

    def host(self, name: str) -> Entry | None:
        """The word on a host, with or without its port."""
        if not self.entries and self.opened:
            return None
        self.all()
        name, port = _PORT.fullmatch(name.lower()).groups()  # type: ignore[union-attr]
        # A client may leave the usual port out.
        ports = (f":{port}", "") if port else ("", ":443", ":80")
        found = (self.entries.get(("host", name + port)) for port in ports)
        return next((entry for entry in found if entry is not None), None)

    def context_at(self, start: datetime) -> Context:
        """The context that held when a call started; the innermost one wins."""
        if not self.windows:
            return self.context
        held = dict(self.context)
        for window in self.windows:
            if window.start <= start and (window.end is None or start <= window.end):
                held |= dict(window.context)
        return tuple(sorted(held.items()))

    def rates(self, entry: Entry) -> Rates:
        """The rates of a price or a free model; the same object each time."""
        found = self._rates.get(entry)
        if found is None:
            given: dict[str, Decimal] = dict(entry.rates)
            zero = Decimal(0) if entry.kind != "price" else None
            found = self._rates[entry] = Rates(
                source="yours",
                label=f"{entry.name} (yours)",
                input=given.get("input_mtok", zero),
                output=given.get("output_mtok", zero),
                cached=given.get("cache_read_mtok", zero),
                cache_write=given.get("cache_write_mtok", zero),
            )
        return found

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener()` after each change; returns its removal."""
        self._listeners.append(listener)

        def remove() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return remove

    def changed(self) -> None:
        """Tell everyone who shows costs."""
        for listener in list(self._listeners):
            listener()

    def _models(self) -> Iterator[Entry]:
        return (entry for entry in self.all() if entry.kind not in ("host", "free host"))


book = Book()
