"""A line of the outline: a span, or a group of equal ones, with the sums of what is below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from aimon_nb.model import Run, Span, Usage
from aimon_nb.model.cost import added
from aimon_nb.model.usage import NOTHING
from aimon_nb.pricing.summable import summable
from aimon_nb.views.present import error_text, formatting, rows
from aimon_nb.views.present.rows import RowDict


class Cells(NamedTuple):
    """The numbers of a row as text."""

    time: str
    tokens: str
    cost: str


HEADS = Cells("time", "tokens", "cost")


@dataclass(slots=True)
class OutlineRow:
    """One shown span, or a group of equal ones: its row and what stands below it.

    `error` is the line of its error ("" if none), `remark` the dim one: what is to be said of
    its usage, and of a group what came of it and how long each took; `advice` what gives it a
    price, if it is the first row without one.
    `fails` means that this span or one below it did not end well, `quiet` that all there has
    ended and was answered, at another attempt perhaps; `inexact` that `cost` misses something.
    `attempts` are those before it at the same request, which have no rows in the tree; their
    usage is not in its own sums, and in those above it.
    The row stands for `spans` spans, those of the rows below it aside. Equal siblings share
    `shape`, and `alike` if they differ in what was said of their usage alone (`groups`).
    """

    span: Span
    run: Run
    depth: int
    below: list[OutlineRow] = field(default_factory=list)
    attempts: Sequence[OutlineRow] = ()
    error: str = ""
    remark: str = ""
    advice: str = ""
    fails: bool = False
    quiet: bool = False
    spans: int = 1
    shape: int = 0
    alike: int = 0
    usage: Usage = NOTHING
    cost: Decimal | None = None
    inexact: bool = False
    cached_row: RowDict | None = None

    @property
    def row(self) -> RowDict:
        """Its row in words, made on first use: most of a long tree are not shown."""
        if self.cached_row is None:
            self.cached_row = _row_with_sums(self)
        return self.cached_row

    @property
    def retried(self) -> bool:
        """Whether another attempt at its request followed: its error is none of the run."""
        return self.span.retried is not None

    @property
    def words(self) -> str:
        """The dim line below it; "" where there is nothing to say."""
        return " · ".join(part for part in (self.remark, self.advice) if part)

    @property
    def time(self) -> str:
        """How long it took, or the word for why that is not known."""
        # Of a tool that the provider ran nobody knows it.
        word = "" if self.span.status == "ok" else formatting.status(self.span.status)
        return str(self.row["time"]) or word

    @property
    def cells(self) -> Cells:
        """Time, tokens and cost."""
        return Cells(self.time, self.row["tokens"], self.row["cost"])


def sum_up(one: OutlineRow) -> None:
    """Set the sums of a row: its own usage and cost if it counts, plus those of the rows below."""
    span, cost = one.span, one.span.cost
    if rows.counts(span):
        estimated = span.is_estimated
        exact = ("free",) if estimated else ("priced", "free")
        # What was refused has no cost, and misses nothing.
        one.inexact = cost.state not in exact if cost is not None else span.status != "error"
        if not estimated:
            one.usage, one.cost = summable(span.usage), cost.total if cost else None
    for child in one.below:
        add(one, child)


def add(one: OutlineRow, child: OutlineRow) -> None:
    """Put the sums of a row, and of the attempts before it, into those of the one above it."""
    for attempt in child.attempts:
        add(one, attempt)
    if child.usage is not NOTHING:
        one.usage = child.usage if one.usage is NOTHING else one.usage + child.usage
    one.inexact |= child.inexact
    if child.cost is not None:
        one.cost = added((one.cost or Decimal(0), child.cost))


def _row_with_sums(one: OutlineRow) -> RowDict:
    """Return its row; one that is no call shows the sum of what is below it."""
    row = rows.row_dict(one.span, one.run)
    words = ", retried" if one.retried else ""
    row["label"] = " · ".join(filter(None, (row["label"], row["outcome"]))) + words
    if one.below and not row["counts"]:
        row["tokens"] = formatting.tokens(one.usage) or row["tokens"]
        row["cost"] = sum_as_text(one) or row["cost"]
    return row


def sum_as_text(one: OutlineRow) -> str:
    """Return the cost of it and of what is below it; "" where none is known."""
    if not one.cost:
        return ""
    return formatting.at_least(one.cost) if one.inexact else formatting.money(one.cost)


def assign_error(one: OutlineRow) -> None:
    """Set the line of its error, on the innermost row that has it: not on all it passed through."""
    status, error = one.span.status, error_text.of_span(one.span)
    one.fails = status in formatting.FAILED and not one.retried
    one.quiet = (status == "ok" and not error) or one.span.retried == "repaired"
    passed_through = False
    for child in one.below:
        one.fails |= child.fails
        one.quiet &= child.quiet
        passed_through = passed_through or error_text.of_span(child.span) == error
    if error and not one.retried and not passed_through:
        one.error = error
