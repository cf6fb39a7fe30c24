"""The name of the pipeline that code runs in."""

from __future__ import annotations

from aimon_nb.ai.instrumentation import instrumentation
from aimon_nb.capture import context
from aimon_nb.capture.redact import redact_name
from aimon_nb.model.text import encodable


def set_ai_pipeline_name(name: str | None) -> None:
    """Name the pipeline for all subsequent operations.

    Every span made from here on, by hand or by an integration, carries the name
    as `gen_ai.pipeline.name`: in this thread or task, and in the tasks, threads
    and pool jobs that it starts. In a tracked call or cell the name counts to
    its end; then the name from before is back.

    Args:
        name: name of the pipeline, in which `…` stands for what looks like a key; None
            clears it.

    Raises:
        TypeError: `name` is neither text nor None.

    Example:
        set_ai_pipeline_name("customer-support-bot")
        process_message(user_input)  # its spans carry the name

    Source: sentry-sdk's page on AI monitoring, "Pipeline name management".
    """
    if name is not None and not isinstance(name, str):
        raise TypeError(f"name must be text or None, not {type(name).__name__}")
    instrumentation.ensure()
    context.current_pipeline.set(None if name is None else redact_name(encodable(name)))


def get_ai_pipeline_name() -> str | None:
    """Get the name of the pipeline that code runs in.

    Returns:
        The name given by `set_ai_pipeline_name` or by the outermost tracked call
        or cell; else the notebook's own (`%ai_pipeline`); else None.

    Example:
        print(f"Running in pipeline: {get_ai_pipeline_name()}")

    Source: sentry-sdk's page on AI monitoring, "Pipeline name management".
    """
    return context.pipeline_name()
