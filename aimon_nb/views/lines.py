"""The tree of a finished run as lines: what the saved forms, html and text, share.

Rows that are no call show the sum of the calls below them, as the live view does.
A tree that is too long folds identical siblings into one line, `× 50`; what is
still beyond the limit is counted, and its failures are listed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby
from typing import Any

from aimon_nb.model import Run, Span, Usage
from aimon_nb.model.cost import added
from aimon_nb.pricing.usage import is_estimated
from aimon_nb.views import rows, words

# Saved forms are complete to this many rows; a longer tree is grouped, then cut.
LIMIT = 500
ALIKE = 5  # identical siblings in a row that become one line, as in the live view
Cells = tuple[str, str, str]
HEADS: Cells = ("time", "tokens", "cost")


@dataclass(slots=True)
class Line:
    """One shown span, or a group of identical ones: its row and what stands below it.

    `error` is the line of its error ("" if none), `spread` that of a group's times.
    `fails` says that this span or one below it did not end well, `quiet` that
    nothing at all went wrong there. It stands for `spans` spans.
    """

    span: Span
    row: dict[str, Any]
    depth: int
    error: str = ""
    spread: str = ""
    fails: bool = False
    quiet: bool = False
    retried: bool = False
    below: list[Line] = field(default_factory=list)
    spans: int = 1
    usage: Usage = field(default_factory=Usage)
    cost: Decimal | None = None
    doubtful: bool = False

    @property
    def time(self) -> str:
        """How long it took, or the word for why that is not known."""
        return str(self.row["time"]) or words.status(self.span.status)

    @property
    def cells(self) -> Cells:
        """Time, tokens and cost."""
        return self.time, self.row["tokens"], self.row["cost"]


@dataclass(slots=True)
class Tree:
    """The lines of a run: `top` level, all of them `flat` in reading order.

    `kept` are the lines a saved form shows; `beyond` counts the spans of the others
    and `failures` are what failed among them, which is listed all the same;
    `unlisted` counts those that are too many even for that.
    """

    top: list[Line]
    flat: list[Line]
    kept: list[Line] = field(init=False)
    beyond: int = field(init=False)
    failures: list[Line] = field(init=False)
    unlisted: int = field(init=False)

    def __post_init__(self) -> None:
        self.kept, rest = self.flat[:LIMIT], self.flat[LIMIT:]
        self.beyond = sum(one.spans for one in rest)
        failures = _same_failures([one for one in rest if one.error])
        self.failures, left = failures[:LIMIT], failures[LIMIT:]
        self.unlisted = sum(one.spans for one in left)

    @property
    def columns(self) -> list[int]:
        """How many characters wide time, tokens and cost are."""
        listed = [HEADS, *(one.cells for one in self.kept), *(one.cells for one in self.failures)]
        return [max(map(len, column)) for column in zip(*listed, strict=True)]


def tree(run: Run) -> Tree:
    """Lay out the shown spans of a run."""
    top: list[Line] = []
    flat: list[Line] = []
    path: list[Line] = []
    for depth, span in run.walk():
        one = Line(span, rows.row(span, run), depth)
        del path[depth:]
        (path[-1].below if path else top).append(one)
        path.append(one)
        flat.append(one)
    for siblings in (top, *(one.below for one in flat)):
        _mark_retries(siblings)
    for one in reversed(flat):
        _sum_up(one)
        _blame(one)
    return Tree(top, flat) if len(flat) <= LIMIT else _shortened(top, flat)


def _shortened(top: list[Line], flat: list[Line]) -> Tree:
    for one in reversed(flat):  # from the leaves up
        one.below = _grouped(one.below)
    top = _grouped(top)
    return Tree(top, list(_walk(top)))


def _walk(top: list[Line]) -> Iterator[Line]:
    todo = list(reversed(top))
    while todo:
        one = todo.pop()
        yield one
        todo += reversed(one.below)


def _grouped(siblings: list[Line]) -> list[Line]:
    """Fold identical siblings in a row, where nothing went wrong, into one line each."""
    if len(siblings) < ALIKE:
        return siblings
    found: list[Line] = []
    for alike, members in groupby(siblings, _looks):
        same = list(members)
        found += [_group(same)] if alike and len(same) >= ALIKE else same
    return found


def _looks(one: Line) -> tuple[str, ...] | None:
    """What makes siblings identical; None for one that stands for itself."""
    row = one.row
    return (row["name"], row["label"], row["kind"]) if one.quiet else None


def _group(members: list[Line]) -> Line:
    first = members[0].row
    starts = [one.span.offset for one in members]
    took = sorted(one.span.duration or 0.0 for one in members)
    ends = [one.span.offset + (one.span.duration or 0.0) for one in members]
    label = " · ".join(part for part in (first["label"], f"× {len(members):,}") if part)
    row = {**first, "label": label, "counts": False, "tokens": ""}
    row["time"] = words.seconds(max(ends) - min(starts))
    if any(one.row["cost"] != row["cost"] for one in members):
        row["cost"] = ""
    one = Line(members[0].span, row, members[0].depth, below=members)
    one.spans = sum(1 + sum(below.spans for below in _walk(m.below)) for m in members)
    one.spread = words.spread(took)
    _sum_up(one)
    one.below = []
    return one


def _same_failures(failed: list[Line]) -> list[Line]:
    """List equal failures once, `× 40`, in the order of their first."""
    found: dict[tuple[str, ...], list[Line]] = {}
    for one in failed:
        found.setdefault((one.row["name"], one.row["label"], one.error), []).append(one)
    for first, *others in found.values():
        first.spans += len(others)
        if others:
            first.row["label"] += f" · × {first.spans:,}"
    return [same[0] for same in found.values()]


def _mark_retries(siblings: list[Line]) -> None:
    """Say on a failed call that a later sibling sent the very same request."""
    later: set[int] = set()
    for one in reversed(siblings):
        asked = one.row["asked"]
        if one.span.status == "error" and asked in later:
            one.retried = True
            one.row["label"] += ", retried"
        if asked is not None:
            later.add(asked)


def _sum_up(one: Line) -> None:
    """Fill in usage and cost: its own if it counts, and those of the lines below."""
    span = one.span
    if one.row["counts"]:
        one.doubtful = one.row["cost_state"] not in ("priced", "free")
    if one.row["counts"] and not is_estimated(span):
        one.usage = span.usage
        one.cost = span.cost.total if span.cost else None
    for child in one.below:
        one.usage = one.usage + child.usage
        one.doubtful |= child.doubtful
        if child.cost is not None:
            one.cost = added((one.cost or Decimal(0), child.cost))
    if one.below and not one.row["counts"]:
        one.row["tokens"] = words.tokens(one.usage) or one.row["tokens"]
        one.row["cost"] = _sum_in_words(one) or one.row["cost"]


def _sum_in_words(one: Line) -> str:
    if not one.cost:
        return ""
    return words.at_least(one.cost) if one.doubtful else words.money(one.cost)


def _blame(one: Line) -> None:
    """Say the error once, where it happened: not on every span it passed through."""
    said = str(one.row["error"] or "")
    below = {child.row["error"] for child in one.below}
    own = one.span.status in words.FAILED and not one.retried
    one.fails = own or any(child.fails for child in one.below)
    well = one.span.status == "ok" and not said and one.span.duration is not None
    one.quiet = well and all(child.quiet for child in one.below)
    if said and said not in below and not one.retried:
        one.error = said
