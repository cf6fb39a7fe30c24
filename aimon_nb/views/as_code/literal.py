"""Plain data as Python source, laid out as a formatter would.

What is on a line fits into `WIDTH`; what does not is opened, an item a line. A text of several
lines stands in triple quotes, a long one is wrapped at its words.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

WIDTH = 88
INDENT = 4
_PIECE = 72  # characters of a wrapped text on one line, before they are quoted
# A word with the space behind it, or as much of a long one as a line takes.
_WORDS = re.compile(rf"\S{{1,{_PIECE}}}\s?|\s")
# Those that would end a text in triple quotes.
_QUOTES = re.compile(r'"{3,}|"+\Z')
_Item = tuple[str, Any]


class Expression(str):
    """Source that stands where a value would, as it is."""

    __slots__ = ()


class Applied(NamedTuple):
    """A function of a text: `base64.b64decode("…")`."""

    function: str
    text: str


def quoted(text: str) -> str:
    """Return a text in double quotes, or in single ones where that takes fewer backslashes."""
    # What cannot be printed (controls, marks of direction, half a pair of surrogates) is escaped.
    shown = repr(text)
    return f'"{shown[1:-1]}"' if shown[0] == "'" and '"' not in text else shown


def literal(value: Any, indent: int = 0, before: int = 0, after: int = 1) -> str:
    """Return the source of a value of JSON.

    Args:
        value: What JSON can hold, and an `Expression` in any place of it.
        indent: Columns that its further lines are indented by.
        before: Columns of its first line that are taken.
        after: Columns that its last line needs behind it.

    """
    room = WIDTH - before - after
    flat = _flat(value, room)
    if flat is not None:
        return flat
    if isinstance(value, Mapping):
        items = ((f"{quoted(key)}: ", item) for key, item in value.items())
        return opened("{", items, "}", indent)
    if isinstance(value, list):
        return opened("[", (("", item) for item in value), "]", indent)
    if isinstance(value, Applied):
        return value.function + _wrapped(value.text, indent)
    if isinstance(value, str) and not isinstance(value, Expression):
        return _long_text(value, indent)
    return _scalar(value)


def call(function: str, arguments: Mapping[str, Any], *positional: Any, before: int = 0) -> str:
    """Return the source of a call, whose first line has `before` columns taken."""
    items = [*(("", one) for one in positional), *((f"{k}=", one) for k, one in arguments.items())]
    room = WIDTH - before - len(function) - 2
    flat = _flat_items(items, room)
    if flat is not None:
        return f"{function}({flat})"
    return function + opened("(", items, ")", 0)


def opened(start: str, items: Iterable[_Item], end: str, indent: int) -> str:
    """Return items, each a name's source and a value, a line each in brackets."""
    inner = indent + INDENT
    lines = [start]
    for name, value in items:
        source = literal(value, inner, inner + len(name))
        lines.append(f"{' ' * inner}{name}{source},")
    return "\n".join([*lines, " " * indent + end])


def _flat(value: Any, room: int) -> str | None:
    """Return a value on one line; None where that takes more than `room` columns."""
    if isinstance(value, Expression):
        return value if len(value) <= room else None
    if isinstance(value, str):
        source = quoted(value) if len(value) < room else None
    elif isinstance(value, Applied):
        short = len(value.text) < room
        source = f"{value.function}({quoted(value.text)})" if short else None
    elif isinstance(value, Mapping):
        inner = _flat_items(((f"{quoted(key)}: ", one) for key, one in value.items()), room - 2)
        source = None if inner is None else "{" + inner + "}"
    elif isinstance(value, list):
        inner = _flat_items((("", item) for item in value), room - 2)
        source = None if inner is None else f"[{inner}]"
    else:
        source = _scalar(value)
    return None if source is None or len(source) > room else source


def _flat_items(items: Iterable[_Item], room: int) -> str | None:
    """Return items on one line; it is given up as soon as they do not fit."""
    parts: list[str] = []
    for name, value in items:
        source = _flat(value, room - len(name))
        if source is None:
            return None
        parts.append(name + source)
        room -= len(parts[-1]) + 2
        if room < -2:
            return None
    return ", ".join(parts)


def _scalar(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    return repr(value) if not isinstance(value, Expression) else value


def _long_text(text: str, indent: int) -> str:
    """Return a text that does not fit on its line."""
    if "\n" in text[:-1] and text.replace("\n", "").isprintable():
        return _triple_quoted(text)
    return _wrapped(text, indent)


def _wrapped(text: str, indent: int) -> str:
    """Return a text in parentheses, a piece a line."""
    lines = [" " * (indent + INDENT) + quoted(piece) for piece in _pieces(text)]
    return "\n".join(["(", *lines, " " * indent + ")"])


def _triple_quoted(text: str) -> str:
    escaped = _QUOTES.sub(lambda run: '\\"' * len(run[0]), text.replace("\\", "\\\\"))
    return f'"""\\\n{escaped}"""'


def _pieces(text: str) -> Iterable[str]:
    """Yield a text a line's length at a time, cut behind spaces and ends of lines."""
    piece = ""
    for found in _WORDS.finditer(text):
        word = found[0]
        if piece and (piece.endswith("\n") or len(piece) + len(word) > _PIECE):
            yield piece
            piece = ""
        piece += word
    yield piece
