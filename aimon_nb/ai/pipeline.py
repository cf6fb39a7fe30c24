"""The name of the pipeline that code runs in."""

from __future__ import annotations

from aimon_nb.recording import context


def set_ai_pipeline_name(name: str | None) -> None:
    """Name the pipeline for all subsequent operations of this context; None clears it.

    In a tracked cell the name counts to the cell's end.
    """
    context.pipeline.set(name)


def get_ai_pipeline_name() -> str | None:
    """The current pipeline name, or None if none is set."""
    return context.pipeline_name()
