"""The user's own word on prices, one line each; it goes before every list.

Every change is counted at once: all runs in memory, their tables and the views on
screen. Prices are in USD per million tokens, as on providers' price pages.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Literal

from aimon_nb.pricing import price_list, resolve, user_price_file
from aimon_nb.pricing.model_names import bare_host
from aimon_nb.pricing.pricing_context import PricingContext
from aimon_nb.pricing.user_prices import RATES, PriceRule, user_prices

if TYPE_CHECKING:
    import pandas as pd
from aimon_nb.pricing.arguments import (
    Amount,
    checked_amount,
    checked_host,
    checked_name,
    checked_provider,
    ends_in,
    is_priced,
    listed_provider,
    start_of_day,
    warn_of_unit,
)

on_change = user_prices.on_change
user_prices.load = user_price_file.read


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
    """Say what a model costs, in USD per million tokens.

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
    given = zip(RATES, (input_mtok, output_mtok, cache_read_mtok, cache_write_mtok), strict=True)
    rates = tuple((name, checked_amount(name, value)) for name, value in given if value is not None)
    if not any(name in ("input_mtok", "output_mtok") for name, _ in rates):
        raise ValueError(f"no price for {model!r}: give input_mtok, output_mtok or both")
    if match not in ("exact", "glob"):
        raise ValueError(f"match is {match!r}; use 'exact' or 'glob'")
    warn_of_unit(model, rates)
    name = checked_name(model)
    scope = checked_provider(provider) if provider is not None else None
    _put(PriceRule("price", name, scope, match == "glob", start_of_day(start), rates), save=save)


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
    alias_of, target = checked_name(name), checked_name(model)
    at = listed_provider(provider) if provider is not None else None
    if ends_in(alias_of, target):
        raise ValueError(f"{name!r} would be priced as itself, by way of {model!r}")
    if not is_priced(target, at):
        where = f" at {at}" if at else ""
        raise ValueError(
            f"no price is known for {model!r}{where}; "
            f"pricing.set({model!r}, input_mtok=…, output_mtok=…) gives one"
        )
    _put(PriceRule("alias", alias_of, at, target=target), save=save)


def free(
    model: str | None = None,
    *,
    host: str | None = None,
    provider: str | None = None,
    match: Literal["exact", "glob"] = "exact",
    save: bool = False,
) -> None:
    """Say that a model, or everything at a host, costs nothing.

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
    if match not in ("exact", "glob"):
        raise ValueError(f"match is {match!r}; use 'exact' or 'glob'")
    scope = checked_provider(provider) if provider is not None else None
    if host is not None:
        _put(PriceRule("free host", checked_host(host)), save=save)
    elif model is not None:
        _put(PriceRule("free", checked_name(model), scope, match == "glob"), save=save)


def host(name: str, *, provider: str, save: bool = False) -> None:
    """Say whose prices hold at a host.

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
    _put(PriceRule("host", checked_host(name), listed_provider(provider)), save=save)


def context(**values: str) -> PricingContext:
    """Say how calls are processed, where that changes their price.

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
    return PricingContext(resolve.normalise_conditions(values))


def unset(name: str) -> None:
    """Forget every price, alias or host set under a name, saved or not.

    Args:
        name: a model or a host, as it was set; case does not matter.

    Raises:
        ValueError: there is none.

    Example:
        pricing.unset("my-model")

    Source: docs/cost.md, "Your own prices".
    """
    called = checked_name(name)
    # `meta/llama3` is a model where one was set, and else the URL of the host `meta`.
    if not (_forget(called, called) or _forget("", bare_host(name))):
        raise ValueError(f"nothing is set for {name!r}; pricing.table() shows what is")
    user_prices.changed()


def table() -> pd.DataFrame:
    """What you have set, a row a price, alias or host.

    Returns:
        Prices in USD per million tokens, `start` in UTC; NA for what was not said.
        `attrs["saved_in"]` is the file of what is kept for later kernels.

    Example:
        pricing.table().query("saved")

    Source: docs/cost.md, "Your own prices".
    """
    import pandas as pd

    columns = {
        "name": "string",
        "is": "string",
        "provider": "string",
        "priced_as": "string",
        **dict.fromkeys(RATES, "Float64"),
        "glob": "boolean",
        "start": "datetime64[ns, UTC]",
        "saved": "boolean",
    }
    rows = [
        {
            "name": entry.name,
            "is": entry.kind,
            "provider": entry.provider,
            "priced_as": entry.target,
            **{rate: float(amount) for rate, amount in entry.rates},
            "glob": entry.glob,
            "start": entry.start,
            "saved": entry.saved,
        }
        for entry in user_prices.all()
    ]
    frame = pd.DataFrame(
        {n: pd.Series([row.get(n) for row in rows], dtype=dtype) for n, dtype in columns.items()}
    )
    frame.attrs["saved_in"] = str(user_price_file.path())
    if user_prices.trouble:
        frame.attrs["trouble"] = user_prices.trouble
    return frame


def update() -> str:
    """Fetch today's price list over the network, for this kernel; says what came.

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
    resolve.forget()
    user_prices.changed()
    return f"{price_list.source()}: {models:,} models"


def _forget(model: str, host: str) -> bool:
    user_prices.all()
    # The file first: if it cannot be written, nothing is forgotten here either.
    kept = user_prices.trouble is None and user_price_file.remove(model, host)
    return bool(user_prices.drop(model, host)) or kept


def _put(entry: PriceRule, *, save: bool) -> None:
    if save:
        _keep(entry)
        entry = replace(entry, saved=True)
    user_prices.put(entry)
    user_prices.changed()


def _keep(entry: PriceRule) -> None:
    try:
        user_price_file.add(entry)
    except OSError as error:
        why = error.strerror or str(error)
        hint = "without save=True it holds for this kernel"
        raise OSError(f"{user_price_file.path()} is not written ({why}); {hint}") from None
