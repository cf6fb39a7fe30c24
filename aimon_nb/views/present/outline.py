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
from aimon_nb.model.usage import NOTHING
from aimon_nb.pricing.normalise import is_estimated
from aimon_nb.views.present import error_text, formatting, rows

# Saved forms are complete to this many rows; a longer tree is grouped, then cut.
LIMIT = 500
ALIKE = 5  # identical siblings in a row that become one line, as in the live view
Cells = tuple[str, str, str]
HEADS: Cells = ("time", "tokens", "cost")


@dataclass(slots=True)
class OutlineRow:
    """One shown span, or a group of identical ones: its row and what stands below it.

    `error` is the line of its error ("" if none), `spread` that of a group's times.
    `fails` says that this span or one below it did not end well, `quiet` that
    nothing at all went wrong there. It stands for `spans` spans.
    """

    span: Span
    run: Run
    depth: int
    below: list[OutlineRow] = field(default_factory=list)
    error: str = ""
    spread: str = ""
    fails: bool = False
    quiet: bool = False
    retried: bool = False
    spans: int = 1
    usage: Usage = NOTHING
    cost: Decimal | None = None
    doubtful: bool = False
    kept_row: dict[str, Any] | None = None

    @property
    def row(self) -> dict[str, Any]:
        """Its row in words, made when it is asked for: most of a long tree are not shown."""
        if self.kept_row is None:
            self.kept_row = _worded(self)
        return self.kept_row

    @property
    def time(self) -> str:
        """How long it took, or the word for why that is not known."""
        return str(self.row["time"]) or formatting.status(self.span.status)

    @property
    def cells(self) -> Cells:
        """Time, tokens and cost."""
        return self.time, self.row["tokens"], self.row["cost"]


@dataclass(slots=True)
class Outline:
    """The lines of a run: its `top` level, and how many there are in `all`.

    `kept` are the lines a saved form shows; `beyond` counts the spans of the others
    and `failures` are what failed among them, which is listed all the same;
    `unlisted` counts those that are too many even for that.
    """

    top: list[OutlineRow]
    kept: list[OutlineRow]
    all: int
    beyond: int
    failures: list[OutlineRow]
    unlisted: int

    @property
    def columns(self) -> list[int]:
        """How many characters wide time, tokens and cost are."""
        listed = [HEADS, *(one.cells for one in self.kept), *(one.cells for one in self.failures)]
        return [max(map(len, column)) for column in zip(*listed, strict=True)]


def outline(run: Run) -> Outline:
    """Lay out the shown spans of a run."""
    top: list[OutlineRow] = []
    flat: list[OutlineRow] = []
    path: list[OutlineRow] = []
    for depth, span in run.walk():
        one = OutlineRow(span, run, depth)
        del path[depth:]
        (path[-1].below if path else top).append(one)
        path.append(one)
        flat.append(one)
    for siblings in (top, *(one.below for one in flat if one.below)):
        _mark_retries(siblings)
    for one in reversed(flat):
        _sum_up(one)
        _assign_error(one)
    if len(flat) <= LIMIT:
        return Outline(top, flat, len(flat), 0, [], 0)
    return _shortened(top, flat)


def _shortened(top: list[OutlineRow], flat: list[OutlineRow]) -> Outline:
    """Group what is alike, and keep as many lines as a saved form shows."""
    top = _grouped(top)
    kept: list[OutlineRow] = []
    todo = list(reversed(top))
    while todo and len(kept) < LIMIT:
        one = todo.pop()
        kept.append(one)
        one.below = _grouped(one.below)
        todo += reversed(one.below)
    shown = set(map(id, kept))
    failed = _merge_failures([one for one in flat if one.error and id(one) not in shown])
    beyond = len(flat) - sum(one.spans for one in kept)
    left = sum(one.spans for one in failed[LIMIT:])
    return Outline(top, kept, len(flat), beyond, failed[:LIMIT], left)


def _walk(top: list[OutlineRow]) -> Iterator[OutlineRow]:
    todo = list(reversed(top))
    while todo:
        one = todo.pop()
        yield one
        todo += reversed(one.below)


def _grouped(siblings: list[OutlineRow]) -> list[OutlineRow]:
    """Fold identical siblings in a row, where nothing went wrong, into one line each."""
    if len(siblings) < ALIKE:
        return siblings
    found: list[OutlineRow] = []
    for alike, members in groupby(siblings, _identity):
        same = list(members)
        found += [_group(same)] if alike and len(same) >= ALIKE else same
    return found


def _identity(one: OutlineRow) -> tuple[str, ...] | None:
    """What makes siblings identical; None for one that stands for itself."""
    span = one.span
    return (rows.name(span), rows.label(span), span.kind) if one.quiet else None


def _group(members: list[OutlineRow]) -> OutlineRow:
    first = members[0]
    starts = [one.span.offset for one in members]
    took = sorted(one.span.duration or 0.0 for one in members)
    ends = [one.span.offset + (one.span.duration or 0.0) for one in members]
    label = " · ".join(part for part in (first.row["label"], f"× {len(members):,}") if part)
    row = {**first.row, "label": label, "counts": False, "tokens": ""}
    row["time"] = formatting.seconds(max(ends) - min(starts))
    if any(one.row["cost"] != row["cost"] for one in members):
        row["cost"] = ""
    one = OutlineRow(first.span, first.run, first.depth, spread=formatting.spread(took))
    one.spans = sum(1 + sum(below.spans for below in _walk(m.below)) for m in members)
    for member in members:
        _add(one, member)
    row["tokens"] = formatting.tokens(one.usage)
    row["cost"] = _sum_in_words(one) or row["cost"]
    one.kept_row = row
    return one


def _merge_failures(failed: list[OutlineRow]) -> list[OutlineRow]:
    """List equal failures once, `× 40`, in the order of their first."""
    found: dict[tuple[str, ...], list[OutlineRow]] = {}
    for one in failed:
        found.setdefault((one.row["name"], one.row["label"], one.error), []).append(one)
    for first, *others in found.values():
        first.spans += len(others)
        if others:
            first.row["label"] += f" · × {first.spans:,}"
    return [same[0] for same in found.values()]


def _mark_retries(siblings: list[OutlineRow]) -> None:
    """Note of a failed call that a later sibling sent the very same request."""
    if all(one.span.status != "error" for one in siblings):
        return
    later: set[int] = set()
    for one in reversed(siblings):
        asked = rows.request_hash(one.span)
        one.retried = one.span.status == "error" and asked in later
        if asked is not None:
            later.add(asked)


def _sum_up(one: OutlineRow) -> None:
    """Fill in usage and cost: its own if it counts, and those of the lines below."""
    span, cost = one.span, one.span.cost
    if rows.counts(span):
        estimated = is_estimated(span)
        sure = ("free",) if estimated else ("priced", "free")
        one.doubtful = cost is None or cost.state not in sure
        if not estimated:
            one.usage, one.cost = span.usage, cost.total if cost else None
    for child in one.below:
        _add(one, child)


def _add(one: OutlineRow, child: OutlineRow) -> None:
    if child.usage is not NOTHING:
        one.usage = child.usage if one.usage is NOTHING else one.usage + child.usage
    one.doubtful |= child.doubtful
    if child.cost is not None:
        one.cost = added((one.cost or Decimal(0), child.cost))


def _worded(one: OutlineRow) -> dict[str, Any]:
    """Its row; one that is no call shows the sum of what is below it."""
    row = rows.row_dict(one.span, one.run)
    if one.retried:
        row["label"] += ", retried"
    if one.below and not row["counts"]:
        row["tokens"] = formatting.tokens(one.usage) or row["tokens"]
        row["cost"] = _sum_in_words(one) or row["cost"]
    return row


def _sum_in_words(one: OutlineRow) -> str:
    if not one.cost:
        return ""
    return formatting.at_least(one.cost) if one.doubtful else formatting.money(one.cost)


def _assign_error(one: OutlineRow) -> None:
    """Say the error once, where it happened: not on every span it passed through."""
    status, said = one.span.status, error_text.of_span(one.span)
    own = status in formatting.FAILED and not one.retried
    one.fails = own or any(child.fails for child in one.below)
    well = status == "ok" and not said and one.span.duration is not None
    one.quiet = well and all(child.quiet for child in one.below)
    if (
        said
        and not one.retried
        and all(error_text.of_span(child.span) != said for child in one.below)
    ):
        one.error = said
