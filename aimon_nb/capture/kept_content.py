"""What went into a step and came out of it, on its way from an open span to its record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aimon_nb.capture.step_content import NOT_TAKEN, snapshot, snapshot_arguments
from aimon_nb.capture.to_plain import Plain
from aimon_nb.model.span import Span, StepContent

if TYPE_CHECKING:
    from aimon_nb.capture.state import OpenSpan


def take_input(open_span: OpenSpan, value: Any) -> None:
    """Copy what goes into a step, on its thread; a dict stands for arguments by name."""
    if open_span.run_state.takes_content:
        is_named = type(value) is dict and all(type(name) is str for name in value)
        open_span.step_input = snapshot_arguments(value) if is_named else snapshot(value)


def take_output(open_span: OpenSpan, value: Any) -> None:
    """Copy what came out of a step, on its thread."""
    if open_span.run_state.takes_content:
        open_span.step_output = snapshot(value)


def take_step_content(open_span: OpenSpan, span: Span) -> None:
    """Bring the copies of an open span into its record, as plain data, each once; on our thread."""
    limit = open_span.run_state.span_limit.limits.attribute_bytes // 2
    if open_span.step_input is not NOT_TAKEN:
        taken, open_span.step_input = open_span.step_input, NOT_TAKEN
        step = span.step = span.step or StepContent()
        step.has_input, step.input = True, Plain(limit, unpack=False).of(taken)
    if open_span.step_output is not NOT_TAKEN:
        taken, open_span.step_output = open_span.step_output, NOT_TAKEN
        step = span.step = span.step or StepContent()
        step.has_output, step.output = True, Plain(limit, unpack=False).of(taken)
