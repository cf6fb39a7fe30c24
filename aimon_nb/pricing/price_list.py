"""genai-prices' list as rates: bundled, offline, imported on first need.

Every look-up is remembered, misses too; what the user fetched with
`pricing.update()` stands in for the bundled list.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from aimon_nb.model import Usage
from aimon_nb.pricing.genai_prices_import import library
from aimon_nb.pricing.rates import Details, Price, Rates, Tiers

Context = tuple[tuple[str, str], ...]
# Said by providers of an ordinary call; none of them has a price of its own.
_ORDINARY = frozenset({"", "auto", "default", "standard", "on_demand"})
# A fee that falls on every call, whatever its tokens; a kind that `Usage` counts anyway.
_FEES = {"requests_kcount": "the request", "output_reasoning_mtok": "reasoning"}
_updated: Any = None  # the snapshot that the user fetched


class ListedModel:
    """One model of the list: its rates at any time."""

    def __init__(self, provider: Any, model: Any) -> None:
        self._provider, self._model = provider, model
        self._own = any(model is one for one in provider.models)
        self._rates: dict[tuple[Any, ...], Rates] = {}
        self.name = f"{provider.id} {model.id}"

    def at(self, start: datetime, context: Context = ()) -> Rates:
        """The rates of a call that started then, in that context."""
        standard = self._model.get_prices(start)
        # The list knows no tiers of a model that it lends from another provider.
        chosen = self._variants(start, context) if context and self._own else []
        key = (id(standard), *(id(variant) for variant in chosen), context)
        found = self._rates.get(key)
        if found is None:
            prices = self._model.get_prices(start, dict(context)) if chosen else standard
            found = self._rates[key] = self._read(prices, self._uncovered(context, chosen))
        return found

    def _variants(self, start: datetime, context: Context) -> list[Any]:
        asked = dict(context)
        return [
            variant
            for variant in self._model.price_variants or ()
            if (variant.constraint is None or variant.constraint.active(start))
            and all(asked.get(key) == value for key, value in variant.when.items())
        ]

    def _uncovered(self, context: Context, chosen: list[Any]) -> str | None:
        covered = {key for variant in chosen for key in variant.when}
        left = [v for k, v in context if k not in covered and v.lower() not in _ORDINARY]
        return " ".join(left) or None

    def _read(self, prices: Any, tier: str | None) -> Rates:
        def whole(usage: Usage, details: Details) -> Decimal:
            return _library_total(prices, usage, details)

        return Rates(
            source=source(),
            label=self.name,
            input=_price(prices.input_mtok),
            cached=_price(prices.cache_read_mtok),
            cache_write=_price(prices.cache_write_mtok),
            output=_price(prices.output_mtok),
            whole=whole,
            own=self._own_kinds(prices),
            fee=next((n for key, n in _FEES.items() if getattr(prices, key) is not None), None),
            hour_write=prices.cache_write_1h_mtok is not None,
            tier=tier,
        )

    def _own_kinds(self, prices: Any) -> frozenset[str]:
        """What has a price of its own here, under the names of `Call.details`."""
        kinds = {_usage_key(key) for key, price in vars(prices).items() if price is not None}
        # Google lists audio only where it costs more than text.
        return frozenset(
            kinds | ({"input_audio_tokens"} if self._provider.id == "google" else set())
        )

    @property
    def is_free(self) -> bool:
        """OpenRouter's `:free` models have no price; for all others that means: not known."""
        return bool(self._model.id.endswith(":free"))


def _library_total(prices: Any, usage: Usage, details: Details) -> Decimal:
    """The list's own arithmetic."""
    counts = {
        "input_tokens": usage.input,
        "cache_read_tokens": usage.cached,
        "cache_write_tokens": usage.cache_write,
        "output_tokens": usage.output,
        "output_reasoning_tokens": usage.reasoning,
        **dict(details),
    }
    known = {key: count for key, count in counts.items() if count is not None}
    total: Decimal = prices.calc_price(library().Usage(**known))["total_price"]
    return total


def _usage_key(price_key: str) -> str:
    """`input_audio_mtok` prices `input_audio_tokens`, `web_searches_kcount` `web_searches`."""
    return price_key.removesuffix("_kcount").replace("_mtok", "_tokens")


def find(provider: str, names: Iterable[str]) -> ListedModel | None:
    """The first of these names that the provider has a price for."""
    snapshot = _snapshot()
    return next((f for name in names if (f := _find(snapshot, provider, name)) is not None), None)


@functools.lru_cache(maxsize=4096)
def _find(snapshot: _ById, provider: str, name: str) -> ListedModel | None:
    try:
        return ListedModel(*snapshot.it.find_provider_model(name, None, provider, None))
    except LookupError:
        return None


class _ById:
    """A snapshot as a key: its dataclass has no hash."""

    def __init__(self, it: Any) -> None:
        self.it = it


_current = _ById(None)


def _snapshot() -> _ById:
    global _current  # noqa: PLW0603
    now = _updated if _updated is not None else library().data_snapshot.get_snapshot()
    if _current.it is not now:
        _current = _ById(now)
    return _current


def prepare() -> None:
    """Import the list, which takes about a second, ahead of the first price."""
    _snapshot()


@functools.lru_cache(maxsize=1024)
def provider_named(name: str) -> str | None:
    """The list's provider with exactly this id."""
    wanted = name.lower()
    return wanted if any(p.id == wanted for p in _snapshot().it.providers) else None


@functools.lru_cache(maxsize=1024)
def provider_at(host: str) -> str | None:
    """The provider whose API the list knows at a host."""
    try:
        return str(_snapshot().it.find_provider(None, None, f"https://{host}/").id)
    except LookupError:
        return None


def conditions() -> frozenset[str]:
    """What a price of the list may depend on beside tokens and time."""
    models = (model for provider in _snapshot().it.providers for model in provider.models)
    variants = (variant for model in models for variant in model.price_variants or ())
    return frozenset(key for variant in variants for key in variant.when)


def knows(model: str) -> bool:
    """Whether any provider of the list has a model of this name."""
    return any(p.find_model(model) is not None for p in _snapshot().it.providers)


def source() -> str:
    """The name and version of the list, as shown beside every cost."""
    name = f"genai-prices {library().__version__}"
    return name if _updated is None else f"{name}, updated {_updated.timestamp:%Y-%m-%d}"


def update() -> int:
    """Fetch today's list over the network; returns its number of models.

    Raises:
        ConnectionError: it could not be fetched; the list in use stays.
    """
    global _updated  # noqa: PLW0603
    try:
        fetched = library().UpdatePrices().fetch()
    except Exception as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConnectionError(
            f"today's prices could not be fetched ({said}); {source()} stays in use"
        ) from None
    if fetched is None:
        return 0
    _updated = fetched
    provider_named.cache_clear()
    provider_at.cache_clear()
    return sum(len(provider.models) for provider in fetched.providers)


def _price(listed: Any) -> Price | None:
    if listed is None or isinstance(listed, Decimal):
        return listed
    return Tiers(listed.base, tuple((tier.start, tier.price) for tier in listed.tiers))
