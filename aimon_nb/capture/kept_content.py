"""What went into a step and came out of it, on its way from an open span to its record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aimon_nb.capture.redact import FILTERED
from aimon_nb.capture.step_content import NOT_TAKEN, is_secret, snapshot, snapshot_arguments
from aimon_nb.capture.to_plain import Plain
from aimon_nb.model.span import Span, StepContent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aimon_nb.capture.state import OpenSpan

# Attributes in which SDKs tell the same, where a client of the user's lets them.
_INPUTS = ("gen_ai.tool.call.arguments", "gen_ai.tool.input")
_OUTPUTS = ("gen_ai.tool.call.result", "gen_ai.tool.output", "mcp.tool.result.content")
_LONGEST_JSON = 1_000_000  # characters of a text that is looked through for secrets
_ASIDE = 40  # characters of a value's name, quotes, and mark that it is cut
_RECORDED = frozenset({*_INPUTS, *_OUTPUTS})


def is_wanted(open_span: OpenSpan, *, option: bool | None) -> bool:
    """Return whether content of a step is copied: as its option says, else as its run does."""
    run_state = open_span.run_state
    return run_state.keeps_content and (run_state.takes_content if option is None else option)


def take_input(open_span: OpenSpan, value: Any) -> None:
    """Copy what goes into a step, on its thread; a dict stands for arguments by name."""
    if is_wanted(open_span, option=None):
        is_named = type(value) is dict and all(type(name) is str for name in value)
        open_span.step_input = snapshot_arguments(value) if is_named else snapshot(value)


def take_output(open_span: OpenSpan, value: Any, *, wanted: bool | None = None) -> None:
    """Copy what came out of a step, on its thread; as its run says, or as is `wanted`."""
    if is_wanted(open_span, option=wanted):
        open_span.step_output = snapshot(value)


def take_step_content(open_span: OpenSpan, span: Span) -> None:
    """Bring the copies of an open span into its record, as plain data, each once; on our thread."""
    if open_span.step_input is not NOT_TAKEN:
        taken, open_span.step_input = open_span.step_input, NOT_TAKEN
        _keep(open_span, span, "input", taken)
    if open_span.step_output is not NOT_TAKEN:
        taken, open_span.step_output = open_span.step_output, NOT_TAKEN
        _keep(open_span, span, "output", taken)
    if span.duration is not None and not span.is_call:
        _take_recorded(open_span, span)


def _take_recorded(open_span: OpenSpan, span: Span) -> None:
    """Move what an integration put on the span of a tool to where content goes."""
    attributes = span.attributes
    if _RECORDED.isdisjoint(attributes):
        return
    span.attributes = {key: one for key, one in attributes.items() if key not in _RECORDED}
    step = span.step or StepContent()
    for side, keys, has in (
        ("input", _INPUTS, step.has_input),
        ("output", _OUTPUTS, step.has_output),
    ):
        told = next((attributes[key] for key in keys if key in attributes), None)
        if told is not None and not has:
            _keep(open_span, span, side, _without_secrets(_parsed(told)))


def _keep(open_span: OpenSpan, span: Span, side: str, taken: Any) -> None:
    if span.folded:
        return  # nobody can open it
    limit = open_span.run_state.span_limit
    # Half a span's room for each side, so that one leaves some for the other.
    room = limit.limits.attribute_bytes // 2
    taken = _without_told_secrets(taken)
    plain = Plain(room, unpack=False).of(_with_short_texts(taken, room))
    step = span.step = span.step or StepContent()
    if side == "input":
        step.has_input, step.input = True, plain
    else:
        step.has_output, step.output = True, plain


def _without_told_secrets(taken: Any) -> Any:
    """Return a text as it is; JSON that has secrets, as arguments are told, without these."""
    if type(taken) is not str or len(taken) > _LONGEST_JSON:
        return taken
    told = _parsed(taken)
    filtered = _without_secrets(told)
    return taken if filtered == told else filtered


def _with_short_texts(taken: Any, room: int) -> Any:
    """Cut the texts that went by reference, whatever their length: the long ones first."""
    if type(taken) is str:
        return _cut(taken, room - _ASIDE)
    if type(taken) is not dict:
        return taken
    texts = {name: one for name, one in taken.items() if type(one) is str}
    room -= _ASIDE * len(taken)
    fitting = dict(taken)
    for at, (name, text) in enumerate(sorted(texts.items(), key=lambda one: len(one[1]))):
        fitting[name] = cut = _cut(text, room // (len(texts) - at))
        room -= len(cut)
    return fitting


def _cut(text: str, room: int) -> str:
    left = len(text) - max(room, 0)
    return text if left <= 0 else f"{text[: max(room, 0)]}… {left:,} more"


def _parsed(told: Any) -> Any:
    if type(told) is not str or told[:1] not in ("{", "["):
        return told
    try:
        return json.loads(told)
    except (ValueError, RecursionError):
        return told


def _without_secrets(told: Any) -> Any:
    """Return plain data without the values of secret names, at every level."""
    if type(told) is dict:
        return _filtered(told)
    return [_without_secrets(one) for one in told] if type(told) is list else told


def _filtered(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: FILTERED if is_secret(name) else _without_secrets(one) for name, one in told.items()
    }
