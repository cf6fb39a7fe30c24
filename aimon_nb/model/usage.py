"""Token counts of one call, or the sum over several."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from operator import attrgetter


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counted them.

    Each count is an int, or None where the provider reported nothing; 0 is a
    reported zero. `input` includes `cached` and `cache_write`; `output`
    includes `reasoning`.
    """

    input: int | None = None
    cached: int | None = None
    cache_write: int | None = None
    output: int | None = None
    reasoning: int | None = None
    total: int | None = None

    @property
    def known(self) -> bool:
        """Whether the provider reported anything at all."""
        # As it is for most spans: comparing takes ten times as long.
        if self is NOTHING:
            return False
        return not (self.input is self.output is self.total is None and self == NOTHING)

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            _plus(self.input, other.input),
            _plus(self.cached, other.cached),
            _plus(self.cache_write, other.cache_write),
            _plus(self.output, other.output),
            _plus(self.reasoning, other.reasoning),
            _plus(self.total, other.total),
        )

    def no_less_than(self, before: Usage) -> Usage:
        """Return these counts, each no less than it was `before` in the same answer.

        A total that the two together contradict is left out.
        """
        if before is NOTHING or before == self:
            return self
        into, out = _larger(self.input, before.input), _larger(self.output, before.output)
        total = _larger(self.total, before.total)
        larger = Usage(
            into,
            _larger(self.cached, before.cached),
            _larger(self.cache_write, before.cache_write),
            out,
            _larger(self.reasoning, before.reasoning),
            total,
        )
        if larger == self:
            return self
        if self.total is None or (total is not None and total < (into or 0) + (out or 0)):
            return replace(larger, total=None)
        return larger

    @classmethod
    def sum(cls, usages: Iterable[Usage]) -> Usage:
        """Return the sums by kind; a kind nobody reported is None, a negative count is left out."""
        columns = zip(*map(_counts, usages), strict=True)
        return cls(*map(_sum, columns))


def _plus(a: int | None, b: int | None) -> int | None:
    if a is None:
        return b
    return a if b is None else a + b


def _larger(a: int | None, b: int | None) -> int | None:
    if a is None or b is None:
        return b if a is None else a
    return max(a, b)


def _sum(counts: tuple[int | None, ...]) -> int | None:
    known = [count for count in counts if count is not None and count >= 0]
    return sum(known) if known else None


_counts = attrgetter("input", "cached", "cache_write", "output", "reasoning", "total")
NOTHING = Usage()
# A count beyond it is nonsense; a sum of a thousand such still fits the 64 bits of a table.
MAX_TOKENS = 2**53
