"""Makes and completes the spans of a run: at start, end and answer, and when the run is over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aimon_nb.capture.attributes import change_key
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.state import CapturedRequest, OpenSpan, RunState
from aimon_nb.model import Span
from aimon_nb.model.run import RunStatus

Read = Callable[[OpenSpan, Span], "dict[str, Any] | None"]  # writes on the record; its attributes


def begin_span(open_span: OpenSpan) -> None:
    """Make the record of a span."""
    run_state, parent = open_span.run_state, open_span.parent
    run, span_id = run_state.run, open_span.span_id
    offset = (open_span.t0 - run_state.t0) / 1e9
    above = parent.span_id if parent is not None else run.root_id
    if open_span is run_state.root:
        above = None
    open_span.span = span = Span(span_id, above, run.run_id, run.started, offset)
    if run_state.closed:
        span.late = True
    adapter = open_span.adapter
    if adapter.unsent_reason is not None:
        span.sent = adapter.unsent_reason
        if adapter.unsent_note not in run.notes:
            run.notes.append(adapter.unsent_note)
    if len(run.spans) >= run_state.span_limit.limits.spans:
        run_state.span_limit.add(open_span, span, run)
    run.spans[span_id] = span
    run_state.open_spans[open_span] = None
    run_state.changed.add(span_id)


def end_span(open_span: OpenSpan, read: Read) -> None:
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
        _update(open_span, span, read)
    except Exception:  # whatever it says of itself, it has ended
        internal_errors.record("reading a span")
    if open_span.error is not None:
        span.status, span.error_type, span.error, span.frames = open_span.error
    elif span.status == "running":
        span.status = "ok"
    run_state.changed.add(span.span_id)
    if open_span.model_request is not None:
        open_span.model_request.record()  # the wire has the last word on its span
        if not open_span.model_request.settled:
            return
    if span.folded:
        run_state.span_limit.end(span, run_state.run)
    open_span.sdk = None


def _update(open_span: OpenSpan, span: Span, read: Read) -> None:
    """Bring a record up to what its span says of itself."""
    run_state = open_span.run_state
    data = read(open_span, span)
    if data is not None:
        run_state.span_limit.take(data, span, run_state.run, ended=span.duration is not None)
    span.is_duplicate = open_span.is_duplicate
    if open_span is run_state.root and run_state.run.trace_id is None:
        run_state.run.trace_id = span.trace_id


def update_open_spans(run_state: RunState, read: Read) -> None:
    """Bring open spans and answers under way up to date."""
    for open_span in list(run_state.open_spans):
        update_open_span(open_span, read)
    for model_request in list(run_state.requests):
        try:
            _advance_request(run_state, model_request)
        except Exception:
            run_state.requests.pop(model_request, None)
            internal_errors.record("reading a model's answer")


def update_open_span(open_span: OpenSpan, read: Read) -> None:
    """Bring the record of an open span up to what it says of itself now."""
    run_state, span = open_span.run_state, open_span.span
    if span is None or open_span not in run_state.open_spans:
        return
    with internal_errors.suppress("reading a span"):
        before = change_key(span)
        _update(open_span, span, read)
        if change_key(span) != before:
            run_state.changed.add(span.span_id)


def _advance_request(run_state: RunState, model_request: CapturedRequest) -> None:
    open_span = model_request.open_span
    if run_state.closed and open_span.span is not None and not model_request.over:
        open_span.span.late = True  # whatever comes from here on
    if model_request.read():
        run_state.changed.add(open_span.span_id)
    if model_request.ready:
        model_request.settle()
        if model_request.is_read:
            del run_state.requests[model_request]
            if open_span.span is not None:
                run_state.span_limit.cut_content(open_span.span, run_state.run)
        if open_span.t1 is not None and open_span not in run_state.open_spans:
            open_span.sdk = None


def end_open_spans(run_state: RunState, read: Read, status: RunStatus, t1: int) -> None:
    """The run is over: what has not ended by now was abandoned, or interrupted with it."""
    for open_span in list(run_state.open_spans):
        span = open_span.span
        run_state.open_spans.pop(open_span, None)
        if span is None:
            continue
        span.duration = (t1 - open_span.t0) / 1e9
        with internal_errors.suppress("reading a span"):
            _update(open_span, span, read)
        with internal_errors.suppress("ending a span that was left open"):
            run_state.changed.add(span.span_id)
            if open_span is run_state.root:
                span.status = status if status in ("ok", "interrupted") else "error"
                open_span.t1 = t1
            else:
                span.status = "interrupted" if status == "interrupted" else "abandoned"
                run_state.span_limit.end(span, run_state.run)
