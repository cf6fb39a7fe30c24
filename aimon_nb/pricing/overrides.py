"""The user's own word on prices, one line each; it goes before every list.

Every change is counted at once: all runs in memory, their tables and the views on
screen. Prices are in USD per million tokens, as on providers' price pages.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from datetime import date, datetime, timezone
from decimal import Decimal, InvalidOperation
from numbers import Real
from typing import TYPE_CHECKING, Literal

from aimon_nb.pricing import listed, lookup, saved
from aimon_nb.pricing.book import RATES, Entry, book, is_rate
from aimon_nb.pricing.held import Held
from aimon_nb.pricing.names import bare_host, candidates, provider_id

if TYPE_CHECKING:
    import pandas as pd

Amount = int | float | str | Decimal
# Of 2,431 listed input prices six are lower, of 2,348 output prices eleven, of 1,478
# cache prices none; and none at all is higher.
_LOWEST = {"input_mtok": Decimal("0.01"), "output_mtok": Decimal("0.03")}
_LOWEST_CACHED, _HIGHEST = Decimal("0.001"), Decimal(600)

on_change = book.on_change
book.load = saved.read


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
    rates = tuple((name, _amount(name, value)) for name, value in given if value is not None)
    if not any(name in ("input_mtok", "output_mtok") for name, _ in rates):
        raise ValueError(f"no price for {model!r}: give input_mtok, output_mtok or both")
    if match not in ("exact", "glob"):
        raise ValueError(f"match is {match!r}; use 'exact' or 'glob'")
    _warn(model, rates)
    name = _name(model)
    scope = _provider(provider) if provider is not None else None
    _put(Entry("price", name, scope, match == "glob", _day(start), rates), save=save)


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
    alias_of, target = _name(name), _name(model)
    at = _listed_provider(provider) if provider is not None else None
    if _ends_in(alias_of, target):
        raise ValueError(f"{name!r} would be priced as itself, by way of {model!r}")
    if not _is_priced(target, at):
        where = f" at {at}" if at else ""
        raise ValueError(
            f"no price is known for {model!r}{where}; "
            f"pricing.set({model!r}, input_mtok=…, output_mtok=…) gives one"
        )
    _put(Entry("alias", alias_of, at, target=target), save=save)


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
    scope = _provider(provider) if provider is not None else None
    if host is not None:
        _put(Entry("free host", _host(host)), save=save)
    elif model is not None:
        _put(Entry("free", _name(model), scope, match == "glob"), save=save)


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
    _put(Entry("host", _host(name), _listed_provider(provider)), save=save)


def context(**values: str) -> Held:
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
    known = listed.conditions()
    unknown = next((key for key in values if key not in known), None)
    if unknown is not None:
        raise ValueError(f"no price depends on {unknown}; say {', '.join(sorted(known))}")
    return Held(lookup.in_words_of_the_list(values))


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
    called = _name(name)
    # `meta/llama3` is a model where one was set, and else the URL of the host `meta`.
    if not (_forget(called, called) or _forget("", bare_host(name))):
        raise ValueError(f"nothing is set for {name!r}; pricing.table() shows what is")
    book.changed()


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
        for entry in book.all()
    ]
    frame = pd.DataFrame(
        {n: pd.Series([row.get(n) for row in rows], dtype=dtype) for n, dtype in columns.items()}
    )
    frame.attrs["saved_in"] = str(saved.path())
    if book.trouble:
        frame.attrs["trouble"] = book.trouble
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
    models = listed.update()
    lookup.forget()
    book.changed()
    return f"{listed.source()}: {models:,} models"


def _forget(model: str, host: str) -> bool:
    book.all()
    # The file first: if it cannot be written, nothing is forgotten here either.
    kept = book.trouble is None and saved.forget(model, host)
    return bool(book.drop(model, host)) or kept


def _put(entry: Entry, *, save: bool) -> None:
    if save:
        _keep(entry)
        entry = replace(entry, saved=True)
    book.put(entry)
    book.changed()


def _keep(entry: Entry) -> None:
    try:
        saved.keep(entry)
    except OSError as error:
        why = error.strerror or str(error)
        hint = "without save=True it holds for this kernel"
        raise OSError(f"{saved.path()} is not written ({why}); {hint}") from None


def _name(model: str) -> str:
    if not isinstance(model, str) or not model.strip():
        raise ValueError(f"a model is named by a text, not by {model!r}")
    return model.strip().lower()


def _host(name: str) -> str:
    found = bare_host(name) if isinstance(name, str) else ""
    if not found:
        raise ValueError(f"a host is named as 'host' or 'host:port', not {name!r}")
    return found


def _provider(name: str) -> str:
    """Any provider's name, in the list's spelling where the list knows it."""
    return provider_id(name) or _name(name)


def _listed_provider(name: str) -> str:
    known = provider_id(name) or listed.provider_named(str(name))
    if known is None:
        raise ValueError(f"no provider {name!r} in the price list; try 'openai' or 'anthropic'")
    return known


def _is_priced(model: str, provider: str | None) -> bool:
    if any(entry.names((model,)) for entry in book.all() if not entry.of_host):
        return True
    if provider is None:
        return listed.knows(model)
    return listed.find(provider, candidates(model, provider)) is not None


def _ends_in(name: str, target: str) -> bool:
    """Whether following aliases from `target` leads back to `name`."""
    follow = {entry.name: entry.target for entry in book.all() if entry.kind == "alias"}
    seen: set[str] = set()
    step: str | None = target
    while step is not None and step not in seen:
        if step == name:
            return True
        seen.add(step)
        step = follow.get(step)
    return False


def _amount(name: str, value: Amount) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (Real, str, Decimal)):
        raise TypeError(f"{name} is {value!r}; give USD per million tokens as a number")
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{name} is {value!r}; give USD per million tokens as a number") from None
    if not is_rate(amount):
        raise ValueError(f"{name} is {value}; a price is 0 or more USD per million tokens")
    return amount


def _warn(model: str, rates: tuple[tuple[str, Decimal], ...]) -> None:
    for name, rate in rates:
        small = 0 < rate < _LOWEST.get(name, _LOWEST_CACHED)
        if small or rate > _HIGHEST:
            size = "small" if small else "large"
            warnings.warn(
                f"{name}={rate} for {model!r} is unusually {size}: "
                "prices are in USD per million tokens, not per token or per thousand",
                stacklevel=3,
            )


def _day(start: str | date | None) -> datetime | None:
    if start is None:
        return None
    try:
        found = datetime.fromisoformat(str(start))
    except ValueError:
        raise ValueError(f"start is {start!r}; write a day as '2026-11-23'") from None
    return found.astimezone(timezone.utc) if found.tzinfo else found.replace(tzinfo=timezone.utc)
