"""Requests that are in no sum of a run: what is said of them beside the sums."""

from __future__ import annotations

from aimon_nb.capture.state import ForeignCall, UnreadRequest

MOST_UNREAD = 100  # places of requests that no dialect reads, each named


def note_unread(event: UnreadRequest) -> None:
    """Note a request whose answer nobody could read, unless its framework counted it itself."""
    run_state, parent = event.open_span.run_state, event.open_span.parent
    above = parent.span if parent is not None else None
    if above is not None and above.is_call and above.usage.known:
        above.has_unread_request = True
        run_state.changed.add(above.span_id)
        return
    unread, place = run_state.run.unread, f"{event.host} {event.path}"
    if place not in unread and len(unread) >= MOST_UNREAD:
        place = "elsewhere"
    unread[place] = unread.get(place, 0) + 1
    run_state.changed.add(run_state.run.root_id or event.open_span.span_id)


def note_foreign_call(event: ForeignCall) -> None:
    """Count a call of code that another cell began: it is said beside the sums of this run."""
    run_state = event.run_state
    run_state.foreign_requests += event.is_request
    run_state.foreign_spans += not event.is_request
    # A span may stand for a request that was counted; which of them do is not known.
    run_state.run.foreign_calls = run_state.foreign_requests or run_state.foreign_spans
    if run_state.run.root_id is not None:
        run_state.changed.add(run_state.run.root_id)
