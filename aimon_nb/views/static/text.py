"""A run as plain text: for terminals, `text/plain`, and whoever drops HTML."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from aimon_nb.model import Run
from aimon_nb.views.present import error_text, formatting, rows
from aimon_nb.views.present.outline import HEADS, LIMIT, Cells, Outline, OutlineRow
from aimon_nb.views.present.outline import outline as lay_out

_GUIDES = ("├─ ", "└─ ", "│  ", "   ")
_ASCII = str.maketrans(
    {
        "├": "|", "└": "`", "─": "-", "│": "|", "→": ">", "≥": ">=", "…": "...", "·": "-", "×": "x",
        "✓": "+", "✕": "x", "◼": "#", "◌": "o", "⟨": "<", "⟩": ">",
    }
)  # fmt: skip
_NARROWEST = 60


def tree(
    run: Run, *, ascii_only: bool = False, width: int = 100, laid: Outline | None = None
) -> str:
    """Render the header line and a line a span, with columns that line up within `width`."""
    laid = laid or lay_out(run)
    said = [*_header(run), *_rows(laid, max(width, _NARROWEST)), *_notes(run)]
    text = "\n".join(one.rstrip() for one in said)
    if not ascii_only:
        return text
    return text.translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")


def summary(run: Run) -> str:
    """Render the one line that says how the run went, and below it what it failed with."""
    return "\n".join(_header(run, brief=True))


def _header(run: Run, *, brief: bool = False) -> Iterator[str]:
    facts = [
        formatting.seconds(rows.elapsed(run)),
        *formatting.totals(run.totals),
        formatting.destination(run),
    ]
    name = formatting.line(run.name, 60)
    yield "  ".join([f"{formatting.marked(run.status)}  {name}", *(f for f in facts if f)])
    said = error_text.of_run(run) if brief else error_text.untold(run)
    if said:
        yield f"   {formatting.line(said, 300)}"
    why = formatting.empty(run)
    if why and not brief:
        yield f"   {formatting.visible(why)}"


def _notes(run: Run) -> Iterator[str]:
    shown_above = bool(formatting.empty(run))
    for note in run.said[1:] if shown_above and run.notes else run.said:
        yield f"note: {formatting.line(note, 500)}"


def _rows(laid: Outline, width: int) -> Iterator[str]:
    if not laid.all:
        return
    columns = laid.columns
    room = width - sum(columns) - 2 * len(columns)
    yield _pad("span", room) + _cells(HEADS, columns)
    for one, lead, below in _guided(laid):
        yield _row(one, lead, room, columns)
        if one.spread:
            yield f"{below}{one.spread}"
        if one.error:
            yield cut(f"{below}{formatting.MARKS['error']} {one.error}", 3 * width)
    if laid.beyond:
        yield from _beyond(laid, room, columns, width)


def _beyond(laid: Outline, room: int, columns: list[int], width: int) -> Iterator[str]:
    yield formatting.beyond(laid.beyond, laid.failures)
    for one in laid.failures:
        yield _row(one, "", room, columns)
        yield cut(f"   {formatting.MARKS['error']} {one.error}", 3 * width)
    if laid.unlisted:
        yield f"{laid.unlisted:,} more that failed: %ai_spans"


def _guided(laid: Outline) -> Iterator[tuple[OutlineRow, str, str]]:
    """Yield each kept line with the guides before it and before what hangs below it."""
    tee, end, bar, gap = _GUIDES
    left = LIMIT
    todo = [(one, "", one is laid.top[-1]) for one in reversed(laid.top)]
    while todo and left:
        one, lead, last = todo.pop()
        left -= 1
        inner = lead + (gap if last else bar)
        yield one, lead + (end if last else tee), inner + (bar if one.below else gap)
        todo += [(c, inner, c is one.below[-1]) for c in reversed(one.below)]


def _row(one: OutlineRow, lead: str, room: int, columns: list[int]) -> str:
    row = one.row
    mark = (
        f"{formatting.MARKS.get(one.span.status, '?')} "
        if one.span.status in formatting.FAILED
        else ""
    )
    text = f"{lead}{mark}{row['name']}"
    if row["label"]:
        text += f"  {row['label']}"
    return _pad(cut(text, room), room) + _cells(one.cells, columns)


def _cells(cells: Cells, columns: list[int]) -> str:
    return "".join(f"  {cell:>{size}}" for cell, size in zip(cells, columns, strict=True))


def _width(text: str) -> int:
    """Count the columns a terminal needs: wide East Asian characters take two."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def _pad(text: str, size: int) -> str:
    return text + " " * max(0, size - _width(text))


def cut(text: str, size: int) -> str:
    """Cut a line to `size` columns of a terminal."""
    if _width(text) <= size:
        return text
    while _width(text) > size - 1:
        text = text[: -max(1, (_width(text) - size) // 2)]
    return text + "…"
