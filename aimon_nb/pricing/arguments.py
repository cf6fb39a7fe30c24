"""Checks of what users pass on prices: a name, a host, an amount, a day."""

from __future__ import annotations

import warnings
from datetime import date, datetime, timezone
from decimal import Decimal, InvalidOperation
from numbers import Real

from aimon_nb.pricing import price_list
from aimon_nb.pricing.model_names import bare_host, candidates, provider_id
from aimon_nb.pricing.price_rule import is_rate
from aimon_nb.pricing.user_prices import user_prices

Amount = int | float | str | Decimal
# USD per million tokens outside of which a price is suspicious. Of 2,431 listed input prices
# six are lower, of 2,348 output prices eleven, of 1,478 cache prices none; none is higher.
LOWEST = {"input_mtok": Decimal("0.01"), "output_mtok": Decimal("0.03")}
LOWEST_CACHED, HIGHEST = Decimal("0.001"), Decimal(600)


def checked_name(model: str) -> str:
    """Return the name of a model, in lower case; ValueError where it is none."""
    if not isinstance(model, str) or not model.strip():
        raise ValueError(f"a model is named by a text, not by {model!r}")
    return model.strip().lower()


def checked_host(name: str) -> str:
    """Return a host without scheme, path and user; ValueError where it is none."""
    host = bare_host(name) if isinstance(name, str) else ""
    if not host:
        raise ValueError(f"a host is named as 'host' or 'host:port', not {name!r}")
    return host


def checked_provider(name: str) -> str:
    """Return any provider's name, in the list's spelling where the list knows it."""
    return provider_id(name) or checked_name(name)


def listed_provider(name: str) -> str:
    """Return the id that the price list has for a provider; ValueError where it has none."""
    provider = provider_id(name) or price_list.provider_named(str(name))
    if provider is None:
        raise ValueError(f"no provider {name!r} in the price list; try 'openai' or 'anthropic'")
    return provider


def checked_match(match: str) -> bool:
    """Return whether `match` is `glob`, not `exact`; ValueError where it is neither."""
    if match not in ("exact", "glob"):
        raise ValueError(f"match is {match!r}; use 'exact' or 'glob'")
    return match == "glob"


def is_priced(model: str, provider: str | None) -> bool:
    """Return whether a price is known for a model: the user's, or one of the list."""
    if any(rule.matches((model,)) for rule in user_prices.all() if not rule.is_of_host):
        return True
    if provider is None:
        return price_list.knows(model)
    return price_list.find(provider, candidates(model, provider)) is not None


def is_circle(name: str, target: str) -> bool:
    """Return whether following aliases from `target` leads back to `name`."""
    aliases = {rule.name: rule.target for rule in user_prices.all() if rule.kind == "alias"}
    passed: set[str] = set()
    model: str | None = target
    while model is not None and model not in passed:
        if model == name:
            return True
        passed.add(model)
        model = aliases.get(model)
    return False


def checked_amount(name: str, value: Amount) -> Decimal:
    """Return USD per million tokens as a decimal; TypeError or ValueError where it is none."""
    # `True` is a number to Python; as a price it is a slip.
    if isinstance(value, bool) or not isinstance(value, (Real, str, Decimal)):
        raise TypeError(f"{name} is {value!r}; give USD per million tokens as a number")
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{name} is {value!r}; give USD per million tokens as a number") from None
    if not is_rate(amount):
        raise ValueError(f"{name} is {value}; a price is 0 or more USD per million tokens")
    return amount


def warn_of_unit(model: str, rates: tuple[tuple[str, Decimal], ...]) -> None:
    """Warn of a rate that looks like USD per token, or per thousand tokens."""
    for name, rate in rates:
        is_small = 0 < rate < LOWEST.get(name, LOWEST_CACHED)
        if is_small or rate > HIGHEST:
            size = "small" if is_small else "large"
            warnings.warn(
                f"{name}={rate} for {model!r} is unusually {size}: "
                "prices are in USD per million tokens, not per token or per thousand",
                # The line of the user's that calls `pricing.set`.
                stacklevel=3,
            )


def start_of_day(start: str | date | None) -> datetime | None:
    """Return the midnight, UTC, at which a day begins; None for None."""
    if start is None:
        return None
    try:
        moment = datetime.fromisoformat(str(start))
    except ValueError:
        raise ValueError(f"start is {start!r}; write a day as '2026-11-23'") from None
    return moment.astimezone(timezone.utc) if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
