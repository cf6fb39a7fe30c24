"""Spans and runs as JSON-safe data for the views.

No header and no row ever holds a prompt, an answer or a tool argument: they are
what a saved notebook may keep. Content is in `detail` only, which reaches the
page by message and is never stored.
"""

from __future__ import annotations

import json
import math
from datetime import datetime, timezone
from typing import Any, NamedTuple, TypedDict

from aimon_nb.model import Run, Span, Usage
from aimon_nb.model.span import SpanKind
from aimon_nb.pricing.summable import summable
from aimon_nb.views.present import batches, error_text, formatting, more_calls, run_sums
from aimon_nb.views.present.price_advice import price_advice
from aimon_nb.views.present.row_names import label, model_name, name, outcome, remark

# The values of `FIELDS` in that order, without trailing Nones.
EncodedRow = list[Any]


class Header(TypedDict):
    """What stands above the tree, as the page gets it.

    `started` is in epoch milliseconds; `elapsed` and `dur` in seconds (`dur` is
    None while running). `error` is the run's own, where no row shows it. `counting` says
    that more rows and other sums are on their way. `items` are the words of the batch, `progress`
    the share of it that is done, if its length is known. `budget` follows the cost.
    """

    run_id: str
    name: str
    status: str
    started: int
    elapsed: float
    dur: float | None
    calls: int
    errors: int
    retries: int
    failed_steps: int
    tokens: str
    cached: str
    cost: str
    cost_note: str
    budget: str
    unpriced: int
    destination: str
    trace: str | None
    error: str | None
    notes: list[str]
    faults: int
    empty: str
    incomplete: bool
    counting: bool
    items: list[str]
    progress: float | None


class RowDict(TypedDict):
    """One row by the names of `FIELDS`, with its time and tokens in words."""

    id: str
    parent: str | None
    kind: SpanKind
    name: str
    label: str
    status: str
    start: float | None
    dur: float | None
    counts: bool
    cost: str
    streaming: bool
    input: int | None
    output: int | None
    usd: float | None
    cost_state: str | None
    model: str | None
    error: str | None
    retried: bool | None
    ttft: float | None
    heard: int | None
    item: int | None
    tokens: str
    hidden: bool
    more: list[int] | None
    remark: str | None
    advice: str | None
    outcome: str | None
    tries: list[int] | None
    time: str


class Snapshot(TypedDict):
    """A run without its content: header, encoded rows, how many rows did not fit."""

    header: Header
    rows: list[EncodedRow]
    cut: int


def header(run: Run, now: datetime | None = None) -> Header:
    """Return what stands above the tree: identity, status, totals, notes, at this time."""
    totals = run.totals
    shown, note = run_sums.total_cost(totals)
    notes = (*formatting.all_notes(run), *formatting.saved_whole(run))
    return {
        "run_id": run.run_id,
        "name": formatting.line(run.name, 120),
        "status": run.status,
        "started": int(run.started.timestamp() * 1000),
        "elapsed": elapsed(run, now),
        "dur": _number(run.duration),
        "calls": totals.calls,
        "errors": totals.errors,
        "retries": totals.retries,
        "failed_steps": run_sums.failed_steps(run),
        "tokens": formatting.tokens(totals.usage),
        "cached": formatting.cached(totals.usage),
        "cost": shown,
        "cost_note": note,
        "budget": run_sums.budget(run, shown),
        "unpriced": totals.unpriced,
        # The page puts the start of the trace's id behind it.
        "destination": "Sentry" if formatting.trace(run) else formatting.destination(run),
        "trace": formatting.trace(run),
        "error": error_text.of_run_alone(run),
        "notes": [formatting.line(note, 500) for note in notes],
        "faults": run.faults,
        "empty": formatting.line(formatting.empty(run), 500),
        "incomplete": run.incomplete,
        "counting": False,
        "items": list(batches.words(run, now)),
        "progress": batches.share(run),
    }


# What the page gets of a row, in this order (`unpackRow` in rows.js reads it); what is
# rare stands last and is left off. `retried`: another attempt at its request followed;
# `heard`: so many characters of a streamed answer have come; `more`: how many calls the row
# stands for, if several, and how many of them failed; `outcome`: the words behind the label;
# `item`: its item's number; `tries`: one that the attempts at a request share, and which it is.
FIELDS = (
    *("id", "parent", "kind", "name", "label", "status", "start", "dur", "counts", "cost"),
    *("streaming", "input", "output", "usd", "cost_state", "model", "error", "retried", "ttft"),
    *("heard", "item", "tokens", "hidden", "more", "remark", "advice", "outcome", "tries"),
)


def encode_row(span: Span, run: Run) -> EncodedRow:
    """Return one row of the tree as the values of `FIELDS`, without trailing Nones.

    `start` and `dur` in seconds, `usd` in dollars; `tokens` in words where they are
    not those of `input` and `output`. A large run has thousands of these, so they
    are small.
    """
    cost, kind, model = span.cost, span.kind, model_name(span)
    estimated, repeats = span.is_estimated, span.repeats
    several = more_calls.calls_of(run) if span.op == more_calls.OP else None
    values = [
        span.span_id,
        run.shown_parent(span),
        kind,
        name(span, kind, run),
        label(span, kind, run) if several is None else more_calls.failed(several),
        span.status,
        _number(span.offset),
        _number(span.duration),
        counts(span),
        "" if cost is None or _nothing_to_bill(span) else formatting.cost(cost),
        bool(span.streaming),
        *_summands(span, estimated=estimated),
        model or None,
        error_text.of_span(span),
        True if span.retried is not None else None,
        _number(span.ttft),
        _streamed_chars(span),
        None if span.item is None else span.item.number,
        _tokens(span) if estimated or repeats or _only_total(span.usage) else None,
        None if run.shows(span) else True,
        several,
        remark(span) or None,
        price_advice(span, run) or None,
        outcome(span) or None,
        None if span.retry_group is None else [span.retry_group, span.attempt or 1],
    ]
    while values[-1] is None:
        values.pop()
    return values


def row_dict(span: Span, run: Run) -> RowDict:
    """Return one row of the tree by name, with its time and tokens in words."""
    row: Any = dict.fromkeys(FIELDS)
    row |= {"hidden": False, **dict(zip(FIELDS, encode_row(span, run), strict=False))}
    row |= {"time": formatting.seconds(span.duration), "tokens": _tokens(span)}
    shaped: RowDict = row
    return shaped


class _RowContribution(NamedTuple):
    """What the sums of the rows above take of a row."""

    input: int | None
    output: int | None
    usd: float | None
    cost_state: str | None


def _summands(span: Span, *, estimated: bool) -> _RowContribution:
    """Return what a row adds to the sums above; an estimate adds only that it is missing."""
    if span.repeats:
        return _RowContribution(None, None, None, None)
    usage, cost = _usage(span), span.cost
    state = cost.state if cost else None
    if estimated:
        # What is free is free for any number of tokens.
        free = state == "free"
        return _RowContribution(None, None, 0.0 if free else None, state if free else "no_usage")
    dollars = float(cost.total) if cost and cost.total is not None else None
    return _RowContribution(usage.input, usage.output, dollars, state)


def _tokens(span: Span) -> str:
    text = formatting.mark_estimated(formatting.tokens(_usage(span)), estimated=span.is_estimated)
    # In brackets stands what others report too, and no sum has a second time.
    return f"({text})" if span.repeats and text else text


def _usage(span: Span) -> Usage:
    # A sum is one already: taken for a call's counts, its parts might not fit.
    return span.usage if span.op == more_calls.OP else summable(span.usage)


def _only_total(usage: Usage) -> bool:
    """Return whether there is a total, and neither input nor output to show."""
    return usage.input is usage.output is None and usage.total is not None


def counts(span: Span) -> bool:
    """Return whether the span adds to the sums of the rows above it."""
    return span.may_cost and not (span.is_duplicate or span.repeats or span.cached_locally)


def snapshot(run: Run, limit_bytes: int = 200_000) -> Snapshot:
    """Return header and rows without details, for a page that was reloaded.

    Rows beyond `limit_bytes` of JSON are left out and counted in `cut`.
    """
    top = header(run)
    room = limit_bytes - _size(top) - 100
    encoded: list[EncodedRow] = []
    shown = [span for span in list(run.spans.values()) if run.shows(span)]
    more = more_calls.more_span(run, run.more)
    # The sums need it, however many rows are left out.
    for span in [more, *shown] if more is not None else shown:
        row = encode_row(span, run)
        room -= _size(row) + 2
        if room < 0:
            break
        encoded.append(row)
    if more is not None:
        encoded.append(encoded.pop(0))
    return {"header": top, "rows": encoded, "cut": len(shown) + (more is not None) - len(encoded)}


def _nothing_to_bill(span: Span) -> bool:
    """Return whether it is a call that failed, rather than an answer whose usage is missing."""
    return span.status == "error" and span.cost is not None and span.cost.state == "no_usage"


def _streamed_chars(span: Span) -> int | None:
    """Return how many characters of a streamed answer have come; None once it is complete."""
    if span.status != "running" or not span.streaming or span.call is None:
        return None
    return sum(len(m.text) + sum(len(a) for _, a in m.tool_calls) for m in span.call.output)


def _size(data: Any) -> int:
    return len(json.dumps(data))


def elapsed(run: Run, now: datetime | None = None) -> float:
    """Return the seconds from its start to its end, or to now while it runs."""
    if run.duration is not None:
        return float(run.duration)
    now = now or datetime.now(timezone.utc)
    return max(0.0, ((run.ended or now) - run.started).total_seconds())


def _number(x: float | None) -> float | None:
    return round(x, 4) if x is not None and math.isfinite(x) else None
