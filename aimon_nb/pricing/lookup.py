"""The price of one call: genai-prices' bundled list, offline, imported on first need."""

from __future__ import annotations

import functools
from datetime import datetime
from decimal import Decimal
from typing import Any

from aimon_nb.model import Cost, Span, Usage
from aimon_nb.pricing.names import candidates, is_local, provider_at, provider_id
from aimon_nb.pricing.overrides import provider_of
from aimon_nb.pricing.usage import normalised

_MILLION = Decimal(1_000_000)
_NO_USAGE = "no usage reported"
_STREAM_HINT = 'no usage reported; ask for it with stream_options={"include_usage": True}'


def price(span: Span) -> Cost:
    """What a call cost at the time it started.

    Never raises: what cannot be priced is `unpriced` or `no_usage` with the reason.
    """
    if not span.usage.known:
        if span.status in ("abandoned", "interrupted"):
            return Cost("no_usage", reason="left before the usage came")
        streamed_chat = span.call is not None and span.call.streaming and span.op == "gen_ai.chat"
        return Cost("no_usage", reason=_STREAM_HINT if streamed_chat else _NO_USAGE)
    usage = normalised(span.usage)
    fault = _impossible(usage)
    if fault:
        return Cost("unpriced", reason=fault)
    host = span.call.host if span.call is not None else None
    provider, assumption = _provider(span, host)
    if provider is None:
        return Cost("unpriced", reason=assumption)
    for model in (span.model, span.request_model):
        if model:
            found = _find(provider, model, usage, span.start)
            if found is not None:
                return _with(found, assumption)
    return Cost(
        "unpriced", reason=f"no price known for {span.model or 'a call without a model name'}"
    )


def _provider(span: Span, host: str | None) -> tuple[str | None, str | None]:
    """(the price list's provider, the assumption behind it), or (None, the reason)."""
    if host is not None:
        known = provider_of(host) or provider_at(host)
        if known is not None:
            return known, None
        if is_local(host):
            hint = f'pricing.host("{host}", provider=…) says whose prices hold there'
            return None, f"{host} is a server on this machine; {hint}"
    known = provider_id(span.provider)
    if known is None:
        return None, f"no prices known for provider {span.provider or 'unknown'}"
    return known, f"{host} is priced as {known}" if host is not None else None


def _impossible(usage: Usage) -> str | None:
    counts = (usage.input, usage.cached, usage.cache_write, usage.output, usage.reasoning)
    if any(count is not None and count < 0 for count in counts):
        return "a negative token count was reported"
    if usage.input is None and usage.output is None:
        return "only a total was reported, not input and output"
    return None


def _find(provider: str, model: str, usage: Usage, start: datetime) -> Cost | None:
    for name in candidates(model, provider):
        found = _calculate(provider, name, usage, start)
        if found is not None:
            return found
    return None


def _calculate(provider: str, model: str, usage: Usage, start: datetime) -> Cost | None:
    import genai_prices

    counts = {
        "input_tokens": usage.input,
        "cache_read_tokens": usage.cached,
        "cache_write_tokens": usage.cache_write,
        "output_tokens": usage.output,
    }
    tokens = genai_prices.Usage(**{k: v for k, v in counts.items() if v is not None})
    try:
        found = genai_prices.calc_price(
            tokens, model, provider_id=provider, genai_request_timestamp=start
        )
    except LookupError:
        return None
    except ValueError as error:
        return Cost("unpriced", reason=f"the reported usage does not add up: {error}")
    if found.total_price == 0 and not found.model_price.__dict__:
        # An empty price set: free for OpenRouter's `:free` models, else delisted.
        return Cost("free", Decimal(0), source=_source()) if model.endswith(":free") else None
    whole = usage.output is not None or found.model_price.output_mtok is None
    return Cost(
        "priced" if whole else "partial",
        found.total_price,
        _parts(found, usage),
        _source(),
        None if whole else "the output tokens were not reported",
    )


def _parts(found: Any, usage: Usage) -> tuple[tuple[str, int, Decimal | None, Decimal], ...]:
    """The arithmetic, kind by kind; a rest that no rate explains is a line of its own."""
    prices, total = found.model_price, usage.input or 0
    cached, write = usage.cached or 0, usage.cache_write or 0
    rows: list[tuple[str, int, Decimal | None, Decimal]] = []
    for kind, tokens, price_of in (
        ("input", total - cached - write, prices.input_mtok),
        ("cached input", cached, prices.cache_read_mtok or prices.input_mtok),
        ("cache write", write, prices.cache_write_mtok or prices.input_mtok),
        ("output", usage.output or 0, prices.output_mtok),
    ):
        rate = _rate(price_of, total)
        if tokens and rate is not None:
            rows.append((kind, tokens, rate, tokens * rate / _MILLION))
    rest = found.total_price - sum((row[3] for row in rows), Decimal(0))
    if rest:
        rows.append(("other", 0, None, rest))
    return tuple(rows)


def _rate(price_of: Any, total_input: int) -> Decimal | None:
    if price_of is None or isinstance(price_of, Decimal):
        return price_of
    rate: Decimal = price_of.base
    for tier in price_of.tiers:
        if total_input > tier.start:
            rate = tier.price
    return rate


def _with(cost: Cost, assumption: str | None) -> Cost:
    if assumption is None:
        return cost
    return Cost(cost.state, cost.total, cost.parts, cost.source, cost.reason, (assumption,))


@functools.cache
def _source() -> str:
    import genai_prices

    return f"genai-prices {genai_prices.__version__}"
