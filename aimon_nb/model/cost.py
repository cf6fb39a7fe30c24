"""What a call cost, in US dollars, and how far that figure can be trusted."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

CostState = Literal["priced", "partial", "free", "unpriced", "no_usage"]


@dataclass(frozen=True, slots=True)
class Cost:
    """Money for one call.

    `total` is None unless the state is `priced`, `partial` (a lower bound) or
    `free` (zero). `parts` holds (token kind, tokens, USD per million or None,
    USD) for the arithmetic shown to people. `reason` says in words why there is
    no exact price; `source` is `yours` or `genai-prices X.Y.Z`. `estimated` says
    that the tokens were counted here, not by the provider; `saved` is what a call
    answered by the client's own cache would have cost.
    """

    state: CostState
    total: Decimal | None = None
    parts: tuple[tuple[str, int, Decimal | None, Decimal], ...] = ()
    source: str | None = None
    reason: str | None = None
    assumptions: tuple[str, ...] = field(default=())
    estimated: bool = False
    saved: Decimal | None = None
