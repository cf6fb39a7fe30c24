"""Spans and usage as pandas DataFrames: nullable dtypes, NA for unknown.

Built column by column: a hundred thousand spans take less than a second. Rows of
spans stand in the order of the tree, groups in the order of their first call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timezone
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from aimon_nb import providers
from aimon_nb.model import Cost, Run, Span, Totals
from aimon_nb.model.item import Item, ItemKey
from aimon_nb.model.tree import nearest_ancestor, preorder
from aimon_nb.pricing.counted import add_up, counted_spans, more_calls
from aimon_nb.views.present.more_calls import more_span
from aimon_nb.views.tables.arrays import array, key_array
from aimon_nb.views.tables.columns import (
    CONTENT_TABLE,
    ITEM_TABLE,
    RUN_TABLE,
    SPAN_TABLE,
    TOKEN_TABLE,
    USAGE_TABLE,
    RunTree,
    dtypes,
    span_values,
)
from aimon_nb.views.tables.item_groups import outcome, without_calls
from aimon_nb.views.tables.summands import of_totals, summands

if TYPE_CHECKING:
    import pandas as pd

SPAN_COLUMNS = dtypes(SPAN_TABLE)
CONTENT_COLUMNS = tuple(dtypes(CONTENT_TABLE))
TOKEN_COLUMNS = tuple(dtypes(TOKEN_TABLE))
USAGE_COLUMNS = dtypes(USAGE_TABLE)
RUN_COLUMNS = dtypes(RUN_TABLE)
KEYS = (
    *("model", "provider", "op", "pipeline", "run", "cell", "notebook", "item", "repeat"),
    *("caller", "agent", "tool", "conversation", "status", "worker", "day"),
)


def spans(runs: Iterable[Run], *, content: bool = False) -> pd.DataFrame:
    """Return a row for each span, in the order of the tree; NA for what is unknown.

    The plain sum of a column of tokens or money is the run's: what does not count has NA
    there, and what it reports in `reported`. One row, the last of its run, stands for the
    calls past the cap on spans.

    Times are in seconds (`start` in UTC), money in US dollars. `attrs` holds `run_id` (of a
    single run), `run_ids` and `price_source`, and under `caps` what a cap folded or cut, in
    words. With `content`, prompts and what went into steps stand in `input_text`, answers
    and what came out of steps in `output_text`.
    """
    runs = list(runs)
    trees = [_tree(run) for run in runs]
    columns = SPAN_TABLE + CONTENT_TABLE if content else SPAN_TABLE
    data = span_values(columns, trees)
    frame = _frame(data, dtypes(columns))
    frame.attrs.update(_attrs(runs, (span.cost for tree in trees for span in tree.spans)))
    return frame


def usage(runs: Iterable[Run], by: Sequence[str] = ("model",)) -> pd.DataFrame:
    """Return a row for each group of counted calls.

    `calls` are those that crossed the wire or stand for ones that did; those which
    a local cache answered are in `calls_cached_locally` alone. Calls whose tokens were
    `estimated` are counted, but neither their tokens nor their cost. `duration_s` is the
    sum of the calls' own times, in seconds. Requests that nobody can read are in
    `requests_uncounted`, in a group of their own where the keys tell of calls. By `item` there
    is a row for each, with its key in its own type, its `status` and its `error`; NA are the
    calls of no item. `attrs` as in `spans`.

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
    data: dict[str, list[Any]] = {name: [key[at] for key in groups] for at, name in enumerate(by)}
    is_by_item = "item" in by
    columns = [*USAGE_TABLE, *(c for c in ITEM_TABLE if is_by_item and c.name not in by)]
    for column in columns:
        data[column.name] = list(map(attrgetter(str(column.source)), groups.values()))
    keys = dict.fromkeys(by, "string") | ({"repeat": "Int64"} if "repeat" in by else {})
    frame = _frame(data, keys | dtypes(columns))
    frame.attrs.update(_attrs(runs, (s.cost for group in groups.values() for s in group.all)))
    return frame


def runs(some: Iterable[Run]) -> pd.DataFrame:
    """Return a row for each run, in the order given: its time, calls, tokens and cost.

    Sums are those that its tree shows above; NA for what is unknown, and for the time of one
    that goes on. `attrs` as in `spans`.
    """
    some = list(some)
    data = {one.name: list(map(attrgetter(str(one.source)), some)) for one in RUN_TABLE}
    frame = _frame(data, RUN_COLUMNS)
    frame.attrs.update(
        _attrs(some, (span.cost for run in some for span in list(run.spans.values())))
    )
    return frame


class Group:
    """The calls that make up one row of usage; `columns.USAGE_TABLE` reads its fields."""

    def __init__(self) -> None:
        self.counted: list[Span] = []
        self.cached: list[Span] = []
        self.inexact = False
        self.uncounted: dict[str, int] = {}
        self.items: list[Item] = []

    @property
    def all(self) -> list[Span]:
        """The spans that count, and those that a local cache answered."""
        return self.counted + self.cached

    @cached_property
    def totals(self) -> Totals:
        """The sums over them; to be read once all are in."""
        totals = add_up(self.counted, self.cached, inexact=self.inexact or bool(self.uncounted))
        totals.uncounted = self.uncounted
        return totals

    @property
    def status(self) -> str | None:
        """How the items of this row went, the worst of them."""
        return self._outcome[0]

    @property
    def error(self) -> str | None:
        """What one of them failed with."""
        return self._outcome[1]

    @cached_property
    def _outcome(self) -> tuple[str | None, str | None]:
        return outcome(self.counted, self.items)

    @property
    def has_estimates(self) -> bool:
        """Whether tokens of any were counted on this machine."""
        return self.totals.estimates > 0

    @property
    def duration(self) -> float | None:
        """The sum of the calls' own times, in seconds."""
        durations = [span.duration for span in self.counted if span.duration is not None]
        return sum(durations) if durations else None


# Keys of which an item without a call has none.
_OF_CALLS = frozenset(KEYS) - {"item", "repeat", "run", "cell", "notebook"}


def _groups(runs: list[Run], by: list[str]) -> dict[tuple[ItemKey | None, ...], Group]:
    groups: dict[tuple[ItemKey | None, ...], Group] = {}
    for run in runs:
        result = counted_spans(run)
        keys = [_key(run, name) for name in by]
        if not _OF_CALLS.intersection(by) and "item" in by:
            # In their order, and one without a call, too.
            for stand_in in without_calls(run):
                group = groups.setdefault(tuple(key(stand_in) for key in keys), Group())
                group.items += [stand_in.item] if stand_in.item is not None else []
        for span in result.counted:
            group = groups.setdefault(tuple(key(span) for key in keys), Group())
            group.counted.append(span)
            # What an agent hides may belong to any of the run's groups.
            group.inexact = group.inexact or result.inexact or result.unattributed > 0
        for span in result.cached:
            groups.setdefault(tuple(key(span) for key in keys), Group()).cached.append(span)
        for place, number in run.totals.uncounted.items():
            # Of such a request nothing is known but its run and its host.
            known = providers.at_host(place.partition(" ")[0])
            stand_in = Span("", None, run.run_id, run.started, 0.0)
            stand_in.provider = known.name if known is not None else None
            group = groups.setdefault(tuple(key(stand_in) for key in keys), Group())
            group.uncounted[place] = group.uncounted.get(place, 0) + number
    return groups


def _key(run: Run, name: str) -> Callable[[Span], ItemKey | None]:
    if name == "item":
        return lambda span: None if span.item is None else span.item.key
    if name == "repeat":
        return lambda span: None if span.item is None else span.item.repeat
    of_run = {"run": run.name, "cell": run.cell_id, "notebook": run.notebook}
    if name in of_run:
        value = of_run[name] or None
        return lambda _: value
    if name == "day":
        return lambda span: f"{span.start.astimezone(timezone.utc):%Y-%m-%d}"
    if name in ("agent", "tool", "conversation"):
        return lambda span: _above(run, span, name)
    return lambda span: str(value) if (value := getattr(span, name, None)) else None


def _above(run: Run, span: Span, name: str) -> str | None:
    """Return the agent, tool or conversation that a call was made in: the nearest one named."""
    own: str | None = getattr(span, name)
    above = None if own else nearest_ancestor(span, run.spans, lambda one: bool(getattr(one, name)))
    return own or (getattr(above, name) if above is not None else None)


def _tree(run: Run) -> RunTree:
    """Return every span up to the cap, also those that views fold, and a row for the rest."""
    result = counted_spans(run)
    order, depths = _in_order(run)
    parts = summands(order, result)
    more = more_calls(result)
    row = more_span(run, more)
    if more is not None and row is not None:
        order, depths = [*order, row], [*depths, 1]
        parts = [*parts, of_totals(more.totals, row.cost)]
    return RunTree(run, order, depths, parts)


def _in_order(run: Run) -> tuple[list[Span], list[int]]:
    """Return the spans up to the cap in the order of the tree, and how deep each stands."""
    below: dict[str | None, list[Span]] = {}
    all_spans = [span for span in list(run.spans.values()) if not span.folded]
    for span in all_spans:
        parent = span.parent_id if span.parent_id in run.spans else None
        below.setdefault(parent, []).append(span)
    tops = below.get(None, [])
    order, depths = preorder(tops, below)
    if len(order) < len(all_spans):
        # Spans in a circle have no top; they come last.
        order, depths = preorder([*tops, *all_spans], below)
    return order, depths


def _attrs(runs: list[Run], costs: Iterable[Cost | None]) -> dict[str, Any]:
    ids = [run.run_id for run in runs]
    sources = {cost.source for cost in costs if cost is not None and cost.source}
    attrs = {
        "run_id": ids[0] if len(ids) == 1 else None,
        "run_ids": ids,
        "price_source": "; ".join(sorted(sources)) or None,
    }
    caps = [note for run in runs for note in run.caps.values()]
    return attrs | ({"caps": caps} if caps else {})


def _frame(data: dict[str, list[Any]], columns: dict[str, str]) -> pd.DataFrame:
    import pandas as pd

    arrays = {
        name: key_array(data[name]) if name == "item" else array(data[name], dtype)
        for name, dtype in columns.items()
    }
    length = len(next(iter(data.values())))
    return pd.DataFrame(arrays, index=pd.RangeIndex(length), columns=list(columns))
