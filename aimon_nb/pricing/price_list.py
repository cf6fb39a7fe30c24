"""genai-prices' list as rates: bundled, offline, imported on first need.

Every look-up is remembered, misses too; what the user fetched with
`pricing.update()` takes the place of the bundled list.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from aimon_nb.model import Usage
from aimon_nb.pricing.genai_prices_import import library
from aimon_nb.pricing.rates import Context, Details, Price, Rates, Tiers

# What providers call an ordinary call's tier; none of these has a price of its own.
_ORDINARY = frozenset({"", "auto", "default", "standard", "on_demand"})
# A fee that falls on every call, whatever its tokens; a kind that `Usage` counts anyway.
_FEES = {"requests_kcount": "the request", "output_reasoning_mtok": "reasoning"}

_MAKES_IMAGES = re.compile(r"(?:gpt|chatgpt)-image-")


class ListedModel:
    """One model of the list: its rates at any time."""

    def __init__(self, provider: Any, model: Any) -> None:
        self._provider, self._model = provider, model
        # The list knows no tiers of a model that it lends from another provider.
        is_own = any(model is one for one in provider.models)
        self._variants = tuple(model.price_variants or ()) if is_own else ()
        self._rates: dict[tuple[Any, ...], Rates] = {}
        self.name = f"{provider.id} {model.id}"
        # OpenRouter's; they have no price, which for all others means: not known.
        self.is_free = model.id.endswith(":free")

    def at(self, start: datetime, context: Context = ()) -> Rates:
        """Return the rates of a call that started then, in that context."""
        standard = self._model.get_prices(start)
        wanted = dict(context)
        variants = []
        # Every call that is priced comes by here, and before Python 3.12 a comprehension costs as
        # much as a call.
        for variant in self._variants if context else ():
            if variant.when.items() <= wanted.items() and (
                variant.constraint is None or variant.constraint.active(start)
            ):
                variants.append(variant)  # noqa: PERF401
        # The list lives as long as this does, so that an id is no other object's.
        key = (id(standard), *map(id, variants), context)
        rates = self._rates.get(key)
        if rates is None:
            prices = self._model.get_prices(start, wanted) if variants else standard
            covered = {name for variant in variants for name in variant.when}
            tier = " ".join(
                value
                for name, value in context
                if name not in covered and value.lower() not in _ORDINARY
            )
            rates = self._rates[key] = self._read(prices, tier or None)
        return rates

    def _read(self, prices: Any, tier: str | None) -> Rates:
        listed = {name for name, price in vars(prices).items() if price is not None}
        extra_kinds = {_usage_key(name) for name in listed}
        # Google lists audio only where it costs more than text.
        if self._provider.id == "google":
            extra_kinds.add("input_audio_tokens")
        # What these make are images: without a price beside it, the output's is an image's.
        if _MAKES_IMAGES.match(self._model.id):
            extra_kinds.add("output_image_tokens")
        return Rates(
            source=source(),
            label=self.name,
            input=_price(prices.input_mtok),
            cached=_price(prices.cache_read_mtok),
            cache_write=_price(prices.cache_write_mtok),
            output=_price(prices.output_mtok),
            list_total=functools.partial(_library_total, prices),
            extra_kinds=frozenset(extra_kinds),
            per_request_fee=next((name for key, name in _FEES.items() if key in listed), None),
            hour_write=prices.cache_write_1h_mtok is not None,
            tier=tier,
        )


def _library_total(prices: Any, usage: Usage, details: Details) -> Decimal:
    """Return USD by the list's own arithmetic; ValueError where counts overlap."""
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
    """Return what a price is for: `input_audio_tokens` for `input_audio_mtok`."""
    name = price_key.removesuffix("_kcount").replace("_mtok", "_tokens")
    return name.replace("_hours", "_seconds").replace("_gpixels", "_pixels")


def _price(listed: Any) -> Price | None:
    if listed is None or isinstance(listed, Decimal):
        return listed
    return Tiers(listed.base, tuple((tier.start, tier.price) for tier in listed.tiers))


class _Snapshot:
    """A snapshot of the list as a key of caches: its dataclass has no hash."""

    def __init__(self, data: Any) -> None:
        self.data = data


# What the user fetched, as genai-prices' own snapshot.
_updated: Any = None
_current = _Snapshot(None)


def _snapshot() -> _Snapshot:
    """Return the list in use; code beside ours may tell genai-prices to use another."""
    global _current  # noqa: PLW0603
    data = _updated if _updated is not None else library().data_snapshot.get_snapshot()
    if _current.data is not data:
        _current = _Snapshot(data)
    return _current


def prepare() -> None:
    """Import the list, which takes about a second, ahead of the first price."""
    _snapshot()


def is_ready() -> bool:
    """Return whether the list is imported, so that no price has to import it."""
    return _current.data is not None


def find(provider: str, names: Iterable[str]) -> ListedModel | None:
    """Return the first of these models that the provider has in the list."""
    snapshot = _snapshot()
    for name in names:
        listed = _find(snapshot, provider, name)
        if listed is not None:
            return listed
    return None


@functools.lru_cache(maxsize=4096)
def _find(snapshot: _Snapshot, provider: str, name: str) -> ListedModel | None:
    try:
        return ListedModel(*snapshot.data.find_provider_model(name, None, provider, None))
    except LookupError:
        return None


@functools.lru_cache(maxsize=1024)
def provider_named(name: str) -> str | None:
    """Return the id of the list's provider that has exactly this id, in any case."""
    wanted = name.lower()
    return wanted if any(p.id == wanted for p in _snapshot().data.providers) else None


@functools.lru_cache(maxsize=1024)
def provider_at(host: str) -> str | None:
    """Return the id of the provider whose API the list has at a host."""
    try:
        return str(_snapshot().data.find_provider(None, None, f"https://{host}/").id)
    except LookupError:
        return None


def conditions() -> frozenset[str]:
    """Return what a price of the list may depend on beside tokens and time."""
    models = (model for provider in _snapshot().data.providers for model in provider.models)
    variants = (variant for model in models for variant in model.price_variants or ())
    return frozenset(key for variant in variants for key in variant.when)


def knows(model: str) -> bool:
    """Return whether any provider of the list has a model of this name."""
    return any(p.find_model(model) is not None for p in _snapshot().data.providers)


def source() -> str:
    """Return the name and version of the list, as shown beside every cost."""
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
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConnectionError(
            f"today's prices could not be fetched ({why}); {source()} stays in use"
        ) from None
    if fetched is None:
        return 0
    _updated = fetched
    provider_named.cache_clear()
    provider_at.cache_clear()
    return sum(len(provider.models) for provider in fetched.providers)
