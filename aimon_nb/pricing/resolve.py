"""A call → whose prices hold for it, and under which names (rule C in docs/cost.md)."""

from __future__ import annotations

import functools
from typing import NamedTuple

from aimon_nb.model import Span
from aimon_nb.pricing import price_list
from aimon_nb.pricing.model_names import (
    candidates,
    is_local,
    provider_at,
    provider_id,
    tier_conditions,
    vendor_of,
)
from aimon_nb.pricing.price_rule import PriceRule
from aimon_nb.pricing.rates import Context
from aimon_nb.pricing.user_prices import user_prices


class PriceKey(NamedTuple):
    """What a price is looked up by.

    `provider` is the price list's id, or None with the `reason`. `models` are the names
    that the model may be listed under, the likeliest first. A user's rule for a single
    provider holds if it is `user_provider`, which may be one that the list does not have.
    `free_rule` is the user's rule that everything at this host is free. `conditions` are
    what the answer itself says of its tier.
    """

    provider: str | None
    models: tuple[str, ...]
    user_provider: str | None
    host: str | None
    response_model: str | None
    request_model: str | None
    free_rule: PriceRule | None
    reason: str | None
    caveats: tuple[str, ...]
    conditions: Context


def resolve(span: Span) -> PriceKey:
    """Return what the price of a call is looked up by.

    A rule of the user's for the host goes first, then the host, then the provider that the
    SDK names.
    """
    call = span.call
    if call is None:
        return price_key(None, None, span.provider, span.model, span.request_model)
    rule = user_prices.rule_for_host(call.host) if call.host is not None else None
    # The answer's word goes before the request's.
    speed = call.speed or call.parameters.get("speed")
    return price_key(
        call.host,
        rule,
        span.provider,
        span.model,
        span.request_model,
        call.service_tier,
        speed if isinstance(speed, str) else None,
        is_gateway=call.is_gateway,
    )


# Calls differ in little but their counts. Cleared by `pricing.update()`, for what was found
# in one list may not be in the next.
@functools.lru_cache(maxsize=1024)
def price_key(
    host: str | None,
    rule: PriceRule | None,
    provider_name: str | None,
    response_model: str | None,
    request_model: str | None,
    service_tier: str | None = None,
    speed: str | None = None,
    *,
    is_gateway: bool = False,
) -> PriceKey:
    """Return the key of calls that have all this in common; `rule` is the host's."""
    vendor = vendor_of(request_model) or vendor_of(response_model)
    provider, reason, caveats = _match_provider(
        host, rule, provider_name, vendor, is_gateway=is_gateway
    )
    models: list[str] = []
    # An answer mostly names the model that was asked for.
    for model in {response_model: None, request_model: None}:
        if model:
            models += candidates(model, provider)
    user_provider = provider
    if provider is None and provider_name:
        # A provider that the list does not have, such as `ollama`, may have a rule of the user's.
        # But a server on this machine is none of those in the list, whatever dialect it speaks.
        listed = provider_id(provider_name)
        is_server_here = rule is None and host is not None and is_local(host)
        user_provider = None if listed and is_server_here else listed or provider_name.lower()
    conditions = tier_conditions(service_tier)
    if speed is not None:
        conditions["speed"] = speed
    return PriceKey(
        provider=provider,
        models=tuple(models),
        user_provider=user_provider,
        host=host,
        response_model=response_model,
        request_model=request_model,
        free_rule=rule if rule is not None and rule.kind == "free host" else None,
        reason=reason,
        caveats=caveats,
        conditions=tuple(sorted(conditions.items())),
    )


def _match_provider(
    host: str | None,
    rule: PriceRule | None,
    name: str | None,
    vendor: str | None,
    *,
    is_gateway: bool,
) -> tuple[str | None, str | None, tuple[str, ...]]:
    """Return (the price list's id or None, why there is none, what was assumed).

    `vendor` is whom the model's own name names. At a host of nobody's that is whose price
    holds, on this machine only where the answer was a gateway's.
    """
    if rule is not None:
        return rule.provider, None, ()
    local = host is not None and is_local(host)
    if host is not None:
        provider = provider_at(host) or (None if local else price_list.provider_at(host))
        if provider is not None:
            return provider, None, ()
    if host is not None and vendor is not None and (is_gateway or not local):
        return vendor, None, (f"{host} is priced as {vendor}, as the model's name says",)
    if local:
        hint = (
            f'pricing.free(host="{host}") or pricing.host("{host}", provider=…) says what it costs'
        )
        return None, f"{host} is a server on this machine; {hint}", ()
    provider = provider_id(name) or (price_list.provider_named(name) if name else None)
    if provider is None:
        hint = f'; pricing.free(host="{host}") or pricing.set(…) says what it costs' if host else ""
        whose = f"no prices are known for provider {name}" if name else "no provider is known"
        return None, f"{whose}{hint}", ()
    return provider, None, (f"{host} is priced as {provider}",) if host is not None else ()
