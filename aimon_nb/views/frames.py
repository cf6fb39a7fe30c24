"""Spans and usage as pandas DataFrames: nullable dtypes, NA for unknown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from aimon_nb.model import Run, Span, Totals, Usage
from aimon_nb.pricing.totals import add_up, counted_spans
from aimon_nb.pricing.usage import normalised

if TYPE_CHECKING:
    import pandas as pd

SPAN_COLUMNS = {
    "run_id": "string",
    "run": "string",
    "cell": "string",
    "notebook": "string",
    "pipeline": "string",
    "span_id": "string",
    "parent_id": "string",
    "depth": "Int64",
    "op": "string",
    "name": "string",
    "status": "string",
    "error_type": "string",
    "error": "string",
    "start": "datetime64[ns, UTC]",
    "duration_s": "Float64",
    "ttft_s": "Float64",
    "provider": "string",
    "model": "string",
    "request_model": "string",
    "agent": "string",
    "tool": "string",
    "finish_reason": "string",
    "streaming": "boolean",
    "input_tokens": "Int64",
    "input_tokens_cached": "Int64",
    "input_tokens_cache_write": "Int64",
    "output_tokens": "Int64",
    "output_tokens_reasoning": "Int64",
    "total_tokens": "Int64",
    "cost_usd": "Float64",
    "cost_state": "string",
    "estimated": "boolean",
    "cached_locally": "boolean",
    "saved_usd": "Float64",
    "item": "string",
    "attempt": "Int64",
    "worker": "string",
    "thread": "string",
    "late": "boolean",
    "sent": "string",
}
TOKEN_COLUMNS = (
    "input_tokens",
    "input_tokens_cached",
    "input_tokens_cache_write",
    "output_tokens",
    "output_tokens_reasoning",
    "total_tokens",
)
KEYS = ("model", "provider", "op", "pipeline", "run", "cell", "notebook", "item", "worker", "day")
USAGE_COLUMNS = {
    "calls": "Int64",
    "calls_no_usage": "Int64",
    "calls_unpriced": "Int64",
    "calls_cached_locally": "Int64",
    "errors": "Int64",
    **dict.fromkeys(TOKEN_COLUMNS, "Int64"),
    "cost_usd": "Float64",
    "cost_is_lower_bound": "boolean",
    "cost_state": "string",
    "estimated": "boolean",
    "duration_s": "Float64",
}


def spans(runs: Iterable[Run]) -> pd.DataFrame:
    """A row a span, in the order of the tree; NA for what is unknown."""
    rows = [_span_row(run, depth, span) for run in runs for depth, span in _whole_tree(run)]
    return _frame(rows, SPAN_COLUMNS)


def usage(runs: Iterable[Run], by: Sequence[str] = ("model",)) -> pd.DataFrame:
    """A row a group of counted calls.

    Args:
        runs: the runs to add up.
        by: names out of `KEYS`.

    Raises:
        ValueError: a name is not one of `KEYS`.
    """
    wrong = [name for name in by if name not in KEYS]
    if wrong or not by:
        raise ValueError(f"cannot group by {', '.join(wrong) or 'nothing'}; use {', '.join(KEYS)}")
    groups: dict[tuple[Any, ...], list[Span]] = {}
    for run in runs:
        for span in counted_spans(run):
            groups.setdefault(tuple(_key(run, span, name) for name in by), []).append(span)
    rows = [dict(zip(by, key, strict=True)) | _usage_row(group) for key, group in groups.items()]
    return _frame(rows, dict.fromkeys(by, "string") | USAGE_COLUMNS)


def _whole_tree(run: Run) -> Iterable[tuple[int, Span]]:
    """Every span, also those that views fold: a table drops nothing."""
    below: dict[str | None, list[Span]] = {}
    for span in run.spans.values():
        below.setdefault(span.parent_id if span.parent_id in run.spans else None, []).append(span)
    stack = [(0, span) for span in reversed(below.get(None, []))]
    while stack:
        depth, span = stack.pop()
        yield depth, span
        stack += [(depth + 1, child) for child in reversed(below.get(span.span_id, []))]


def _span_row(run: Run, depth: int, span: Span) -> dict[str, Any]:
    cost = span.cost
    return {
        "run_id": run.run_id,
        "run": run.name,
        "cell": run.cell_id,
        "notebook": run.notebook,
        "pipeline": span.pipeline,
        "span_id": span.span_id,
        "parent_id": span.parent_id,
        "depth": depth,
        "op": span.op,
        "name": span.name,
        "status": span.status,
        "error_type": span.error_type,
        "error": span.error,
        "start": span.start,
        "duration_s": span.duration,
        "ttft_s": span.ttft,
        "provider": span.provider,
        "model": span.model,
        "request_model": span.request_model,
        "agent": span.agent,
        "tool": span.tool,
        "finish_reason": span.finish_reason,
        "streaming": span.streaming,
        **_tokens(span.usage),
        "cost_usd": float(cost.total) if cost is not None and cost.total is not None else None,
        "cost_state": cost.state if cost is not None else None,
        "estimated": False if span.is_call else None,
        "cached_locally": span.cached_locally if span.is_call else None,
        "item": span.item,
        "attempt": span.attempt,
        "thread": span.thread,
        "late": span.late,
        "sent": span.sent,
    }


def _usage_row(group: list[Span]) -> dict[str, Any]:
    totals: Totals = add_up(group)
    durations = [span.duration for span in group if span.duration is not None]
    return {
        "calls": totals.calls,
        "calls_no_usage": totals.no_usage,
        "calls_unpriced": totals.unpriced,
        "calls_cached_locally": totals.cached_locally,
        "errors": totals.errors,
        **_tokens(normalised(totals.usage)),
        "cost_usd": float(totals.cost) if totals.cost is not None else None,
        "cost_is_lower_bound": totals.lower_bound,
        "cost_state": totals.state,
        "estimated": totals.estimated,
        "duration_s": sum(durations) if durations else None,
    }


def _tokens(counts: Usage) -> dict[str, int | None]:
    values = (
        counts.input,
        counts.cached,
        counts.cache_write,
        counts.output,
        counts.reasoning,
        counts.total,
    )
    return dict(zip(TOKEN_COLUMNS, values, strict=True))


def _key(run: Run, span: Span, name: str) -> str | None:
    if name == "day":
        return f"{span.start:%Y-%m-%d}"
    source: dict[str, Any] = {"run": run.name, "cell": run.cell_id, "notebook": run.notebook}
    value = source[name] if name in source else getattr(span, name, None)
    return str(value) if value else None


def _frame(rows: list[dict[str, Any]], columns: dict[str, str]) -> pd.DataFrame:
    import pandas as pd

    series = {
        name: pd.Series([row.get(name) for row in rows], dtype=dtype)
        for name, dtype in columns.items()
    }
    return pd.DataFrame(series, columns=list(columns))
