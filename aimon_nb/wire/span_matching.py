"""Each model request is attached to an open span, or gets one of its own.

The nearest open model-call span above the request takes it, through plumbing and
through calls already answered, never through a tool, an agent or a step of the
user's. One answered request a span; only an error frees it for a retry. A
framework's call spans directly above cover the same request. A framework may
have opened its span in another task, and a client's may never have been entered:
then parent and model find it. Else the wire makes a span of its own, below our
parent, never entered.
"""

from __future__ import annotations

import threading

from aimon_nb.capture import context
from aimon_nb.capture.state import OpenSpan, RunState
from aimon_nb.model.span import CALL_OPS, NOISE_OPS
from aimon_nb.providers import framework_of
from aimon_nb.sentry.adapters import at_sentry, attribute
from aimon_nb.sentry.span_tracker import SpanTracker
from aimon_nb.wire.deferred import deferred
from aimon_nb.wire.model_request import ModelRequest
from aimon_nb.wire.pending_calls import pending_calls
from aimon_nb.wire.retries import retries

# Two threads may send below one span: it takes one of the two requests.
_attaching = threading.RLock()


def attach_span(model_request: ModelRequest, tracker: SpanTracker, run_state: RunState) -> bool:
    """Find or make the span of a request that is about to be sent; False if there is none."""
    with _attaching:
        open_span, parent = _enclosing_call_span()
        if open_span is not None:
            _attach(open_span, model_request, tracker)
            if not model_request.duplicates and not _is_framework(open_span):
                _mark_duplicate_in_other_task(open_span, model_request, tracker)
        else:
            parent = parent or run_state.root
            open_span = _span_in_other_task(model_request, parent, tracker, include_unentered=True)
            open_span = open_span or _make_span(model_request, parent, tracker)
            if open_span is None:
                return False
            _attach(open_span, model_request, tracker)
    if model_request.dialect.may_be_deferred(model_request.body):
        deferred.expect(model_request)
    pending_calls.add(model_request)
    return True


def hold_span(model_request: ModelRequest, tracker: SpanTracker, run_state: RunState) -> bool:
    """Give a request that no dialect reads a span that is not told of yet; False if it has none.

    Only its answer shows whether it is a call (`PendingCall`). Until then it takes nobody's
    span, and nobody sees its own.
    """
    parent = context.nearest_open(context.current_span.get()) or run_state.root
    if parent is None:
        return False
    operation = model_request.call.operation
    model_request.tracker, model_request.is_held = tracker, True
    model_request.open_span = tracker.maker.held(parent, _op(operation), operation)
    model_request.open_span.model_request = model_request
    model_request.open_span.sdk_parent = at_sentry(parent).sdk
    model_request.attempt = retries.attempt(model_request)
    pending_calls.add(model_request)
    return True


def _enclosing_call_span() -> tuple[OpenSpan | None, OpenSpan | None]:
    """(the call span that takes the request, else None; the parent it stopped at)."""
    open_span = context.current_span.get()
    while open_span is not None:
        if open_span.t1 is not None:
            open_span = open_span.entered_from
            continue
        op = attribute(open_span, "sentry.op")
        if op in CALL_OPS:
            if open_span.accepts_request:
                return open_span, None
        elif op not in NOISE_OPS:
            return None, open_span
        open_span = open_span.parent
    return None, None


def _make_span(
    model_request: ModelRequest, parent: OpenSpan | None, tracker: SpanTracker
) -> OpenSpan | None:
    if parent is None:
        return None
    operation = model_request.call.operation
    return tracker.maker.make(parent, _op(operation), operation)


def _op(operation: str) -> str:
    op = f"gen_ai.{operation}"
    return op if op in CALL_OPS else "gen_ai.chat"


def _attach(open_span: OpenSpan, model_request: ModelRequest, tracker: SpanTracker) -> None:
    failed, model_request.open_span, model_request.tracker = (
        open_span.model_request,
        open_span,
        tracker,
    )
    model_request.attempt = retries.attempt(model_request)
    open_span.model_request = model_request
    open_span.note_call()
    _mark_duplicates_above(open_span, model_request)
    if isinstance(failed, ModelRequest):
        _split_off_failed_attempt(failed, open_span, tracker)


def _split_off_failed_attempt(
    failed: ModelRequest, open_span: OpenSpan, tracker: SpanTracker
) -> None:
    """Move the failed attempt to a span beside this one, so that both are shown."""
    parent = open_span.parent or open_span.run_state.root
    if failed.open_span is not open_span or parent is None:
        return
    failed.on_done()
    operation = failed.call.operation
    t0 = int(failed.t0 * 1e9)
    failed.move_to_span(tracker.maker.bare(parent, _op(operation), operation, t0))
    pending_calls.add(failed)


def _mark_duplicates_above(open_span: OpenSpan, model_request: ModelRequest) -> None:
    """Open call spans directly above stand for the same request: they fold."""
    above = open_span.parent
    while above is not None and above.t1 is None:
        op = attribute(above, "sentry.op")
        if op in CALL_OPS:
            _mark_duplicate(above, model_request)
        elif op not in NOISE_OPS:
            break
        above = above.parent


def _mark_duplicate_in_other_task(
    open_span: OpenSpan, model_request: ModelRequest, tracker: SpanTracker
) -> None:
    """A framework's span for the same request may stand in another task."""
    parent = open_span.parent
    while parent is not None and attribute(parent, "sentry.op") in NOISE_OPS:
        parent = parent.parent
    cover = _span_in_other_task(model_request, parent, tracker)
    if cover is not None:
        _mark_duplicate(cover, model_request)


def _mark_duplicate(open_span: OpenSpan, model_request: ModelRequest) -> None:
    open_span.model_request, open_span.is_duplicate = model_request, True
    model_request.duplicates.append(open_span)


def _span_in_other_task(
    model_request: ModelRequest,
    parent: OpenSpan | None,
    tracker: SpanTracker,
    *,
    include_unentered: bool = False,
) -> OpenSpan | None:
    """Return an open call span that takes the request although it is not above it.

    It is a framework's, opened in another task or thread; with `include_unentered` also one
    that was opened in this task and never entered: its integration put it on Sentry's scope.
    """
    if not tracker.unmatched_call_spans:
        return None
    home = context.task_and_thread()
    for open_span in list(tracker.unmatched_call_spans):
        if not _is_waiting(open_span):
            tracker.unmatched_call_spans.pop(open_span, None)
        elif open_span.accepts_request and open_span.parent is parent and _is_call(open_span):
            fits = (
                not open_span.entered and include_unentered
                if open_span.task_and_thread == home
                else _is_framework(open_span)
            )
            model = attribute(open_span, "gen_ai.request.model") if fits else None
            if fits and (model is None or model_request.requested_model() in (None, model)):
                return open_span
    return None


def _is_waiting(open_span: OpenSpan) -> bool:
    if open_span.t1 is not None or open_span.is_answered:
        return False
    if not _is_call(open_span):
        # Another library's span may say later that it is one.
        return open_span.source is not None and not open_span.entered
    return not open_span.entered or _is_framework(open_span)


def _is_call(open_span: OpenSpan) -> bool:
    return attribute(open_span, "sentry.op") in CALL_OPS


def _is_framework(open_span: OpenSpan) -> bool:
    """Whether its span may have been opened in another task than the request's.

    A client's own integration opens its span in the caller's context.
    """
    origin = str(attribute(open_span, "sentry.origin"))
    return framework_of(origin) is not None
