"""What a dialect of the truth server is made of: paths, and what is said on each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from aimon_nb.testing.counting import Tokens

Body = dict[str, Any]


class RefusedError(Exception):
    """A request that is answered with an error of its dialect."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Answer:
    """What a dialect says: one JSON body, or the frames of an event stream."""

    tokens: Tokens
    body: Any = None
    frames: Sequence[bytes] | None = None
    usage_told: bool = True


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
