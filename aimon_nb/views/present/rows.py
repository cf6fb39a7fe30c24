"""Spans and runs as JSON-safe data for the views.

`header` and `row_dict` hold no prompt, no answer and no tool argument, ever: they are
what a saved notebook may keep. Content is in `detail` only, which reaches the
page by message and is never stored.
"""

from __future__ import annotations

import functools
import json
import math
import re
from datetime import datetime, timezone
from typing import Any

from aimon_nb.model import Run, Span, Usage
from aimon_nb.model.span import SpanKind
from aimon_nb.pricing.normalise import is_estimated
from aimon_nb.views.present import error_text, formatting

_CODE = re.compile(r"\b([45]\d\d)\b")


def header(run: Run, now: datetime | None = None) -> dict[str, Any]:
    """Build what stands above the tree: identity, status, totals, notes.

    `started` is in epoch milliseconds; `elapsed` and `dur` in seconds (`dur` is
    None while running). `error` is its own, where no row says it. `counting` says that
    more rows and other sums are on their way. `now` is for tests.
    """
    totals = run.totals
    shown, note = formatting.total_cost(totals)
    return {
        "run_id": run.run_id,
        "name": formatting.line(run.name, 120),
        "status": run.status,
        "started": int(run.started.timestamp() * 1000),
        "elapsed": elapsed(run, now),
        "dur": _number(run.duration),
        "calls": totals.calls,
        "errors": totals.errors,
        "tokens": formatting.tokens(totals.usage),
        "cached": formatting.cached(totals.usage),
        "cost": shown,
        "cost_note": note,
        "unpriced": totals.unpriced,
        "destination": run.destination,
        "trace": run.trace_id if run.destination != "local" else None,
        "error": error_text.untold(run),
        "notes": [formatting.line(n, 500) for n in run.said],
        "faults": run.faults,
        "empty": formatting.line(formatting.empty(run), 500),
        "incomplete": run.incomplete,
        "counting": False,
        "progress": None,
    }


# What the page is told of a row, in this order (`unpacked` in layout.js reads it); what is
# rare stands last and is left off.
FIELDS = (
    *("id", "parent", "kind", "name", "label", "status", "start", "dur", "counts", "cost"),
    *("streaming", "input", "output", "usd", "cost_state", "model", "error", "asked", "ttft"),
    *("heard", "item", "tokens", "hidden"),
)


def encode_row(span: Span, run: Run) -> list[Any]:
    """Build one line of the tree as the values of `FIELDS`, without trailing Nones.

    `start` and `dur` in seconds, `usd` in dollars; `tokens` in words where they are
    not those of `input` and `output`. A large run has thousands of these, so they
    are small.
    """
    cost, kind, known = span.cost, span.kind, _model(span)
    estimated = is_estimated(span)
    values = [
        span.span_id,
        run.shown_parent(span),
        kind,
        _named(span, kind),
        _labelled(span, kind),
        span.status,
        _number(span.offset),
        _number(span.duration),
        counts(span),
        "" if cost is None or _nothing_to_bill(span) else formatting.cost(cost),
        bool(span.streaming),
        *_summed(span, estimated=estimated),
        known or None,
        error_text.of_span(span),
        request_hash(span),
        _number(span.ttft),
        _streamed_chars(span),
        formatting.line(span.item, 60) if span.item else None,
        _tokens(span) if estimated or _only_total(span.usage) else None,
        None if run.shows(span) else True,
    ]
    while values[-1] is None:
        values.pop()
    return values


def row_dict(span: Span, run: Run) -> dict[str, Any]:
    """Build one line of the tree by name, with its time and tokens in words."""
    known = dict(zip(FIELDS, encode_row(span, run), strict=False))
    said = {"time": formatting.seconds(span.duration), "tokens": _tokens(span)}
    return {**dict.fromkeys(FIELDS), "hidden": False, **known, **said}


def _summed(
    span: Span, *, estimated: bool
) -> tuple[int | None, int | None, float | None, str | None]:
    """What the sums above take of a row: input, output, dollars, cost state.

    Of an estimate nothing, but that it is missing.
    """
    usage, cost = span.usage, span.cost
    state = cost.state if cost else None
    if estimated:
        free = state == "free"  # for any number of tokens
        return None, None, 0.0 if free else None, state if free else "no_usage"
    dollars = float(cost.total) if cost and cost.total is not None else None
    return usage.input, usage.output, dollars, state


def _tokens(span: Span) -> str:
    return formatting.about(formatting.tokens(span.usage), estimated=is_estimated(span))


def _only_total(usage: Usage) -> bool:
    """Tell tokens that input and output do not say."""
    return usage.input is usage.output is None and usage.total is not None


def counts(span: Span) -> bool:
    """Tell whether the span adds to the sums of the rows above it."""
    return (span.cost is not None or span.is_call) and not (
        span.is_duplicate or span.cached_locally
    )


def name(span: Span) -> str:
    """Name the row: without the model, which stands beside it."""
    return _named(span, span.kind)


def _named(span: Span, kind: SpanKind) -> str:
    own = span.tool if kind == "tool" else span.agent if kind == "agent" else None
    if own:
        return formatting.line(own, 120)
    text = span.name or span.op or "span"
    for model in (span.request_model, span.model):
        text = text.removesuffix(f" {model}") if model else text
    for prefix in ("execute_tool ", "invoke_agent "):
        text = text.removeprefix(prefix)
    return formatting.line(text, 120)


def label(span: Span) -> str:
    """List the dim words beside the name: model, `agent`, `tool`, `429`, `streaming`.

    That a failed call was `retried` is known when the tree is laid out.
    """
    return _labelled(span, span.kind)


def _labelled(span: Span, kind: SpanKind) -> str:
    parts = [_model(span)]
    if kind in ("agent", "tool", "retrieval"):
        parts.append(kind)
    if span.status == "error" and span.is_call:
        parts.append(_fault(span))
    elif span.status not in ("ok", "running"):
        parts.append(formatting.status(span.status))
    if span.cached_locally:
        parts.append("cached locally")
    if span.streaming and span.status == "running":
        parts.append("streaming")
    return " · ".join(p for p in parts if p)


def _model(span: Span) -> str:
    known = span.model or span.request_model
    return _short(known) if known else ""


_short = functools.lru_cache(maxsize=1024)(functools.partial(formatting.line, limit=80))


def snapshot(run: Run, limit_bytes: int = 200_000) -> dict[str, Any]:
    """Build header and rows without details, for a page that was reloaded.

    Rows beyond `limit_bytes` of JSON are left out and counted in `cut`.
    """
    top = header(run)
    room = limit_bytes - _size(top) - 100
    kept: list[list[Any]] = []
    shown = [span for span in list(run.spans.values()) if run.shows(span)]
    for span in shown:
        one = encode_row(span, run)
        room -= _size(one) + 2
        if room < 0:
            break
        kept.append(one)
    return {"header": top, "rows": kept, "cut": len(shown) - len(kept)}


def _nothing_to_bill(span: Span) -> bool:
    """Tell a call that failed from an answer whose usage is missing."""
    return span.status == "error" and span.cost is not None and span.cost.state == "no_usage"


def _streamed_chars(span: Span) -> int | None:
    """Count the characters of an answer that still streams; None once it is over."""
    if span.status != "running" or not span.streaming or span.call is None:
        return None
    return sum(len(m.text) + sum(len(a) for _, a in m.tool_calls) for m in span.call.output)


def _size(data: Any) -> int:
    return len(json.dumps(data))


def elapsed(run: Run, now: datetime | None = None) -> float:
    """Seconds from its start to its end, or to now while it runs."""
    if run.duration is not None:
        return float(run.duration)
    now = now or datetime.now(timezone.utc)
    return max(0.0, ((run.ended or now) - run.started).total_seconds())


def _number(x: float | None) -> float | None:
    return round(x, 4) if x is not None and math.isfinite(x) else None


def _fault(span: Span) -> str:
    """Say what went wrong with a call in a word: its HTTP status, or `error`."""
    code = span.attributes.get("http.response.status_code")
    found = _CODE.search(f"{span.error_type} {error_text.said(span)}"[:200])
    return str(code) if code else found[1] if found else "error"


def request_hash(span: Span) -> int | None:
    """Mark equal requests, so that a retry is known without showing what was asked.

    Python salts text hashes anew in every process: nothing can be guessed from it.
    """
    if span.call is None or not span.call.input:
        return None
    turns = tuple((m.role, m.text, tuple(m.tool_calls)) for m in span.call.input)
    return hash((span.request_model, turns)) & 0xFFFFFFFF
