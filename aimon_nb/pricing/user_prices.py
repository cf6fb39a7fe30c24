"""What the user said of prices, as data: it goes before every list."""

from __future__ import annotations

import re
import threading
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from fnmatch import fnmatchcase
from operator import itemgetter
from typing import Literal

from aimon_nb.model import Span
from aimon_nb.pricing.rates import Rates

RuleKind = Literal["price", "alias", "free", "host", "free host"]
Context = tuple[tuple[str, str], ...]
RATES = ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok")
_PORT = re.compile(r"(.*?)(?::(\d+))?", re.DOTALL)
_EVER = datetime.min.replace(tzinfo=timezone.utc)
_TICK = timedelta(microseconds=1)
# Beyond these a price is a slip of the pen, and its sums would fit no column.
_LEAST, _MOST = Decimal("1e-12"), Decimal("1e9")


def is_rate(amount: Decimal) -> bool:
    """Whether an amount can be a price: 0, or USD per million tokens that somebody could ask."""
    return amount.is_finite() and (amount == 0 or _LEAST <= amount <= _MOST)


@dataclass(frozen=True, slots=True)
class PriceRule:
    """One thing the user said.

    `name` is a model (or a pattern, with `glob`) or a host, in lower case.
    `provider` limits a price to one provider's calls; of an alias or a host it is
    the provider whose prices hold. Rates are in USD per million tokens.
    """

    kind: RuleKind
    name: str
    provider: str | None = None
    glob: bool = False
    start: datetime | None = None
    rates: tuple[tuple[str, Decimal], ...] = ()
    target: str | None = None
    saved: bool = False

    @property
    def of_host(self) -> bool:
        """Whether it speaks of a host, not of a model."""
        return self.kind in ("host", "free host")

    @property
    def key(self) -> tuple[object, ...]:
        """What a later word on the same thing replaces."""
        if self.of_host:
            return ("host", self.name)
        scope = self.provider if self.kind != "alias" else None
        return ("model", self.name, scope, self.glob, self.start)

    def goes_by(self, model: str, host: str) -> bool:
        """Whether it stands under this name, which is read as a model's and as a host's."""
        return self.name == (host if self.of_host else model)

    def names(self, models: Collection[str]) -> bool:
        """Whether it speaks of one of these models."""
        if self.glob:
            return any(fnmatchcase(name, self.name) for name in models)
        return self.name in models

    def holds(self, models: Collection[str], provider: str | None, start: datetime) -> bool:
        """Whether it speaks of a call to one of these models at that time."""
        if self.kind != "alias" and self.provider not in (None, provider):
            return False
        return (self.start is None or start >= self.start) and self.names(models)

    @property
    def rank(self) -> tuple[bool, bool, datetime]:
        """The more it says, the more it counts."""
        narrow = self.provider is not None and self.kind != "alias"
        return not self.glob, narrow, self.start or _EVER


class Blocks:
    """Which `with` blocks were open when: a call of any time finds them at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: list[Context] = []  # the innermost last
        # From a moment on these were open, until the next one.
        self._since: list[tuple[datetime, tuple[Context, ...]]] = []

    def begin(self, context: Context) -> None:
        """A block opens now."""
        with self._lock:
            self._open.append(context)
            self._note(datetime.now(timezone.utc))

    def end(self, context: Context) -> None:
        """The last opened block of this context ends now; what starts in this tick is inside."""
        with self._lock:
            last = len(self._open) - 1 - self._open[::-1].index(context)
            del self._open[last]
            self._note(datetime.now(timezone.utc) + _TICK)

    def at(self, moment: datetime) -> tuple[Context, ...]:
        """The contexts of the blocks that were open then, the innermost last."""
        place = bisect_right(self._since, moment, key=itemgetter(0))
        return self._since[place - 1][1] if place else ()

    def _note(self, moment: datetime) -> None:
        # A clock that is set back puts nothing before what has been.
        last = self._since[-1][0] if self._since else moment
        self._since.append((max(moment, last), tuple(self._open)))


@dataclass(slots=True)
class UserPrices:
    """Everything the user said in this process, and what he saved earlier."""

    entries: dict[tuple[object, ...], PriceRule] = field(default_factory=dict)
    context: Context = ()
    blocks: Blocks = field(default_factory=Blocks)
    trouble: str | None = None  # why the saved prices could not be read
    opened: bool = False
    load: Callable[[], list[PriceRule]] = list
    # How to find a span by its id: handed in by whoever holds the runs.
    find_span: Callable[[str], Span | None] = lambda _: None
    _rates: dict[PriceRule, Rates] = field(default_factory=dict)
    _listeners: list[Callable[[], None]] = field(default_factory=list)
    # The user says a price on his thread while calls are priced on ours.
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def all(self) -> list[PriceRule]:
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

    def put(self, entry: PriceRule) -> None:
        """Take a word in, in place of an earlier one on the same thing."""
        with self._lock:
            self.all()
            self.entries.pop(entry.key, None)
            self.entries[entry.key] = entry

    def drop(self, model: str, host: str) -> list[PriceRule]:
        """Forget every word under this name; returns what it was."""
        with self._lock:
            gone = [entry for entry in self.all() if entry.goes_by(model, host)]
            for entry in gone:
                del self.entries[entry.key]
        return gone

    def model(
        self, names: Iterable[str], provider: str | None, start: datetime
    ) -> PriceRule | None:
        """The word that holds for a call to one of these models."""
        if not self.entries and self.opened:
            return None
        wanted = [name.lower() for name in names]
        found: PriceRule | None = None
        for entry in self._models():
            if entry.holds(wanted, provider, start) and (found is None or entry.rank >= found.rank):
                found = entry
        return found

    def host(self, name: str) -> PriceRule | None:
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
        held = self.context
        for context in self.blocks.at(start):
            held = tuple(sorted((dict(held) | dict(context)).items())) if context else ()
        return held

    def rates(self, entry: PriceRule) -> Rates:
        """The rates of a price or a free model; the same object each time."""
        found = self._rates.get(entry)
        if found is None:
            given: dict[str, Decimal] = dict(entry.rates)
            zero = Decimal(0) if entry.kind in ("free", "free host") else None
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

    def _models(self) -> Iterator[PriceRule]:
        return (entry for entry in self.all() if not entry.of_host)


user_prices = UserPrices()
