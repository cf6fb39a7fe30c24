"""Tokens times rates: the arithmetic of one call.

Done here and not by the price list's own code, because every line of it is shown
to people and because it is ten times as fast; `tests/pricing/test_rates.py` holds
the two equal for every model of the list. What is beyond four kinds of tokens
(audio, web searches, a fee a request) is left to the list.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal, localcontext

from aimon_nb.model import Cost, CostState, Usage
from aimon_nb.model.cost import EXACT

MILLION = Decimal(1_000_000)
Details = tuple[tuple[str, int], ...]
Part = tuple[str, int, Decimal | None, Decimal]


@dataclass(frozen=True, slots=True)
class Tiers:
    """A price that changes for the whole call once its input is above a number of tokens."""

    base: Decimal
    steps: tuple[tuple[int, Decimal], ...]

    def at(self, total_input: int) -> Decimal:
        """The price of a call with so many input tokens, cached ones included."""
        return next(
            (price for start, price in reversed(self.steps) if total_input > start), self.base
        )


Price = Decimal | Tiers


@dataclass(frozen=True, slots=True, eq=False)
class Rates:
    """What a model costs at one time, in USD per million tokens; None where no price is known.

    `label` says which model of which list these are. `whole` is the list's own
    arithmetic for what is beyond the four, `own` the kinds it has a price for, under
    the names of `Call.details`; without `own` the four stand for every token. `fee`
    says what `whole` is needed for in every call. `tier` names a service tier that was
    asked for and has no price of its own.
    """

    source: str
    label: str
    input: Price | None = None
    cached: Price | None = None
    cache_write: Price | None = None
    output: Price | None = None
    whole: Callable[[Usage, Details], Decimal] | None = None
    own: frozenset[str] | None = None
    fee: str | None = None
    hour_write: bool = False
    tier: str | None = None

    @property
    def priced(self) -> bool:
        """Whether there is any price per token here."""
        return any(price is not None for price in (self.input, self.cached, self.output))

    @property
    def zero(self) -> bool:
        """Whether every price is a known zero."""
        known = [
            p for p in (self.input, self.cached, self.cache_write, self.output) if p is not None
        ]
        return bool(known) and not self.fee and all(price == 0 for price in known)


@functools.lru_cache(maxsize=20_000)
def charge(rates: Rates, usage: Usage, details: Details = (), said: tuple[str, ...] = ()) -> Cost:
    """The cost of a call with these (normalised) counts.

    `said` are assumptions already made, which the cost goes on to carry.
    """
    with localcontext(EXACT):
        return _charge(rates, usage, details, said)


def _charge(rates: Rates, usage: Usage, details: Details, said: tuple[str, ...]) -> Cost:
    parts = tuple(_parts(rates, usage))
    total = sum((part[3] for part in parts), Decimal(0))
    notes = (*said, *_assumptions(rates, usage, details))
    short = [*_missing(rates, usage, parts), *_dearer(rates, details)]
    apart = tuple(one for one in details if one[0] in (rates.own or ()))
    if rates.whole is not None and (apart or rates.fee):
        try:
            whole = rates.whole(usage, apart)
        except ValueError:  # kinds that overlap in a way the list cannot take apart
            short.append(f"{_named(apart) or rates.fee} could not be priced apart")
        else:
            parts = (*parts, *_rest(whole - total, _named(apart), rates.fee))
            total = whole
    missing = "; ".join(short) or None
    if not total and (not rates.priced or (parts and all(part[2] is None for part in parts))):
        reason = missing or f"no price per token is known for {rates.label}"
        return Cost("unpriced", None, (), rates.source, reason, notes)
    state: CostState = "partial" if missing else "free" if rates.zero else "priced"
    return Cost(state, total, parts, rates.source, missing, notes)


def _parts(rates: Rates, usage: Usage) -> Iterator[Part]:
    """The arithmetic, kind by kind; a kind without tokens has no line."""
    whole, cached, write = usage.input or 0, usage.cached or 0, usage.cache_write or 0
    for kind, tokens, price in (
        ("input", whole - cached - write, rates.input),
        ("cached input", cached, rates.input if rates.cached is None else rates.cached),
        ("cache write", write, rates.input if rates.cache_write is None else rates.cache_write),
        ("output", usage.output or 0, rates.output),
    ):
        if tokens:
            rate = price.at(whole) if isinstance(price, Tiers) else price
            yield kind, tokens, rate, Decimal(0) if rate is None else tokens * rate / MILLION


def _rest(difference: Decimal, *what: str | None) -> tuple[Part, ...]:
    if not difference:
        return ()
    named = ", ".join(name for name in what if name)
    return ((f"{'more' if difference > 0 else 'less'} for {named}", 0, None, difference),)


def _named(details: Details) -> str:
    return ", ".join(name.removesuffix("_tokens").replace("_", " ") for name, _ in details)


def _missing(rates: Rates, usage: Usage, parts: tuple[Part, ...]) -> Iterator[str]:
    """Which tokens are not in the sum."""
    unpriced = [kind for kind, _, rate, _ in parts if rate is None and kind in _KINDS]
    if unpriced:
        yield f"no price for {' and '.join(unpriced)} of {rates.label}"
    if usage.input is None and rates.input:
        yield "the input tokens were not reported"
    if usage.output is None and rates.output:
        yield "the output tokens were not reported"


def _dearer(rates: Rates, details: Details) -> Iterator[str]:
    """What costs more than the sum says, nobody here knows how much."""
    if rates.zero:
        return
    if rates.own is None:  # whoever set a price for tokens meant all of them
        unknown = [one for one in details if not one[0].endswith("_tokens")]
    else:
        unknown = [one for one in details if one[0] not in rates.own | _AT_NO_MORE]
    if unknown:
        yield f"no price for {_named(tuple(unknown))} of {rates.label}"
    if rates.tier and not _DEAR_TIERS.isdisjoint(rates.tier.split()):
        yield f"no {rates.tier} price is known: at least the standard price"


_KINDS = frozenset({"input", "cached input", "cache write", "output"})
# Details that cost no more than the tokens they are among.
_AT_NO_MORE = frozenset({"cache_write_5m_tokens", "cache_audio_read_tokens"})
_DEAR_TIERS = frozenset({"priority", "fast"})


def _assumptions(rates: Rates, usage: Usage, details: Details) -> Iterator[str]:
    if usage.cached and rates.cached is None and rates.input is not None:
        yield "cached input priced as input: no cache price is known"
    if usage.cache_write and rates.cache_write is None and rates.input is not None:
        yield "cache write priced as input: no cache price is known"
    told = dict(details)
    if (
        usage.cache_write
        and rates.hour_write
        and not ("cache_write_1h_tokens" in told or "cache_write_5m_tokens" in told)
    ):
        yield "cache write priced as kept for 5 minutes"
    if rates.tier and _DEAR_TIERS.isdisjoint(rates.tier.split()):
        yield f"no {rates.tier} price is known: standard price"
