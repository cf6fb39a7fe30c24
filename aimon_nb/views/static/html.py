"""The saved form of a run: static HTML that reads without a kernel, script or network.

Sanitisers drop style tags, svg, aria, ids and CSS variables, and some drop every
style attribute. So it stands on nested `<details>`, one line of text a row and a
little inline style; it inherits its colour and dims by opacity, so it reads on
white and on black, and words carry every meaning.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from aimon_nb.model import Run
from aimon_nb.views.present import batches, error_text, formatting, rows, run_sums
from aimon_nb.views.present.outline import Outline, build_outline
from aimon_nb.views.present.outline_row import HEADS, Cells, OutlineRow

# JupyterLab (MathJax 3 and later) and nbconvert (MathJax 2) make a formula of what stands
# between two dollars, but not below an element of these classes.
NO_FORMULAS = "mathjax_ignore tex2jax_ignore"
# Trees up to this size stand open to the second level.
_SMALL = 30
_ROOT = (
    "max-width:62em;font:13px/1.75 system-ui,sans-serif;white-space:pre;"
    # Twice: JupyterLab's sanitiser drops `anywhere`, which also breaks words in tables and boxes.
    "overflow-wrap:break-word;overflow-wrap:anywhere;"
    "border:1px solid rgba(128,128,128,.35);border-radius:6px;padding:4px 12px"
)
_DIM = '<small style="opacity:.75">'
# JupyterLab gives samp a line height of its own, so ours is set again.
_RIGHT = '<samp style="float:right;line-height:1.75">'
# A row is its own block: where the output is narrow its numbers stand below its name.
_LEAF = '<div style="padding-left:1.2em;overflow:hidden">'
_SUMMARY = '<summary style="overflow:hidden">'
_PROSE = '<div style="white-space:pre-wrap;opacity:.75">'
_INSET = '<div style="margin-left:1.2em">'


def static(
    run: Run,
    mount_id: str | None = None,
    *,
    outline: Outline | None = None,
    notes: Sequence[str] = (),
) -> str:
    """Return the whole run as HTML without any prompt or answer.

    With `mount_id`, unique to this showing, it stands in an element that the live
    view may take over. `outline` is that of the run, if the caller has it; `notes` come last.
    """
    return _framed("".join(_body(run, outline or build_outline(run), notes)), mount_id)


def summary(run: Run, mount_id: str | None = None) -> str:
    """Return the one line that says how the run went, as HTML."""
    return _framed(_header(run, brief=True), mount_id)


def _framed(body: str, mount_id: str | None) -> str:
    if mount_id is not None:
        return host(body, mount_id, _ROOT)
    return f'<div class="{NO_FORMULAS}" style="{_ROOT}">{body}</div>'


def host(body: str, mount_id: str, style: str) -> str:
    """Return HTML in the element that the live view may take over, of our class `aimon-host`."""
    inner = f'<div style="{style}">{body}</div>' if body else ""
    return f'<div class="aimon-host {NO_FORMULAS}" id="{escape(mount_id)}">{inner}</div>'


def mount_script(run: Run, mount_id: str, *, wait: bool = False, opened: bool = False) -> str:
    """Return a script of at most 300 bytes that shows the live view, now or when its run is here.

    `wait` holds the user's cleared output for a frame, `opened` opens a folded view.
    """
    options = "{wait:1}" if wait else "{open:1}" if opened else "{}"
    elements = f"document.querySelectorAll({selector(mount_id)})"
    # Nobody takes the event: the page has not got the run yet, and says so when it has.
    return (
        f"<script>{{const n='aimon_nb:'+{js_literal(run.run_id)};for(const e of {elements})"
        "{const f=()=>dispatchEvent(new CustomEvent(n,{cancelable:true,"
        f"detail:[e,{options}]}}));f()&&addEventListener(n+'!',f,{{once:true}})}}}}</script>"
    )


def selector(mount_id: str) -> str:
    """Return, as JavaScript, the selector of its elements: a notebook may show one output twice."""
    return js_literal(f'[id="{mount_id}"]')


def js_literal(value: Any) -> str:
    """Return a JSON value as JavaScript that cannot end the script it stands in."""
    return json.dumps(value).replace("<", "\\u003c").replace("&", "\\u0026")


def _text(text: str) -> str:
    return escape(formatting.visible(text), quote=False)


def _body(run: Run, outline: Outline, notes: Sequence[str]) -> Iterator[str]:
    yield _header(run)
    why = formatting.empty(run)
    if why:
        yield f"{_PROSE}{_text(why)}</div>"
    if outline.all or outline.more is not None:
        columns = outline.columns
        heads = f"span{_numbers(HEADS, columns)}"
        yield f'<div style="opacity:.65;overflow:hidden">{heads}</div>'
        yield from _rows(outline, columns)
        if outline.more is not None:
            yield f"{_LEAF}{_cells(outline.more, columns)}</div>"
        yield from _omitted(outline, columns)
    for note in (*formatting.notes_below(run), *notes):
        yield f"{_PROSE}note: {_text(note)}</div>"


def _header(run: Run, *, brief: bool = False) -> str:
    took = formatting.seconds(rows.elapsed(run))
    pieces = [took, *batches.words(run), *run_sums.totals(run)]
    pieces.append(formatting.destination(run))
    facts = " · ".join(_text(p) for p in pieces if p)
    error = error_text.of_run(run) if brief else error_text.of_run_alone(run)
    error_html = f"<br><b>{_text(error)}</b>" if error else ""
    name = _text(formatting.line(run.name, 120))
    status = f"{_text(formatting.marked(run.status))} <b>{name}</b>"
    return f'<div style="white-space:pre-wrap">{status}  {facts}{error_html}</div>'


def _numbers(cells: Cells, columns: list[int]) -> str:
    """Return time, tokens and cost as padded text: they line up without a style a cell."""
    padded = "  ".join(f"{cell:>{size}}" for cell, size in zip(cells, columns, strict=True))
    return f" {_RIGHT}{escape(padded, quote=False)}</samp>"


def _rows(outline: Outline, columns: list[int]) -> Iterator[str]:
    failed = any(one.fails for one in outline.shown)
    open_depth = 2 if len(outline.shown) <= _SMALL else 0
    shown = {id(one) for one in outline.shown} if outline.omitted else None
    # An explicit stack: a chain of a thousand spans must not end in a RecursionError. It holds
    # closing tags too, which is why `preorder` of model/tree.py does not do.
    pending: list[OutlineRow | str] = list(reversed(outline.top))
    while pending:
        one = pending.pop()
        if isinstance(one, str):
            yield one
        elif shown is None or id(one) in shown:
            is_open = one.fails if failed else one.depth < open_depth
            pending.extend(reversed(list(_row(one, columns, is_open=is_open))))


def _row(one: OutlineRow, columns: list[int], *, is_open: bool) -> Iterator[OutlineRow | str]:
    if one.below or one.attempts:
        is_open = is_open and bool(one.below)
        yield f"<details{' open' if is_open else ''}>{_SUMMARY}{_cells(one, columns)}</summary>"
        yield f"{_second_line(one)}{_INSET}"
        for attempt in one.attempts:
            yield f"{_LEAF}{_cells(attempt, columns)}</div>"
        yield from one.below
        yield "</div></details>"
    else:
        yield f"{_LEAF}{_cells(one, columns)}</div>{_second_line(one)}"


def _cells(one: OutlineRow, columns: list[int]) -> str:
    row = one.row
    name = formatting.line(row["name"], 48)
    label = formatting.line(row["label"], max(16, 60 - len(name)))
    dim = f" {_DIM}{_text(label)}</small>" if label else ""
    name = _text(name)
    if one.span.status in formatting.FAILED and not one.retried:
        name = f"<b>{formatting.MARKS.get(one.span.status, '?')} {name}</b>"
    return f"{name}{dim}{_numbers(one.cells, columns)}"


def _second_line(one: OutlineRow) -> str:
    """Return the line below a row: its error, or else the dim words; "" without either."""
    style = "padding-left:2.4em;white-space:pre-wrap"
    if one.error:
        return f'<div style="{style}"><b>{_text(one.error)}</b></div>'
    return f'<div style="{style};opacity:.75">{_text(one.words)}</div>' if one.words else ""


def _omitted(outline: Outline, columns: list[int]) -> Iterator[str]:
    if not outline.omitted:
        return
    yield f"{_PROSE}{_text(formatting.omitted(outline.omitted, outline.failures))}</div>"
    for one in outline.failures:
        yield f"{_LEAF}{_cells(one, columns)}</div>{_second_line(one)}"
    if outline.unlisted:
        yield f"{_PROSE}{outline.unlisted:,} more that failed: %ai_spans</div>"
