"""The calls that one may be compared with: those of its caller in memory, the nearest first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timezone
from itertools import islice
from typing import NamedTuple

from aimon_nb.model import Run, Span
from aimon_nb.views.present import formatting
from aimon_nb.views.present.conversation import conversation

MOST = 100  # that a reader can choose from
_SAID = 40  # characters of what was asked, by which he knows it


class Other(NamedTuple):
    """A call beside another: its run, and in words when that was."""

    run: Run
    span: Span

    @property
    def label(self) -> str:
        """Its time, model, duration, cost and what was asked, on a line."""
        span = self.span
        parts = [
            f"{span.start.astimezone(timezone.utc):%H:%M:%S} UTC",
            span.model or span.request_model or span.name,
            formatting.seconds(span.duration),
            formatting.cost(span.cost),
            _asked(span),
        ]
        return formatting.line(" · ".join(part for part in parts if part), 160)


def others(span: Span, run: Run, runs: Iterable[Run]) -> list[Other]:
    """Return the calls of the same caller in memory, the one that a reader means first.

    That is the one before it in its run, else the one in its place in the last run of its cell
    before. A failed attempt that was tried again is nobody's counterpart.

    Args:
        span: The call.
        run: Its run.
        runs: The runs in memory, this one among them or not.

    """
    here = _alike(span, run)
    at = next((n for n, one in enumerate(here) if one.span_id == span.span_id), len(here))
    found = [Other(run, one) for one in reversed(here[:at])]
    before = sorted(
        (one for one in runs if one.run_id < run.run_id), key=lambda r: r.run_id, reverse=True
    )
    own_cell = [one for one in before if _is_of_cell(one, run)]
    # Where nobody knows who asked, a call of another cell has nothing in common with it.
    beyond = [one for one in before if not _is_of_cell(one, run)] if span.caller else []
    for earlier in (*own_cell, *beyond):
        there = _alike(span, earlier)
        nearest = there[at : at + 1] if earlier in own_cell else []
        rest = [one for one in reversed(there) if one not in nearest]
        found += [Other(earlier, one) for one in (*nearest, *rest)]
        if len(found) >= MOST:
            break
    found += [Other(run, one) for one in here[at + 1 :]]
    return list(islice(found, MOST))


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
