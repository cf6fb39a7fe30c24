"""What a row shows when it is opened: its facts, its tokens by kind, the arithmetic of its cost."""

from __future__ import annotations

from datetime import timezone
from typing import Any

from aimon_nb.model import Cost, Span, Usage
from aimon_nb.pricing.normalise import is_estimated
from aimon_nb.views.present import error_text, formatting
from aimon_nb.views.present.conversation import attributes, conversation
from aimon_nb.views.present.traceback_view import traceback


def detail(span: Span) -> dict[str, Any]:
    """Build all about one span, content included: for the live view only, never kept."""
    call = span.call
    return {
        "id": span.span_id,
        "op": formatting.line(span.op, 120),
        "messages": conversation(span),
        "usage": _kinds(span.usage, estimated=is_estimated(span)),
        "cost": _arithmetic(span.cost, span.model or span.request_model),
        "error": error_text.worded(span.error_type, error_text.said(span), limit=20_000),
        "frames": traceback(span.frames),
        "ending": _ending(span),
        "facts": _listed(_facts(span)),
        "more": _listed(_more_facts(span)),
        "parameters": attributes(call.parameters, keep_content=True) if call else [],
        "tools": [formatting.visible(t) for t in call.tools] if call else [],
        "attributes": attributes(span.attributes),
    }


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
    total = (
        formatting.exact(cost.total) if known and cost.total is not None else formatting.cost(cost)
    )
    return {
        "state": cost.state,
        "parts": [
            [
                formatting.line(kind, 40),
                f"{n:,}",
                formatting.rate(per),
                "no price" if per is None and not usd else formatting.exact(usd),
            ]
            for kind, n, per, usd in cost.parts
        ],
        "model": formatting.line(model, 80) if model else "total",
        "total": _marked(cost, total) if known else total,
        "reason": formatting.line(cost.reason) if cost.reason else None,
        "source": formatting.line(cost.source, 80) if cost.source else None,
        "assumptions": [formatting.line(a) for a in cost.assumptions]
        + [formatting.LOCALLY] * known,
    }


def _marked(cost: Cost, total: str) -> str:
    if cost.estimated:
        return formatting.about(total, estimated=True)
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
        "status": formatting.marked(span.status),
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
    return [[key, formatting.line(str(value), 200)] for key, value in facts.items() if value]


def _ending(span: Span) -> str:
    """Say how the answer ended: `stop · first token 0.31 s · 62 tok/s`."""
    first = f"first token {formatting.seconds(span.ttft)}" if span.ttft is not None else ""
    finish = formatting.line(span.finish_reason, 40) if span.finish_reason else ""
    return " · ".join(p for p in (finish, first, _speed(span)) if p)


def _speed(span: Span) -> str:
    """Say how fast the answer came once it had begun."""
    if span.ttft is None or span.duration is None or not span.usage.output:
        return ""
    streamed = span.duration - span.ttft
    return f"{span.usage.output / streamed:,.0f} tok/s" if streamed >= 0.05 else ""
