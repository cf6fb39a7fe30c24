"""The details that a run's pages have, so that each prompt and answer is sent once.

A prompt is told when its call starts, an answer as it grows, and both are left out when only a
price or a number changed afterwards. Where spans come by the thousand, or texts by the
megabyte, details wait until the page requests them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from aimon_nb.model import Run, Span
from aimon_nb.views.present.detail import Detail, detail

# Details that are sent without a request, at a time.
DETAILS = 100
# Characters of prompts and answers that are sent without a request, a run.
TEXT = 20_000_000


class Sent(NamedTuple):
    """What the page has of a span's conversation: its turns, and the characters of the last."""

    turns: int
    characters: int


class Batch(NamedTuple):
    """Details that leave together: new ones, and what answers grew by; both by span id."""

    items: dict[str, Detail]
    growth: dict[str, str]


class DetailNews:
    """The details of one run, as far as its pages know them."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._sent: dict[str, Sent] = {}
        self._budget = TEXT

    def fresh(self, spans: list[Span]) -> Batch:
        """Return what the page lacks of these; beyond the bound only what it has in an older form.

        Of many first come the failed, then the calls, then the last.
        """
        sent, root = self._sent, self._run.root_id
        chosen = [span for span in spans if span.span_id in sent]
        if self._budget > 0:
            new = [s for s in spans if s.span_id not in sent and s.span_id != root]
            if len(new) > DETAILS:
                # A stable sort: by time within. Of a call the conversation is read first.
                new.sort(key=lambda span: (span.status == "error", span.is_call))
            chosen += new[-DETAILS:]
        batch = Batch({}, {})
        for span in chosen:
            if self._budget > 0 or span.span_id in sent:
                self._add(span, batch)
        return batch

    def wanted(self, spans: Iterable[Span]) -> Batch:
        """Return the whole details of these, whatever the page has of them."""
        batch = Batch({}, {})
        for span in spans:
            self._sent.pop(span.span_id, None)
            self._add(span, batch)
        return batch

    def forget(self) -> None:
        """Send all again: a page lacks some."""
        self._sent.clear()
        self._budget = TEXT

    def _add(self, span: Span, batch: Batch) -> None:
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
