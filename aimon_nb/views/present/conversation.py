"""What was said: the one place of the views that reads prompts and answers.

`detail.detail` alone uses it. Everything else shows a span without its content.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from aimon_nb.model import Message, Span
from aimon_nb.model.content import is_content
from aimon_nb.views.present import formatting

_ASKED = ("gen_ai.input.messages", "gen_ai.request.messages", "ai.input_messages")
_SAID = ("gen_ai.output.messages", "gen_ai.response.text", "ai.responses")
_TOOL_IN = ("gen_ai.tool.call.arguments", "gen_ai.tool.input")
_TOOL_OUT = ("gen_ai.tool.call.result", "gen_ai.tool.output", "mcp.tool.result.content")

Turn = dict[str, Any]


def attributes(data: Mapping[str, Any], *, keep_content: bool = False) -> list[list[str]]:
    """List (key, value) pairs as text, without those that hold content."""
    kept = sorted((str(k), v) for k, v in data.items() if keep_content or not is_content(str(k)))
    return [
        [formatting.line(key, 120), formatting.visible(_text(value)[:2_000])] for key, value in kept
    ]


def conversation(span: Span) -> list[Turn]:
    """List the turns of a span, oldest first; `side` is `in` or `out`."""
    if span.call is not None and (span.call.input or span.call.output):
        asked = [_turn("in", m) for m in span.call.input]
        return asked + [_turn("out", m) for m in span.call.output]
    return [
        *_turns("in", "user", _first(span, _ASKED)),
        *_turns("in", "arguments", _first(span, _TOOL_IN)),
        *_turns("out", "assistant", _first(span, _SAID)),
        *_turns("out", "result", _first(span, _TOOL_OUT)),
    ]


def _turn(side: str, message: Message) -> Turn:
    calls = [[formatting.line(n, 120), _encodable(a)] for n, a in message.tool_calls]
    return {
        "side": side,
        "role": formatting.line(message.role, 40),
        "text": _encodable(message.text),
        "calls": calls,
    }


def _first(span: Span, keys: Iterable[str]) -> Any:
    return next((span.attributes[k] for k in keys if span.attributes.get(k)), None)


def _turns(side: str, role: str, value: Any) -> list[Turn]:
    if value is None:
        return []
    parsed = _parsed(value)
    items = parsed if isinstance(parsed, list) else [parsed]
    return [_told(side, role, item) for item in items]


def _told(side: str, role: str, item: Any) -> Turn:
    said: Any = item
    if isinstance(item, dict) and "role" in item:
        role = formatting.line(str(item["role"]), 40)
        said = item.get("content", item.get("parts", item.get("tool_calls", "")))
    return {"side": side, "role": role, "text": _encodable(_spoken(said)), "calls": []}


def _spoken(said: Any) -> str:
    if isinstance(said, list) and said and all(isinstance(p, dict) for p in said):
        return "\n".join(_text(p.get("text", p.get("content", p))) for p in said)
    return _text(said)


def _parsed(value: Any) -> Any:
    if not isinstance(value, str) or value[:1] not in "[{":
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _encodable(text: str) -> str:
    """Replace lone surrogates, which no JSON message can carry."""
    return text.encode("utf-8", "replace").decode("utf-8")
