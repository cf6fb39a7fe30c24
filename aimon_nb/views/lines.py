"""The tree of a finished run as lines: what the saved forms, html and text, share.

Rows that are no call show the sum of the calls below them, as the live view does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from aimon_nb.model import Run, Span, Usage
from aimon_nb.pricing.usage import is_estimated
from aimon_nb.views import rows, words

# Saved forms are complete to this many rows; beyond it only errors are listed.
LIMIT = 500
Cells = tuple[str, str, str]
HEADS: Cells = ("time", "tokens", "cost")


@dataclass(slots=True)
class Line:
    """One shown span: its row, the error line below it ("" if none), its children.

    `fails` says that this span or one below it did not end well.
    """

    span: Span
    row: dict[str, Any]
    depth: int
    error: str = ""
    fails: bool = False
    retried: bool = False
    below: list[Line] = field(default_factory=list)
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

    `kept` are the lines a saved form shows; `beyond` counts the others and
    `failed_beyond` are the failures among them, which are listed all the same.
    """

    top: list[Line]
    flat: list[Line]

    @property
    def kept(self) -> list[Line]:
        """The lines that are shown as rows."""
        return self.flat[:LIMIT]

    @property
    def beyond(self) -> int:
        """How many lines are left out."""
        return max(0, len(self.flat) - LIMIT)

    @property
    def columns(self) -> list[int]:
        """How many characters wide time, tokens and cost are."""
        listed = [HEADS, *(one.cells for one in self.kept), *(o.cells for o in self.failed_beyond)]
        return [max(map(len, column)) for column in zip(*listed, strict=True)]

    @property
    def failed_beyond(self) -> list[Line]:
        """Failures among the lines left out."""
        return [one for one in self.flat[LIMIT:] if one.error]


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
    return Tree(top, flat)


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
            one.cost = (one.cost or Decimal(0)) + child.cost
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
    if said and said not in below and not one.retried:
        one.error = said
