"""The form of exported JSON, as pydantic models; `docs/schema.json` is made of them.

The version counts up when a field is renamed, removed or means something else; a
new field does not change it. Field names and units are those of the DataFrames:
seconds, US dollars, tokens, UTC. null is unknown, never 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from aimon_nb.views.tables.columns import (
    CONTENT_TABLE,
    ITEM_TABLE,
    SPAN_TABLE,
    TOKEN_TABLE,
    USAGE_TABLE,
    Column,
    Dtype,
)

_TYPES: dict[Dtype, Any] = {
    "string": str,
    "Int64": int,
    "Float64": float,
    "boolean": bool,
    "datetime64[ns, UTC]": datetime,
}


# Of an item; dates and tuples are text.
_Key = str | int | float | bool | None


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid")


def _fields(columns: Iterable[Column], default: Any = ...) -> dict[str, Any]:
    """Return columns as pydantic fields; those that may be NA have `default`."""
    return {
        one.name: (
            _TYPES[one.dtype] | None if one.nullable else _TYPES[one.dtype],
            Field(default if one.nullable else ..., description=one.meaning or None),
        )
        for one in columns
    }


def _record(name: str, base: Any, fields: dict[str, Any], doc: str | None = None) -> Any:
    return create_model(name, __base__=base, __doc__=doc, **fields)


# Made of the tables' columns, so that a column is added in one place; a type checker sees Any.
Tokens = _record(
    "Tokens",
    _Record,
    _fields(TOKEN_TABLE, default=None),
    "Tokens; null where the provider reported nothing.",
)
_SPAN_FIELDS = {
    "type": (Literal["span"], "span"),
    **_fields(one for one in SPAN_TABLE if one not in TOKEN_TABLE),
    **_fields(CONTENT_TABLE, default=None),
    "item": (_Key, Field(None, description="the key of the row of a batch")),
}
_USAGE_FIELDS = {
    "type": (Literal["usage"], "usage"),
    "group": (dict[str, _Key], ...),
    **_fields(one for one in USAGE_TABLE if one.name not in Tokens.model_fields),
    **_fields(ITEM_TABLE, default=None),
}


class SpanRecord(_record("_Span", Tokens, _SPAN_FIELDS)):  # type: ignore[misc]
    """One span."""


class UsageRecord(_record("_Usage", Tokens, _USAGE_FIELDS)):  # type: ignore[misc]
    """Calls, tokens and cost of one group; `group` holds its keys."""


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
