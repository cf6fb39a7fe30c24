"""What a call cost, in US dollars, and how far that figure can be trusted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from functools import reduce
from typing import Literal, NamedTuple

# The user's code may set precision and traps for its thread, on which we count, too.
EXACT = Context(
    prec=60, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow]
)

SMALLEST = Decimal("0.00001")  # US dollars; less is shown as less than this
_TWO_DIGITS = Context(prec=2, rounding=ROUND_HALF_EVEN)
_CENT = Decimal("0.01")

CostState = Literal["priced", "partial", "free", "unpriced", "no_usage"]


class CostLine(NamedTuple):
    """One kind of tokens in a cost: how many, at which rate, what they come to."""

    kind: str
    tokens: int
    rate: Decimal | None  # USD per million; None for a fee
    usd: Decimal


@dataclass(frozen=True, slots=True)
class Cost:
    """Money for one call.

    `total` is None unless the state is `priced`, `partial` (a lower bound) or `free`
    (zero). `lines` are the arithmetic shown to people, `caveats` what it takes for granted.
    `reason` says in words why there is no exact price, or who charged it; `source` is `yours`,
    `genai-prices X.Y.Z`, or with `charged` the provider, whose own figure this is.
    `estimated` says that the tokens were counted here, not by the provider; `cache_saving`
    is what a call answered by the client's own cache would have cost.
    """

    state: CostState
    total: Decimal | None = None
    lines: tuple[CostLine, ...] = ()
    source: str | None = None
    reason: str | None = None
    caveats: tuple[str, ...] = field(default=())
    estimated: bool = False
    cache_saving: Decimal | None = None
    charged: bool = False


# Sentry gets exact figures; where there is none it prices a call from its request model, without
# dates and tiers.
DISCLAIMER = "estimated locally; Sentry's own figure may differ"


def dollars(amount: Decimal, places: int = 4) -> str:
    """Format US dollars: `$0.0242`, `$0.000043`, `< $0.00001`, `$1.24`.

    Below a dollar it has so many decimals, and more where two digits need them: two cheap calls
    can be told apart.
    """
    if amount == 0:
        return "$0"
    if amount < SMALLEST:
        return f"< ${SMALLEST:f}"
    places = max(places, 1 - _TWO_DIGITS.plus(amount).adjusted())
    exact = EXACT.quantize(amount, Decimal(1).scaleb(-places))
    return f"${exact}" if exact < 1 else f"${EXACT.quantize(amount, _CENT):,}"


def added(amounts: Iterable[Decimal]) -> Decimal:
    """Return the exact sum of amounts of money."""
    return reduce(EXACT.add, amounts, Decimal(0))
