"""The price of one call, from its tokens to its cost.

The rules it goes by, A to C, stand in docs/cost.md.
"""

from __future__ import annotations

from aimon_nb.model import Cost, Span
from aimon_nb.pricing.charged import as_charged
from aimon_nb.pricing.find_rates import find_rates
from aimon_nb.pricing.model_names import provider_id
from aimon_nb.pricing.normalise import NormalisedUsage, normalise
from aimon_nb.pricing.parts import charge_parts
from aimon_nb.pricing.qualify import LEFT_EARLY, qualify
from aimon_nb.pricing.rates import ZERO, charge, unpriced
from aimon_nb.pricing.resolve import resolve
from aimon_nb.pricing.user_prices import user_prices

_NO_USAGE = "no usage reported"
_STREAM_HINT = 'no usage reported; ask for it with stream_options={"include_usage": True}'
# Clients without that option: their streams report usage anyway, or never.
_WITHOUT_OPTION = ("anthropic", "google", "aws", "cohere", "mistral", "ollama")


def price(span: Span) -> Cost:
    """Return what a call cost, in USD: what its provider charged, else by the prices of its time.

    Never raises: what cannot be priced is `unpriced` or `no_usage` with the reason.
    """
    listed = _by_rates(span)
    charged = span.call.charged if span.call is not None else None
    # Whoever set a price of his own, or said that a host is free, wants that one.
    if charged is None or listed.source == "yours":
        return listed
    return as_charged(charged, span, listed)


def _by_rates(span: Span) -> Cost:
    details = tuple(sorted(span.call.details.items())) if span.call is not None else ()
    if not span.usage.known and not details:
        return Cost("no_usage", reason=_why_no_usage(span))
    # What is billed by the search or the second has no tokens at all.
    counts = normalise(span.usage) if span.usage.known else NormalisedUsage(span.usage)
    if counts.inconsistency is not None:
        return unpriced(counts.inconsistency)
    key, at = resolve(span), span.start
    lookup = find_rates(key, at, user_prices.context_at(at))
    if lookup.rates is None:
        cost = unpriced(lookup.reason)
    elif lookup.is_free:
        cost = Cost("free", ZERO, source=lookup.rates.source)
    elif span.call is not None and span.call.operation == "batch":
        cost = charge_parts(lookup.rates, counts.usage, details, span.call.parts)
    else:
        cost = charge(lookup.rates, counts.usage, details)
    return qualify(cost, span, counts, lookup)


def _why_no_usage(span: Span) -> str:
    if span.call is not None and span.call.untold is not None:
        return span.call.untold
    if span.status in LEFT_EARLY:
        return "left before the usage came"
    if span.status == "error":
        return "failed before the usage came"
    if not span.streaming and span.attributes.get("gen_ai.response.streaming") is not True:
        return _NO_USAGE
    provider = provider_id(span.provider) or span.provider
    if span.op == "gen_ai.text_completion":
        has_option = provider in ("openai", "azure")
    else:
        has_option = span.op == "gen_ai.chat" and provider not in _WITHOUT_OPTION
    return _STREAM_HINT if has_option else _NO_USAGE
