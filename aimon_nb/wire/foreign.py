"""Calls that are of no run: code that another cell began makes them while a run is open."""

from __future__ import annotations

from datetime import datetime, timezone

from aimon_nb.capture.state import ForeignCall, OpenSpan, RunState
from aimon_nb.model import Run
from aimon_nb.sentry.adapters import BARE
from aimon_nb.sentry.span_tracker import SpanTracker
from aimon_nb.wire.model_request import ModelRequest
from aimon_nb.wire.retries import retries

# Stands for the run of such a call: it is never shown, and no interrupt stops it.
_NOWHERE = RunState(Run("", "", datetime.fromtimestamp(0, timezone.utc)), 0)


def pass_foreign(model_request: ModelRequest, tracker: SpanTracker, run_state: RunState) -> bool:
    """Let a request pass that is none of a run, and note it there; nothing of its answer is kept.

    It is in flight like any other, so that no client below this one takes it for another.
    """
    model_request.tracker, model_request.truncated = tracker, True
    model_request.open_span = OpenSpan(None, BARE, _NOWHERE, tracker.recorder.clock())
    model_request.attempt = retries.attempt(model_request)  # which forgets the one before
    tracker.recorder.log.append(ForeignCall(run_state, is_request=True))
    return True
