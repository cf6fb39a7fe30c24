"""What the pages have of a run, so that each thing is sent once.

Rows are always sent. A prompt is sent when its call starts, an answer as it
grows, and both are left out when only a price or a number changed afterwards.
Where spans come by the thousand, or texts by the megabyte, details wait until the
page requests them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

from aimon_nb.model import Run, Span
from aimon_nb.model.redaction import redaction
from aimon_nb.model.run import RunStatus
from aimon_nb.views.live.widget import answers, call_answers
from aimon_nb.views.live.widget.answers import Answer
from aimon_nb.views.live.widget.item_news import ItemNews
from aimon_nb.views.live.widget.previews import Previews
from aimon_nb.views.present import rows
from aimon_nb.views.present.detail import Detail, detail
from aimon_nb.views.present.more_calls import more_span

# Rows a message.
BATCH = 1_000
# Details that are sent without a request, at a time.
DETAILS = 100
# Characters of prompts and answers that are sent without a request, a run.
TEXT = 20_000_000


class Sent(NamedTuple):
    """What the page has of a span's conversation: its turns, and the characters of the last."""

    turns: int
    characters: int


class _Batch(NamedTuple):
    """Details that leave together: new ones, and what answers grew by; both by span id."""

    items: dict[str, Detail]
    growth: dict[str, str]


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
        self._sent: dict[str, Sent] = {}
        self._budget = TEXT
        # Messages of rows: a page that counted fewer lacks some.
        self._count = 0
        self._sent_more: rows.EncodedRow | None = None
        self._previews = Previews(run)
        self._items = ItemNews(run)
        self._lock = threading.RLock()
        self.channel = make(run.run_id, self.snapshot)
        self.channel.on_ask(self.send_all, self.send_wanted, self._answer)
        if run.running:
            self.channel.announce()

    def send(self, changed: Iterable[str]) -> None:
        """Send the spans of these ids."""
        spans = self._known(changed)
        with self._lock:
            # The tree is whole before the first detail.
            self._send_rows(spans)
            self._send_details(self._prioritise(spans))

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
            self._sent.clear()
            self._sent_more = None
            self._previews.forget()
            self._items.forget()
            self._budget = TEXT
            self.send(list(self._run.spans))
            self.channel.send_rows(rows.header(self._run), [], cut=0, whole=self._count)

    def send_wanted(self, ids: list[str]) -> None:
        """Send the details of these spans, whatever the page has of them."""
        with self._lock:
            for span_id in ids:
                self._sent.pop(span_id, None)
            spans, more = self._known(ids), more_span(self._run, self._run.more)
            if more is not None and more.span_id in ids:
                spans.append(more)
            self._send_details(spans, requested=True)

    def _answer(self, asked: Mapping[str, Any]) -> Answer | None:
        told = answers.answer(self._run, asked)
        return told or call_answers.answer(self._run, self._runs, asked)

    def snapshot(self) -> dict[str, object]:
        """Return the rows as far as they fit a trait, and how many messages of them there were."""
        with self._lock:
            # A front end may save it.
            run = redaction.run("notebook", self._run)
            return {**rows.snapshot(run), "count": self._count}

    def _known(self, ids: Iterable[str]) -> list[Span]:
        candidates = map(self._run.spans.get, ids)
        spans = [span for span in candidates if span is not None and not span.folded]
        spans.sort(key=lambda span: span.offset)
        # A page keeps the order that it is told: the requests of a batch have one start in common.
        if any(one.offset == another.offset for one, another in pairwise(spans)):
            place = {span_id: at for at, span_id in enumerate(list(self._run.spans))}
            spans.sort(key=lambda span: (span.offset, place[span.span_id]))
        return spans

    def _prioritise(self, spans: list[Span]) -> list[Span]:
        """Return what the page has in an older form, then the failed, the calls and the last."""
        sent, root = self._sent, self._run.root_id
        older = [span for span in spans if span.span_id in sent]
        fresh = [s for s in spans if s.span_id not in sent and s.span_id != root]
        if len(fresh) > DETAILS:
            # A stable sort: by time within. Of a call the conversation is read first.
            fresh.sort(key=lambda span: (span.status == "error", span.is_call))
        return older + fresh[-DETAILS:]

    def _send_rows(self, spans: list[Span]) -> None:
        run = self._run
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
            private = {"previews": self._previews.fresh(batch), "new_items": self._items.fresh()}
            more = {name: value for name, value in private.items() if value}
            self.channel.send_rows(header.copy(), encoded, count=self._count, **more)

    def _new_row_of_more(self) -> list[rows.EncodedRow]:
        """Return the row of the calls past the cap on spans, if the page has not got it yet."""
        more = more_span(self._run, self._run.more)
        row = None if more is None else rows.encode_row(more, self._run)
        if row is None or row == self._sent_more:
            return []
        self._sent_more = row
        return [row]

    def _send_details(self, spans: list[Span], *, requested: bool = False) -> None:
        batch = _Batch({}, {})
        for span in spans:
            if requested or self._budget > 0 or span.span_id in self._sent:
                self._add_details(span, batch)
        # Content goes by message only: a trait could be saved with the notebook.
        if batch.items:
            self.channel.send_details(batch.items)
        if batch.growth:
            self.channel.send_growth(batch.growth)

    def _add_details(self, span: Span, batch: _Batch) -> None:
        """Add what the page lacks of a span's details."""
        item = detail(span)
        turns = item["messages"] or []
        last = turns[-1]["text"] if turns else ""
        now, before = Sent(len(turns), len(last)), self._sent.get(span.span_id)
        self._sent[span.span_id] = now
        if before == now:
            # None: the page has them.
            item["messages"] = item["parameters"] = item["tools"] = None
        elif before is not None and before.turns == now.turns and span.status == "running":
            batch.growth[span.span_id] = last[before.characters :]
            self._budget -= len(last) - before.characters
            return
        else:
            self._budget -= sum(len(turn["text"]) for turn in turns)
            self._budget -= sum(len(tool["schema"]) for tool in item["tools"] or ())
        batch.items[span.span_id] = item
