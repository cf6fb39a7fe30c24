"""Spans and usage as pandas DataFrames: nullable dtypes, NA for unknown.

Built column by column: a hundred thousand spans take less than a second. Rows of
spans stand in the order of the tree, groups in the order of their first call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timezone
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from aimon_nb.model import Cost, Run, Span
from aimon_nb.pricing.counted import add_up, counted_spans
from aimon_nb.pricing.normalise import is_estimated, normalised_or_raw
from aimon_nb.views.present.conversation import conversation

if TYPE_CHECKING:
    import pandas as pd
from aimon_nb.views.tables.columns import array

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
CONTENT_COLUMNS = ("input_text", "output_text")
KEYS = ("model", "provider", "op", "pipeline", "run", "cell", "notebook", "item", "worker", "day")
_COUNTS = attrgetter("input", "cached", "cache_write", "output", "reasoning", "total")
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


def spans(runs: Iterable[Run], *, content: bool = False) -> pd.DataFrame:
    """A row a span, in the order of the tree; NA for what is unknown.

    Times are in seconds (`start` in UTC), money in US dollars. `attrs` holds
    `run_id` (of a single run), `run_ids` and `price_source`, and under `caps` what a
    cap folded or cut, in words. With `content`, what
    was asked and answered stands in `input_text` and `output_text`.
    """
    runs = list(runs)
    placed = [(run, *whole_tree(run)) for run in runs]
    tree = [span for _, spans, _ in placed for span in spans]
    data = _span_columns(tree)
    data["depth"] = [depth for _, _, depths in placed for depth in depths]
    for name, field in _OF_RUN.items():
        data[name] = [value for run, all_, _ in placed for value in _times(run, field, all_)]
    columns = dict(SPAN_COLUMNS)
    if content:
        columns |= dict.fromkeys(CONTENT_COLUMNS, "string")
        data["input_text"] = [said(span, "in") for span in tree]
        data["output_text"] = [said(span, "out") for span in tree]
    frame = _frame(data, columns, len(tree))
    frame.attrs.update(_attrs(runs, (span.cost for span in tree)))
    return frame


def usage(runs: Iterable[Run], by: Sequence[str] = ("model",)) -> pd.DataFrame:
    """A row a group of counted calls.

    `calls` are those that crossed the wire or stand for ones that did; those which
    a local cache answered are in `calls_cached_locally` alone. Calls whose tokens were
    `estimated` are counted, but neither their tokens nor their cost. `duration_s` is the
    sum of the calls' own times, in seconds. `attrs` as in `spans`.

    Args:
        runs: the runs to add up.
        by: names out of `KEYS`.

    Raises:
        ValueError: a name is not one of `KEYS`.
    """
    by = list(dict.fromkeys([by] if isinstance(by, str) else by))
    wrong = [name for name in by if name not in KEYS]
    if wrong or not by:
        raise ValueError(f"cannot group by {', '.join(wrong) or 'nothing'}; use {', '.join(KEYS)}")
    runs = list(runs)
    groups = _groups(runs, by)
    rows = [dict(zip(by, key, strict=True)) | group.row() for key, group in groups.items()]
    columns = dict.fromkeys(by, "string") | USAGE_COLUMNS
    data = {name: [row.get(name) for row in rows] for name in columns}
    frame = _frame(data, columns, len(rows))
    frame.attrs.update(_attrs(runs, (s.cost for group in groups.values() for s in group.all)))
    return frame


class _Group:
    """The calls that make up one row of usage."""

    def __init__(self) -> None:
        self.counted: list[Span] = []
        self.cached: list[Span] = []
        self.vague = False

    @property
    def all(self) -> list[Span]:
        return self.counted + self.cached

    def row(self) -> dict[str, Any]:
        totals = add_up(self.counted, self.cached, vague=self.vague)
        durations = [span.duration for span in self.counted if span.duration is not None]
        return {
            "calls": totals.calls,
            "calls_no_usage": totals.no_usage,
            "calls_unpriced": totals.unpriced,
            "calls_cached_locally": totals.cached_locally,
            "errors": totals.errors,
            **dict(zip(TOKEN_COLUMNS, _COUNTS(totals.usage), strict=True)),
            "cost_usd": float(totals.cost) if totals.cost is not None else None,
            "cost_is_lower_bound": totals.lower_bound,
            "cost_state": totals.state,
            "estimated": totals.estimates > 0,
            "duration_s": sum(durations) if durations else None,
        }


def _groups(runs: list[Run], by: list[str]) -> dict[tuple[str | None, ...], _Group]:
    groups: dict[tuple[str | None, ...], _Group] = {}
    for run in runs:
        bill = counted_spans(run)
        keys = [_key(run, name) for name in by]
        for span in bill.counted:
            group = groups.setdefault(tuple(key(span) for key in keys), _Group())
            group.counted.append(span)
            # What an agent hides may belong to any of the run's groups.
            group.vague = group.vague or bill.vague or bill.unseen > 0
        for span in bill.cached:
            groups.setdefault(tuple(key(span) for key in keys), _Group()).cached.append(span)
    return groups


def _key(run: Run, name: str) -> Callable[[Span], str | None]:
    of_run = {"run": run.name, "cell": run.cell_id, "notebook": run.notebook}
    if name in of_run:
        value = of_run[name] or None
        return lambda _: value
    if name == "day":
        return lambda span: f"{span.start.astimezone(timezone.utc):%Y-%m-%d}"
    return lambda span: str(value) if (value := getattr(span, name, None)) else None


def whole_tree(run: Run) -> tuple[list[Span], list[int]]:
    """Every span and its depth, also of those that views fold: a table drops nothing."""
    below: dict[str | None, list[Span]] = {}
    for span in list(run.spans.values()):
        parent = span.parent_id if span.parent_id in run.spans else None
        below.setdefault(parent, []).append(span)
    order: list[Span] = []
    depths: list[int] = []
    seen: set[str] = set()
    # Spans that stand in a circle have no top; they come last.
    for tops in (below.get(None, []), [] if len(below) == 1 else list(run.spans.values())):
        stack, levels = tops[::-1], [0] * len(tops)  # two lists: a tuple a span is slow
        while stack:
            span, depth = stack.pop(), levels.pop()
            if span.span_id in seen:
                continue
            seen.add(span.span_id)
            order.append(span)
            depths.append(depth)
            inner = below.get(span.span_id)
            if inner:
                stack += inner[::-1]
                levels += [depth + 1] * len(inner)
    return order, depths


def _times(run: Run, field: str, spans: list[Span]) -> list[Any]:
    return [getattr(run, field)] * len(spans)


def said(span: Span, side: str) -> str | None:
    """What was asked (`in`) or answered (`out`), as text."""
    turns = [turn for turn in conversation(span) if turn["side"] == side]
    lines = [f"{turn['role']}: {turn['text']}" for turn in turns]
    lines += [f"{name}({arguments})" for turn in turns for name, arguments in turn["calls"]]
    return "\n".join(lines) if lines else None


# Columns that say something of the run ← fields of `Run`.
_OF_RUN = {"run_id": "run_id", "run": "name", "cell": "cell_id", "notebook": "notebook"}


def _span_columns(tree: list[Span]) -> dict[str, list[Any]]:
    costs = [span.cost for span in tree]
    data: dict[str, list[Any]] = {
        "duration_s": [span.duration for span in tree],
        "ttft_s": [span.ttft for span in tree],
        "cost_usd": [_dollars(cost.total) if cost is not None else None for cost in costs],
        "cost_state": [cost.state if cost is not None else None for cost in costs],
        "saved_usd": [_dollars(cost.saved) if cost is not None else None for cost in costs],
        "estimated": [is_estimated(s) if s.is_call or s.usage.known else None for s in tree],
        "cached_locally": [s.cached_locally if s.is_call else None for s in tree],
        "worker": [None] * len(tree),
    }
    counts = [_COUNTS(normalised_or_raw(span.usage)) for span in tree]
    data |= {name: [c[i] for c in counts] for i, name in enumerate(TOKEN_COLUMNS)}
    for name in SPAN_COLUMNS.keys() - data.keys() - _OF_RUN.keys() - {"depth"}:
        data[name] = list(map(attrgetter(name), tree))
    return data


def _dollars(amount: Any) -> float | None:
    return None if amount is None else float(amount)


def _attrs(runs: list[Run], costs: Iterable[Cost | None]) -> dict[str, Any]:
    ids = [run.run_id for run in runs]
    sources = {cost.source for cost in costs if cost is not None and cost.source}
    attrs = {
        "run_id": ids[0] if len(ids) == 1 else None,
        "run_ids": ids,
        "price_source": "; ".join(sorted(sources)) or None,
    }
    said = [text for run in runs for text in run.caps.values()]
    return attrs | ({"caps": said} if said else {})


def _frame(data: dict[str, list[Any]], columns: dict[str, str], length: int) -> pd.DataFrame:
    import pandas as pd

    made = {name: array(data[name], dtype) for name, dtype in columns.items()}
    return pd.DataFrame(made, index=pd.RangeIndex(length), columns=list(columns))
