"""What a row shows when it is opened: its facts, its tokens by kind, the arithmetic of its cost.

The shapes here are what the page gets (`protocol.d.ts`): pairs and lines are lists of texts.
"""

from __future__ import annotations

import json
from datetime import timezone
from typing import TypedDict

from aimon_nb.model import Cost, ModelCall, Span, Usage
from aimon_nb.model.call import ToolDefinition
from aimon_nb.model.cost import DISCLAIMER
from aimon_nb.model.text import encodable
from aimon_nb.views.present import error_text, formatting
from aimon_nb.views.present.conversation import Turn, attributes, conversation
from aimon_nb.views.present.traceback_view import FrameView, traceback

Pair = list[str]
REPEATS = "calls below it, or one beside it, report the same tokens"
PART = "the batch above it has its tokens"


class CostDetail(TypedDict):
    """The arithmetic of one call's cost; `parts` are [kind, tokens, rate, dollars].

    What was charged as a whole has neither tokens nor rate, and who charged it in `reason`.
    """

    state: str
    parts: list[list[str]]
    model: str
    total: str
    reason: str | None
    source: str | None
    assumptions: list[str]


class Tool(TypedDict):
    """A tool that was offered; `schema` is JSON text of what it takes, "" where none is told."""

    name: str
    description: str
    schema: str


class Detail(TypedDict):
    """All about one span.

    `messages`, `parameters` and `tools` are None where the page has them already. `nothing` is
    what is said in the place of messages where there are none. `raw` is why there is no request
    and answer as they crossed the wire to ask for; None where there are.
    """

    id: str
    op: str
    messages: list[Turn] | None
    nothing: str
    usage: list[Pair]
    cost: CostDetail | None
    error: str | None
    frames: list[FrameView]
    ending: str
    facts: list[Pair]
    more: list[Pair]
    parameters: list[Pair] | None
    tools: list[Tool] | None
    raw: str | None
    attributes: list[Pair]


def detail(span: Span) -> Detail:
    """Return all about one span, content included: for the live view only, never stored."""
    call = span.call
    return {
        "id": span.span_id,
        "op": formatting.line(span.op, 120),
        "messages": conversation(span),
        "nothing": _why_nothing(span),
        "usage": _tokens_by_kind(span.usage, estimated=span.is_estimated),
        "cost": _arithmetic(span.cost, span.model or span.request_model),
        "error": error_text.joined(
            span.error_type, span.error_in_full or error_text.message(span), limit=20_000
        ),
        "frames": traceback(span.frames),
        "ending": _ending(span),
        "facts": _pairs(_facts(span)),
        "more": _pairs(_more_facts(span)),
        "parameters": _parameters(call) if call else [],
        "tools": _tools(call) if call else [],
        "raw": why_no_exchange(span),
        "attributes": attributes(span.attributes),
    }


def _parameters(call: ModelCall) -> list[Pair]:
    """Return all that the request set beside its messages, in its order; lists, objects as JSON.

    Of a call that was read back without its content those that hold no text.
    """
    return [
        [
            formatting.line(name, 120),
            encodable(value if isinstance(value, str) else json.dumps(value)),
        ]
        for name, value in (call.settings or call.parameters).items()
    ]


def _tools(call: ModelCall) -> list[Tool]:
    known = {one.name for one in call.definitions}
    offered = [*call.definitions, *(ToolDefinition(n) for n in call.tools if n not in known)]
    return [
        {"name": formatting.line(n, 120), "description": encodable(d), "schema": encodable(schema)}
        for n, d, schema in offered
    ]


def why_no_exchange(span: Span) -> str | None:
    """Return why there is nothing of a span as it crossed the wire; None where there is."""
    if span.call is None:
        return "no request of it was heard"
    return span.content_gone or (None if span.call.exchange is not None else "not kept")


def _why_nothing(span: Span) -> str:
    if span.content_gone is not None:
        return span.content_gone
    if span.op.endswith(".batch_request"):
        return "the messages of a batch are not kept"
    if span.is_call:
        return "no messages were heard"
    return "what went in and came out was not heard"


def _tokens_by_kind(usage: Usage, *, estimated: bool) -> list[Pair]:
    counts = {
        "input": usage.input,
        "of it cached": usage.cached,
        "of it cache write": usage.cache_write,
        "output": usage.output,
        "of it reasoning": usage.reasoning,
        "total": usage.total,
    }
    mark = "~" if estimated else ""
    return [[kind, f"{mark}{n:,}"] for kind, n in counts.items() if n is not None]


def _arithmetic(cost: Cost | None, model: str | None) -> CostDetail | None:
    if cost is None:
        return None
    known = cost.total is not None and cost.state in ("priced", "partial")
    total = (
        formatting.exact(cost.total) if known and cost.total is not None else formatting.cost(cost)
    )
    return {
        "state": cost.state,
        "parts": [
            [
                formatting.line(kind, 40),
                f"{n:,}" if n or per is not None else "",
                formatting.rate(per),
                "no price" if per is None and not usd else formatting.exact(usd),
            ]
            for kind, n, per, usd in cost.lines
        ],
        "model": formatting.line(model, 80) if model else "total",
        "total": _with_mark(cost, total) if known else _with_saving(cost, total),
        "reason": formatting.line(cost.reason) if cost.reason else None,
        "source": formatting.line(cost.source, 80) if cost.source and not cost.charged else None,
        "assumptions": [formatting.line(a) for a in cost.caveats]
        + [DISCLAIMER] * (known and not cost.charged),
    }


def _with_mark(cost: Cost, total: str) -> str:
    if cost.estimated:
        return formatting.mark_estimated(total, estimated=True)
    return f"≥ {total}" if cost.state == "partial" else total


def _with_saving(cost: Cost, total: str) -> str:
    saved = cost.cache_saving
    return f"{total}, ~{formatting.exact(saved)} saved" if saved else total


def _facts(span: Span) -> dict[str, str | None]:
    call = span.call
    other_model = span.request_model if span.request_model != span.model else None
    tier = call.service_tier if call else None
    return {
        "called from": span.called_from,
        "provider": span.provider,
        "host": call.host if call else None,
        "asked for": other_model,
        "request id": call.request_id if call else None,
        "service tier": tier if tier != "default" else None,
        "item": None if span.item is None else str(span.item.key),
        "attempt": str(span.attempt) if (span.attempt or 1) > 1 else None,
        "not counted": (PART if span.is_part else REPEATS) if span.repeats else None,
        "thread": span.thread,
        "Sentry span": span.span_id if span.sent == "yes" else None,
        "Sentry trace": span.trace_id if span.sent == "yes" else None,
    }


def _more_facts(span: Span) -> dict[str, str | None]:
    started = span.start.astimezone(timezone.utc).strftime("%H:%M:%S.%f")[:-3]
    return {
        "status": formatting.marked(span.status),
        "model": span.model,
        "op": span.op,
        "operation": span.operation,
        "pipeline": span.pipeline,
        "started": f"{started} UTC",
        "span": span.span_id,
        "trace": span.trace_id,
        "sent": "no" if span.sent == "no: local" else span.sent,
    }


def _pairs(facts: dict[str, str | None]) -> list[Pair]:
    return [[key, formatting.line(str(value), 200)] for key, value in facts.items() if value]


def _ending(span: Span) -> str:
    """Return how the answer ended: `stop · first token 0.31 s · 62 tok/s`."""
    first = f"first token {formatting.seconds(span.ttft)}" if span.ttft is not None else ""
    finish = formatting.line(span.finish_reason, 40) if span.finish_reason else ""
    return " · ".join(p for p in (finish, first, _speed(span)) if p)


def _speed(span: Span) -> str:
    """Return how fast the answer came once it had begun: `62 tok/s`; "" where that is unknown."""
    if span.ttft is None or span.duration is None or not span.usage.output:
        return ""
    streamed = span.duration - span.ttft
    return f"{span.usage.output / streamed:,.0f} tok/s" if streamed >= 0.05 else ""
