"""The root span of a run, in whichever lifecycle the client has.

Sentry's current scope is forked for the run: a task that outlives the cell
restores its stale parent on the fork, not on the scope of later cells.
"""

from __future__ import annotations

import time
from typing import Any

import sentry_sdk
from sentry_sdk import scope as sentry_scope

from aimon_nb.capture import context
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.redact import redact_name, redact_texts
from aimon_nb.capture.run_recorder import Recorder
from aimon_nb.capture.state import RunState
from aimon_nb.model.redaction import redaction
from aimon_nb.model.sending import DROPPED, NOTE
from aimon_nb.sentry import own_spans, root_trace
from aimon_nb.sentry.adapters import attribute
from aimon_nb.sentry.client import destination, why_nowhere
from aimon_nb.sentry.discarding import discarding_scope
from aimon_nb.sentry.span_tracker import SpanTracker

OP = "ai.pipeline"
ORIGIN = "auto.aimon_nb"
OVER_LIMIT = "no: over the limit"
NOT_SAMPLED = "not sampled"  # where spans of a run go whose root the client did not sample
_INTEGRATIONS = ("auto.ai.", "auto.otel.")  # whose spans nobody else ends

# Why a run is not sent though there is a client.
OF_AUTO = "%ai_auto sends none (AimonMagics.sentry_auto)"


class RootSpan:
    """An open root; `close` restores everything it changed."""

    def __init__(self, run_state: RunState, tracker: SpanTracker, pipeline: str) -> None:
        self.run_state, self._tracker = run_state, tracker
        run = run_state.run
        # set(old), never reset(token): an async cell ends in another context.
        self._before = (
            context.current_run.get(),
            context.current_span.get(),
            context.current_pipeline.get(),
        )
        self._scope = sentry_scope._current_scope.get()
        try:
            sentry_scope._current_scope.set(sentry_sdk.get_current_scope().fork())
            context.current_pipeline.set(pipeline)
            context.current_run.set(run_state)  # before the root: the root belongs to this run
            run.destination, run.unsent = _destination(may_be_sent=run_state.may_be_sent)
            self._span = _start(run_state)
            if run.destination != "local" and not self._span.sampled:
                run.destination = NOT_SAMPLED
            self._span.__enter__()
        except BaseException:
            self.leave()
            sentry_scope._current_scope.set(self._scope)
            raise
        if tracker.changed is None:
            open_span = tracker.open_by_id.get(id(self._span))
        else:
            run.notes.append(tracker.changed)
            open_span = tracker.fallback.root(run_state, self._span)
        run.notes += tracker.notes
        run_state.root = open_span
        if open_span is not None:
            run.root_id, run.trace_id = open_span.span_id, self._span.trace_id
            context.current_span.set(open_span)

    def leave(self) -> None:
        """Restore the context from before the run: what starts from here on is not of it."""
        for var, value in zip(
            (context.current_run, context.current_span, context.current_pipeline),
            self._before,
            strict=True,
        ):
            var.set(value)  # type: ignore[attr-defined]

    def close(self, error: BaseException | None) -> None:
        """End the root: Sentry serialises the whole run here, on this thread.

        A forked child that goes on with its parent's code has a copy of it, and sends none.
        """
        if self._tracker.recorder.forked:
            sentry_scope._current_scope.set(discarding_scope())
        try:
            ty = type(error) if error is not None else None
            self._span.__exit__(ty, error, getattr(error, "__traceback__", None))
        finally:
            sentry_scope._current_scope.set(self._scope)

    def abort(self) -> None:
        """End the root, and what is open below it: the process ends in the middle of the run."""
        for open_span in [*reversed(self.run_state.open_spans)]:
            if open_span is not self.run_state.root and open_span.t1 is None:
                with internal_errors.suppress("ending a span at the end of the process"):
                    open_span.adapter.finish(open_span, time.time(), "cancelled")
        if self.run_state.root is not None:
            self.run_state.root.adapter.finish(self.run_state.root, time.time(), "cancelled")

    def drop(self, error: BaseException | None) -> None:
        """Close the root of a quiet run without a model call: Sentry gets nothing of it.

        In the stream lifecycle the user's own spans have left already, and hang on it.
        """
        run = self.run_state.run
        if own_spans.discard_spans(self._span) or run.spans.keys() <= {run.root_id}:
            sentry_scope._current_scope.set(discarding_scope())
        self.close(error)

    def set_sent_status(self) -> int:
        """Note on every span whether Sentry will get it; all but the root have ended.

        Returns how many it will not get because they are over its limit for a
        transaction, those among them that our own cap let go.
        """
        self._end_integrations_spans()
        # Its client was closed meanwhile, and nobody else sends it.
        if self.run_state.run.destination == "Sentry" and destination() == "local":
            _set_dropped(self.run_state, self._span)
            return 0
        carried, run = own_spans.carried_ids(self._span), self.run_state.run
        if self._tracker.changed is None:
            _set_sent_status(self.run_state, self._span, carried)
        else:
            # Of an SDK that we do not know not every span is in the run under its own id.
            self._tracker.fallback.forget(self.run_state)
            _set_sent_status(self.run_state, self._span, None)
        over = sum(span.sent == OVER_LIMIT for span in run.spans.values())
        if carried is not None:
            over += max(0, self.run_state.span_limit.dropped - len(carried - run.spans.keys()))
        return over

    def _end_integrations_spans(self) -> None:
        """End what integrations left open: Sentry gets it too, and calls of the run hang below it.

        The records have it abandoned already; a late end of its own changes nothing.
        """
        for open_span in list(self._tracker.open_by_id.values()):
            origin = str(attribute(open_span, "sentry.origin"))
            if open_span.run_state is self.run_state and origin.startswith(_INTEGRATIONS):
                self._tracker.open_by_id.pop(id(open_span.sdk), None)
                open_span.adapter.finish(open_span, time.time(), "cancelled")

    @property
    def sdk(self) -> Any:
        """The SDK's own span."""
        return self._span


def open_root(
    recorder: Recorder,
    tracker: SpanTracker,
    name: str,
    pipeline: str | None = None,
    *,
    may_be_sent: bool = True,
    **facts: Any,
) -> RootSpan:
    """Open a run and its root span, and make both current."""
    name = redact_name(name)
    options = facts.get("options") or {}
    for kind in ("tags", "data"):
        if kind in options:
            options[kind] = redact_texts(options[kind])
    if "op" in options:
        options["op"] = redact_name(options["op"])
    run_state = recorder.open_run(name, **facts)
    run_state.may_be_sent = may_be_sent
    try:
        return RootSpan(run_state, tracker, redact_name(pipeline or name))
    except BaseException as error:
        recorder.end_run(run_state, "error", error)
        raise


def _destination(*, may_be_sent: bool) -> tuple[str, str | None]:
    """Return where spans go, and why not to Sentry though there is a client."""
    place = destination()
    if place == "local":
        client = sentry_sdk.get_client()
        return place, why_nowhere(client) if client.is_active() else None
    return (place, None) if may_be_sent else ("local", OF_AUTO)


def _start(run_state: RunState) -> Any:
    run = run_state.run
    options = {"origin": ORIGIN, **run.options.get("span", {})}
    may_be_sent = run_state.may_be_sent and options.get("sampled") is not False
    # Unsampled where nobody would get it: nothing is serialised for nobody.
    if run.destination == "local":
        options["sampled"] = False
    op = run.options.get("op") or OP
    # Here already: the header of each envelope names it.
    name = redaction.text("sentry", "name", run.name)
    return root_trace.start(name, op, options, may_be_sent=may_be_sent)


def _set_dropped(run_state: RunState, root: Any) -> None:
    """Note what a closed client cannot send: all of a transaction, of a segment itself.

    What was streamed below it may have left before: of that nobody knows.
    """
    run = run_state.run
    run.notes.append(f"{NOTE}its client was closed before the run was over")
    is_whole = own_spans.carried_ids(root) is not None
    for span in run.spans.values():
        if span.sent is None and (is_whole or span.span_id == run.root_id):
            span.sent = DROPPED


def _set_sent_status(run_state: RunState, root: Any, carried: set[str] | None) -> None:
    """Set `Span.sent` where nothing has; of a transaction only the `carried` spans are sent."""
    run, open_root_span = run_state.run, run_state.root
    if run.destination == "local":
        sent = "no: local"
    elif open_root_span is None or not open_root_span.adapter.is_sampled(root):
        sent = "no: not sampled"
    else:
        sent = "yes"
    for span in [span for span in run.spans.values() if span.sent is None]:
        is_carried = carried is None or span.span_id in carried or span.span_id == run.root_id
        if sent == "yes" and not is_carried:
            span.sent = "no: late" if span.late or span.duration is None else OVER_LIMIT
        else:
            span.sent = sent
