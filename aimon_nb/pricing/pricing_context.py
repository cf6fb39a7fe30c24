"""How calls are processed (tier, batch), set by the user for a while."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from aimon_nb.pricing.rates import Context
from aimon_nb.pricing.user_prices import user_prices

if TYPE_CHECKING:
    from typing_extensions import Self


class PricingContext:
    """A context that holds from now on, or with `with` only for a block.

    Example:
        with pricing.context(processing="batch"):
            answer()

    Source: docs/cost.md, "Your own prices".
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        # What held before, until a block is entered.
        self._before: Context | None = user_prices.context
        user_prices.context = context
        user_prices.notify()

    def __enter__(self) -> Self:
        # For a block alone: what held before holds again outside. Once, for it may be
        # entered several times, and not over what was set since.
        before, self._before = self._before, None
        if before is not None and user_prices.context is self._context:
            user_prices.context = before
            user_prices.notify()
        user_prices.blocks.begin(self._context)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        user_prices.blocks.end(self._context)

    def __repr__(self) -> str:
        conditions = ", ".join(f"{key}={value}" for key, value in self._context) or "standard"
        return f"<pricing context: {conditions}>"
