"""What a run, a loop or all runs of a kernel may cost: limits, as the user gives them."""

from __future__ import annotations

import reprlib
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from numbers import Integral, Real
from typing import Any, Literal

OnBudget = Literal["stop", "warn"]


@dataclass(frozen=True, slots=True)
class BudgetLimits:
    """US dollars, calls and tokens that may be spent; None: as many as there are.

    `on_budget` says whether a call beyond them is refused, or sent with a warning.
    """

    usd: Decimal | None = None
    calls: int | None = None
    tokens: int | None = None
    on_budget: OnBudget = "stop"

    @property
    def is_set(self) -> bool:
        """Whether there is any limit."""
        return (self.usd, self.calls, self.tokens) != (None, None, None)


def dollars(value: Any, name: str = "budget") -> Decimal:
    """Return an amount of US dollars that is more than nothing.

    Raises:
        TypeError: it is no number.
        ValueError: it is not finite, or not more than 0.

    """
    if isinstance(value, bool) or not isinstance(value, (Real, Decimal)):
        raise TypeError(f"{name} must be a number of US dollars, not {reprlib.repr(value)}")
    if isinstance(value, Decimal):
        amount = value
    elif isinstance(value, Integral):
        amount = Decimal(int(value))
    else:
        # As it is written: 0.1 is a tenth. numpy's numbers are written with their type.
        amount = Decimal(repr(float(value)))
    if not amount.is_finite() or amount <= 0:
        raise ValueError(f"{name} must be more than 0 US dollars, not {reprlib.repr(value)}")
    return amount


def dollars_of_text(text: str) -> Decimal:
    """Return the amount that a text such as `2.50` or `$2.50` says; errors as `dollars`."""
    try:
        value = Decimal(text.strip("\"' ").removeprefix("$"))
    except InvalidOperation:
        raise TypeError(f"budget must be a number of US dollars, not {text!r}") from None
    return dollars(value)


def whole(value: Any, name: str) -> int:
    """Return a whole number of at least 1.

    Raises:
        TypeError: it is none.
        ValueError: it is less than 1.

    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be a whole number, not {reprlib.repr(value)}")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, not {value}")
    return int(value)
