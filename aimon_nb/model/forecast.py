"""What a batch will cost, from the items that are done, and how sure that is.

The range is Student's for the items still to come, and for the mean that they are drawn from. It
is made for 95 times in 100; skewed costs, as bills are, keep it about 9 times in 10, and so it is
said. Where costs come in bursts it would be far too narrow, and there is none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import NormalDist, fmean
from typing import NamedTuple

LEAST = 10  # items; of fewer there is no range
ROUGH = 30  # items; of fewer the range is a rough one
MOST_CORRELATION = 0.3  # of an item's cost and the next one's
_Z = NormalDist().inv_cdf(0.975)


class Forecast(NamedTuple):
    """US dollars that a batch of `total` items is heading for, from the `items` that are done.

    `low` and `high` are None where there is no range: of too few items, or as `is_correlated`
    says. `unpriced` items have no price, and then nothing is known: `expected` is None.
    """

    items: int
    total: int
    expected: float | None
    low: float | None = None
    high: float | None = None
    is_correlated: bool = False
    unpriced: int = 0

    @property
    def is_rough(self) -> bool:
        """Whether the range is of few items."""
        return self.items < ROUGH


def forecast(costs: Sequence[float], total: int, unpriced: int = 0) -> Forecast | None:
    """Return what a batch is heading for; None before an item is done.

    Args:
        costs: US dollars of each item that is done, in their order.
        total: How many items there are.
        unpriced: How many that are done have no price, beside those.

    """
    done, n = len(costs) + unpriced, len(costs)
    total = max(total, done)
    if unpriced:
        return Forecast(done, total, None, unpriced=unpriced)
    if not n:
        return None
    spent, mean, left = math.fsum(costs), fmean(costs), total - n
    expected = spent + left * mean
    if n < LEAST:
        return Forecast(n, total, expected)
    squares = math.fsum((cost - mean) ** 2 for cost in costs)
    if left and _correlation(costs, mean, squares) > MOST_CORRELATION:
        return Forecast(n, total, expected, is_correlated=True)
    spread = math.sqrt(squares / (n - 1) * (left + left * left / n))
    width = student(n - 1) * spread
    return Forecast(n, total, expected, max(spent, expected - width), expected + width)


def _correlation(costs: Sequence[float], mean: float, squares: float) -> float:
    """Return how much an item's cost tells of the next one's: 1 all, 0 nothing."""
    if squares <= 0:
        return 0.0
    return math.fsum((a - mean) * (b - mean) for a, b in pairwise(costs)) / squares


def student(freedom: int) -> float:
    """Return Student's t that 97.5 % are below, for 9 and more degrees of freedom.

    By the expansion of Cornish and Fisher: within 0.0002 of the tables there.
    """
    z, v = _Z, freedom
    terms = (
        z,
        (z**3 + z) / (4 * v),
        (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2),
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3),
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * v**4),
    )
    return math.fsum(terms)
