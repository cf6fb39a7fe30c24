"""The cost of a batch: the sum over its requests, each at the price of its own size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import localcontext

from aimon_nb.model import Cost, Usage
from aimon_nb.model.call import CallPart
from aimon_nb.model.cost import EXACT, CostLine, CostState, added
from aimon_nb.pricing.normalise import normalise
from aimon_nb.pricing.rates import ZERO, Details, Price, Rates, Tiers, charge


def charge_parts(rates: Rates, total: Usage, details: Details, parts: Sequence[CallPart]) -> Cost:
    """Return the cost of all requests of a batch.

    Args:
        rates: The batch's.
        total: Its normalised counts.
        details: Its counts beyond those.
        parts: Its requests; none where only the sum was told.

    """
    tiers = [one for one in _prices(rates) if isinstance(one, Tiers)]
    if not tiers and (rates.per_request_fee is None or not parts):
        return charge(rates, total, details)
    step = min((one.steps[0][0] for one in tiers), default=0)
    if not parts:
        return _at_least(rates, total, details, step)
    # As nearly always: no request is large, and a batch may have a hundred thousand.
    is_plain = not details and rates.per_request_fee is None
    if is_plain and max(part.usage.input or 0 for part in parts) <= step:
        return charge.__wrapped__(_of_small_requests(rates), total, details)
    # The requests of a large batch would push all other calls out of the cache of `charge`.
    uncached = charge.__wrapped__
    return _sum_of(
        [(uncached(rates, normalise(part.usage).usage, part.details), part.times) for part in parts]
    )


def _prices(rates: Rates) -> tuple[Price | None, ...]:
    return rates.input, rates.cached, rates.cache_write, rates.output


def _of_small_requests(rates: Rates) -> Rates:
    base = [one.base if isinstance(one, Tiers) else one for one in _prices(rates)]
    into, cached, write, out = base
    return replace(rates, input=into, cached=cached, cache_write=write, output=out, list_total=None)


def _at_least(rates: Rates, total: Usage, details: Details, step: int) -> Cost:
    """Return the cost if no request was large; how large each one was nobody told."""
    cost = charge.__wrapped__(_of_small_requests(rates), total, details)
    if cost.total is None or (total.input or 0) <= step:
        return cost
    reason = f"requests with an input above {step:,} tokens cost more"
    return replace(cost, state="partial", reason="; ".join(filter(None, (cost.reason, reason))))


def _sum_of(costs: list[tuple[Cost, int]]) -> Cost:
    """Return the sum of costs, each of which stands for so many requests."""
    known = [(cost, times) for cost, times in costs if cost.total is not None]
    first = (known or costs)[0][0]
    lines: dict[tuple[str, object], CostLine] = {}
    reasons = dict.fromkeys(cost.reason for cost, _ in costs if cost.reason)
    caveats = dict.fromkeys(caveat for cost, _ in costs for caveat in cost.caveats)
    with localcontext(EXACT):
        for cost, times in known:
            for line in cost.lines:
                before = lines.get((line.kind, line.rate), CostLine(line.kind, 0, line.rate, ZERO))
                lines[line.kind, line.rate] = CostLine(
                    line.kind,
                    before.tokens + line.tokens * times,
                    line.rate,
                    before.usd + line.usd * times,
                )
        total = added(cost.total * times for cost, times in known if cost.total is not None)
    if not known:
        return first
    state: CostState = "partial" if reasons else "priced"
    if all(cost.state == "free" for cost, _ in costs):
        state = "free"
    return replace(
        first,
        state=state,
        total=total,
        lines=tuple(lines.values()),
        reason="; ".join(reasons) or None,
        caveats=tuple(caveats),
    )
