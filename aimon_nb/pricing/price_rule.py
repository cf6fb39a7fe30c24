"""One rule of the user's on prices, as data."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Literal

RuleKind = Literal["price", "alias", "free", "host", "free host"]
RATES = ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok")
_EVER = datetime.min.replace(tzinfo=timezone.utc)
# Beyond these a price is a slip of the pen, and its sums would fit no column.
_LEAST, _MOST = Decimal("1e-12"), Decimal("1e9")


def is_rate(amount: Decimal) -> bool:
    """Return whether an amount can be a price: 0, or USD per million tokens somebody could ask."""
    return amount.is_finite() and (amount == 0 or _LEAST <= amount <= _MOST)


@dataclass(frozen=True, slots=True)
class PriceRule:
    """A price, an alias, a free model, or whose prices hold at a host.

    `name` is a model (or a pattern, with `glob`) or a host, in lower case.
    `provider` limits a price to one provider's calls; of an alias or a host it is
    the provider whose prices hold. Rates are in USD per million tokens.
    """

    kind: RuleKind
    name: str
    provider: str | None = None
    glob: bool = False
    start: datetime | None = None
    rates: tuple[tuple[str, Decimal], ...] = ()
    target: str | None = None
    saved: bool = False

    @property
    def is_of_host(self) -> bool:
        """Whether it is about a host, not about a model."""
        return self.kind in ("host", "free host")

    @property
    def key(self) -> tuple[object, ...]:
        """What a later rule must share to replace this one."""
        if self.is_of_host:
            return ("host", self.name)
        scope = self.provider if self.kind != "alias" else None
        return ("model", self.name, scope, self.glob, self.start)

    @property
    def precedence(self) -> tuple[bool, bool, datetime]:
        """The narrower a rule is, the greater: of several that apply the greatest holds."""
        is_narrow = self.provider is not None and self.kind != "alias"
        return not self.glob, is_narrow, self.start or _EVER

    def is_named(self, model: str, host: str) -> bool:
        """Return whether it stands under a name, which is read as a model's and as a host's."""
        return self.name == (host if self.is_of_host else model)

    def matches(self, models: Collection[str]) -> bool:
        """Return whether it is about one of these models, in lower case."""
        if self.glob:
            return any(fnmatchcase(name, self.name) for name in models)
        return self.name in models

    def applies(self, models: Collection[str], provider: str | None, at: datetime) -> bool:
        """Return whether it is about a call to one of these models at this time."""
        if self.kind != "alias" and self.provider not in (None, provider):
            return False
        return (self.start is None or at >= self.start) and self.matches(models)
