"""What sources post, and how it becomes records.

An event is an `OpenSpan`, appended at its start and again at its end, a `CallUpdate`, an
`UnreadRequest`, a `ForeignCall`, or an `OpenItem` that was left or is done.
A source that has work of its own to do before it can post is polled.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from aimon_nb.capture import span_builder
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.items import OpenItem
from aimon_nb.capture.state import CallUpdate, ForeignCall, OpenSpan, RunState, UnreadRequest
from aimon_nb.capture.uncounted import note_foreign_call, note_unread


class PolledSource(NamedTuple):
    """A producer of events that the recorder polls."""

    poll: Callable[[EventLog], None]  # post what is new
    abandon: Callable[[RunState], None]  # this run ends at the next poll: nobody waits for more


class EventLog(deque["OpenSpan | CallUpdate | UnreadRequest | ForeignCall | OpenItem"]):
    """The events since the last look; to append one is all that the user's thread does."""


def absorb(log: EventLog, sources: Iterable[PolledSource], run_states: Iterable[RunState]) -> None:
    """Turn all events into records; one thread at a time.

    Spans are read before the sources are polled: what those write on them for Sentry is not
    to come back as attributes of the user's.
    """
    _take(log)
    for run_state in run_states:
        if run_state.open_spans:
            span_builder.update_open_spans(run_state, run_state.open_spans)
    for source in sources:
        with internal_errors.suppress("polling a source"):
            source.poll(log)
    for open_span in _take(log):
        span_builder.update_open_spans(open_span.run_state, [open_span])


def _take(log: EventLog) -> list[OpenSpan]:
    """Apply the events in the log; return the spans that began, of which nothing is read yet."""
    begun: list[OpenSpan] = []
    for _ in range(len(log)):
        event = log.popleft()
        try:
            if isinstance(event, CallUpdate):
                span_builder.update_call(event)
            elif isinstance(event, UnreadRequest):
                note_unread(event)
            elif isinstance(event, ForeignCall):
                note_foreign_call(event)
            elif isinstance(event, OpenItem):
                span_builder.note_item(event)
            elif event.is_recorded:
                event.is_end_recorded = True
                span_builder.end_span(event)
            else:
                event.is_recorded = True
                span_builder.begin_span(event)
                begun.append(event)
        except Exception:
            internal_errors.record("recording a span")
    return begun
