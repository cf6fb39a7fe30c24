"""Capturing an error of the user's code once, with the pipeline it happened in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sentry_sdk
from sentry_sdk import scope as sentry_scope

from aimon_nb.capture import context
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.redact import redact_name, redact_secrets
from aimon_nb.model.redaction import redaction
from aimon_nb.sentry.cell_frames import name_cells
from aimon_nb.sentry.event_making import make_event
from aimon_nb.sentry.event_redaction import redact_event, redact_joined

# On the exception itself: built-in ones take no weak reference, and a strong one
# would keep the user's frames alive.
_MARK = "_aimon_nb_captured"
MECHANISM = "ai_monitoring"


# Whether a mechanism is of a framework's integration that the user did not choose.
_is_unwanted: Callable[[Any], bool] = bool


def install(unwanted: Callable[[Any], bool]) -> None:
    """Drop events of what we captured already, with DedupeIntegration or without.

    So are those of an integration whose mechanism is `unwanted`.
    """
    global _is_unwanted  # noqa: PLW0603
    _is_unwanted = unwanted
    if _drop_repeated not in sentry_scope.global_event_processors:
        sentry_scope.add_global_event_processor(_drop_repeated)


def uninstall() -> None:
    """Let all events pass again."""
    if _drop_repeated in sentry_scope.global_event_processors:
        sentry_scope.global_event_processors.remove(_drop_repeated)


def capture(
    error: BaseException,
    pipeline: str | None,
    op: str | None,
    span: Any = None,
    *,
    operation: str | None = None,
    tags: Mapping[str, Any] | None = None,
) -> None:
    """Send an error event, unless this very exception was sent before.

    In a run, that is: before in this run. Interrupts and cancellations are no
    errors; without an active client, and in a run that is not sent, nothing happens.
    What the event holds is redacted as our records are; the exception is not touched.
    """
    client = sentry_sdk.get_client()
    if not isinstance(error, Exception) or not client.is_active() or _is_repeated(error):
        return
    run_state = context.current_run.get()
    if run_state is not None and not run_state.may_be_sent:
        return
    event, hint = make_event(error, {"type": MECHANISM, "handled": False})
    contexts = event.setdefault("contexts", {})
    pipeline = redact_name(pipeline) if pipeline else pipeline
    contexts["ai"] = {"pipeline": pipeline, "op": op}
    if operation is not None:
        contexts["ai"]["operation"] = redact_name(operation)
    of_run = {} if run_state is None else run_state.run.options.get("tags") or {}
    all_tags = {**of_run, **(tags or {})}
    if pipeline:
        all_tags["gen_ai.pipeline.name"] = pipeline
    texts = {str(key): _tag(value) for key, value in all_tags.items()}
    event["tags"] = {key: text for key, text in texts.items() if text}  # Sentry takes no other
    if span is not None:
        trace_context = getattr(span, "get_trace_context", None) or span._get_trace_context
        contexts["trace"] = trace_context()
    with internal_errors.suppress("naming the cells of an error"):
        notebook = None if run_state is None else run_state.run.notebook
        if notebook is not None:
            notebook = redaction.text("sentry", "name", notebook)
        name_cells(event, notebook)
    redact_event(event)
    # Breadcrumbs join the event inside of `capture_event`, and of all the processors that it
    # asks only those of the current scope can be for one event alone.
    with sentry_sdk.new_scope() as scope:
        scope.add_event_processor(redact_joined)
        sentry_sdk.capture_event(event, hint=hint)
    error.__dict__[_MARK] = True


def _tag(value: Any) -> str:
    """A tag's value as Sentry takes it: one line of at most 200 characters."""
    return " ".join(redact_secrets(str(value)).split())[:200]


def _is_repeated(error: Exception) -> bool:
    run_state = context.current_run.get()
    if run_state is None:
        return _MARK in error.__dict__
    if any(seen is error for seen in run_state.captured):
        return True
    run_state.captured.append(error)
    return False


def _drop_repeated(event: Any, hint: Any) -> Any:
    """Drop what is unwanted, and what a hook for uncaught exceptions reports of what we sent."""
    # The last value is the error itself, the others are its causes.
    values = (event.get("exception") or {}).get("values") or [{}]
    mechanism = values[-1].get("mechanism") or {}
    if _is_unwanted(mechanism.get("type")):
        return None
    error = ((hint or {}).get("exc_info") or (None, None))[1]
    if not getattr(error, "__dict__", {}).get(_MARK):
        return event
    is_uncaught = mechanism.get("handled") is False and mechanism.get("type") != MECHANISM
    return None if is_uncaught else event
