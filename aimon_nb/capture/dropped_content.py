"""Content that is let go of, and what is said in its place."""

from __future__ import annotations

from aimon_nb.capture.state import RunState
from aimon_nb.model import Span
from aimon_nb.model.content import is_content

OFF = "not kept: AimonMagics.content is False"


def over_budget(budget: int) -> str:
    """Return what is said of content that the budget of so many bytes has no room for."""
    return f"no longer kept: over the budget of {budget / 1e6:,g} MB"


def note_content(span: Span, run_state: RunState) -> None:
    """Have what was said be packed, by our thread; where none is kept, let go of it."""
    if run_state.keeps_content:
        run_state.fresh_content.append(span)
    else:
        drop_content(span, OFF)


def drop_content(span: Span, reason: str) -> None:
    """Let go of what a span holds of prompts, answers, arguments and results."""
    span.content_gone = reason
    span.step = span.error_in_full = None
    if any(map(is_content, span.attributes)):
        span.attributes = {k: v for k, v in span.attributes.items() if not is_content(k)}
    call = span.call
    if call is not None:
        call.input, call.output, call.settings, call.definitions = [], [], {}, []
        call.exchange = None


def has_content(span: Span) -> bool:
    """Return whether anything of what was said, or went in and came out, is kept of a span."""
    call = span.call
    if call is not None and (call.input or call.output or call.settings or call.exchange):
        return True
    return span.step is not None or any(map(is_content, span.attributes))
