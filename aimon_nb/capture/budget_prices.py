"""What a call costs, and what it may cost at most, as a budget wants to know it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from aimon_nb.model import Cost, Message, ModelCall, Run, Span, Usage

# What the APIs call the most tokens of an answer.
_MOST = (
    *("max_completion_tokens", "max_output_tokens", "max_tokens", "max_new_tokens"),
    *("maxOutputTokens", "maxTokens", "max_tokens_to_sample", "num_predict"),
)
# What these are billed by is no count of their text.
_NOT_TEXT = frozenset({"image_generation", "transcription", "speech", "rerank"})


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
    return _price_of(call, run, Usage(input=0, output=most)), None


def taken_by_text(call: ModelCall, run: Run, *, needs_price: bool) -> tuple[Decimal, int]:
    """Return (US dollars, tokens) that the text of a call comes to, in and out, so far.

    Four characters a token, of text alone: what a call that tells no usage took at least, roughly.
    Where nobody `needs_price` it is 0.
    """
    if call.operation in _NOT_TEXT:
        return Decimal(0), 0
    usage = Usage(input=_tokens_of(call.input), output=_tokens_of(call.output))
    usd = _price_of(call, run, usage) if needs_price else Decimal(0)
    return usd, (usage.input or 0) + (usage.output or 0)


def _tokens_of(messages: Iterable[Message]) -> int:
    characters = sum(
        len(message.text) + sum(len(text) for tool_call in message.tool_calls for text in tool_call)
        for message in messages
    )
    return -(-characters // 4)


def _price_of(call: ModelCall, run: Run, usage: Usage) -> Decimal:
    from aimon_nb.pricing import price

    span = Span("", None, run.run_id, run.started, 0.0)
    span.provider, span.request_model = call.provider, call.request_model
    span.call = ModelCall(
        provider=call.provider,
        host=call.host,
        operation=call.operation,
        request_model=call.request_model,
    )
    span.usage, span.usage_source = usage, "estimate"
    return price(span).total or Decimal(0)
