"""What differs between two calls as plain text, in the words of `git diff --word-diff`."""

from __future__ import annotations

from collections.abc import Iterable

from aimon_nb.views.diff.call_diff import CallDiff
from aimon_nb.views.diff.messages import MessageDiff

_STATES = {"added": "+ ", "removed": "- ", "changed": "~ ", "same": "  "}
_MARKS = {"=": "{}", "-": "[-{}-]", "+": "{{+{}+}}", "…": "\n{}\n"}


def as_text(diff: CallDiff, before: str, now: str) -> str:
    """Return a diff as text; `before` and `now` say in a line which calls these are."""
    lines = [f"- {before}", f"+ {now}", ""]
    lines += _table(
        [[name, _arrow(a, b, "unknown"), change] for name, a, b, change in diff["facts"]]
    )
    if diff["parameters"]:
        lines += ["", "parameters"]
        lines += _table(
            [[f"  {name}", _arrow(a, b, "not set")] for name, a, b in diff["parameters"]]
        )
    lines += [*_messages("prompt", diff["prompt"]), *_messages("answer", diff["answer"])]
    return "\n".join([*lines, *diff["notes"]]) + "\n"


def _arrow(before: str, now: str, nothing: str) -> str:
    return now if before == now else f"{before or nothing} → {now or nothing}"


def _table(lines: list[list[str]]) -> Iterable[str]:
    widths = [max(map(len, column), default=0) for column in zip(*lines, strict=True)]
    for cells in lines:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        yield "  ".join(padded).rstrip()


def _messages(title: str, messages: Iterable[MessageDiff]) -> Iterable[str]:
    for number, message in enumerate(messages):
        if not number:
            yield from ("", title)
        yield f"{_STATES[message['state']]}{message['role']}".rstrip()
        text = "".join(_MARKS[mark].format(text) for mark, text in message["pieces"])
        yield from (f"    {line}".rstrip() for line in text.strip("\n").split("\n"))
