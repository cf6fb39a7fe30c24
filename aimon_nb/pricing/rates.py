"""Tokens times rates: the arithmetic of one call.

Done here and not by the price list's own code, because every line of it is shown
to people and because it is ten times as fast; `tests/pricing/test_rates.py` holds
the two equal for every model of the list. What is beyond four kinds of tokens
(audio, web searches, a fee a request) is left to the list.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, localcontext

from aimon_nb.model import Cost, CostState, Usage
from aimon_nb.model.cost import EXACT, CostLine

MILLION, ZERO = Decimal(1_000_000), Decimal(0)
# Counts beyond `Usage`, sorted by name: (("web_searches", 2), …).
Details = tuple[tuple[str, int], ...]
# What a price depends on beside tokens and time, sorted: (("service_tier", "flex"), …).
Context = tuple[tuple[str, str], ...]
# Details that cost no more than the tokens they are among.
_INCLUDED = frozenset({"cache_write_5m_tokens", "cache_audio_read_tokens"})
# Tiers that cost less than the standard price, wherever they have one of their own.
_CHEAPER_TIERS = frozenset({"batch", "flex"})


@dataclass(frozen=True, slots=True)
class Tiers:
    """A price that changes for the whole call once its input is above a number of tokens."""

    base: Decimal
    steps: tuple[tuple[int, Decimal], ...]

    def at(self, total_input: int) -> Decimal:
        """Return the price of a call with so many input tokens, cached ones included."""
        for start, price in reversed(self.steps):
            if total_input > start:
                return price
        return self.base


Price = Decimal | Tiers


@dataclass(frozen=True, slots=True, eq=False)
class Rates:
    """What a model costs at one time, in USD per million tokens; None where no price is known.

    `label` says which model of which list these are. `extra_kinds` are what else has a
    price in the list, under the names of `ModelCall.details`, and `list_total` is the
    list's own arithmetic, which includes them; without `extra_kinds` the four prices stand
    for every token. `per_request_fee` names what makes `list_total` necessary in every
    call. `tier` is a service tier that was used and has no price here.
    """

    source: str
    label: str
    input: Price | None = None
    cached: Price | None = None
    cache_write: Price | None = None
    output: Price | None = None
    list_total: Callable[[Usage, Details], Decimal] | None = None
    extra_kinds: frozenset[str] | None = None
    per_request_fee: str | None = None
    hour_write: bool = False
    tier: str | None = None

    @property
    def is_priced(self) -> bool:
        """Whether there is any price per token here."""
        return any(price is not None for price in (self.input, self.cached, self.output))

    @property
    def is_zero(self) -> bool:
        """Whether every price is a known zero."""
        prices = (self.input, self.cached, self.cache_write, self.output)
        known = [price for price in prices if price is not None]
        return bool(known) and not self.per_request_fee and all(price == 0 for price in known)


@functools.lru_cache(maxsize=1024)
def unpriced(reason: str | None) -> Cost:
    """Return the cost of a call without rates."""
    return Cost("unpriced", reason=reason)


# Equal costs of equal calls are one object, which saves memory in large runs.
@functools.lru_cache(maxsize=20_000)
def charge(rates: Rates, usage: Usage, details: Details = ()) -> Cost:
    """Return the cost of a call with these normalised counts, by arithmetic alone."""
    lines: list[CostLine] = []
    without_price: list[str] = []
    into, cached, write = usage.input or 0, usage.cached or 0, usage.cache_write or 0
    # The user's code may have set precision and traps for its thread, on which we count, too.
    with localcontext(EXACT):
        total = ZERO
        for kind, tokens, price in (
            ("input", into - cached - write, rates.input),
            ("cached input", cached, rates.input if rates.cached is None else rates.cached),
            ("cache write", write, rates.input if rates.cache_write is None else rates.cache_write),
            ("output", usage.output or 0, rates.output),
        ):
            if tokens:
                rate = price.at(into) if isinstance(price, Tiers) else price
                usd = ZERO if rate is None else tokens * rate / MILLION
                lines.append(CostLine(kind, tokens, rate, usd))
                total += usd
                if rate is None:
                    without_price.append(kind)
        extras, unknown = _split(details, rates.extra_kinds) if details else ((), ())
        shortfalls = _shortfalls(rates, usage, without_price, extras, unknown)
        if rates.list_total is not None and (extras or rates.per_request_fee):
            kinds = ", ".join(filter(None, (_named(extras), rates.per_request_fee)))
            try:
                list_total = rates.list_total(usage, extras)
            except ValueError:
                # Kinds overlap in a way that the list cannot take apart.
                kinds = _named(extras) or rates.per_request_fee or ""
                shortfalls.append(f"{kinds} could not be priced apart")
            else:
                if list_total != total:
                    more = "more" if list_total > total else "less"
                    lines.append(CostLine(f"{more} for {kinds}", 0, None, list_total - total))
                total = list_total
    reason = "; ".join(shortfalls) or None
    caveats = _caveats(rates, usage, details)
    if not total and _has_no_price(rates, lines):
        reason = reason or f"no price per token is known for {rates.label}"
        return Cost("unpriced", None, (), rates.source, reason, caveats)
    state: CostState = "priced" if reason is None else "partial"
    if reason is None and not total and rates.is_zero:
        state = "free"
    return Cost(state, total, tuple(lines), rates.source, reason, caveats)


def _split(details: Details, listed: frozenset[str] | None) -> tuple[Details, Details]:
    """Return (details that the list has a price for, details that cost nobody knows what)."""
    priced, unknown = [], []
    for name, count in details:
        if listed is not None and name in listed:
            priced.append((name, count))
        # Whoever set a price of his own for tokens meant all of them, but not a search.
        elif name not in _INCLUDED if listed is not None else not name.endswith("_tokens"):
            unknown.append((name, count))
    return tuple(priced), tuple(unknown)


def _shortfalls(
    rates: Rates, usage: Usage, without_price: list[str], extras: Details, unknown: Details
) -> list[str]:
    """Return what is not in the sum, which makes it a lower bound."""
    shortfalls = []
    # What is billed by the second, say, and by no token, costs nothing more for its tokens.
    if without_price and (rates.is_priced or not extras):
        shortfalls.append(f"no price for {' and '.join(without_price)} of {rates.label}")
    if usage.input is None and rates.input:
        shortfalls.append("the input tokens were not reported")
    if usage.output is None and rates.output:
        shortfalls.append("the output tokens were not reported")
    # What is free is free with everything that belongs to it.
    if (unknown or rates.tier) and not rates.is_zero:
        if unknown:
            shortfalls.append(f"no price for {_named(unknown)} of {rates.label}")
        if rates.tier and not _CHEAPER_TIERS.issuperset(rates.tier.split()):
            shortfalls.append(f"no {rates.tier} price is known: at least the standard price")
    return shortfalls


def _named(details: Details) -> str:
    return ", ".join([name.removesuffix("_tokens").replace("_", " ") for name, _ in details])


def _caveats(rates: Rates, usage: Usage, details: Details) -> tuple[str, ...]:
    """Return what was assumed about kinds and tiers that have no price of their own."""
    caveats = []
    if usage.cached and rates.cached is None and rates.input is not None:
        caveats.append("cached input priced as input: no cache price is known")
    if usage.cache_write and rates.cache_write is None and rates.input is not None:
        caveats.append("cache write priced as input: no cache price is known")
    if usage.cache_write and rates.hour_write:
        names = dict(details)
        if "cache_write_1h_tokens" not in names and "cache_write_5m_tokens" not in names:
            caveats.append("cache write priced as kept for 5 minutes")
    if rates.tier and _CHEAPER_TIERS.issuperset(rates.tier.split()):
        caveats.append(f"no {rates.tier} price is known: standard price")
    return tuple(caveats)


def _has_no_price(rates: Rates, lines: list[CostLine]) -> bool:
    """Return whether $0 is no sum, because nothing in it has a price."""
    return not rates.is_priced or (bool(lines) and all(line.rate is None for line in lines))
