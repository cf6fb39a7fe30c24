"""What users call on prices, one line each: their rules go before every list.

Every change is counted at once: all runs in memory, their tables and the views on
screen. Prices are in USD per million tokens, as on providers' price pages.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Literal

from aimon_nb.pricing import find_rates, price_list, resolve, user_price_file
from aimon_nb.pricing.arguments import (
    Amount,
    checked_amount,
    checked_host,
    checked_match,
    checked_name,
    checked_provider,
    is_circle,
    is_priced,
    listed_provider,
    start_of_day,
    warn_of_unit,
)
from aimon_nb.pricing.model_names import bare_host, tier_conditions
from aimon_nb.pricing.price_rule import RATES, PriceRule
from aimon_nb.pricing.pricing_context import PricingContext
from aimon_nb.pricing.rule_table import rule_table
from aimon_nb.pricing.user_prices import user_prices

if TYPE_CHECKING:
    import pandas as pd

on_change = user_prices.on_change


def set_price(
    model: str,
    *,
    input_mtok: Amount | None = None,
    output_mtok: Amount | None = None,
    cache_read_mtok: Amount | None = None,
    cache_write_mtok: Amount | None = None,
    provider: str | None = None,
    match: Literal["exact", "glob"] = "exact",
    start: str | date | None = None,
    save: bool = False,
) -> None:
    """Set what a model costs, in USD per million tokens.

    Args:
        model: its name as in the request or the answer; case does not matter.
        input_mtok: price of input.
        output_mtok: price of output; leave it out for an embedding model.
        cache_read_mtok: price of input read from a cache (default: as input).
        cache_write_mtok: price of input written to a cache (default: as input).
        provider: only for calls to this provider.
        match: `glob` takes `*` and `?` in `model`.
        start: only for calls from this day on (UTC).
        save: keep it for later kernels.

    Raises:
        TypeError: a price is no number.
        ValueError: a price is negative or missing, or `match` is neither word.

    Example:
        pricing.set("my-model", input_mtok=0.5, output_mtok=1.5)

    Source: the units and kinds of providers' price pages; docs/cost.md, "Your own prices".
    """
    amounts = zip(RATES, (input_mtok, output_mtok, cache_read_mtok, cache_write_mtok), strict=True)
    rates = tuple((name, checked_amount(name, one)) for name, one in amounts if one is not None)
    if not any(name in ("input_mtok", "output_mtok") for name, _ in rates):
        raise ValueError(f"no price for {model!r}: give input_mtok, output_mtok or both")
    glob = checked_match(match)
    warn_of_unit(model, rates)
    name = checked_name(model)
    scope = checked_provider(provider) if provider is not None else None
    _add(PriceRule("price", name, scope, glob, start_of_day(start), rates), save=save)


def alias(name: str, model: str, *, provider: str | None = None, save: bool = False) -> None:
    """Price one model as another, say a deployment as the model behind it.

    Args:
        name: the model as your calls name it.
        model: a model of the price list, or one you have set a price for.
        provider: whose price holds (default: the provider of each call).
        save: keep it for later kernels.

    Raises:
        ValueError: nobody has a price for `model`, or aliases run in a circle.

    Example:
        pricing.alias("my-deployment", "gpt-4o", provider="azure")

    Source: docs/cost.md, "Your own prices".
    """
    alias_name, target = checked_name(name), checked_name(model)
    whose = listed_provider(provider) if provider is not None else None
    if is_circle(alias_name, target):
        raise ValueError(f"{name!r} would be priced as itself, by way of {model!r}")
    if not is_priced(target, whose):
        where = f" at {whose}" if whose else ""
        raise ValueError(
            f"no price is known for {model!r}{where}; "
            f"pricing.set({model!r}, input_mtok=…, output_mtok=…) gives one"
        )
    _add(PriceRule("alias", alias_name, whose, target=target), save=save)


def free(
    model: str | None = None,
    *,
    host: str | None = None,
    provider: str | None = None,
    match: Literal["exact", "glob"] = "exact",
    save: bool = False,
) -> None:
    """Set that a model, or everything at a host, costs nothing.

    Args:
        model: its name.
        host: `host:port` or a host, as in the client's base URL.
        provider: only for calls of the model to this provider.
        match: `glob` takes `*` and `?` in `model`.
        save: keep it for later kernels.

    Raises:
        ValueError: neither a model nor a host is named, or both.

    Example:
        pricing.free("llama3.2:3b")
        pricing.free(host="localhost:11434")

    Source: docs/cost.md, "Your own prices".
    """
    if (model is None) == (host is None):
        raise ValueError("name a model or a host: pricing.free('llama3.2:3b')")
    glob = checked_match(match)
    scope = checked_provider(provider) if provider is not None else None
    if host is not None:
        _add(PriceRule("free host", checked_host(host)), save=save)
    elif model is not None:
        _add(PriceRule("free", checked_name(model), scope, glob), save=save)


def host(name: str, *, provider: str, save: bool = False) -> None:
    """Set whose prices hold at a host.

    Args:
        name: `host:port` or a host, as in the client's base URL.
        provider: a provider of the price list, such as `openai`.
        save: keep it for later kernels.

    Raises:
        ValueError: there is no such provider in the price list.

    Example:
        pricing.host("127.0.0.1:4000", provider="openai")

    Source: docs/cost.md, "Your own prices".
    """
    _add(PriceRule("host", checked_host(name), listed_provider(provider)), save=save)


def context(**values: str) -> PricingContext:
    """Set how calls are processed, where that changes their price.

    A tier that an answer itself names goes before it. Without arguments the
    standard prices hold again.

    Args:
        **values: such as `service_tier="flex"` (or `"priority"`), `processing="batch"`.

    Returns:
        Something for `with`, which ends the context with its block; it may be let go.

    Raises:
        TypeError: a value is no text.
        ValueError: no price of the list depends on that.

    Example:
        pricing.context(processing="batch")          # from now on, for every run in memory
        with pricing.context(service_tier="flex"):   # for calls that start in this block
            answer()

    Source: the tiers of providers' price pages, as docs/cost.md lists them.
    """
    wrong = next((f"{k}={v!r}" for k, v in values.items() if not isinstance(v, str)), None)
    if wrong is not None:
        raise TypeError(f"{wrong} is no text; say service_tier='flex' or processing='batch'")
    known = price_list.conditions()
    unknown = next((key for key in values if key not in known), None)
    if unknown is not None:
        raise ValueError(f"no price depends on {unknown}; say {', '.join(sorted(known))}")
    conditions = {key: value.strip().lower() for key, value in values.items()}
    conditions = tier_conditions(conditions.pop("service_tier", None)) | conditions
    return PricingContext(tuple(sorted(conditions.items())))


def unset(name: str) -> None:
    """Remove every price, alias or host set under a name, saved or not.

    Args:
        name: a model or a host, as it was set; case does not matter.

    Raises:
        ValueError: there is none.

    Example:
        pricing.unset("my-model")

    Source: docs/cost.md, "Your own prices".
    """
    model = checked_name(name)
    # `meta/llama3` is a model where one was set, and else the URL of the host `meta`.
    if not (_remove(model, model) or _remove("", bare_host(name))):
        raise ValueError(f"nothing is set for {name!r}; pricing.table() shows what is")
    user_prices.notify()


def table() -> pd.DataFrame:
    """Return what you have set, a row a price, alias or host.

    Returns:
        Prices in USD per million tokens, `start` in UTC; NA for what was not given.
        `attrs["saved_in"]` is the file of what is kept for later kernels.

    Example:
        pricing.table().query("saved")

    Source: docs/cost.md, "Your own prices".
    """
    frame = rule_table(user_prices.all())
    frame.attrs["saved_in"] = str(user_price_file.path())
    if user_prices.load_error is not None:
        frame.attrs["trouble"] = user_prices.load_error
    return frame


def update() -> str:
    """Fetch today's price list over the network, for this kernel.

    Nothing is ever fetched unless you call this.

    Returns:
        Whose list it is and how many models it has.

    Raises:
        ConnectionError: the list could not be fetched; the one in use stays.

    Example:
        pricing.update()

    Source: genai-prices, the list that is bundled and that this fetches anew.
    """
    models = price_list.update()
    # What was found in the list before does not hold.
    resolve.price_key.cache_clear()
    find_rates.list_caveats.cache_clear()
    user_prices.notify()
    return f"{price_list.source()}: {models:,} models"


def _add(rule: PriceRule, *, save: bool) -> None:
    if save:
        user_price_file.add(rule)
        rule = replace(rule, saved=True)
    user_prices.add(rule)
    user_prices.notify()


def _remove(model: str, host: str) -> bool:
    # The file first: if it cannot be written, nothing is forgotten here either. One that
    # cannot be read is left as it is, and what is not saved can be forgotten all the same.
    user_prices.all()
    was_saved = user_prices.load_error is None and user_price_file.remove(model, host)
    return user_prices.remove(model, host) or was_saved
