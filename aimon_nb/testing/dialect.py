"""What a dialect of the truth server is made of: paths, and what is said on each."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from aimon_nb.testing.counting import Tokens, Turns

Body = dict[str, Any]
CREATED = 1_767_225_600  # one instant for all: answers are the same at every run
_NO_MODEL = "no-such-model"
_USE_TOOL = "use the tool"
_CALL = re.compile(r"\[call ([\w, -]+)\]")


class RefusedError(Exception):
    """A request that is answered with an error of its dialect."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Answer:
    """What a dialect says: one body (JSON, or bytes of some `kind`), or a stream's frames."""

    tokens: Tokens
    body: Any = None
    frames: Sequence[bytes] | None = None
    usage_told: bool = True
    kind: str = "text/event-stream"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One path of a dialect.

    `asked` gives the text of the last turn (it may steer the answer), `answer`
    the answer in at most so many chunks of text, `error` the dialect's shape of
    a failure.
    """

    asked: Callable[[Body], str]
    answer: Callable[[Body, int], Answer]
    error: Callable[[int, str], Body]


def sse(events: Iterable[tuple[str | None, Any]]) -> list[bytes]:
    """Encode (event name or None, data) pairs as the frames of an event stream."""
    frames = []
    for name, data in events:
        text = data if isinstance(data, str) else json.dumps(data)
        head = f"event: {name}\n" if name else ""
        frames.append(f"{head}data: {text}\n\n".encode())
    return frames


def lines(documents: Iterable[Any]) -> list[bytes]:
    """Encode documents as JSON, one a line."""
    return [json.dumps(document).encode() + b"\n" for document in documents]


def model_of(body: Body) -> str:
    """The model that is asked, which every request must name."""
    if not isinstance(body.get("model"), str):
        raise RefusedError(400, "you must provide a model parameter")
    if body["model"] == _NO_MODEL:
        raise RefusedError(404, f"The model `{_NO_MODEL}` does not exist")
    return str(body["model"])


def text_of(content: Any) -> str:
    """The text of a turn: a text, or the texts of its parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return " ".join(str(part.get("text", "")) for part in parts if isinstance(part, dict))


def wants_tool(turns: Turns, tools: Sequence[Any] | None) -> bool:
    """Whether the user asks to `use the tool`, and there is one."""
    return bool(tools and turns.pairs and turns.pairs[-1][0] == "user" and _USE_TOOL in turns.last)


def tools_called(turns: Turns, tools: Sequence[Any] | None) -> list[Any]:
    """The tools to call: those of a `[call NAME, NAME]`, else the first one if it is wanted.

    The last turn says so, whose ever it is, or the instructions after a turn of the user.
    """
    texts = [turns.last]
    if turns.pairs and turns.pairs[-1][0] == "user":
        texts.append(turns.instructions)
    by_name = {tool.get("function", tool).get("name"): tool for tool in tools or ()}
    for text in texts:
        names = [name.strip() for said in _CALL.findall(text) for name in said.split(",")]
        found = [by_name[name] for name in dict.fromkeys(names) if name in by_name]
        if found:
            return found
    return [tools[0]] if tools and wants_tool(turns, tools) else []
