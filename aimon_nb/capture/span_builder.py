"""Makes and completes the spans of a run: the only writer of a `Span`.

Two sources tell of a model call: the SDK's span by its attributes, and the wire by its
bytes. `merge` is the one place where both meet.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from aimon_nb.capture.attributes import is_counted_by_sdk, reported_usage, update_fields
from aimon_nb.capture.caller_lines import note_caller
from aimon_nb.capture.dropped_content import OFF, note_content
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.items import OpenItem, item_of
from aimon_nb.capture.kept_content import take_step_content
from aimon_nb.capture.prompt_quotes import keep_apart
from aimon_nb.capture.redact import redact_name
from aimon_nb.capture.state import CallUpdate, OpenSpan, RunState
from aimon_nb.model import Span, Usage
from aimon_nb.model.caller import Caller
from aimon_nb.model.run import RunStatus
from aimon_nb.model.span import UsageSource
from aimon_nb.model.usage import NOTHING


def merge(span: Span, attributes: dict[str, Any] | None, update: CallUpdate | None) -> None:
    """Bring what attributes and wire both tell up to date.

    The wire goes first: it is what the provider bills. What it does not tell is taken from
    the attributes, plain data, or None where there is nothing new to read.
    """
    recorded: tuple[Usage, UsageSource | None] = NOTHING, None
    if attributes is not None:
        update_fields(span, attributes)
        recorded = _recorded(span, attributes)
    elif span.usage_source in ("recorded", "sdk_estimate"):
        recorded = span.usage, span.usage_source
    if update is not None:
        call = span.call = update.call
        span.provider, span.operation = call.provider or span.provider, call.operation
        span.request_model = call.request_model or span.request_model
        span.model = call.response_model or call.request_model or span.model
        span.finish_reason, span.streaming = call.finish_reason, call.streaming
        span.attempt, span.retry_group = update.attempt, update.retry_group
        span.not_sent = update.not_sent
        span.ttft, span.conversation = update.ttft, call.conversation or span.conversation
    span.usage, span.usage_source = _usage(span, recorded)


def _recorded(span: Span, attributes: dict[str, Any]) -> tuple[Usage, UsageSource | None]:
    usage = reported_usage(attributes)
    if not usage.known:
        return usage, None
    by_sdk = is_counted_by_sdk(usage, attributes, span.origin)
    return usage, "sdk_estimate" if by_sdk else "recorded"


def _usage(
    span: Span, recorded: tuple[Usage, UsageSource | None]
) -> tuple[Usage, UsageSource | None]:
    """What the provider told, else what was recorded on the span, else an estimate."""
    call = span.call
    if call is not None and call.usage.known:
        return call.usage, "provider"
    # The zeros that an integration writes for an answer it did not see the end of are no counts.
    if call is None or recorded[0].input or recorded[0].output:
        return recorded
    return call.estimate, "estimate" if call.estimate.known else None


def move_start(run_state: RunState, started: datetime, t0: int) -> None:
    """A run and its root begin at this time, `t0` by the recorder's clock; nothing else moves."""
    run, moved = run_state.run, (t0 - run_state.t0) / 1e9
    run_state.t0, run.started = t0, started
    if run_state.root is not None:
        run_state.root.t0 = t0
    for span in run.spans.values():
        span.since = started
        span.offset = 0.0 if span.span_id == run.root_id else span.offset - moved


def begin_span(open_span: OpenSpan) -> None:
    """Make the record of a span."""
    run_state, parent = open_span.run_state, open_span.parent
    run, span_id = run_state.run, open_span.span_id
    offset = (open_span.t0 - run_state.t0) / 1e9
    above = parent.span_id if parent is not None else run.root_id
    if open_span is run_state.root:
        above = None
    open_span.span = span = Span(span_id, above, run.run_id, run.started, offset)
    item = item_of(open_span, run_state)
    span.item = None if item is None else item.item
    if run_state.closed:
        span.late = True
    if not run_state.keeps_content:
        span.content_gone = OFF
    adapter = open_span.adapter
    if adapter.unsent_reason is not None:
        span.sent = adapter.unsent_reason
        if adapter.unsent_note not in run.notes:
            run.notes.append(adapter.unsent_note)
    if open_span.is_unsent and run.destination != "local":
        span.sent = "no: held back"
    if len(run.spans) >= run_state.span_limit.limits.spans:
        run_state.span_limit.add(open_span, span, run)
    run.spans[span_id] = span
    run_state.open_spans[open_span] = None
    run_state.changed.add(span_id)


def end_span(open_span: OpenSpan) -> None:
    """Complete the record of a span, and let go of the SDK's object."""
    run_state, span = open_span.run_state, open_span.span
    if span is None:
        return
    run_state.open_spans.pop(open_span, None)
    if run_state.closed:
        span.late, span.sent = True, span.sent or "no: late"
    if open_span.t1 is not None:
        span.duration = (open_span.t1 - open_span.t0) / 1e9
    try:
        _read(open_span, span)
    except Exception:  # whatever it says of itself, it has ended
        internal_errors.record("reading a span")
    _set_caller(span, open_span.caller, run_state)
    if open_span.error is not None:
        span.status, span.error_type, span.error, span.frames = open_span.error
    elif span.status == "running":
        span.status = "ok"
    if open_span.call_update is not None:
        _set_outcome(span, open_span.call_update)  # the wire has the last word on its span
    keep_apart(span)
    if open_span.call_update is None or open_span.call_update.is_read:
        note_content(span, run_state)
    run_state.changed.add(span.span_id)
    _release(open_span, span)


def update_open_spans(run_state: RunState, open_spans: Iterable[OpenSpan]) -> None:
    """Refresh the records of spans of a run that are still open from the SDK's objects."""
    for open_span in list(open_spans):
        span = open_span.span
        if span is None or open_span not in run_state.open_spans:
            continue
        with internal_errors.suppress("reading a span"):
            before = _visible(span)
            _read(open_span, span)
            if _visible(span) != before:
                run_state.changed.add(span.span_id)


def _visible(span: Span) -> tuple[Any, ...]:
    """The displayed fields of an open span, compared to detect a change."""
    facts = span.name, span.op, span.model, span.usage, len(span.attributes), span.is_duplicate
    return *facts, span.step is None, span.is_alias, span.conversation


def _read(open_span: OpenSpan, span: Span) -> None:
    """Refresh the record of a span from the SDK's object."""
    run_state = open_span.run_state
    attributes = open_span.adapter.read(open_span, span)
    span.name = redact_name(span.name)
    if attributes is not None:
        limit = run_state.span_limit
        plain = limit.plain_attributes(attributes, ended=span.duration is not None)
        merge(span, plain, open_span.call_update)
        if plain is not attributes:
            limit.cut_attributes(span, run_state.run)
    take_step_content(open_span, span)
    span.is_duplicate, span.is_part = open_span.is_duplicate, open_span.is_part
    if open_span.is_alias and not span.is_alias:
        span.is_alias = True
        # What was told to be below it is now below the row above it.
        below = (one.span for one in run_state.open_spans if one.parent is open_span)
        run_state.changed.update(one.span_id for one in below if one is not None)
    if open_span is run_state.root and run_state.run.trace_id is None:
        run_state.run.trace_id = span.trace_id


def update_call(update: CallUpdate) -> None:
    """Apply what the wire tells of a call to the record of its span."""
    open_span = update.open_span
    run_state, span = open_span.run_state, open_span.span
    if span is None or open_span.model_request is not update.request:
        return  # a retry has its span
    before, open_span.call_update = open_span.call_update, update
    if before is not None and before.request is not update.request:
        _forget_failed_attempt(open_span, span)
    _set_caller(span, update.request.caller, run_state)
    if update.abandoned and run_state.closed:
        span.late = True
    elif update.abandoned and not update.is_read:
        run_state.unfinished.append(span)
    merge(span, None, update)
    if update.is_earlier_attempt and run_state.run.destination != "local":
        span.sent = "no: held back"
    _set_outcome(span, update)
    keep_apart(span)
    run_state.changed.add(span.span_id)
    if update.is_read:
        run_state.span_limit.cut_content(span, run_state.run)
    if update.is_read or update.abandoned:
        note_content(span, run_state)
    if open_span.t1 is not None and open_span not in run_state.open_spans:
        _release(open_span, span)


def _set_caller(span: Span, caller: Caller, run_state: RunState) -> None:
    if caller and span.called_from is None:
        told = note_caller(span, caller, run_state.callers)
        run_state.changed.update(one.span_id for one in told)


def note_item(open_item: OpenItem) -> None:
    """Show how far the batch of an item has come."""
    run_state = open_item.run_state
    if run_state.run.root_id is not None:
        run_state.changed.add(run_state.run.root_id)


def mark_unfinished_late(run_state: RunState) -> None:
    """What still comes of the answers that a run did not wait for is late."""
    for span in run_state.unfinished:
        span.late = True
    run_state.unfinished.clear()


def _forget_failed_attempt(open_span: OpenSpan, span: Span) -> None:
    """A retry took the span: what failed before says nothing of this row any more."""
    if open_span.error is None:
        span.error_type, span.error, span.frames = None, None, ()
        span.error_in_full = None
        span.status = "running" if span.duration is None else "ok"


def _set_outcome(span: Span, update: CallUpdate) -> None:
    """Set how a call ended, where its answer tells more than the span's own end."""
    if update.status is not None and (update.is_read or span.status != "interrupted"):
        span.status = update.status
    if update.error is not None and span.error_type is None:
        span.error_type, span.error = update.error
        span.frames = update.frames
    if update.status is None and update.abandoned and span.late and update.duration is not None:
        span.status, span.duration = "ok", update.duration


def _release(open_span: OpenSpan, span: Span) -> None:
    """Let go of the SDK's object, unless usage is still to be written on it."""
    if open_span.model_request is not None and not open_span.model_request.settled:
        return
    if span.folded:
        open_span.run_state.span_limit.end(span, open_span.run_state.run)
    open_span.release()


def end_open_spans(run_state: RunState, status: RunStatus, t1: int) -> None:
    """The run is over: what has not ended by now was abandoned, or interrupted with it."""
    for open_span in list(run_state.open_spans):
        span = open_span.span
        run_state.open_spans.pop(open_span, None)
        if span is None:
            continue
        # One of a thread that goes on may have begun since.
        span.duration = max(0, t1 - open_span.t0) / 1e9
        with internal_errors.suppress("reading a span"):
            _read(open_span, span)
        with internal_errors.suppress("ending a span that was left open"):
            run_state.changed.add(span.span_id)
            if open_span is run_state.root:
                span.status = status if status in ("ok", "interrupted") else "error"
                open_span.t1 = t1
            else:
                span.status = "interrupted" if status == "interrupted" else "abandoned"
                run_state.span_limit.end(span, run_state.run)
            note_content(span, run_state)
