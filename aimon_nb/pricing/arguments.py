"""What a user says of prices, checked: a name, a host, an amount, a day."""

from __future__ import annotations

import warnings
from datetime import date, datetime, timezone
from decimal import Decimal, InvalidOperation
from numbers import Real

from aimon_nb.pricing import price_list
from aimon_nb.pricing.model_names import bare_host, candidates, provider_id
from aimon_nb.pricing.user_prices import is_rate, user_prices

Amount = int | float | str | Decimal


# Of 2,431 listed input prices six are lower, of 2,348 output prices eleven, of 1,478
# cache prices none; and none at all is higher.
LOWEST = {"input_mtok": Decimal("0.01"), "output_mtok": Decimal("0.03")}


LOWEST_CACHED, HIGHEST = Decimal("0.001"), Decimal(600)


def checked_name(model: str) -> str:
    """Return the name of a model; ValueError where it is none."""
    if not isinstance(model, str) or not model.strip():
        raise ValueError(f"a model is named by a text, not by {model!r}")
    return model.strip().lower()


def checked_host(name: str) -> str:
    """Return a host without scheme, path and user; ValueError where it is none."""
    found = bare_host(name) if isinstance(name, str) else ""
    if not found:
        raise ValueError(f"a host is named as 'host' or 'host:port', not {name!r}")
    return found


def checked_provider(name: str) -> str:
    """Any provider's name, in the list's spelling where the list knows it."""
    return provider_id(name) or checked_name(name)


def listed_provider(name: str) -> str:
    """Return the id that the price list has for a provider; ValueError where it has none."""
    known = provider_id(name) or price_list.provider_named(str(name))
    if known is None:
        raise ValueError(f"no provider {name!r} in the price list; try 'openai' or 'anthropic'")
    return known


def is_priced(model: str, provider: str | None) -> bool:
    """Return whether a price is known for a model: the user's, or one of the list."""
    if any(entry.names((model,)) for entry in user_prices.all() if not entry.of_host):
        return True
    if provider is None:
        return price_list.knows(model)
    return price_list.find(provider, candidates(model, provider)) is not None


def ends_in(name: str, target: str) -> bool:
    """Whether following aliases from `target` leads back to `name`."""
    follow = {entry.name: entry.target for entry in user_prices.all() if entry.kind == "alias"}
    seen: set[str] = set()
    step: str | None = target
    while step is not None and step not in seen:
        if step == name:
            return True
        seen.add(step)
        step = follow.get(step)
    return False


def checked_amount(name: str, value: Amount) -> Decimal:
    """Return USD per million tokens as a decimal; TypeError or ValueError where it is none."""
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
        small = 0 < rate < LOWEST.get(name, LOWEST_CACHED)
        if small or rate > HIGHEST:
            size = "small" if small else "large"
            warnings.warn(
                f"{name}={rate} for {model!r} is unusually {size}: "
                "prices are in USD per million tokens, not per token or per thousand",
                stacklevel=3,
            )


def start_of_day(start: str | date | None) -> datetime | None:
    """Return the midnight, UTC, at which a day begins; None for None."""
    if start is None:
        return None
    try:
        found = datetime.fromisoformat(str(start))
    except ValueError:
        raise ValueError(f"start is {start!r}; write a day as '2026-11-23'") from None
    return found.astimezone(timezone.utc) if found.tzinfo else found.replace(tzinfo=timezone.utc)
