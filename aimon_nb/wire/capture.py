"""From an HTTP request to a model request, if it asks a model and a run is open."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from aimon_nb.capture import context
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.sentry.span_tracker import SpanTracker
from aimon_nb.wire import admission
from aimon_nb.wire.dialects import find, known
from aimon_nb.wire.model_request import ModelRequest
from aimon_nb.wire.span_matching import attach_span

Intercept = Callable[..., ModelRequest | None]


def never_raise(intercept: Intercept) -> Intercept:
    """Guard what stands before the user's request: at an error of ours nothing is captured."""

    @functools.wraps(intercept)
    def guarded(*args: Any) -> ModelRequest | None:
        try:
            return intercept(*args)
        except Exception:
            internal_errors.record("capturing a request")
            return None

    return guarded


def start_capture(
    tracker: SpanTracker, address: str, raw_path: bytes, body: Callable[[], bytes | None]
) -> ModelRequest | None:
    """Return the model request, attached to its span; None for any other request.

    Args:
        tracker: Where spans are tracked and made.
        address: The host, with its port where the URL has one.
        raw_path: The path with its query, as it is sent.
        body: Gives the request's body; asked only where a model is.

    """
    run_state = context.current_run.get() or tracker.recorder.sole
    if run_state is None or tracker.recorder.forked:
        return None
    dialect = find(address.partition(":")[0], raw_path)
    if known.off:
        run_state.run.notes += [n for n in known.off.values() if n not in run_state.run.notes]
    if dialect is None:
        return None
    asked = body()
    if admission.already_captured(asked) or not dialect.matches_body(asked):
        return None
    model_request = ModelRequest(dialect, address, dialect.path, asked)
    return model_request if attach_span(model_request, tracker, run_state) else None
