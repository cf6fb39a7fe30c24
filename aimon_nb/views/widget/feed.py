"""What the pages know of a run, so that each thing is told once.

A prompt is sent when its call starts, an answer as it grows, and both are left
out when only a price or a number changed afterwards.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from aimon_nb.model import Run, Span
from aimon_nb.views import rows
from aimon_nb.views.widget import RunWidget

BATCH = 500  # rows a message
Told = tuple[int, int]  # messages, and characters of the last one


class Feed:
    """Sends one run to one widget, from any thread."""

    def __init__(self, run: Run, widget: RunWidget) -> None:
        self._run, self._widget = run, widget
        self._told: dict[str, Told] = {}
        self._lock = threading.RLock()
        widget.on_hello(self.send_all)

    def send(self, changed: Iterable[str]) -> None:
        """Send the spans of these ids."""
        run = self._run
        found = (run.spans.get(i) for i in changed)
        spans = [span for span in found if span is not None and not span.folded]
        spans.sort(key=lambda span: span.offset)
        batches = [spans[at : at + BATCH] for at in range(0, max(len(spans), 1), BATCH)]
        with self._lock:
            header = rows.header(run)
            for batch in batches:
                self._widget.send_rows(header, [rows.row(span, run) for span in batch])
            for batch in batches:  # the tree is whole before the first detail
                self._send_details(batch)

    def send_all(self) -> None:
        """Send everything, to a page that has nothing yet."""
        with self._lock:
            self._told.clear()
            self.send(list(self._run.spans))
            self._widget.send_rows(rows.header(self._run), [], cut=0)

    def _send_details(self, spans: list[Span]) -> None:
        items: dict[str, Any] = {}
        grown: dict[str, str] = {}
        for span in spans:
            if span.span_id != self._run.root_id:
                self._tell(span, items, grown)
        # Content goes by message only: a trait could be saved with the notebook.
        if items:
            self._widget.send_details(items)
        if grown:
            self._widget.send_growth(grown)

    def _tell(self, span: Span, items: dict[str, Any], grown: dict[str, str]) -> None:
        """Put what is new of a span's details where it belongs."""
        item = rows.detail(span)
        messages = item["messages"]
        last = messages[-1]["text"] if messages else ""
        now, before = (len(messages), len(last)), self._told.get(span.span_id)
        self._told[span.span_id] = now
        if before == now:
            item["messages"] = None  # the page has them
        elif before is not None and before[0] == now[0] and span.status == "running":
            grown[span.span_id] = last[before[1] :]
            return
        items[span.span_id] = item
