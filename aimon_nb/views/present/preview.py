"""What a row is about, on one line: what was asked or given last, and what came of it.

It is content: it reaches the page by message, as details do, and is in no row, trait or file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aimon_nb.model import Message, Span
from aimon_nb.views.present.conversation import CONTENT_ATTRIBUTES, last_of_attributes

# Characters of a side.
MOST = 120
# Characters with which two prompts begin that are of one template.
_TEMPLATE = 24
# Of a longer text no more is looked at: it may begin with white space.
_LOOKED_AT = 1_000
# Of an attribute that has to be taken apart; a longer one is left alone.
_ATTRIBUTE = 20_000
# They say what was to be done and what was answered before, not what was asked.
_NOT_ASKED = {"system", "developer", "assistant", "model"}
# Without them emoji and words of several scripts fall apart.
_JOINERS = "\u200c\u200d"


def preview(span: Span) -> tuple[str, str] | None:
    """Return what went in and what came out, of at most 120 characters each; None without both."""
    sides = whole_sides(span)
    return None if sides is None else shortened(sides)


def shortened(sides: tuple[str, str], like: str = "") -> tuple[str, str]:
    """Return two sides at their length in a row.

    What went in leaves out its beginning where that is `like`, with which others begin, too:
    of three hundred prompts of one template the beginning tells nothing.
    """
    given, came = sides
    if like and given.startswith(like) and given != like:
        given = f"…{given[len(like) :]}"
    return _cut(given), _cut(came)


def whole_sides(span: Span) -> tuple[str, str] | None:
    """Return what went in and what came out, each on a line of up to 1,000 characters.

    Of a model call the last message that asks, or brings the result of a tool, and the answer;
    of a step its arguments and its result.
    """
    if span.content_gone is not None:
        return None
    if span.call is not None and (span.call.input or span.call.output):
        given, came = _asked(span.call.input), _answered(span.call.output)
    elif span.step is not None and (span.step.has_input or span.step.has_output):
        # A function without arguments has been given nothing.
        given = _of_value(span.step.input) if span.step.has_input and span.step.input else ""
        came = _of_value(span.step.output) if span.step.has_output else ""
    else:
        given, came = _of_attributes(span)
    # Most spans of a large run have neither.
    if not (given or came):
        return None
    sides = _line(given), _line(came)
    return sides if any(sides) else None


def _asked(messages: list[Message]) -> str:
    asking = (one for one in reversed(messages) if one.role not in _NOT_ASKED and one.text)
    return next(asking, Message("")).text


def _answered(messages: list[Message]) -> str:
    texts = [one.text[:_LOOKED_AT] for one in messages[:3] if one.text]
    calls = [
        f"{name}({arguments[:_LOOKED_AT]})"
        for one in messages[:3]
        for name, arguments in one.tool_calls[:3]
    ]
    return " ".join((*texts, ", ".join(calls)))


def _of_attributes(span: Span) -> tuple[str, str]:
    if CONTENT_ATTRIBUTES.isdisjoint(span.attributes):
        return "", ""
    for value in span.attributes.values():
        if isinstance(value, str) and len(value) > _ATTRIBUTE:
            return "", ""
    return last_of_attributes(span, "in"), last_of_attributes(span, "out")


def _of_value(value: Any) -> str:
    if isinstance(value, str):
        return value
    text = ""
    for piece in _pieces(value):
        text += piece
        if len(text) > _LOOKED_AT:
            break
    return text


def _pieces(value: Any) -> Iterator[str]:
    """Yield plain data as JSON, bit by bit: of a large value only the beginning is looked at."""
    if isinstance(value, dict):
        yield "{"
        for at, (key, one) in enumerate(value.items()):
            yield f'{", " if at else ""}"{str(key)[:MOST]}": '
            yield from _pieces(one)
        yield "}"
    elif isinstance(value, list):
        yield "["
        for at, one in enumerate(value):
            yield ", " if at else ""
            yield from _pieces(one)
        yield "]"
    else:
        yield f'"{value[:_LOOKED_AT]}"' if isinstance(value, str) else str(value)


def _line(text: str) -> str:
    """Return a text on one line, without what is not seen or turns the direction of others."""
    if not text:
        return ""
    flat = " ".join(text[:_LOOKED_AT].split())
    if not flat.isprintable():
        flat = "".join(c for c in flat if c.isprintable() or c in _JOINERS)
    return flat


def _cut(line: str) -> str:
    return line if len(line) <= MOST else f"{line[: MOST - 1]}…"


def common_beginning(one: str, other: str) -> str:
    """Return with what two lines begin, up to a word's end; "" where that is too little to tell.

    What is left to be seen is to begin with a word of its own.
    """
    pairs = enumerate(zip(one, other, strict=False))
    differs = next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
    shared = one[: one.rfind(" ", 0, differs) + 1]
    return shared if len(shared) >= _TEMPLATE else ""
