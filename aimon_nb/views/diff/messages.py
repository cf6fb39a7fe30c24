"""Two conversations beside each other: which messages are the same, what differs in others."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Literal, NamedTuple, TypedDict

from aimon_nb.views.diff.edits import Steps, edits
from aimon_nb.views.diff.words import Piece, folded, word_diff

State = Literal["same", "changed", "added", "removed"]
_LONGEST = 20_000  # characters of one piece
_FEW = 3  # messages in a row that are the same and stand one by one
_Pair = tuple[int | None, int | None]


class Said(NamedTuple):
    """A message as it is compared: who said it, and all that it holds as text."""

    role: str
    text: str


class MessageDiff(TypedDict):
    """A message of two calls; `pieces` are [mark, text], as `words.Piece` has them."""

    role: str
    state: State
    pieces: list[list[str]]


def message_diffs(before: Sequence[Said], after: Sequence[Said], steps: Steps) -> list[MessageDiff]:
    """Return the messages of two calls in their order; those that are the same are cut short."""
    diffs = [_diff(before, after, pair, steps) for pair in _pairs(before, after, steps)]
    return [
        one
        for is_same, group in groupby(diffs, key=lambda one: one["state"] == "same")
        for one in (_shortened(list(group)) if is_same else group)
    ]


def _pairs(old: Sequence[Said], new: Sequence[Said], steps: Steps) -> Iterator[_Pair]:
    """Yield the places of messages that belong together; None where one has no counterpart."""
    for a, b, same in edits(old, new, steps):
        places_a, places_b = range(a.start, a.stop), range(b.start, b.stop)
        if same:
            yield from zip(places_a, places_b, strict=True)
        else:
            yield from _by_role(old, new, places_a, places_b)


def _by_role(old: Sequence[Said], new: Sequence[Said], a: range, b: range) -> Iterator[_Pair]:
    """Yield pairs of the same role, in the order of both."""
    places: dict[str, list[int]] = {}
    for place in a:
        places.setdefault(old[place].role, []).append(place)
    start = a.start
    for place in b:
        of_role = places.get(new[place].role, [])
        at = bisect_left(of_role, start)
        if at == len(of_role):
            yield None, place
            continue
        yield from ((one, None) for one in range(start, of_role[at]))
        yield of_role[at], place
        start = of_role[at] + 1
    yield from ((one, None) for one in range(start, a.stop))


def _diff(old: Sequence[Said], new: Sequence[Said], pair: _Pair, steps: Steps) -> MessageDiff:
    a, b = pair
    if a is None or b is None:
        role, text = new[b] if b is not None else old[a or 0]
        state: State = "added" if a is None else "removed"
        return _made(role, state, [Piece("+" if a is None else "-", text)])
    (role, before), (_, after) = old[a], new[b]
    state = "same" if before == after else "changed"
    return _made(role, state, folded(word_diff(before, after, steps)))


def _made(role: str, state: State, pieces: list[Piece]) -> MessageDiff:
    shown: list[list[str]] = []
    for mark, text in pieces:
        shown.append([mark, text[:_LONGEST]])
        if len(text) > _LONGEST:
            shown.append(["…", f"… {len(text) - _LONGEST:,} more characters"])
    return {"role": role, "state": state, "pieces": shown}


def _shortened(same: list[MessageDiff]) -> list[MessageDiff]:
    """Return messages that are the same in few words."""
    if len(same) > _FEW:
        return [_made("", "same", [Piece("…", f"… {len(same):,} messages are the same …")])]
    return same
