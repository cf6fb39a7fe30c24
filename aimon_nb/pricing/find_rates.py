"""A key and a time → rates: those of the user's rules, else those of the price list."""

from __future__ import annotations

import functools
import re
from datetime import datetime
from typing import NamedTuple

from aimon_nb.pricing import price_list
from aimon_nb.pricing.model_names import candidates
from aimon_nb.pricing.price_rule import PriceRule
from aimon_nb.pricing.rates import Context, Rates
from aimon_nb.pricing.resolve import PriceKey
from aimon_nb.pricing.user_prices import user_prices

# What follows a listed name in the name of one version: a date. Bedrock's `-v1:0` is no version.
_VERSION = re.compile(r"-(?!v\d)\w")
# Bedrock's ids of models outside the US, and AWS's hosts there.
_REGION_OF_ID = re.compile(r"(eu|apac|jp|au|us-gov)\.")
_REGION_OF_HOST = re.compile(r"\.(?!us-(east|west)-)[a-z]{2}(-[a-z]+)+-\d\.(amazonaws|api)\.")
# OpenAI's and Vertex's hosts for data that must stay somewhere.
_RESIDENCY_HOST = re.compile(r"^[a-z]{2}\.api\.openai\.com|^[a-z]+-[a-z]+\d+-aiplatform\.")


class RateLookup(NamedTuple):
    """Rates, or None with the reason; `caveats` are what was assumed to find them.

    With `is_free` the list knows the model to be free, and has no price for it.
    """

    rates: Rates | None
    reason: str | None = None
    caveats: tuple[str, ...] = ()
    is_free: bool = False


def find_rates(key: PriceKey, at: datetime, context: Context) -> RateLookup:
    """Return the rates of a call that started at this time.

    `context` is the tier and processing that the user set for then; what the answer names
    goes before it.
    """
    if key.conditions:
        context = tuple(sorted((dict(context) | dict(key.conditions)).items()))
    rule = user_prices.rule_for_model(key.models, key.user_provider, at)
    if rule is not None and rule.kind == "alias":
        return _rates_of_alias(rule, key, at, context)
    rule = rule or key.free_rule
    if rule is not None:
        return RateLookup(user_prices.rates_of(rule))
    if key.provider is None:
        return RateLookup(None, key.reason)
    listed = price_list.find(key.provider, key.models)
    if listed is None:
        model = key.models[0][:100] if key.models else "a call without a model name"
        reason = f"no price is known for {model} at {key.provider}"
        return RateLookup(None, reason, key.caveats)
    rates, caveats = listed.at(at, context), list_caveats(key, listed.name)
    return RateLookup(rates, None, caveats, listed.is_free and not rates.is_priced)


def _rates_of_alias(rule: PriceRule, key: PriceKey, at: datetime, context: Context) -> RateLookup:
    """Follow the user's aliases to a price of his, or to a model of the list."""
    provider, first = key.provider, rule.name
    caveats: tuple[str, ...] = ()
    passed: set[PriceRule] = set()
    while rule.kind == "alias" and rule.target is not None:
        # Each of two kernels may have saved one, and so made a circle that neither refused.
        if rule in passed:
            reason = (
                f"{rule.name} would be priced as itself; pricing.unset({rule.name!r}) ends that"
            )
            return RateLookup(None, reason)
        passed.add(rule)
        provider, model = rule.provider or provider, rule.target
        caveats = (f"{first} is priced as {f'{provider} ' if provider else ''}{model} (yours)",)
        following = user_prices.rule_for_model((model,), provider or key.user_provider, at)
        if following is None:
            listed = provider and price_list.find(provider, candidates(model, provider))
            if listed:
                rates = listed.at(at, context)
                return RateLookup(rates, None, caveats, listed.is_free and not rates.is_priced)
            hint = "" if provider else "; pricing.alias(…, provider=…) tells whose price holds"
            reason = f"no price is known for {model} at {provider or 'this host'}{hint}"
            return RateLookup(None, reason, caveats)
        rule = following
    return RateLookup(user_prices.rates_of(rule), None, caveats)


# Depends on the list, as `resolve.price_key` does, and is cleared with it.
@functools.lru_cache(maxsize=1024)
def list_caveats(key: PriceKey, listed_as: str) -> tuple[str, ...]:
    """Return what was assumed: where the list has one price for what providers bill apart."""
    provider, model, host = key.provider, key.models[0], key.host or ""
    caveats = list(key.caveats)
    name = listed_as.partition(" ")[2]
    # A name without a version is the model that the list takes for today's: `…-latest`.
    substituted = model.endswith("-latest")
    if name.startswith(model):
        substituted = _VERSION.match(name, len(model)) is not None
    if substituted:
        caveats.append(f"{model} is priced as {listed_as}")
    if provider == "aws" and (_REGION_OF_ID.match(model) or _REGION_OF_HOST.search(host)):
        caveats.append("priced as in a US region of Bedrock: others can cost more")
    if _RESIDENCY_HOST.search(host) and (provider == "openai" or "claude" in model):
        caveats.append("priced without what a region of your choice can cost more")
    answered, requested = key.response_model, key.request_model
    if (
        provider is not None
        and answered
        and requested
        and answered != requested
        and price_list.find(provider, candidates(answered, provider)) is None
    ):
        caveats.append(
            f"no price is known for {answered[:100]}: priced as {requested[:100]}, as was asked for"
        )
    return tuple(caveats)
