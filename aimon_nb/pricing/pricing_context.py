"""How calls are processed, said for a while."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from aimon_nb.pricing.user_prices import Context, user_prices

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
        self._before: Context | None = user_prices.context
        user_prices.context = context
        user_prices.changed()

    def __enter__(self) -> Self:
        self._for_a_block()
        user_prices.blocks.begin(self._context)
        return self

    def _for_a_block(self) -> None:
        """What held before holds again, but for blocks; said once, however often it is entered."""
        before, self._before = self._before, None
        if before is not None and user_prices.context is self._context:
            user_prices.context = before
            user_prices.changed()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        user_prices.blocks.end(self._context)

    def __repr__(self) -> str:
        said = ", ".join(f"{key}={value}" for key, value in self._context) or "standard"
        return f"<pricing context: {said}>"
