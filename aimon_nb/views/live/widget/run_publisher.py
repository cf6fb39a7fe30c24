"""What is sent to the pages of a run, and in which order.

First the rows that are new or changed; then what they are about, as far as the pages lack it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice, pairwise
from typing import Any, Protocol

from aimon_nb.model import Run, Span
from aimon_nb.model.redaction import redaction
from aimon_nb.model.run import RunStatus
from aimon_nb.views.live.widget import answers, call_answers
from aimon_nb.views.live.widget.answers import Answer
from aimon_nb.views.live.widget.detail_news import Batch, DetailNews
from aimon_nb.views.live.widget.item_news import ItemNews
from aimon_nb.views.live.widget.previews import Previews
from aimon_nb.views.present import rows
from aimon_nb.views.present.more_calls import more_span

# Rows a message.
BATCH = 1_000


class Channel(Protocol):
    """What carries a run's messages to its pages."""

    def on_ask(
        self,
        hello: Callable[[], None],
        want: Callable[[list[str]], None],
        answer: Callable[[Mapping[str, Any]], Answer | None],
    ) -> None:
        """Call back on what the page asks."""

    def send_rows(self, header: Mapping[str, Any], rows: Sequence[list[Any]], **more: Any) -> None:
        """Send the header and the rows that are new or changed, encoded."""

    def send_previews(self, previews: Mapping[str, tuple[str, str]]) -> None:
        """Send previews of rows that were sent without, by span id."""

    def send_details(self, items: Mapping[str, Mapping[str, Any]]) -> None:
        """Send details by span id."""

    def send_growth(self, growth: Mapping[str, str]) -> None:
        """Send what answers grew by, by span id."""

    def flush(self) -> None:
        """Wait until what was sent has left."""

    def announce(self) -> None:
        """Let pages that are loaded while the run goes on learn of it."""

    def remember(self) -> None:
        """Let pages that were loaded meanwhile learn what they lack: the run is over."""

    def raise_fault(self) -> None:
        """Raise what went wrong on a thread that nobody waits for."""

    def close(self) -> None:
        """Let go of the run."""


class RunPublisher:
    """Sends one run to its pages by a channel, from any thread."""

    def __init__(
        self,
        run: Run,
        make: Callable[..., Channel],
        runs: Callable[[], Iterable[Run]] = tuple,
    ) -> None:
        self._run = run
        # Those in memory, with whose calls the page may compare one.
        self._runs = runs
        # Messages of rows: a page that counted fewer lacks some. Of a run that is over, as after
        # `%reload_ext`, the rows of a snapshot are not all that there is to tell.
        self._count = 0 if run.running else 1
        self._sent_more: rows.EncodedRow | None = None
        self._previews = Previews(run)
        self._details = DetailNews(run)
        self._items = ItemNews(run)
        self._lock = threading.RLock()
        self.channel = make(run.run_id, self.snapshot)
        self.channel.on_ask(self.send_all, self.send_wanted, self._answer)
        if run.running:
            self.channel.announce()

    def send(self, changed: Iterable[str]) -> None:
        """Send the spans of these ids."""
        spans = _spans_of(self._run, changed)
        with self._lock:
            # The tree is whole before the first detail.
            self._send_rows(spans)
            self._send_details(self._details.fresh(spans))

    def publish_end(self, status: RunStatus, ended: datetime | None = None) -> None:
        """Send a header with the run's final status and time; its sums come later.

        Its code was left at `ended`, UTC; None: now.
        No lock is taken: whoever ends a cell does not wait for rows that are on their way.
        """
        header = rows.header(self._run, ended)
        header |= {"status": status, "dur": header["elapsed"], "counting": True}
        self.channel.send_rows(header, [])

    def send_all(self) -> None:
        """Send every row to a page that lacks some, and the details that come first."""
        with self._lock:
            self._sent_more = None
            self._previews.forget()
            self._details.forget()
            self._items.forget()
            self.send(list(self._run.spans))
            self._send_late_previews()
            self.channel.send_rows(rows.header(self._run), [], cut=0, whole=self._count)

    def finish(self) -> None:
        """Send what was put off, and raise what went wrong on a thread that nobody waits for."""
        self._send_late_previews()
        self.channel.raise_fault()

    def _send_late_previews(self) -> None:
        with self._lock:
            for previews in self._previews.late():
                self.channel.send_previews(previews)

    def send_wanted(self, ids: list[str]) -> None:
        """Send the details of these spans, whatever the page has of them."""
        with self._lock:
            spans, more = _spans_of(self._run, ids), more_span(self._run, self._run.more)
            if more is not None and more.span_id in ids:
                spans.append(more)
            self._send_details(self._details.wanted(spans))

    def _answer(self, asked: Mapping[str, Any]) -> Answer | None:
        told = answers.answer(self._run, asked)
        return told or call_answers.answer(self._run, self._runs, asked)

    def snapshot(self) -> dict[str, object]:
        """Return the rows as far as they fit a trait, and how many messages of them there were."""
        with self._lock:
            # A front end may save it.
            run = redaction.run("notebook", self._run)
            return {**rows.snapshot(run), "count": self._count}

    def _send_rows(self, spans: list[Span]) -> None:
        run, in_one = self._run, len(spans) <= BATCH
        header = rows.header(run)
        for at in range(0, max(len(spans), 1), BATCH):
            batch = spans[at : at + BATCH]
            encoded = [rows.encode_row(span, run) for span in batch]
            self._count += 1
            # While more is on its way the page need not lay it out.
            header["counting"] = at + BATCH < len(spans)
            if not header["counting"]:
                encoded += self._new_row_of_more()
            # By message alone: a trait could be saved with the notebook.
            private = {
                "previews": self._previews.fresh(batch) if in_one else None,
                "new_items": self._items.fresh(),
            }
            more = {name: value for name, value in private.items() if value}
            self.channel.send_rows(header.copy(), encoded, count=self._count, **more)
        if not in_one:
            self._previews.put_off(spans)
        # No more than a part at a time: more rows may come, and the page has these to lay out.
        for previews in islice(self._previews.late(), 1):
            self.channel.send_previews(previews)

    def _new_row_of_more(self) -> list[rows.EncodedRow]:
        """Return the row of the calls past the cap on spans, if the page has not got it yet."""
        more = more_span(self._run, self._run.more)
        row = None if more is None else rows.encode_row(more, self._run)
        if row is None or row == self._sent_more:
            return []
        self._sent_more = row
        return [row]

    def _send_details(self, batch: Batch) -> None:
        # Content goes by message only: a trait could be saved with the notebook.
        if batch.items:
            self.channel.send_details(batch.items)
        if batch.growth:
            self.channel.send_growth(batch.growth)


def _spans_of(run: Run, ids: Iterable[str]) -> list[Span]:
    """Return the spans of these ids that have rows, as they started."""
    candidates = map(run.spans.get, ids)
    spans = [span for span in candidates if span is not None and not span.folded]
    spans.sort(key=lambda span: span.offset)
    # A page keeps the order that it is told: the requests of a batch have one start in common.
    if any(one.offset == another.offset for one, another in pairwise(spans)):
        place = {span_id: at for at, span_id in enumerate(list(run.spans))}
        spans.sort(key=lambda span: (span.offset, place[span.span_id]))
    return spans
