"""The columns of the tables: name, dtype, where the value stands, what it means.

DataFrames, the exported records, docs/schema.json and the list of columns in docs/schema.md
are made of these rows (the latter two by `python -m tests.tables.schema_docs`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any, Literal, NamedTuple

from aimon_nb.model import Run, Span
from aimon_nb.model.item import ItemKey
from aimon_nb.views.present import parameters
from aimon_nb.views.present.conversation import side_text
from aimon_nb.views.tables.summands import Summand

Dtype = Literal["string", "Int64", "Float64", "boolean", "datetime64[ns, UTC]"]


class Column(NamedTuple):
    """One column of a table, and the field of the exported records by that name.

    `source` is a path (`span.`, `run.`, `tree.`, `sum.` of `summands.Summand` and `usage.` of
    its tokens; of usage by group: of `frames.Group`) or what makes the value of a span; None
    where nothing sets it yet.
    """

    name: str
    dtype: Dtype
    source: str | Callable[[Span], Any] | None
    meaning: str = ""
    nullable: bool = True


class RunTree(NamedTuple):
    """The spans of a run, parents before children; how deep each stands, and what it adds."""

    run: Run
    spans: list[Span]
    depths: list[int]
    summands: list[Summand]


def _estimated(span: Span) -> bool | None:
    return span.is_estimated if span.may_cost else None


def _cached_locally(span: Span) -> bool | None:
    return span.cached_locally if span.is_call else None


def _item(span: Span) -> ItemKey | None:
    return span.item.key if span.item is not None else None


def _repeat(span: Span) -> int | None:
    return span.item.repeat if span.item is not None else None


_BESIDE_TOKENS = "counted here, beside the exact ones"
_BESIDE_COST = "US dollars for estimated tokens, beside the exact cost"

TOKEN_TABLE = (
    Column("input_tokens", "Int64", "usage.input", "cached and cache-written ones included"),
    Column("input_tokens_cached", "Int64", "usage.cached"),
    Column("input_tokens_cache_write", "Int64", "usage.cache_write"),
    Column("output_tokens", "Int64", "usage.output", "reasoning included"),
    Column("output_tokens_reasoning", "Int64", "usage.reasoning"),
    Column("total_tokens", "Int64", "usage.total"),
)
_INPUT, _CACHED, _WRITTEN, _OUTPUT, _REASONING, _TOTAL = TOKEN_TABLE
# pandas shows the first ten and the last ten of many columns: what one looks for stands first,
# and ids last.
SPAN_TABLE: tuple[Column, ...] = (
    Column("name", "string", "span.name", nullable=False),
    Column("caller", "string", "span.caller", "the nearest functions of yours: `route > ask`"),
    Column("model", "string", "span.model"),
    Column(
        "status",
        "string",
        "span.status",
        "running, ok, error, interrupted, cancelled, abandoned or lost",
        nullable=False,
    ),
    Column("duration_s", "Float64", "span.duration", "seconds"),
    _INPUT,
    _OUTPUT,
    Column("cost_usd", "Float64", "sum.cost", "US dollars; a lower bound if `partial`"),
    Column(
        "cost_state",
        "string",
        "sum.state",
        "priced, partial, free, unpriced or no_usage; null: not counted",
    ),
    Column("error_type", "string", "span.error_type"),
    Column("error", "string", "span.error"),
    Column("retried", "string", "span.retried", "repaired or unrepaired, by a later attempt"),
    Column("attempt", "Int64", "span.attempt"),
    Column("start", "datetime64[ns, UTC]", "span.start", "UTC", nullable=False),
    Column("ttft_s", "Float64", "span.ttft", "seconds to the first token of a stream"),
    Column("caller_line", "Int64", "span.caller_line", "that tells the calls of a caller apart"),
    Column("agent", "string", "span.agent"),
    Column("tool", "string", "span.tool"),
    Column(
        "conversation",
        "string",
        "span.conversation",
        "the id of the thread, session or conversation",
    ),
    Column("item", "string", _item, "the key of the row of a batch"),
    Column("repeat", "Int64", _repeat, "counts from 1 for a key that comes again"),
    Column("provider", "string", "span.provider"),
    Column("request_model", "string", "span.request_model"),
    Column(
        "parameters",
        "string",
        parameters.as_json,
        'JSON of what the request set: `{"temperature": 0.2, "seed": 7}`',
    ),
    Column("finish_reason", "string", "span.finish_reason"),
    Column("streaming", "boolean", "span.streaming"),
    _CACHED,
    _WRITTEN,
    _REASONING,
    _TOTAL,
    Column("estimated", "boolean", _estimated),
    Column("input_tokens_estimated", "Int64", "sum.estimate.input", _BESIDE_TOKENS),
    Column("output_tokens_estimated", "Int64", "sum.estimate.output", _BESIDE_TOKENS),
    Column("cost_usd_estimated", "Float64", "sum.estimate_cost", _BESIDE_COST),
    Column("cached_locally", "boolean", _cached_locally),
    Column("saved_usd", "Float64", "sum.saved", "what a locally cached call would have cost"),
    Column("reported", "string", "sum.reported", "tokens that it reports and that no sum has"),
    Column("tags", "string", "run.tags", "of the run: `team=search, stage=dev`"),
    Column("pipeline", "string", "span.pipeline"),
    Column("notebook", "string", "run.notebook"),
    Column("cell", "string", "run.cell_id"),
    Column("worker", "string", None),
    Column("thread", "string", "span.thread"),
    Column("late", "boolean", "span.late"),
    Column("sent", "string", "span.sent"),
    Column("op", "string", "span.op", nullable=False),
    Column("depth", "Int64", "tree.depths", "levels below the run's root", nullable=False),
    Column("run", "string", "run.name", nullable=False),
    Column("run_id", "string", "run.run_id", nullable=False),
    Column("span_id", "string", "span.span_id", nullable=False),
    Column("parent_id", "string", "span.parent_id"),
)
_ASKED = "only if content was asked for; of a step what went in or came out, as JSON"
# Of spans only with `content`: prompts and answers, and the like of steps.
CONTENT_TABLE: tuple[Column, ...] = (
    Column("input_text", "string", lambda s: side_text(s, "in"), _ASKED),
    Column("output_text", "string", lambda s: side_text(s, "out"), _ASKED),
)
_OF_GROUP = {one: one._replace(source=f"totals.{one.source}") for one in TOKEN_TABLE}
USAGE_TABLE: tuple[Column, ...] = (
    Column("calls", "Int64", "totals.calls", nullable=False),
    Column("errors", "Int64", "totals.errors", "calls whose last attempt failed", nullable=False),
    Column(
        "retries",
        "Int64",
        "totals.retries",
        "failed attempts that later ones repaired",
        nullable=False,
    ),
    Column("duration_s", "Float64", "duration", "sum of the calls' times, in seconds"),
    _OF_GROUP[_INPUT],
    _OF_GROUP[_OUTPUT],
    Column("cost_usd", "Float64", "totals.cost", "US dollars"),
    Column("cost_is_lower_bound", "boolean", "totals.lower_bound", nullable=False),
    Column("cost_state", "string", "totals.state", nullable=False),
    Column("calls_unpriced", "Int64", "totals.unpriced", nullable=False),
    Column("calls_no_usage", "Int64", "totals.no_usage", nullable=False),
    Column("calls_cached_locally", "Int64", "totals.cached_locally", nullable=False),
    Column(
        "requests_uncounted",
        "Int64",
        "totals.requests_uncounted",
        "requests that may have been billed and that nobody can read",
        nullable=False,
    ),
    *(_OF_GROUP[one] for one in (_CACHED, _WRITTEN, _REASONING, _TOTAL)),
    Column("estimated", "boolean", "has_estimates", nullable=False),
    Column("input_tokens_estimated", "Int64", "totals.estimate.input", _BESIDE_TOKENS),
    Column("output_tokens_estimated", "Int64", "totals.estimate.output", _BESIDE_TOKENS),
    Column("cost_usd_estimated", "Float64", "totals.estimate_cost", _BESIDE_COST),
    Column("saved_usd", "Float64", "totals.saved", "what locally cached calls would have cost"),
)
# Of usage by item, where the status is no key.
ITEM_TABLE: tuple[Column, ...] = (
    Column("status", "string", "status", "running, ok, error, interrupted or abandoned"),
    Column("error", "string", "error"),
)
# Of runs, in the names of the exported records.
RUN_TABLE: tuple[Column, ...] = (
    Column("name", "string", "name", nullable=False),
    Column("started", "datetime64[ns, UTC]", "started", "UTC", nullable=False),
    Column(
        "status",
        "string",
        "status",
        "running, ok, error, interrupted, over_budget or killed",
        nullable=False,
    ),
    Column("duration_s", "Float64", "duration", "seconds"),
    Column("calls", "Int64", "totals.calls", nullable=False),
    Column("errors", "Int64", "totals.errors", "calls whose last attempt failed", nullable=False),
    Column("retries", "Int64", "totals.retries", "failed attempts that later ones repaired"),
    _OF_GROUP[_INPUT],
    _OF_GROUP[_OUTPUT],
    Column("cost_usd", "Float64", "totals.cost", "US dollars"),
    Column("cost_is_lower_bound", "boolean", "totals.lower_bound", nullable=False),
    Column("cost_state", "string", "totals.state", nullable=False),
    Column("error_type", "string", "error_type"),
    Column("error", "string", "error"),
    Column("tags", "string", "tags", "`team=search, stage=dev`"),
    Column("notebook", "string", "notebook"),
    Column("cell", "string", "cell_id"),
    Column("run_id", "string", "run_id", nullable=False),
)


def dtypes(columns: Iterable[Column]) -> dict[str, str]:
    """Return the dtype of each column, by name."""
    return {column.name: column.dtype for column in columns}


def span_values(columns: Iterable[Column], trees: list[RunTree]) -> dict[str, list[Any]]:
    """Return by column the value of each span, tree after tree."""
    spans = [span for tree in trees for span in tree.spans]
    sums = [summand for tree in trees for summand in tree.summands]
    objects: dict[str, list[Any]] = {
        "span": spans,
        "sum": sums,
        "usage": [summand.usage for summand in sums],
    }

    def of_column(source: str | Callable[[Span], Any] | None) -> list[Any]:
        if source is None:
            return [None] * len(spans)
        if callable(source):
            return list(map(source, spans))
        owner, _, field = source.partition(".")
        if owner == "tree":
            return [depth for tree in trees for depth in tree.depths]
        if owner == "run":
            return [x for t in trees for x in [getattr(t.run, field)] * len(t.spans)]
        return list(map(attrgetter(field), objects[owner]))

    return {column.name: of_column(column.source) for column in columns}
