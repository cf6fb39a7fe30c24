"""What a call costs, and what it may cost at most, as a budget wants to know it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from aimon_nb.model import Cost, ModelCall, Run, Span, Usage

# What the APIs call the most tokens of an answer.
_MOST = (
    *("max_completion_tokens", "max_output_tokens", "max_tokens", "max_new_tokens"),
    *("maxOutputTokens", "maxTokens", "max_tokens_to_sample", "num_predict"),
)


def cost_of(span: Span) -> Cost:
    """Return what an answered call cost."""
    # Not at the top: who has no budget does not need it before the first price.
    from aimon_nb.pricing import price

    return price(span)


def most_tokens(call: ModelCall) -> int | None:
    """Return the most tokens that a request allows its answer; None where it does not say."""
    places: list[Mapping[str, Any]] = [call.parameters]
    places += [value for value in call.parameters.values() if isinstance(value, Mapping)]
    for name in _MOST:
        for place in places:
            value = place.get(name)
            if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                return value
    return None


def first_price(call: ModelCall, run: Run, most: int | None) -> tuple[Decimal, str | None]:
    """Return (what so many tokens of output cost, None or why the model has no price)."""
    from aimon_nb.pricing import price
    from aimon_nb.pricing.find_rates import find_rates
    from aimon_nb.pricing.resolve import resolve
    from aimon_nb.pricing.user_prices import user_prices

    span = Span("", None, run.run_id, run.started, 0.0)
    span.call, span.provider, span.request_model = call, call.provider, call.request_model
    lookup = find_rates(resolve(span), span.start, user_prices.context_at(span.start))
    if lookup.rates is None:
        return Decimal(0), lookup.reason
    if lookup.is_free or most is None:
        return Decimal(0), None
    span.call = ModelCall(
        provider=call.provider,
        host=call.host,
        operation=call.operation,
        request_model=call.request_model,
    )
    span.usage, span.usage_source = Usage(input=0, output=most), "estimate"
    return price(span).total or Decimal(0), None
