"""The price of one call: whose rates hold, and what is assumed thereby.

The user's own word goes first, then the host of the request, then what the SDK
says of the provider; response model before request model (pricing rule C).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from decimal import Decimal

from aimon_nb.model import Cost, Span
from aimon_nb.pricing import price_list
from aimon_nb.pricing.caveats import (
    LEFT_EARLY,
    apply_confidence,
    list_caveats,
    lower_bound_of_step,
    model_substitution,
    request_caveats,
)
from aimon_nb.pricing.model_names import candidates, is_local, provider_at, provider_id
from aimon_nb.pricing.normalise import inconsistency, normalised
from aimon_nb.pricing.rates import Rates, charge
from aimon_nb.pricing.user_prices import Context, PriceRule, user_prices

_NO_USAGE = "no usage reported"
_STREAM_HINT = 'no usage reported; ask for it with stream_options={"include_usage": True}'


@dataclass(frozen=True, slots=True)
class FoundRates:
    """Rates, or the reason why there are none; and what was assumed on the way."""

    rates: Rates | None
    reason: str | None = None
    assumptions: tuple[str, ...] = ()
    free: bool = False


def price(span: Span) -> Cost:
    """What a call cost at the time it started.

    Never raises: what cannot be priced is `unpriced` or `no_usage` with the reason.
    """
    if not span.usage.known:
        return _no_usage(span)
    wrong = inconsistency(span.usage)
    if wrong is not None:
        return _unpriced(wrong, ())
    found = rates_of(span)
    said = (*found.assumptions, *request_caveats(span))
    if found.free:
        return _free(price_list.source(), said)
    if found.rates is None:
        return _unpriced(found.reason, said)
    details = tuple(sorted(span.call.details.items())) if span.call is not None else ()
    usage = normalised(span.usage)
    cost = lower_bound_of_step(charge(found.rates, usage, details, said), found.rates.label, usage)
    return apply_confidence(cost, span)


def rates_of(span: Span) -> FoundRates:
    """Whose rates hold for a call."""
    host = span.call.host if span.call is not None else None
    place = _resolve_provider(host, span.provider, _rule_for(host))
    names = _names(span.model, span.request_model, place.provider)
    provider = place.provider or _known_provider(span.provider, local=place.local)
    context = _context(span)
    own = _from_user_rules(names, provider, place, span, context)
    if own is not None:
        return own
    if place.free:
        return FoundRates(user_prices.rates(place.free))
    said = (place.assumption,) if place.assumption else ()
    if place.provider is None:
        return FoundRates(None, place.reason)
    listing = price_list.find(place.provider, names) if names else None
    if listing is None:
        unknown = names[0][:100] if names else "a call without a model name"
        return FoundRates(None, f"no price is known for {unknown} at {place.provider}", said)
    rates = listing.at(span.start, context)
    said = (*said, *list_caveats(place.provider, names[0], host, listing.name))
    said = (*said, *model_substitution(place.provider, span.model, span.request_model))
    return FoundRates(rates, None, said, free=listing.is_free and not rates.priced)


@functools.lru_cache(maxsize=1024)
def _unpriced(reason: str | None, said: tuple[str, ...]) -> Cost:
    return Cost("unpriced", reason=reason, assumptions=said)


@functools.lru_cache(maxsize=1024)
def _names(model: str | None, asked: str | None, provider: str | None) -> tuple[str, ...]:
    """What the model of a call may be listed as, the likeliest first."""
    return tuple(name for one in (model, asked) if one for name in candidates(one, provider))


@dataclass(frozen=True, slots=True)
class _ProviderMatch:
    """Where a call went: the list's provider, or why there is none."""

    provider: str | None = None
    assumption: str | None = None
    reason: str | None = None
    local: bool = False
    free: PriceRule | None = None


def _rule_for(host: str | None) -> PriceRule | None:
    return user_prices.host(host) if host is not None else None


def forget() -> None:
    """The list is another now: what was found in the one before does not hold."""
    _resolve_provider.cache_clear()
    model_substitution.cache_clear()


@functools.lru_cache(maxsize=1024)
def _resolve_provider(host: str | None, said: str | None, word: PriceRule | None) -> _ProviderMatch:
    if word is not None:
        return _ProviderMatch(word.provider, free=word if word.kind == "free host" else None)
    if host is not None:
        known = provider_at(host) or (None if is_local(host) else price_list.provider_at(host))
        if known is not None:
            return _ProviderMatch(known)
        if is_local(host):
            hint = f'pricing.free(host="{host}") or pricing.host("{host}", provider=…) tells'
            return _ProviderMatch(reason=f"{host} is a server on this machine; {hint}", local=True)
    known = provider_id(said) or (price_list.provider_named(said) if said else None)
    if known is None:
        hint = f'; pricing.free(host="{host}") or pricing.set(…) tells' if host else ""
        return _ProviderMatch(reason=f"no prices are known for provider {said or 'unknown'}{hint}")
    return _ProviderMatch(known, f"{host} is priced as {known}" if host is not None else None)


def _known_provider(provider: str | None, *, local: bool) -> str | None:
    """A provider of whom the list knows nothing, such as `ollama`, may be yours.

    A server on this machine is none of those it knows, whatever dialect it speaks.
    """
    known = provider_id(provider)
    return None if known and local else known or (provider.lower() if provider else None)


def _from_user_rules(
    names: tuple[str, ...],
    provider: str | None,
    place: _ProviderMatch,
    span: Span,
    context: Context,
) -> FoundRates | None:
    """The user's own rates, or those of the model that he named instead."""
    entry = user_prices.model(names, provider, span.start)
    said: tuple[str, ...] = ()
    at = place.provider
    passed: list[PriceRule] = []
    while entry is not None and entry.kind == "alias" and entry.target is not None:
        if entry in passed:  # of two kernels that saved one each
            way_out = f"pricing.unset({entry.name!r}) ends that"
            return FoundRates(None, f"{entry.name} would be priced as itself; {way_out}")
        passed.append(entry)
        at, target = entry.provider or at, entry.target
        said = (f"{passed[0].name} is priced as {f'{at} ' if at else ''}{target} (yours)",)
        entry = user_prices.model((target,), at or provider, span.start)
        if entry is None:
            return _listed_alias(at, target, said, span, context)
    return FoundRates(user_prices.rates(entry), None, said) if entry is not None else None


def _listed_alias(
    at: str | None, target: str, said: tuple[str, ...], span: Span, context: Context
) -> FoundRates:
    listing = price_list.find(at, candidates(target, at)) if at is not None else None
    if listing is None:
        whose = "" if at else "; pricing.alias(…, provider=…) tells whose price holds"
        return FoundRates(
            None, f"no price is known for {target} at {at or 'this host'}{whose}", said
        )
    rates = listing.at(span.start, context)
    return FoundRates(rates, None, said, free=listing.is_free and not rates.priced)


def _context(span: Span) -> Context:
    """What changes a price beside tokens: the user's word, and what the answer says."""
    held = user_prices.context_at(span.start)
    if span.call is None:
        return held
    told = _tier(span.call.service_tier)
    speed = span.call.parameters.get("speed")
    if isinstance(speed, str):
        told["speed"] = speed
    return tuple(sorted((dict(held) | told).items())) if told else held


def normalise_conditions(values: dict[str, str]) -> Context:
    """What the user says of processing and tier, as the list puts it."""
    low = {key: value.strip().lower() for key, value in values.items()}
    return tuple(sorted((_tier(low.pop("service_tier", None)) | low).items()))


def _tier(name: str | None) -> dict[str, str]:
    """A provider's word for its tier, in the words of the price list."""
    tier = (name or "").lower()
    if "batch" in tier:
        return {"processing": "batch"}
    for known in ("flex", "priority", "fast"):
        if known in tier:
            return {"service_tier": known}
    return {"service_tier": tier} if tier else {}


def _no_usage(span: Span) -> Cost:
    if span.status in LEFT_EARLY:
        return Cost("no_usage", reason="left before the usage came")
    if span.status == "error":
        return Cost("no_usage", reason="failed before the usage came")
    streamed = span.streaming or span.attributes.get("gen_ai.response.streaming") is True
    return Cost("no_usage", reason=_STREAM_HINT if streamed and _has_option(span) else _NO_USAGE)


def _has_option(span: Span) -> bool:
    """Whether the hint's option is one that this client has."""
    provider = provider_id(span.provider) or span.provider
    if span.op == "gen_ai.text_completion":
        return provider in ("openai", "azure")
    return span.op == "gen_ai.chat" and provider not in _WITHOUT_OPTION


_WITHOUT_OPTION = ("anthropic", "google", "aws", "cohere", "mistral", "ollama")


def _free(source: str, said: tuple[str, ...]) -> Cost:
    return Cost("free", Decimal(0), (), source, None, said)
