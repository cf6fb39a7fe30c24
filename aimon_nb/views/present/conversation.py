"""The turns of a conversation: the one place of the views that reads prompts and answers.

`detail.detail` uses it, and tables and files that were asked for content. Everything else
shows a span without its content.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Literal, TypedDict

from aimon_nb.model import Message, Span
from aimon_nb.model.content import is_content
from aimon_nb.model.span import StepContent
from aimon_nb.model.text import encodable
from aimon_nb.views.present import formatting
from aimon_nb.views.present.media_view import MediaItem, media_items

# Attributes that hold content, as SDKs write them; the first that is set is shown.
_PROMPTS = ("gen_ai.input.messages", "gen_ai.request.messages", "ai.input_messages")
_ANSWERS = ("gen_ai.output.messages", "gen_ai.response.text", "ai.responses")
_TOOL_IN = ("gen_ai.tool.call.arguments", "gen_ai.tool.input")
_TOOL_OUT = ("gen_ai.tool.call.result", "gen_ai.tool.output", "mcp.tool.result.content")

Side = Literal["in", "out"]
_NOTHING_TAKEN = StepContent()


class Turn(TypedDict):
    """One turn as the page gets it; `calls` are [tool, arguments as text]."""

    side: Side
    role: str
    text: str
    calls: list[list[str]]
    media: list[MediaItem]


# Attributes that hold what went into a span, or came out.
CONTENT_ATTRIBUTES = frozenset((*_PROMPTS, *_ANSWERS, *_TOOL_IN, *_TOOL_OUT))


def attributes(data: Mapping[str, Any]) -> list[list[str]]:
    """Return [key, value] pairs as text, sorted, without those that hold content."""
    shown = sorted((str(k), v) for k, v in data.items() if not is_content(str(k)))
    return [[_shown_key(key), formatting.visible(_as_text(value)[:2_000])] for key, value in shown]


@lru_cache(maxsize=500)
def _shown_key(key: str) -> str:
    """Return the name of an attribute on one line: each span has the same twenty."""
    return formatting.line(key, 120)


def conversation(span: Span) -> list[Turn]:
    """Return the turns of a span, oldest first.

    Of its model call; of a step what went in and came out; else from its attributes.
    None where the span says that its content is gone.
    """
    if span.content_gone is not None:
        return []
    if span.call is not None and (span.call.input or span.call.output):
        prompts, answers = span.call.input, span.call.output
        turns = [_of_message("in", message, at) for at, message in enumerate(prompts)]
        return turns + [_of_message("out", one, at) for at, one in enumerate(answers, len(turns))]
    step = span.step or _NOTHING_TAKEN
    given = _of_attribute("in", "user", _first(span, _PROMPTS))
    given += _of_attribute("in", "arguments", _first(span, _TOOL_IN))
    came = _of_attribute("out", "assistant", _first(span, _ANSWERS))
    came += _of_attribute("out", "result", _first(span, _TOOL_OUT))
    return [
        *([_of_step("in", "input", step.input)] if step.has_input else given),
        *([_of_step("out", "output", step.output)] if step.has_output else came),
    ]


def last_of_attributes(span: Span, side: Side) -> str:
    """Return the text of the last turn that a span's attributes hold of a side; "" without any."""
    for keys in (_TOOL_IN, _PROMPTS) if side == "in" else (_TOOL_OUT, _ANSWERS):
        turns = _of_attribute(side, "", _first(span, keys))
        if turns:
            return turns[-1]["text"]
    return ""


def side_text(span: Span, side: Side) -> str | None:
    """Return what was sent (`in`) or answered (`out`) as text, a turn a line; None without any.

    In place of what is no longer here stands why, in parentheses.
    """
    if span.content_gone is not None and span.parent_id is not None:
        return f"({span.content_gone})"
    turns = [turn for turn in conversation(span) if turn["side"] == side]
    if [turn["role"] for turn in turns] in (["input"], ["output"]):  # a value: nobody said it
        return turns[0]["text"]
    lines = [f"{turn['role']}: {turn['text']}" for turn in turns]
    lines += [f"{name}({arguments})" for turn in turns for name, arguments in turn["calls"]]
    return "\n".join(lines) if lines else None


def _of_step(side: Side, role: str, value: Any) -> Turn:
    """Return what went in or came out as a turn: a text as it is, all else as JSON.

    A value alone, and no container, is written as Python does: `None`, `True`.
    """
    is_container = isinstance(value, (dict, list))
    text = _as_text(value) if is_container or isinstance(value, str) else str(value)
    return {"side": side, "role": role, "text": encodable(text), "calls": [], "media": []}


def _of_message(side: Side, message: Message, at: int) -> Turn:
    return {
        "side": side,
        "role": formatting.line(" · ".join(filter(None, (message.role, message.tools))), 80),
        "text": encodable(message.text),
        "calls": [[formatting.line(n, 120), encodable(a)] for n, a in message.tool_calls],
        "media": media_items(message.media, at),
    }


def _first(span: Span, keys: Iterable[str]) -> Any:
    for key in keys:
        value = span.attributes.get(key)
        if value:
            return value
    return None


def _of_attribute(side: Side, role: str, value: Any) -> list[Turn]:
    """Return the turns in an attribute: a list or a text of JSON is taken apart."""
    if value is None:
        return []
    parsed = _parsed(value)
    items = parsed if isinstance(parsed, list) else [parsed]
    return [_of_item(side, role, item) for item in items]


def _of_item(side: Side, role: str, item: Any) -> Turn:
    content: Any = item
    if isinstance(item, dict) and "role" in item:
        role = formatting.line(str(item["role"]), 40)
        content = item.get("content", item.get("parts", item.get("tool_calls", "")))
    if isinstance(content, list) and content and all(isinstance(p, dict) for p in content):
        text = "\n".join(_as_text(p.get("text", p.get("content", p))) for p in content)
    else:
        text = _as_text(content)
    return {"side": side, "role": role, "text": encodable(text), "calls": [], "media": []}


def _parsed(value: Any) -> Any:
    if not isinstance(value, str) or value[:1] not in "[{":
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)
