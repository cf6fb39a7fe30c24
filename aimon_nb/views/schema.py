"""The form of exported JSON, as pydantic models; `docs/schema.json` is made of them.

The version counts up when a field is renamed, removed or means something else; a
new field does not change it. Field names and units are those of the DataFrames:
seconds, US dollars, tokens, UTC. null is unknown, never 0.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

VERSION = 1


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Tokens(_Record):
    """Tokens; null where the provider reported nothing."""

    input_tokens: int | None = Field(None, description="cached and cache-written ones included")
    input_tokens_cached: int | None = None
    input_tokens_cache_write: int | None = None
    output_tokens: int | None = Field(None, description="reasoning included")
    output_tokens_reasoning: int | None = None
    total_tokens: int | None = None


class SpanRecord(Tokens):
    """One span."""

    type: Literal["span"] = "span"
    run_id: str
    run: str
    cell: str | None
    notebook: str | None
    pipeline: str | None
    span_id: str
    parent_id: str | None
    depth: int = Field(description="levels below the run's root")
    op: str
    name: str
    status: str = Field(description="running, ok, error, interrupted, cancelled, abandoned or lost")
    error_type: str | None
    error: str | None
    start: datetime = Field(description="UTC")
    duration_s: float | None = Field(description="seconds")
    ttft_s: float | None = Field(description="seconds to the first token of a stream")
    provider: str | None
    model: str | None
    request_model: str | None
    agent: str | None
    tool: str | None
    finish_reason: str | None
    streaming: bool | None
    cost_usd: float | None = Field(description="US dollars; a lower bound if `partial`")
    cost_state: str | None = Field(
        description="priced, partial, free, unpriced or no_usage; null: not counted"
    )
    estimated: bool | None
    cached_locally: bool | None
    saved_usd: float | None = Field(description="what a locally cached call would have cost")
    item: str | None
    attempt: int | None
    worker: str | None
    thread: str | None
    late: bool | None
    sent: str | None
    input_text: str | None = Field(None, description="only if content was asked for")
    output_text: str | None = Field(None, description="only if content was asked for")


class UsageRecord(Tokens):
    """Calls, tokens and cost of one group; `group` holds its keys."""

    type: Literal["usage"] = "usage"
    group: dict[str, str | None]
    calls: int
    calls_no_usage: int
    calls_unpriced: int
    calls_cached_locally: int
    errors: int
    cost_usd: float | None = Field(description="US dollars")
    cost_is_lower_bound: bool
    cost_state: str
    estimated: bool
    duration_s: float | None = Field(description="sum of the calls' times, in seconds")


class RunRecord(_Record):
    """One tracked execution of a cell."""

    type: Literal["run"] = "run"
    run_id: str
    name: str
    cell: str | None
    notebook: str | None
    status: str = Field(description="running, ok, error, interrupted, over_budget or killed")
    started: datetime = Field(description="UTC")
    duration_s: float | None = Field(description="seconds")
    error_type: str | None
    error: str | None
    calls: int
    cost_usd: float | None = Field(description="US dollars")
    cost_is_lower_bound: bool
    cost_state: str


class Header(_Record):
    """What the file is: the first line of jsonl."""

    type: Literal["aimon_nb"] = "aimon_nb"
    schema_version: Literal[1] = 1
    version: str = Field(description="of aimon_nb")
    exported: datetime = Field(description="UTC")
    price_source: str | None


class Document(Header):
    """A `.json` file. A `.jsonl` file holds a `Header`, then the same records, one a line."""

    runs: list[RunRecord] = []
    spans: list[SpanRecord] = []
    usage: list[UsageRecord] = []


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a `.json` file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Document.model_json_schema(mode="serialization"),
    }
