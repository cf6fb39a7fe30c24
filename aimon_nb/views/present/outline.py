"""The tree of a finished run as lines: what the saved forms, html and text, share.

Rows that are no call show the sum of the calls below them, as the live view does. The
attempts at one request are one row, the last of them, where the first began.
Equal siblings are one line, `× 50` (`groups`); what is still beyond the limit is
counted, and its failures are listed.
"""

from __future__ import annotations

from dataclasses import dataclass

from aimon_nb.model import Run
from aimon_nb.views.present import groups
from aimon_nb.views.present.more_calls import more_span
from aimon_nb.views.present.outline_row import HEADS, OutlineRow, assign_error, sum_up
from aimon_nb.views.present.price_advice import price_advice
from aimon_nb.views.present.row_names import remark

# So many lines does a saved form show, beside the failures of the others.
LIMIT = 500


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
    tried: list[OutlineRow] = []
    for depth, span in run.walk():
        one = OutlineRow(span, run, depth, remark=remark(span), advice=price_advice(span, run))
        del path[depth:]
        (path[-1].below if path else top).append(one)
        path.append(one)
        flat.append(one)
        if span.retry_group is not None:
            tried.append(one)
    if tried:
        _fold_attempts(top, flat, tried)
    for one in reversed(flat):
        sum_up(one)
        assign_error(one)
    groups.set_shapes(flat)
    outline = _shortened(top, flat)
    rest = more_span(run, run.more)
    if rest is not None:
        outline.more = OutlineRow(rest, run, 0)
    return outline


def _fold_attempts(top: list[OutlineRow], flat: list[OutlineRow], tried: list[OutlineRow]) -> None:
    """Put the attempts at a request out of the tree, at its last, if they are siblings."""
    groups: dict[tuple[str | None, int | None], list[OutlineRow]] = {}
    for one in tried:
        key = one.run.shown_parent(one.span), one.span.retry_group
        groups.setdefault(key, []).append(one)
    row_at: dict[int, OutlineRow | None] = {}
    for attempts in groups.values():
        if len(attempts) > 1:
            first, last = attempts[0], max(attempts, key=lambda one: one.span.attempt or 1)
            last.attempts = [one for one in attempts if one is not last]
            last.spans = len(attempts)
            row_at |= {id(one): None for one in attempts} | {id(first): last}
    for siblings in (top, *(one.below for one in flat)) if row_at else ():
        rows = (row_at.get(id(one), one) for one in siblings)
        siblings[:] = [one for one in rows if one is not None]


def _shortened(top: list[OutlineRow], flat: list[OutlineRow]) -> Outline:
    """Return an outline with what is equal in one line, and as many lines as a saved form shows."""
    top = groups.grouped(top)
    shown: list[OutlineRow] = []
    pending = list(reversed(top))
    while pending and len(shown) < LIMIT:
        one = pending.pop()
        shown.append(one)
        one.below = groups.grouped(one.below)
        pending += reversed(one.below)
    failed: list[OutlineRow] = []
    if pending:
        # Of groups and of rows that were not come to, what is below them.
        while pending:
            one = pending.pop()
            failed += [one] if one.error else []
            pending += reversed(one.below)
        failed = groups.merge_failures(failed)
    omitted = len(flat) - sum(one.spans for one in shown)
    unlisted = sum(one.spans for one in failed[LIMIT:])
    return Outline(top, shown, len(flat), omitted, failed[:LIMIT], unlisted)
