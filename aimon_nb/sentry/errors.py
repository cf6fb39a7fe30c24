"""Capturing an error of the user's code once, with the pipeline it happened in."""

from __future__ import annotations

from typing import Any

import sentry_sdk
from sentry_sdk.utils import event_from_exception

from aimon_nb.recording import context


def capture(error: BaseException, pipeline: str | None, op: str | None, span: Any = None) -> None:
    """Send an error event, unless this very exception was sent before in this run.

    Interrupts and cancellations are no errors; without an active client nothing happens.
    """
    client = sentry_sdk.get_client()
    if not isinstance(error, Exception) or not client.is_active():
        return
    recording = context.recording.get()
    if recording is not None:
        if any(seen is error for seen in recording.captured):
            return
        recording.captured.append(error)
    event, hint = event_from_exception(
        error,
        # A notebook's locals are its prompts, answers and keys.
        client_options={
            **client.options,
            "include_local_variables": False,
            "include_source_context": False,
        },
        mechanism={"type": "ai_monitoring", "handled": False},
    )
    contexts = event.setdefault("contexts", {})
    contexts["ai"] = {"pipeline": pipeline, "op": op}
    if pipeline is not None:
        event.setdefault("tags", {})["gen_ai.pipeline.name"] = pipeline
    if span is not None:
        read = getattr(span, "get_trace_context", None) or span._get_trace_context
        contexts["trace"] = read()
    sentry_sdk.capture_event(event, hint=hint)
