"""A run as plain text: for terminals, `text/plain`, and whoever drops HTML."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from aimon_nb.model import Run
from aimon_nb.views.present import batches, error_text, formatting, rows, run_sums
from aimon_nb.views.present.outline import LIMIT, Outline, build_outline
from aimon_nb.views.present.outline_row import HEADS, Cells, OutlineRow

_TEE, _END, _BAR, _GAP = "├─ ", "└─ ", "│  ", "   "
_ASCII = str.maketrans(
    {
        "├": "|", "└": "`", "─": "-", "│": "|", "→": ">", "≥": ">=", "…": "...", "·": "-", "×": "x",
        "✓": "+", "✕": "x", "◼": "#", "◌": "o", "⟨": "<", "⟩": ">", "›": ">",
    }
)  # fmt: skip
_NARROWEST, _WIDTH = 60, 100
_SHORTEST_NAME = 12


def tree(
    run: Run, *, ascii_only: bool = False, width: int = _WIDTH, outline: Outline | None = None
) -> str:
    """Return the header line and a line a span, with columns that line up within `width`.

    `outline` is that of the run, if the caller has it.
    """
    outline = outline or build_outline(run)
    width = max(width, _NARROWEST)
    lines = [*_header(run, width), *_rows(outline, width)]
    lines += [f"note: {formatting.line(note, 500)}" for note in formatting.notes_below(run)]
    text = "\n".join(line.rstrip() for line in lines)
    if not ascii_only:
        return text
    return text.translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")


def summary(run: Run) -> str:
    """Return the one line that says how the run went, and below it what it failed with."""
    return "\n".join(_header(run, _WIDTH, brief=True))


def in_a_list(run: Run) -> str:
    """Return the line that tells a run apart among others: when, how it went, what it took."""
    when, took = f"{run.started.astimezone():%H:%M:%S}", formatting.seconds(rows.elapsed(run))
    facts = " · ".join((when, took, *run_sums.totals(run)))
    return f"<run {formatting.line(run.name, 60)!r} {formatting.status(run.status)}: {facts}>"


def _header(run: Run, width: int, *, brief: bool = False) -> Iterator[str]:
    facts = [
        formatting.seconds(rows.elapsed(run)),
        *batches.words(run),
        *run_sums.totals(run),
        formatting.destination(run),
    ]
    name, status = formatting.line(run.name, 60), formatting.marked(run.status)
    # On one line: what is least looked for gives way, then a long name, a statement perhaps.
    for least in (formatting.destination(run), formatting.cached(run.totals.usage)):
        if _room(status, facts, width) < min(_width(name), _SHORTEST_NAME) and least in facts:
            facts.remove(least)
    name = cut(name, max(_room(status, facts, width), _SHORTEST_NAME))
    yield "  ".join([status, name, *(fact for fact in facts if fact)])
    error = error_text.of_run(run) if brief else error_text.of_run_alone(run)
    if error:
        yield f"   {formatting.line(error, 300)}"
    why = formatting.empty(run)
    if why and not brief:
        yield f"   {formatting.visible(why)}"


def _rows(outline: Outline, width: int) -> Iterator[str]:
    if not outline.all and outline.more is None:
        return
    columns = outline.columns
    room = width - sum(columns) - 2 * len(columns)
    yield _pad("span", room) + _cells(HEADS, columns)
    for one, lead, below in _with_guides(outline):
        yield _row(one, lead, room, columns)
        if one.error:
            yield cut(f"{below}{formatting.MARKS['error']} {one.error}", 3 * width)
        elif one.words:
            for part in textwrap.wrap(one.words, max(width - len(below), 20)):
                yield f"{below}{part}"
    if outline.more is not None:
        yield _row(outline.more, "", room, columns)
    if not outline.omitted:
        return
    yield formatting.omitted(outline.omitted, outline.failures)
    for one in outline.failures:
        yield _row(one, "", room, columns)
        yield cut(f"   {formatting.MARKS['error']} {one.error}", 3 * width)
    if outline.unlisted:
        yield f"{outline.unlisted:,} more that failed: %ai_spans"


def _room(status: str, facts: list[str], width: int) -> int:
    """Return how many columns these leave for a name in the head."""
    return width - _width("  ".join([status, "", *(fact for fact in facts if fact)]))


class _GuidedRow(NamedTuple):
    """A row with the guides before its line and before the lines that explain it."""

    row: OutlineRow
    lead: str
    below: str


def _with_guides(outline: Outline) -> Iterator[_GuidedRow]:
    """Yield the rows of a saved form in reading order."""
    # A stack of (row, guides of its parent, whether it is the last sibling).
    pending = [(one, "", one is outline.top[-1]) for one in reversed(outline.top)]
    for _ in range(LIMIT):
        if not pending:
            return
        one, outer, last = pending.pop()
        inner = outer + (_GAP if last else _BAR)
        yield _GuidedRow(
            one, outer + (_END if last else _TEE), inner + (_BAR if one.below else _GAP)
        )
        pending += [(child, inner, child is one.below[-1]) for child in reversed(one.below)]


def _row(one: OutlineRow, lead: str, room: int, columns: list[int]) -> str:
    row = one.row
    mark = (
        f"{formatting.MARKS.get(one.span.status, '?')} "
        if one.span.status in formatting.FAILED and not one.retried
        else ""
    )
    text = f"{lead}{mark}{row['name']}"
    if row["label"]:
        text += f"  {row['label']}"
    return _pad(cut(text, room), room) + _cells(one.cells, columns)


def _cells(cells: Cells, columns: list[int]) -> str:
    return "".join(f"  {cell:>{size}}" for cell, size in zip(cells, columns, strict=True))


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes: wide East Asian characters take two."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def _pad(text: str, size: int) -> str:
    return text + " " * max(0, size - _width(text))


def cut(text: str, size: int) -> str:
    """Return a line cut to `size` columns of a terminal."""
    if _width(text) <= size:
        return text
    while _width(text) > size - 1:
        text = text[: -max(1, (_width(text) - size) // 2)]
    return text + "…"
