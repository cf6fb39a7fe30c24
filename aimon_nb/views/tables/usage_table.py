"""Usage as a table for people: dollars, bars, and a grey word where nothing is known.

Inline style without colour variables, like the saved tree: sanitisers of saved
notebooks drop everything else.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from html import escape
from typing import TYPE_CHECKING, Any

from aimon_nb.model import Totals
from aimon_nb.model.cost import DISCLAIMER
from aimon_nb.views.present import formatting, run_sums
from aimon_nb.views.static import html

if TYPE_CHECKING:
    import pandas as pd

_TABLE = "border-collapse:collapse;font:13px/1.6 system-ui,sans-serif"
_LEFT = "text-align:left;padding:1px 14px 1px 0"
_RIGHT = "text-align:right;padding:1px 14px 1px 0;white-space:pre"
# So many characters stay on one line.
_SHORT = 30
_ON_ONE_LINE = "white-space:nowrap"
# A word without an end breaks, but not into a column of letters where the page is narrow.
_BROKEN = "min-width:12em;overflow-wrap:anywhere"
_GREY = '<span style="opacity:.6">{}</span>'
_BAR = (
    '<div style="width:6em"><div style="width:{:.0f}%;height:.7em;'
    'background:rgba(110,110,210,.65)"></div></div>'
)
_HEADS = ("calls", "errors", "call time", "input", "cached", "output", "cost", "")


class UsageTable:
    """Shows a usage DataFrame, which stays in `data`.

    Example:
        last_run().usage(styled=True).data["cost_usd"].sum()

    Source: docs/cost.md (what counts, and what stands for what is unknown).
    """

    def __init__(self, data: pd.DataFrame, keys: list[str]) -> None:
        self.data, self._keys = data, keys

    def _repr_html_(self) -> str:
        rows: list[dict[str, Any]] = self.data.to_dict("records")  # type: ignore[assignment]
        most = max((_number(row["cost_usd"]) or 0 for row in rows), default=0)
        heads = "".join(f'<th style="{_LEFT}">{escape(key)}</th>' for key in self._keys)
        heads += "".join(f'<th style="{_RIGHT}">{head}</th>' for head in _HEADS)
        body = "".join(f"<tr>{''.join(self._row(row, most))}</tr>" for row in rows)
        table = f'<table style="{_TABLE}"><tr>{heads}</tr>{body}</table>'
        return f'<div class="{html.NO_FORMULAS}">{table}{self._foot()}</div>'

    def _row(self, row: dict[str, Any], most: float) -> Iterator[str]:
        for key in self._keys:
            name = row[key]
            text = _name(name)
            shown = escape(text) if text else _GREY.format("none")
            short = 0 < len(text) <= _SHORT
            yield f'<td style="{_LEFT};{_ON_ONE_LINE if short else _BROKEN}">{shown}</td>'
        yield f'<td style="{_RIGHT}">{row["calls"]:,}</td>'
        yield f'<td style="{_RIGHT}">{_errors_of(row)}</td>'
        yield f'<td style="{_RIGHT}">{formatting.seconds(_number(row["duration_s"]))}</td>'
        for name in ("input_tokens", "input_tokens_cached", "output_tokens"):
            count = _number(row[name])
            text = "" if count is None else f"{count:,.0f}"
            yield f'<td style="{_RIGHT}">{text}</td>'
        known = row["cost_state"] in ("priced", "partial")
        text = escape(cost_of(row))
        yield f'<td style="{_RIGHT}">{text if known else _GREY.format(text)}</td>'
        share = 100 * (_number(row["cost_usd"]) or 0) / most if most else 0
        yield f"<td>{_BAR.format(share) if share else ''}</td>"

    def _foot(self) -> str:
        source = self.data.attrs.get("price_source")
        text = f"{source}; {DISCLAIMER}" if source else DISCLAIMER
        return f'<div style="opacity:.6;font:12px system-ui,sans-serif">{escape(text)}</div>'

    def __repr__(self) -> str:
        rows: list[dict[str, Any]] = self.data.to_dict("records")  # type: ignore[assignment]
        lines = [[*self._keys, "calls", "errors", "call time", "input", "output", "cost"]]
        for row in rows:
            names = [_name(row[k]) for k in self._keys]
            counts = [_number(row[name]) for name in ("input_tokens", "output_tokens")]
            shown = ["" if count is None else f"{count:,.0f}" for count in counts]
            took = formatting.seconds(_number(row["duration_s"]))
            counts_of = [f"{row['calls']:,}", _errors_of(row), took]
            lines.append([*names, *counts_of, *shown, cost_of(row)])
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(self._line(line, widths) for line in lines)

    def _line(self, line: list[str], widths: list[int]) -> str:
        left_aligned = len(self._keys)
        cells = [
            f"{cell:<{width}}" if at < left_aligned else f"{cell:>{width}}"
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        return "  ".join(cells).rstrip()


def cost_of(row: dict[str, Any]) -> str:
    """Return a group's cost in the words of the tree: `$0.0242`, `≥ $0.0242`, `unpriced`."""
    cost = _number(row["cost_usd"])
    totals = Totals(
        calls=int(row["calls"]),
        errors=int(row["errors"]),
        no_usage=int(row["calls_no_usage"]),
        unpriced=int(row["calls_unpriced"]),
        cached_locally=int(row["calls_cached_locally"]),
        cost=None if cost is None else Decimal(repr(cost)),
        lower_bound=bool(row["cost_is_lower_bound"]),
        uncounted={"": int(row["requests_uncounted"])} if row["requests_uncounted"] else {},
        estimates=int(row["estimated"]),
    )
    return str(run_sums.total_cost(totals))


def _errors_of(row: dict[str, Any]) -> str:
    """Return how many calls failed for good, and how many attempts a later one repaired."""
    return formatting.failures(int(row["errors"]), int(row["retries"]))


def _name(key: Any) -> str:
    """Return a key as text, "" for NA; that of an item may be a number, a date or a tuple."""
    if isinstance(key, str):
        return formatting.line(key)
    return "" if type(key).__name__ in ("NAType", "NaTType") else formatting.line(str(key))


def _number(value: Any) -> float | None:
    """Return the number; None for NA, which is no number or differs from itself."""
    return float(value) if isinstance(value, (int, float)) and value == value else None  # noqa: PLR0124
