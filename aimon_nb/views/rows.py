"""Spans and runs as JSON-safe data for the views.

`header` and `row` hold no prompt, no answer and no tool argument, ever: they are
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

from aimon_nb.model import Cost, Run, Span, Usage
from aimon_nb.model.span import Kind
from aimon_nb.pricing.usage import is_estimated
from aimon_nb.views import errors, words
from aimon_nb.views.content import attributes, conversation
from aimon_nb.views.trace import traceback

_CODE = re.compile(r"\b([45]\d\d)\b")


def header(run: Run, now: datetime | None = None) -> dict[str, Any]:
    """Build what stands above the tree: identity, status, totals, notes.

    `started` is in epoch milliseconds; `elapsed` and `dur` in seconds (`dur` is
    None while running). `error` is its own, where no row says it. `counting` says that
    more rows and other sums are on their way. `now` is for tests.
    """
    totals = run.totals
    shown, note = words.total_cost(totals)
    return {
        "run_id": run.run_id,
        "name": words.line(run.name, 120),
        "status": run.status,
        "started": int(run.started.timestamp() * 1000),
        "elapsed": elapsed(run, now),
        "dur": _number(run.duration),
        "calls": totals.calls,
        "errors": totals.errors,
        "tokens": words.tokens(totals.usage),
        "cached": words.cached(totals.usage),
        "cost": shown,
        "cost_note": note,
        "unpriced": totals.unpriced,
        "destination": run.destination,
        "trace": run.trace_id if run.destination != "local" else None,
        "error": errors.untold(run),
        "notes": [words.line(n, 500) for n in run.said],
        "faults": run.faults,
        "empty": words.line(words.empty(run), 500),
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


def packed(span: Span, run: Run) -> list[Any]:
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
        "" if cost is None or _nothing_to_bill(span) else words.cost(cost),
        bool(span.streaming),
        *_summed(span, estimated=estimated),
        known or None,
        errors.of_span(span),
        asked(span),
        _number(span.ttft),
        _heard(span),
        words.line(span.item, 60) if span.item else None,
        _tokens(span) if estimated or _only_total(span.usage) else None,
        None if run.shows(span) else True,
    ]
    while values[-1] is None:
        values.pop()
    return values


def row(span: Span, run: Run) -> dict[str, Any]:
    """Build one line of the tree by name, with its time and tokens in words."""
    known = dict(zip(FIELDS, packed(span, run), strict=False))
    said = {"time": words.seconds(span.duration), "tokens": _tokens(span)}
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
    return words.about(words.tokens(span.usage), estimated=is_estimated(span))


def _only_total(usage: Usage) -> bool:
    """Tell tokens that input and output do not say."""
    return usage.input is usage.output is None and usage.total is not None


def counts(span: Span) -> bool:
    """Tell whether the span adds to the sums of the rows above it."""
    return (span.cost is not None or span.is_call) and not (span.covers or span.cached_locally)


def name(span: Span) -> str:
    """Name the row: without the model, which stands beside it."""
    return _named(span, span.kind)


def _named(span: Span, kind: Kind) -> str:
    own = span.tool if kind == "tool" else span.agent if kind == "agent" else None
    if own:
        return words.line(own, 120)
    text = span.name or span.op or "span"
    for model in (span.request_model, span.model):
        text = text.removesuffix(f" {model}") if model else text
    for prefix in ("execute_tool ", "invoke_agent "):
        text = text.removeprefix(prefix)
    return words.line(text, 120)


def label(span: Span) -> str:
    """List the dim words beside the name: model, `agent`, `tool`, `429`, `streaming`.

    That a failed call was `retried` is known when the tree is laid out.
    """
    return _labelled(span, span.kind)


def _labelled(span: Span, kind: Kind) -> str:
    parts = [_model(span)]
    if kind in ("agent", "tool", "retrieval"):
        parts.append(kind)
    if span.status == "error" and span.is_call:
        parts.append(_fault(span))
    elif span.status not in ("ok", "running"):
        parts.append(words.status(span.status))
    if span.cached_locally:
        parts.append("cached locally")
    if span.streaming and span.status == "running":
        parts.append("streaming")
    return " · ".join(p for p in parts if p)


def _model(span: Span) -> str:
    known = span.model or span.request_model
    return _short(known) if known else ""


_short = functools.lru_cache(maxsize=1024)(functools.partial(words.line, limit=80))


def detail(span: Span) -> dict[str, Any]:
    """Build all about one span, content included: for the live view only, never kept."""
    call = span.call
    return {
        "id": span.span_id,
        "op": words.line(span.op, 120),
        "messages": conversation(span),
        "usage": _kinds(span.usage, estimated=is_estimated(span)),
        "cost": _arithmetic(span.cost, span.model or span.request_model),
        "error": errors.worded(span.error_type, errors.said(span), limit=20_000),
        "frames": traceback(span.frames),
        "ending": _ending(span),
        "facts": _listed(_facts(span)),
        "more": _listed(_more_facts(span)),
        "parameters": attributes(call.parameters, keep_content=True) if call else [],
        "tools": [words.visible(t) for t in call.tools] if call else [],
        "attributes": attributes(span.attributes),
    }


def snapshot(run: Run, limit_bytes: int = 200_000) -> dict[str, Any]:
    """Build header and rows without details, for a page that was reloaded.

    Rows beyond `limit_bytes` of JSON are left out and counted in `cut`.
    """
    top = header(run)
    room = limit_bytes - _size(top) - 100
    kept: list[list[Any]] = []
    shown = [span for span in list(run.spans.values()) if run.shows(span)]
    for span in shown:
        one = packed(span, run)
        room -= _size(one) + 2
        if room < 0:
            break
        kept.append(one)
    return {"header": top, "rows": kept, "cut": len(shown) - len(kept)}


def _nothing_to_bill(span: Span) -> bool:
    """Tell a call that failed from an answer whose usage is missing."""
    return span.status == "error" and span.cost is not None and span.cost.state == "no_usage"


def _heard(span: Span) -> int | None:
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
    found = _CODE.search(f"{span.error_type} {errors.said(span)}"[:200])
    return str(code) if code else found[1] if found else "error"


def asked(span: Span) -> int | None:
    """Mark equal requests, so that a retry is known without showing what was asked.

    Python salts text hashes anew in every process: nothing can be guessed from it.
    """
    if span.call is None or not span.call.input:
        return None
    turns = tuple((m.role, m.text, tuple(m.tool_calls)) for m in span.call.input)
    return hash((span.request_model, turns)) & 0xFFFFFFFF


def _kinds(usage: Usage, *, estimated: bool) -> list[list[Any]]:
    named = {
        "input": usage.input,
        "of it cached": usage.cached,
        "of it cache write": usage.cache_write,
        "output": usage.output,
        "of it reasoning": usage.reasoning,
        "total": usage.total,
    }
    mark = "~" if estimated else ""
    return [[kind, f"{mark}{n:,}"] for kind, n in named.items() if n is not None]


def _arithmetic(cost: Cost | None, model: str | None) -> dict[str, Any] | None:
    if cost is None:
        return None
    known = cost.total is not None and cost.state in ("priced", "partial")
    total = words.exact(cost.total) if known and cost.total is not None else words.cost(cost)
    return {
        "state": cost.state,
        "parts": [
            [
                words.line(kind, 40),
                f"{n:,}",
                words.rate(per),
                "no price" if per is None and not usd else words.exact(usd),
            ]
            for kind, n, per, usd in cost.parts
        ],
        "model": words.line(model, 80) if model else "total",
        "total": _marked(cost, total) if known else total,
        "reason": words.line(cost.reason) if cost.reason else None,
        "source": words.line(cost.source, 80) if cost.source else None,
        "assumptions": [words.line(a) for a in cost.assumptions] + [words.LOCALLY] * known,
    }


def _marked(cost: Cost, total: str) -> str:
    if cost.estimated:
        return words.about(total, estimated=True)
    return f"≥ {total}" if cost.state == "partial" else total


def _facts(span: Span) -> dict[str, str | None]:
    call = span.call
    asked = span.request_model if span.request_model != span.model else None
    tier = call.service_tier if call else None
    return {
        "provider": span.provider,
        "host": call.host if call else None,
        "asked for": asked,
        "service tier": tier if tier != "default" else None,
        "item": span.item,
        "attempt": str(span.attempt) if (span.attempt or 1) > 1 else None,
        "thread": span.thread,
        "Sentry span": span.span_id if span.sent == "yes" else None,
        "Sentry trace": span.trace_id if span.sent == "yes" else None,
    }


def _more_facts(span: Span) -> dict[str, str | None]:
    started = span.start.astimezone(timezone.utc).strftime("%H:%M:%S.%f")[:-3]
    return {
        "status": words.marked(span.status),
        "model": span.model,
        "op": span.op,
        "operation": span.operation,
        "pipeline": span.pipeline,
        "started": f"{started} UTC",
        "span": span.span_id,
        "trace": span.trace_id,
        "sent": span.sent,
    }


def _listed(facts: dict[str, str | None]) -> list[list[str]]:
    return [[key, words.line(str(value), 200)] for key, value in facts.items() if value]


def _ending(span: Span) -> str:
    """Say how the answer ended: `stop · first token 0.31 s · 62 tok/s`."""
    first = f"first token {words.seconds(span.ttft)}" if span.ttft is not None else ""
    finish = words.line(span.finish_reason, 40) if span.finish_reason else ""
    return " · ".join(p for p in (finish, first, _speed(span)) if p)


def _speed(span: Span) -> str:
    """Say how fast the answer came once it had begun."""
    if span.ttft is None or span.duration is None or not span.usage.output:
        return ""
    streamed = span.duration - span.ttft
    return f"{span.usage.output / streamed:,.0f} tok/s" if streamed >= 0.05 else ""
