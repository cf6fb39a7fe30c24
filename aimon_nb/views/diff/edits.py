"""The shortest way from one sequence to another (Myers' algorithm), in bounded time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

STEPS = 300_000  # that one diff takes at most: less than half a second
_DISTANCE = 500  # edits of one pair of sequences: what is kept to walk back grows with its square


class Edit(NamedTuple):
    """A part of two sequences, as slices of each: the same, or one in the place of the other."""

    before: slice
    after: slice
    same: bool = False


class Steps:
    """How much work one diff may still do, over all that it compares."""

    def __init__(self, left: int = STEPS) -> None:
        self.left = left


def edits(before: Sequence[Any], after: Sequence[Any], steps: Steps) -> list[Edit]:
    """Return the parts of two sequences in their order; where they are too far apart, one for all.

    What they have in common at their beginnings and ends is always found.
    """
    start, end = _common(before, after)
    a, b = before[start : len(before) - end], after[start : len(after) - end]
    found = [Edit(slice(0, start), slice(0, start), same=True)] if start else []
    found += _moved(_middle(a, b, steps), start)
    if end:
        tails = slice(len(before) - end, len(before)), slice(len(after) - end, len(after))
        found.append(Edit(*tails, same=True))
    return found


def _common(before: Sequence[Any], after: Sequence[Any]) -> tuple[int, int]:
    """Return how many items are the same at the beginning and, beyond these, at the end."""
    most = min(len(before), len(after))
    start = 0
    while start < most and before[start] == after[start]:
        start += 1
    end = 0
    while end < most - start and before[-1 - end] == after[-1 - end]:
        end += 1
    return start, end


def _moved(parts: list[Edit], by: int) -> list[Edit]:
    return [
        Edit(slice(a.start + by, a.stop + by), slice(b.start + by, b.stop + by), same)
        for a, b, same in parts
    ]


def _middle(a: Sequence[Any], b: Sequence[Any], steps: Steps) -> list[Edit]:
    """Return the parts of two sequences whose first items differ, and whose last ones do."""
    if not a and not b:
        return []
    trace = _search(a, b, steps) if a and b else None
    if trace is None:
        return [Edit(slice(0, len(a)), slice(0, len(b)))]
    return _parts(_matches(trace, len(a), len(b)), len(a), len(b))


def _search(a: Sequence[Any], b: Sequence[Any], steps: Steps) -> list[dict[int, int]] | None:
    """Return, by number of edits, how far each diagonal came; None if none came to the end."""
    furthest = {1: 0}
    trace: list[dict[int, int]] = []
    for distance in range(min(len(a) + len(b), _DISTANCE) + 1):
        reached: dict[int, int] = {}
        for diagonal in range(-distance, distance + 1, 2):
            down = diagonal == -distance or (
                diagonal != distance and furthest[diagonal - 1] < furthest[diagonal + 1]
            )
            x = begun = furthest[diagonal + 1] if down else furthest[diagonal - 1] + 1
            y = x - diagonal
            while x < len(a) and y < len(b) and a[x] == b[y]:
                x, y = x + 1, y + 1
            reached[diagonal] = x
            steps.left -= 1 + x - begun
            if x >= len(a) and y >= len(b):
                return [*trace, reached]
            if steps.left < 0:
                return None
        trace.append(reached)
        furthest = reached
    return None


def _matches(trace: list[dict[int, int]], x: int, y: int) -> list[tuple[int, int]]:
    """Return the pairs of places at which both have the same item, walking back from the end."""
    found = []
    for distance in range(len(trace) - 1, -1, -1):
        diagonal = x - y
        if distance:
            before = trace[distance - 1]
            down = diagonal == -distance or (
                diagonal != distance and before[diagonal - 1] < before[diagonal + 1]
            )
            came = diagonal + 1 if down else diagonal - 1
            from_x, from_y = before[came], before[came] - came
            turn = from_x if down else from_x + 1
        else:
            from_x = from_y = turn = 0
        while x > turn:
            x, y = x - 1, y - 1
            found.append((x, y))
        x, y = from_x, from_y
    return found[::-1]


def _parts(matches: list[tuple[int, int]], len_a: int, len_b: int) -> list[Edit]:
    """Return the parts between and of pairs of places."""
    parts: list[Edit] = []
    x = y = 0
    for at_x, at_y in [*matches, (len_a, len_b)]:
        if at_x > x or at_y > y:
            parts.append(Edit(slice(x, at_x), slice(y, at_y)))
        if at_x == len_a and at_y == len_b:
            break
        from_x, from_y = at_x, at_y
        if parts and parts[-1].same:
            last = parts.pop()
            from_x, from_y = last.before.start, last.after.start
        parts.append(Edit(slice(from_x, at_x + 1), slice(from_y, at_y + 1), same=True))
        x, y = at_x + 1, at_y + 1
    return parts
