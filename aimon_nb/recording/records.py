"""From what was heard to records: a node's start and end, an answer, the end of a run."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aimon_nb.model import Run, Span
from aimon_nb.model.run import RunStatus
from aimon_nb.recording.caps import Beyond
from aimon_nb.recording.context import Exchange, Node
from aimon_nb.recording.facts import seen
from aimon_nb.recording.faults import faults

Read = Callable[[Node, Span], "dict[str, Any] | None"]  # writes on the record; its attributes
STATIC_API = (
    "spans of sentry_sdk.start_span are not sent in the stream lifecycle: "
    "use sentry_sdk.traces.start_span"
)


@dataclass(slots=True, eq=False)
class Recording:
    """A run while it is written: the plain `run` and what only the recorder needs."""

    run: Run
    t0: int
    root: Node | None = None
    open: dict[Node, None] = field(default_factory=dict)
    asked: dict[Exchange, None] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    captured: list[BaseException] = field(default_factory=list)  # sent to Sentry already
    beyond: Beyond = field(default_factory=Beyond)
    faults_before: int = 0
    ending: bool = False  # its last news waits until all of it is known
    closed: bool = False
    quiet: bool = False  # nobody asked for this run: it is none until it has a model call
    stop: bool = False  # interrupted: no model call is sent any more
    unpriced: set[str] = field(default_factory=set)  # changed since the run was added up
    price_at: float = 0.0  # when it may be added up again

    @property
    def may_price(self) -> bool:
        """Whether the run is to be added up now: at its end always."""
        return not self.run.running or time.monotonic() >= self.price_at

    @property
    def has_news(self) -> bool:
        """Whether a view has something to hear."""
        news = self.changed or (self.unpriced and self.may_price)
        return bool(news) and not self.ending

    def seconds(self, t: int) -> float:
        """From the start of the run to `t`."""
        return (t - self.t0) / 1e9


def started(node: Node) -> None:
    """Make the record of a span."""
    recording, parent = node.recording, node.parent
    run, span_id = recording.run, node.span_id
    offset = (node.t0 - recording.t0) / 1e9
    above = parent.span_id if parent is not None else run.root_id
    if node is recording.root:
        above = None
    node.record = span = Span(span_id, above, run.run_id, run.started, offset)
    if recording.closed:
        span.late = True
    if node.kind == "dropped":
        span.sent = "no: static API"
        if STATIC_API not in run.notes:
            run.notes.append(STATIC_API)
    if len(run.spans) >= recording.beyond.limits.spans:
        recording.beyond.add(node, span, run)
    run.spans[span_id] = span
    recording.open[node] = None
    recording.changed.add(span_id)


def ended(node: Node, read: Read) -> None:
    """Complete the record of a span, and let go of the SDK's object."""
    recording, span = node.recording, node.record
    if span is None:
        return
    recording.open.pop(node, None)
    if recording.closed:
        span.late, span.sent = True, span.sent or "no: late"
    if node.t1 is not None:
        span.duration = (node.t1 - node.t0) / 1e9
    try:
        _take(node, span, read)
    except Exception:  # whatever it says of itself, it has ended
        faults.note("reading a span")
    if node.error is not None:
        span.status, span.error_type, span.error, span.frames = node.error
    elif span.status == "running":
        span.status = "ok"
    recording.changed.add(span.span_id)
    if node.exchange is not None:
        node.exchange.record()  # the wire has the last word on its span
        if not node.exchange.settled:
            return
    if span.folded:
        recording.beyond.end(span, recording.run)
    node.sdk = None


def _take(node: Node, span: Span, read: Read) -> None:
    """Bring a record up to what its span says of itself."""
    recording = node.recording
    data = read(node, span)
    if data is not None:
        recording.beyond.take(data, span, recording.run, ended=span.duration is not None)
    span.covers = node.covers
    if node is recording.root and recording.run.trace_id is None:
        recording.run.trace_id = span.trace_id


def refresh(recording: Recording, read: Read) -> None:
    """Bring open spans and answers under way up to date."""
    for node in list(recording.open):
        look(node, read)
    for exchange in list(recording.asked):
        try:
            _advance(recording, exchange)
        except Exception:
            recording.asked.pop(exchange, None)
            faults.note("reading a model's answer")


def look(node: Node, read: Read) -> None:
    """Bring the record of an open span up to what it says of itself now."""
    recording, span = node.recording, node.record
    if span is None or node not in recording.open:
        return
    with faults.guard("reading a span"):
        before = seen(span)
        _take(node, span, read)
        if seen(span) != before:
            recording.changed.add(span.span_id)


def _advance(recording: Recording, exchange: Exchange) -> None:
    node = exchange.node
    if recording.closed and node.record is not None and not exchange.over:
        node.record.late = True  # whatever comes from here on
    if exchange.read():
        recording.changed.add(node.span_id)
    if exchange.ready:
        exchange.settle()
        if exchange.is_read:
            del recording.asked[exchange]
            if node.record is not None:
                recording.beyond.cut_content(node.record, recording.run)
        if node.t1 is not None and node not in recording.open:
            node.sdk = None


def leave_open(recording: Recording, read: Read, status: RunStatus, t1: int) -> None:
    """The run is over: what has not ended by now was abandoned, or interrupted with it."""
    for node in list(recording.open):
        span = node.record
        recording.open.pop(node, None)
        if span is None:
            continue
        span.duration = (t1 - node.t0) / 1e9
        with faults.guard("reading a span"):
            _take(node, span, read)
        with faults.guard("ending a span that was left open"):
            recording.changed.add(span.span_id)
            if node is recording.root:
                span.status = status if status in ("ok", "interrupted") else "error"
                node.t1 = t1
            else:
                span.status = "interrupted" if status == "interrupted" else "abandoned"
                recording.beyond.end(span, recording.run)
