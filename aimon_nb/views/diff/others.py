"""The calls that one may be compared with: those of its caller in memory, the nearest first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timezone
from itertools import chain, islice
from typing import Literal, NamedTuple

from aimon_nb.model import Run, Span
from aimon_nb.views.present import formatting
from aimon_nb.views.present.conversation import conversation

MOST = 100  # that a reader can choose from
_SAID = 40  # characters of what was asked, by which he knows it


class Other(NamedTuple):
    """A call beside another, with its run; `where` is "" for a run of another cell."""

    run: Run
    span: Span
    where: Literal["this run", "earlier run", ""] = "this run"

    @property
    def label(self) -> str:
        """Where it is, its time, model, duration, cost and what was asked, on a line."""
        span = self.span
        parts = [
            self.where or f"run {formatting.line(self.run.name, 40)}",
            f"{span.start.astimezone(timezone.utc):%H:%M:%S} UTC",
            span.model or span.request_model or span.name,
            formatting.seconds(span.duration),
            formatting.cost(span.cost),
            _asked(span),
        ]
        return formatting.line(" · ".join(part for part in parts if part), 160)


def others(span: Span, run: Run, runs: Iterable[Run]) -> list[Other]:
    """Return the calls of the same caller in memory, the one that a reader means first.

    That is the one before it in its run; then come those in its place in earlier runs of its
    cell, the last one first, and then all others. A failed attempt that was tried again is
    nobody's counterpart.

    Args:
        span: The call.
        run: Its run.
        runs: The runs in memory, this one among them or not.

    """
    here = _alike(span, run)
    at = next(n for n, one in enumerate(here) if one.span_id == span.span_id)
    own = [Other(run, one) for one in [*reversed(here[:at]), *here[at + 1 :]]]
    first = own[: min(at, 1)]
    counterparts: list[Other] = []
    rest = own[len(first) :]
    for earlier in _earlier(run, runs, any_cell=span.caller is not None):
        is_own = _is_of_cell(earlier, run)
        there = [
            Other(earlier, one, "earlier run" if is_own else "") for one in _alike(span, earlier)
        ]
        counterparts += there[at : at + 1] if is_own else []
        rest += reversed(there[:at] + there[at + 1 :] if is_own else there)
        if len(rest) >= MOST:
            break
    return list(islice(chain(first, counterparts, rest), MOST))


def _earlier(run: Run, runs: Iterable[Run], *, any_cell: bool) -> list[Run]:
    """Return the runs before one, those of its own cell first, the latest of each first.

    Of other cells only with `any_cell`: where nobody knows who asked, a call of another cell has
    nothing in common with it.
    """
    before = [one for one in runs if one.run_id < run.run_id]
    before.sort(key=lambda one: (_is_of_cell(one, run), one.run_id), reverse=True)
    return [one for one in before if any_cell or _is_of_cell(one, run)]


def _alike(span: Span, run: Run) -> list[Span]:
    """Return the calls of a run that the same caller made, as they began."""
    return [
        one
        for one in list(run.spans.values())
        if one.span_id == span.span_id
        or (
            one.is_call
            and run.shows(one)
            and (one.caller, one.operation) == (span.caller, span.operation)
            and one.retried is None
        )
    ]


def _is_of_cell(one: Run, run: Run) -> bool:
    if run.cell_id is None:
        return one.cell_id is None and one.name == run.name
    return (one.cell_id, one.notebook) == (run.cell_id, run.notebook)


def _asked(span: Span) -> str:
    asked = next((t for t in reversed(conversation(span)) if t["side"] == "in" and t["text"]), None)
    return "" if asked is None else f"“{formatting.line(asked['text'][: _SAID * 4], _SAID)}”"
