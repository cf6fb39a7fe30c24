"""The user's rules on prices in this process: they go before every list."""

from __future__ import annotations

import re
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from operator import itemgetter

from aimon_nb.model import Span
from aimon_nb.pricing import user_price_file
from aimon_nb.pricing.price_rule import PriceRule
from aimon_nb.pricing.rates import Context, Rates

_PORT = re.compile(r"(.*?)(?::(\d+))?", re.DOTALL)
_TICK = timedelta(microseconds=1)


class ContextHistory:
    """Which `with pricing.context(…)` blocks were open when, for a call of any time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # The innermost last.
        self._open: list[Context] = []
        # (from when on, the contexts of the blocks that were open until the next one).
        self.changes: list[tuple[datetime, tuple[Context, ...]]] = []

    def begin(self, context: Context) -> None:
        """Note that a block opens now."""
        with self._lock:
            self._open.append(context)
            self._add(datetime.now(timezone.utc))

    def end(self, context: Context) -> None:
        """Note that the last opened block of this context ends now."""
        with self._lock:
            last = len(self._open) - 1 - self._open[::-1].index(context)
            del self._open[last]
            # A call that starts in this very tick is inside.
            self._add(datetime.now(timezone.utc) + _TICK)

    def at(self, moment: datetime) -> tuple[Context, ...]:
        """Return the contexts of the blocks that were open then, the innermost last."""
        index = bisect_right(self.changes, moment, key=itemgetter(0))
        return self.changes[index - 1][1] if index else ()

    def _add(self, moment: datetime) -> None:
        # A clock that is set back puts nothing before what has been.
        last = self.changes[-1][0] if self.changes else moment
        self.changes.append((max(moment, last), tuple(self._open)))


@dataclass(slots=True)
class UserPrices:
    """All rules of the user's, those that he saved earlier too; `load` reads these."""

    load: Callable[[], list[PriceRule]]
    # By `PriceRule.key`, oldest first. A change makes a new dict: calls are priced on our
    # thread while the user sets prices on his, and no call must miss a rule meanwhile.
    rules: dict[tuple[object, ...], PriceRule] = field(default_factory=dict)
    # What `pricing.context(…)` without `with` set.
    context: Context = ()
    blocks: ContextHistory = field(default_factory=ContextHistory)
    # Why the saved rules could not be read, in words.
    load_error: str | None = None
    is_loaded: bool = False
    # How to find a span by its id: handed in by whoever holds the runs.
    find_span: Callable[[str], Span | None] = lambda _: None
    _rates: dict[PriceRule, Rates] = field(default_factory=dict)
    _listeners: list[Callable[[], None]] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def all(self) -> list[PriceRule]:
        """Return every rule, oldest first; reads the saved ones at the first use."""
        if not self.is_loaded:
            self._load()
        return list(self.rules.values())

    def _load(self) -> None:
        with self._lock:
            # Another thread may have read them while this one waited.
            if self.is_loaded:
                return
            try:
                self.rules = {rule.key: rule for rule in self.load()} | self.rules
            except (OSError, ValueError) as error:
                self.load_error = f"saved prices are not used: {error}"
            self.is_loaded = True

    def add(self, rule: PriceRule) -> None:
        """Add a rule, in place of an earlier one on the same thing."""
        with self._lock:
            others = {one.key: one for one in self.all() if one.key != rule.key}
            self.rules = {**others, rule.key: rule}

    def remove(self, model: str, host: str) -> bool:
        """Remove every rule under a name; returns whether there was any."""
        with self._lock:
            rules = self.all()
            self.rules = {rule.key: rule for rule in rules if not rule.is_named(model, host)}
            return len(self.rules) < len(rules)

    def rule_for_model(
        self, models: Iterable[str], provider: str | None, at: datetime
    ) -> PriceRule | None:
        """Return the rule that holds for a call to a model of these names at this time."""
        if not self.is_loaded:
            self._load()
        if not self.rules:
            return None
        names = list(map(str.lower, models))
        best: PriceRule | None = None
        for rule in self.rules.values():
            if rule.kind in ("host", "free host") or not rule.applies(names, provider, at):
                continue
            if best is None or rule.precedence >= best.precedence:
                best = rule
        return best

    def rule_for_host(self, host: str) -> PriceRule | None:
        """Return the rule on a host, with or without its port."""
        if not self.is_loaded:
            self._load()
        if not self.rules:
            return None
        name, port = _PORT.fullmatch(host.lower()).groups()  # type: ignore[union-attr]
        # A client may leave the usual port out.
        for suffix in (f":{port}", "") if port else ("", ":443", ":80"):
            rule = self.rules.get(("host", name + suffix))
            if rule is not None:
                return rule
        return None

    def context_at(self, at: datetime) -> Context:
        """Return the context that held when a call started; the innermost block goes first."""
        context = self.context
        # Most kernels never open a block.
        if not self.blocks.changes:
            return context
        for inner in self.blocks.at(at):
            context = tuple(sorted((dict(context) | dict(inner)).items())) if inner else ()
        return context

    def rates_of(self, rule: PriceRule) -> Rates:
        """Return the rates of a price or a free model; the same object each time."""
        rates = self._rates.get(rule)
        if rates is None:
            amounts: dict[str, Decimal] = dict(rule.rates)
            # What is free is free for every kind of token.
            other = Decimal(0) if rule.kind in ("free", "free host") else None
            rates = self._rates[rule] = Rates(
                source="yours",
                label=f"{rule.name} (yours)",
                input=amounts.get("input_mtok", other),
                output=amounts.get("output_mtok", other),
                cached=amounts.get("cache_read_mtok", other),
                cache_write=amounts.get("cache_write_mtok", other),
            )
        return rates

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener()` after each change; returns a function that removes it."""
        self._listeners.append(listener)

        def remove() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return remove

    def notify(self) -> None:
        """Call everyone who shows costs."""
        for listener in list(self._listeners):
            listener()


user_prices = UserPrices(load=user_price_file.read)
