"""One tracked execution of a cell, and all spans and calls while it ran."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from aimon_nb.model import plain_form, tree
from aimon_nb.model.cost import CostState
from aimon_nb.model.item import Batch, Item
from aimon_nb.model.span import Span
from aimon_nb.model.usage import Usage

RunStatus = Literal["running", "ok", "error", "interrupted", "over_budget", "killed"]


@dataclass(slots=True)
class Totals:
    """Sums over the counted calls of a run.

    `cost` is None where no call could be priced; `lower_bound` means that the
    true cost is higher, because a call is unpriced, partly priced or without
    usage, or because an agent reports tokens that no call below it explains
    (`unseen`, their number). `saved` is what `cached_locally` calls would have cost.
    The `estimates` calls whose tokens were counted on this machine are in none of
    these sums: theirs stand beside them, in `estimate` and `estimate_cost`. `uncounted` are
    requests that may have been billed and are in no sum, by their host and path.
    `errors` are the calls whose last attempt failed, `retries` the failed attempts that a
    later one repaired; each attempt is one of `calls`. For the `rejected` nothing is billed.
    """

    calls: int = 0
    errors: int = 0
    no_usage: int = 0
    unpriced: int = 0
    cached_locally: int = 0
    usage: Usage = field(default_factory=Usage)
    cost: Decimal | None = None
    lower_bound: bool = False
    estimates: int = 0
    estimate: Usage = field(default_factory=Usage)
    estimate_cost: Decimal | None = None
    unseen: int = 0
    saved: Decimal | None = None
    retries: int = 0
    rejected: int = 0
    uncounted: dict[str, int] = field(default_factory=dict)

    @property
    def requests_uncounted(self) -> int:
        """How many requests may have been billed and are in no sum."""
        return sum(self.uncounted.values())

    @property
    def state(self) -> CostState:
        """The state of the whole sum."""
        if self.cost is None:
            return "unpriced" if self.unpriced else "no_usage"
        if self.lower_bound:
            return "partial"
        return "priced" if self.cost else "free"


@dataclass(slots=True)
class MoreCalls:
    """What stands for the calls past the cap on spans, which have no rows of their own.

    `offset` is when the first of them started, `duration` how long it took from there to the
    end of the last (None while one runs); both in seconds, as those of a span.
    """

    totals: Totals
    offset: float
    duration: float | None


@dataclass(slots=True)
class Run:
    """A run: its identity, its spans in the order they started, its totals.

    `run_id` sorts by start. `root_id` is the span that stands for the run
    itself; views show it as their header, not as a row. `notes` are lines a
    reader must see (an internal error, say); `faults` counts the internal errors;
    `caps` has by the cap's name a line about what it folded or cut. `destination`
    is where the spans go: `local`, `Sentry` or, of a run that its client does not sample,
    `not sampled`; `unsent` why they stay here though there is a client. `duration` is in
    seconds. `unread` counts the requests that may have asked a model and that nobody can
    read, by their host and path.
    `more` has the sums over the calls past the cap on spans, which are in `totals` too;
    `foreign_calls` counts those of threads and tasks that an earlier cell began, which are
    not. `items` are the rows of the user's batches in the order they began, `batches` the loops
    over them.

    Spans are added on a thread of ours while others read: those iterate over
    `list(run.spans.values())`, a snapshot that the GIL makes atomic.
    """

    run_id: str
    name: str
    started: datetime
    cell_id: str | None = None
    execution_count: int | None = None
    notebook: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    status: RunStatus = "running"
    error_type: str | None = None
    error: str | None = None
    ended: datetime | None = None
    duration: float | None = None
    root_id: str | None = None
    trace_id: str | None = None
    destination: str = "local"
    unsent: str | None = None
    spans: dict[str, Span] = field(default_factory=dict)
    totals: Totals = field(default_factory=Totals)
    more: MoreCalls | None = None
    foreign_calls: int = 0
    notes: list[str] = field(default_factory=list)
    caps: dict[str, str] = field(default_factory=dict)
    unread: dict[str, int] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    faults: int = 0
    incomplete: bool = False

    def to_dict(self, *, content: bool = False) -> dict[str, Any]:
        """Return it as what JSON can hold; prompts, answers and arguments only with `content`."""
        return plain_form.to_dict(self, content=content)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Run:
        """Return the run that `to_dict` was called on; ValueError for a later version's."""
        return plain_form.from_dict(cls, data)

    @property
    def running(self) -> bool:
        """Whether the cell has not ended yet."""
        return self.status == "running"

    @property
    def tags(self) -> str | None:
        """Its tags in one text, `team=search, stage=dev`; None without any."""
        tags = self.options.get("tags") or {}
        return ", ".join(f"{name}={value}" for name, value in tags.items()) or None

    def children(self) -> dict[str | None, list[Span]]:
        """Return the shown spans by the id of the parent that they are under in views.

        The root is left out and its children are under None; so is a span whose
        parent was never tracked. Duplicates and plumbing are folded: what is
        below them is under their nearest shown ancestor.
        """
        below: dict[str | None, list[Span]] = {}
        for span in list(self.spans.values()):
            if self.shows(span):
                below.setdefault(self.shown_parent(span), []).append(span)
        return below

    def shows(self, span: Span) -> bool:
        """Return whether a span has a row.

        The root has none, nor a duplicate, plumbing, what is past the cap, and what another row
        says already, unless it may have a cost.
        """
        if span.is_alias and not span.may_cost:
            return False
        return not (
            span.span_id == self.root_id or span.is_duplicate or span.folded or span.is_noise
        )

    @property
    def more_id(self) -> str:
        """The id of the row that stands for the calls past the cap on spans."""
        return f"{self.run_id}-more"

    def walk(self) -> Iterator[tuple[int, Span]]:
        """Return (depth, span) of every shown span, parents before children."""
        below = self.children()
        order, depths = tree.preorder(below.get(None, ()), below)
        return zip(depths, order, strict=True)

    def shown_parent(self, span: Span) -> str | None:
        """Return the id of the span that it is under in views; None at the top.

        Costs one step for each folded span between the two.
        """
        root_id = self.root_id
        parent = tree.nearest_ancestor(
            span, self.spans, lambda one: one.span_id == root_id or self.shows(one)
        )
        return None if parent is None or parent.span_id == root_id else parent.span_id
