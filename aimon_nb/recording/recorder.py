"""Event log → records → runs.

On the user's thread a span costs an append to a log. One daemon thread of ours
turns the log into records ten times a second while anything goes on, reads the
answers of model calls, prices them, and tells the listeners which spans of
which run changed. Whoever needs the truth at once (a table, the end of a cell)
calls `drain` itself.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from aimon_nb.model import Run, Span, SpanStatus
from aimon_nb.model.run import RunStatus
from aimon_nb.recording.context import Exchange, Node
from aimon_nb.recording.facts import Facts, apply, describe, status_of
from aimon_nb.recording.faults import faults

PERIOD = 0.1  # seconds between two paints
PARSE_LIMIT = 2.0  # seconds the end of a cell waits for answers to be parsed
RUNS_KEPT = 100

Listener = Callable[["Recording", set[str]], None]
START, END, ASK, ANSWER = range(4)


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
    started_faults: int = 0
    closed: bool = False
    stop: bool = False

    def seconds(self, t: int) -> float:
        """From the start of the run to `t`."""
        return (t - self.t0) / 1e9


class Recorder:
    """The one place where spans become records."""

    def __init__(
        self,
        clock: Callable[[], int] = time.perf_counter_ns,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self.clock, self.now = clock, now
        self.log: deque[tuple[int, Any]] = deque()
        self.recordings: dict[str, Recording] = {}
        self.sole: Recording | None = None  # the open run, when there is exactly one
        self.read: Callable[[Node], Facts] = lambda _: Facts()
        self._open: list[Recording] = []
        self._listeners: list[Listener] = []
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._ids = 0

    # -- runs ---------------------------------------------------------------

    def open_run(self, name: str, **facts: Any) -> Recording:
        """Start a run; `facts` are further fields of `Run` (cell_id, options …)."""
        started = self.now()
        self._ids += 1
        run_id = f"{started:%Y%m%dT%H%M%S}-{self._ids:03d}{os.urandom(2).hex()}"
        recording = Recording(Run(run_id=run_id, name=name, started=started, **facts), self.clock())
        recording.started_faults = faults.count
        with self._lock:
            self.recordings[run_id] = recording
            self._open.append(recording)
            self._count_open()
            self._forget_old()
        self._start_thread()
        self._wake.set()
        return recording

    def end_run(
        self,
        recording: Recording,
        status: RunStatus,
        error: BaseException | None,
        before_last: Callable[[], None] = lambda: None,
    ) -> None:
        """Drain, end what was left open, count, and tell the listeners: the run is over.

        `before_last` runs when all spans have ended, before the listeners hear it.
        """
        self._settle(recording)
        run, t1 = recording.run, self.clock()
        with self._lock:
            left: SpanStatus = "interrupted" if status == "interrupted" else "abandoned"
            for node in list(recording.open):
                self._leave_open(recording, node, t1, left, status)
            run.ended, run.duration = (
                run.started + timedelta(seconds=recording.seconds(t1)),
                recording.seconds(t1),
            )
            run.status = status
            if error is not None:
                run.error_type, run.error = describe(error)
            recording.closed = True
            recording.captured.clear()
            if recording in self._open:
                self._open.remove(recording)
            self._count_open()
            before_last()
        self.drain(recording)

    def runs(self) -> list[Run]:
        """Every run in memory, oldest first."""
        self.drain()
        return [recording.run for recording in list(self.recordings.values())]

    def reprice(self) -> None:
        """Prices changed: every run in memory is counted again, and shown."""
        with self._lock:
            for recording in self.recordings.values():
                recording.changed.update(recording.run.spans)
        self.drain()

    # -- listeners ----------------------------------------------------------

    def on_event(self, listener: Listener) -> Callable[[], None]:
        """Call `listener(recording, changed span ids)` after changes; returns its removal."""
        self._listeners.append(listener)

        def remove() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return remove

    def close(self) -> None:
        """Stop the thread; runs stay in memory."""
        thread, self._thread = self._thread, None
        self._wake.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=2)
        self._listeners.clear()

    # -- from the log to records ----------------------------------------------

    def drain(self, finished: Recording | None = None) -> None:
        """Turn everything in the log into records and tell the listeners.

        `finished` is told even where no span of it changed.
        """
        with self._lock:
            self._take_log()
            for recording in list(self.recordings.values()):
                if recording.open or recording.asked:
                    self._refresh(recording)
            self._take_log()  # ends of spans that we made
            for recording in list(self.recordings.values()):
                if recording.changed or recording is finished:
                    self._tell(recording)

    def _take_log(self) -> None:
        for _ in range(len(self.log)):
            kind, thing = self.log.popleft()
            try:
                self._take(kind, thing)
            except Exception:
                faults.note("recording a span")

    def _take(self, kind: int, thing: Any) -> None:
        if kind == START:
            self._started(thing)
        elif kind == END:
            self._ended(thing)
        elif kind == ASK:
            recording = thing.node.recording
            recording.asked[thing] = None
            recording.changed.add(thing.node.span_id)

    def _started(self, node: Node) -> None:
        recording, run = node.recording, node.recording.run
        offset = recording.seconds(node.t0)
        parent = node.parent.span_id if node.parent is not None else run.root_id
        node.record = span = Span(
            span_id=node.span_id,
            parent_id=None if node is recording.root else parent,
            run_id=run.run_id,
            start=run.started + timedelta(seconds=offset),
            offset=offset,
            late=recording.closed,
            sent="no: static API" if node.kind == "dropped" else None,
        )
        run.spans[span.span_id] = span
        recording.open[node] = None
        recording.changed.add(span.span_id)

    def _ended(self, node: Node) -> None:
        recording, span = node.recording, node.record
        if span is None:
            return
        recording.open.pop(node, None)
        span.late = span.late or recording.closed
        span.duration = (node.t1 - node.t0) / 1e9 if node.t1 is not None else None
        apply(self.read(node), span, recording.run)
        span.covers = node.covers
        if node.error is not None:
            span.status = status_of(node.error)
            span.error_type, span.error = describe(node.error)
        elif span.status == "running":
            span.status = "ok"
        recording.changed.add(span.span_id)
        if node.exchange is None:
            node.sdk = None
            return
        node.exchange.record()  # the wire has the last word on its span
        if node.exchange.settled:
            node.sdk = None

    def _refresh(self, recording: Recording) -> None:
        for node in list(recording.open):
            span = node.record
            if span is None:
                continue
            if apply(self.read(node), span, recording.run) or span.covers != node.covers:
                span.covers = node.covers
                recording.changed.add(span.span_id)
        for exchange in list(recording.asked):
            try:
                if exchange.read():
                    recording.changed.add(exchange.node.span_id)
                if exchange.ready:
                    exchange.settle()
                    del recording.asked[exchange]
                    if exchange.node.t1 is not None and exchange.node not in recording.open:
                        exchange.node.sdk = None
            except Exception:
                recording.asked.pop(exchange, None)
                faults.note("reading a model's answer")

    def _tell(self, recording: Recording) -> None:
        from aimon_nb.pricing import price_run

        changed, recording.changed = recording.changed, set()
        recording.run.faults = faults.count - recording.started_faults
        with faults.guard("pricing"):
            price_run(recording.run, changed)
        for listener in list(self._listeners):
            with faults.guard("showing a run"):
                listener(recording, changed)

    # -- the end of a run -----------------------------------------------------

    def _settle(self, recording: Recording) -> None:
        """Whatever was not read to its end is left; then parse, for a bounded time."""
        limit = time.monotonic() + PARSE_LIMIT
        self.drain()
        for exchange in list(recording.asked):
            exchange.leave()
        while recording.asked and time.monotonic() < limit:
            before = len(recording.asked)
            self.drain()
            if len(recording.asked) >= before:
                break

    def _leave_open(
        self, recording: Recording, node: Node, t1: int, left: SpanStatus, status: RunStatus
    ) -> None:
        span = node.record
        if span is None:
            return
        span.duration = (t1 - node.t0) / 1e9
        if node is recording.root:
            span.status = (
                "ok" if status == "ok" else "interrupted" if status == "interrupted" else "error"
            )
            node.t1 = t1
            apply(self.read(node), span, recording.run)
            recording.open.pop(node, None)
        else:
            span.status = left
        recording.changed.add(span.span_id)

    def _count_open(self) -> None:
        self.sole = self._open[0] if len(self._open) == 1 else None

    def _forget_old(self) -> None:
        for run_id in [k for k, r in self.recordings.items() if r.closed][: -RUNS_KEPT or None]:
            del self.recordings[run_id]

    # -- the thread -------------------------------------------------------------

    def _start_thread(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._paint, name="aimon_nb", daemon=True)
            self._thread.start()

    def _paint(self) -> None:
        while self._thread is threading.current_thread():
            busy = bool(
                self._open or self.log or any(r.open or r.asked for r in self.recordings.values())
            )
            self._wake.wait(PERIOD if busy else None)
            self._wake.clear()
            if busy:
                try:
                    self.drain()
                except Exception:
                    faults.note("painting")

    def wake(self) -> None:
        """There is news although no run is open (a late span)."""
        self._wake.set()
