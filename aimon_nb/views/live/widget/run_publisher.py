"""What the pages know of a run, so that each thing is told once.

Rows are told always. A prompt is told when its call starts, an answer as it
grows, and both are left out when only a price or a number changed afterwards.
Where spans come by the thousand, or texts by the megabyte, details wait until a
reader asks for them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from aimon_nb.model import Run, Span
from aimon_nb.model.run import RunStatus
from aimon_nb.views.live.widget import RunWidget
from aimon_nb.views.present import detail, rows

BATCH = 1_000  # rows a message
DETAILS = 100  # details told unasked at a time
TEXT = 20_000_000  # characters of prompts and answers told unasked, a run
Sent = tuple[int, int]  # messages, and characters of the last one


class RunPublisher:
    """Sends one run to its widget, from any thread."""

    def __init__(self, run: Run, make: Callable[..., RunWidget] = RunWidget) -> None:
        self._run = run
        self._sent: dict[str, Sent] = {}
        self._room = TEXT
        self._count = 0  # messages of rows: a page that counted fewer lacks some
        self._lock = threading.RLock()
        self.widget = make(run.run_id, self.snapshot)
        self.widget.on_ask(self.send_all, self.send_wanted)

    def send(self, changed: Iterable[str]) -> None:
        """Send the spans of these ids."""
        spans = self._known(changed)
        with self._lock:
            self._send_rows(spans)  # the tree is whole before the first detail
            self._send_details(self._prioritise(spans))

    def publish_end(self, status: RunStatus) -> None:
        """Tell that the run has ended so, and that its sums are yet to come.

        No lock is taken: whoever ends a cell does not wait for rows that are on their way.
        """
        header = rows.header(self._run)
        over = {"status": status, "dur": header["elapsed"], "counting": True}
        self.widget.send_rows({**header, **over}, [])

    def send_all(self) -> None:
        """Send every row, to a page that lacks some; and the details a reader asks for first."""
        with self._lock:
            self._sent.clear()
            self._room = TEXT
            self.send(list(self._run.spans))
            self.widget.send_rows(rows.header(self._run), [], cut=0, whole=self._count)

    def send_wanted(self, ids: list[str]) -> None:
        """Send the details of these spans, whatever the page has been told of them."""
        with self._lock:
            for span_id in ids:
                self._sent.pop(span_id, None)
            self._send_details(self._known(ids), asked=True)

    def snapshot(self) -> dict[str, Any]:
        """The rows as far as they fit a trait, and how many messages of them there were."""
        with self._lock:
            return {**rows.snapshot(self._run), "count": self._count}

    def _known(self, ids: Iterable[str]) -> list[Span]:
        found = map(self._run.spans.get, ids)
        spans = [span for span in found if span is not None and not span.folded]
        return sorted(spans, key=lambda span: span.offset)

    def _prioritise(self, spans: list[Span]) -> list[Span]:
        """What the page has in an older form; of the rest the failed, the calls, the last."""
        told, root = self._sent, self._run.root_id
        older = [span for span in spans if span.span_id in told]
        fresh = [s for s in spans if s.span_id not in told and s.span_id != root]
        if len(fresh) > DETAILS:
            # A stable sort: by time within. Who has said something comes before a mere step.
            fresh.sort(key=lambda span: (span.status == "error", span.is_call))
        return older + fresh[-DETAILS:]

    def _send_rows(self, spans: list[Span]) -> None:
        run = self._run
        header = rows.header(run)
        for at in range(0, max(len(spans), 1), BATCH):
            packed = [rows.encode_row(span, run) for span in spans[at : at + BATCH]]
            self._count += 1
            counting = at + BATCH < len(spans)  # more is on its way: the page need not lay it out
            self.widget.send_rows({**header, "counting": counting}, packed, count=self._count)

    def _send_details(self, spans: list[Span], *, asked: bool = False) -> None:
        items: dict[str, Any] = {}
        grown: dict[str, str] = {}
        for span in spans:
            if asked or self._room > 0 or span.span_id in self._sent:
                self._tell(span, items, grown)
        # Content goes by message only: a trait could be saved with the notebook.
        if items:
            self.widget.send_details(items)
        if grown:
            self.widget.send_growth(grown)

    def _tell(self, span: Span, items: dict[str, Any], grown: dict[str, str]) -> None:
        """Put what is new of a span's details where it belongs."""
        item = detail.detail(span)
        messages = item["messages"]
        last = messages[-1]["text"] if messages else ""
        now, before = (len(messages), len(last)), self._sent.get(span.span_id)
        self._sent[span.span_id] = now
        if before == now:
            item["messages"] = None  # the page has them
        elif before is not None and before[0] == now[0] and span.status == "running":
            grown[span.span_id] = last[before[1] :]
            self._room -= len(last) - before[1]
            return
        else:
            self._room -= sum(len(turn["text"]) for turn in messages)
        items[span.span_id] = item
