"""The tree of a finished run as lines: what the saved forms, html and text, share.

Rows that are no call show the sum of the calls below them, as the live view does.
A tree that is too long folds identical siblings into one line, `× 50`; what is
still beyond the limit is counted, and its failures are listed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple

from aimon_nb.model import Run, Span, Usage
from aimon_nb.model.cost import added
from aimon_nb.model.usage import NOTHING
from aimon_nb.pricing.summable import summable
from aimon_nb.views.present import error_text, formatting, rows
from aimon_nb.views.present.more_calls import more_span
from aimon_nb.views.present.row_names import label, name, remark
from aimon_nb.views.present.rows import RowDict

# Saved forms are complete to this many rows; a longer tree is grouped, then cut.
LIMIT = 500
# So many identical siblings in a row become one line, as in the live view.
ALIKE = 5


class Cells(NamedTuple):
    """The numbers of a row as text."""

    time: str
    tokens: str
    cost: str


HEADS = Cells("time", "tokens", "cost")


@dataclass(slots=True)
class OutlineRow:
    """One shown span, or a group of identical ones: its row and what stands below it.

    `error` is the line of its error ("" if none), `remark` the dim one: what is to be said of
    its usage, and of a group how long each took.
    `fails` means that this span or one below it did not end well, `quiet` that
    nothing at all went wrong there, `inexact` that `cost` misses something. The row
    stands for `spans` spans; `descendants` counts the rows below it.
    """

    span: Span
    run: Run
    depth: int
    below: list[OutlineRow] = field(default_factory=list)
    error: str = ""
    remark: str = ""
    fails: bool = False
    quiet: bool = False
    spans: int = 1
    descendants: int = 0
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
    def time(self) -> str:
        """How long it took, or the word for why that is not known."""
        # Of a tool that the provider ran nobody knows it.
        word = "" if self.span.status == "ok" else formatting.status(self.span.status)
        return str(self.row["time"]) or word

    @property
    def cells(self) -> Cells:
        """Time, tokens and cost."""
        return Cells(self.time, self.row["tokens"], self.row["cost"])


@dataclass(slots=True)
class Outline:
    """The lines of a run: its `top` level, and how many there are in `all`.

    `shown` are the lines of a saved form; `omitted` counts the spans of the others
    and `failures` are what failed among them, which is listed all the same;
    `unlisted` counts those that are too many even for that. `more` stands for the calls past
    the cap on spans; it comes last, and a saved form always has it.
    """

    top: list[OutlineRow]
    shown: list[OutlineRow]
    all: int
    omitted: int
    failures: list[OutlineRow]
    unlisted: int
    more: OutlineRow | None = None

    @property
    def columns(self) -> list[int]:
        """How many characters wide time, tokens and cost are."""
        more = [] if self.more is None else [self.more]
        listed = [HEADS, *(one.cells for one in (*self.shown, *more, *self.failures))]
        return [max(map(len, column)) for column in zip(*listed, strict=True)]


def build_outline(run: Run) -> Outline:
    """Return the shown spans of a run as rows, with the sums of what is below each."""
    top: list[OutlineRow] = []
    flat: list[OutlineRow] = []
    path: list[OutlineRow] = []
    for depth, span in run.walk():
        one = OutlineRow(span, run, depth, remark=remark(span))
        del path[depth:]
        (path[-1].below if path else top).append(one)
        path.append(one)
        flat.append(one)
    for one in reversed(flat):
        _sum_up(one)
        _assign_error(one)
    outline = (
        _shortened(top, flat) if len(flat) > LIMIT else Outline(top, flat, len(flat), 0, [], 0)
    )
    rest = more_span(run, run.more)
    if rest is not None:
        outline.more = OutlineRow(rest, run, 0)
    return outline


def _shortened(top: list[OutlineRow], flat: list[OutlineRow]) -> Outline:
    """Return an outline with what is alike in one line, and as many lines as a saved form shows."""
    top = _grouped(top)
    shown: list[OutlineRow] = []
    pending = list(reversed(top))
    while pending and len(shown) < LIMIT:
        one = pending.pop()
        shown.append(one)
        one.below = _grouped(one.below)
        pending += reversed(one.below)
    ids = set(map(id, shown))
    failed = _merge_failures([one for one in flat if one.error and id(one) not in ids])
    omitted = len(flat) - sum(one.spans for one in shown)
    unlisted = sum(one.spans for one in failed[LIMIT:])
    return Outline(top, shown, len(flat), omitted, failed[:LIMIT], unlisted)


def _grouped(siblings: list[OutlineRow]) -> list[OutlineRow]:
    """Return siblings with each run of identical ones, where nothing went wrong, as one row."""
    if len(siblings) < ALIKE:
        return siblings
    result: list[OutlineRow] = []
    for identity, members in groupby(siblings, _identity):
        same = list(members)
        result += [_group(same)] if identity and len(same) >= ALIKE else same
    return result


def _identity(one: OutlineRow) -> tuple[str, ...] | None:
    """Return what identical siblings share; None for one that is never grouped."""
    span = one.span
    if not one.quiet:
        return None
    return name(span, run=one.run), label(span, run=one.run), span.kind, one.remark


def _group(members: list[OutlineRow]) -> OutlineRow:
    first = members[0]
    starts = [one.span.offset for one in members]
    durations = sorted(one.span.duration or 0.0 for one in members)
    ends = [one.span.offset + (one.span.duration or 0.0) for one in members]
    grouped_label = " · ".join(part for part in (first.row["label"], f"× {len(members):,}") if part)
    row: RowDict = {**first.row, "label": grouped_label, "counts": False, "tokens": ""}
    row["time"] = formatting.seconds(max(ends) - min(starts))
    if any(one.row["cost"] != row["cost"] for one in members):
        row["cost"] = ""
    said = " · ".join(part for part in (first.remark, formatting.spread(durations)) if part)
    one = OutlineRow(first.span, first.run, first.depth, remark=said)
    one.spans = sum(1 + member.descendants for member in members)
    for member in members:
        _add(one, member)
    row["tokens"] = formatting.tokens(one.usage)
    row["cost"] = _sum_as_text(one) or row["cost"]
    one.cached_row = row
    return one


def _merge_failures(failed: list[OutlineRow]) -> list[OutlineRow]:
    """Return equal failures as one row each, `× 40`, in the order of their first."""
    groups: dict[tuple[str, ...], list[OutlineRow]] = {}
    for one in failed:
        groups.setdefault((one.row["name"], one.row["label"], one.error), []).append(one)
    for first, *others in groups.values():
        first.spans += len(others)
        if others:
            first.row["label"] += f" · × {first.spans:,}"
    return [same[0] for same in groups.values()]


def _sum_up(one: OutlineRow) -> None:
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
        _add(one, child)
        one.descendants += 1 + child.descendants


def _add(one: OutlineRow, child: OutlineRow) -> None:
    if child.usage is not NOTHING:
        one.usage = child.usage if one.usage is NOTHING else one.usage + child.usage
    one.inexact |= child.inexact
    if child.cost is not None:
        one.cost = added((one.cost or Decimal(0), child.cost))


def _row_with_sums(one: OutlineRow) -> RowDict:
    """Return its row; one that is no call shows the sum of what is below it."""
    row = rows.row_dict(one.span, one.run)
    if one.retried:
        row["label"] += ", retried"
    if one.below and not row["counts"]:
        row["tokens"] = formatting.tokens(one.usage) or row["tokens"]
        row["cost"] = _sum_as_text(one) or row["cost"]
    return row


def _sum_as_text(one: OutlineRow) -> str:
    if not one.cost:
        return ""
    return formatting.at_least(one.cost) if one.inexact else formatting.money(one.cost)


def _assign_error(one: OutlineRow) -> None:
    """Set the line of its error, on the innermost row that has it: not on all it passed through."""
    status, error = one.span.status, error_text.of_span(one.span)
    own = status in formatting.FAILED and not one.retried
    one.fails = own or any(child.fails for child in one.below)
    is_fine = status == "ok" and not error and one.span.duration is not None
    one.quiet = is_fine and all(child.quiet for child in one.below)
    passed_through = any(error_text.of_span(child.span) == error for child in one.below)
    if error and not one.retried and not passed_through:
        one.error = error
