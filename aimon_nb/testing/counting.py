"""What the truth server answers, and how it counts: the same text, the same numbers.

A token is a word (`str.split`). Then:

- input: the words of every turn, instructions included;
- cached: the words of the instructions (system and developer turns), as a warm
  prompt cache would have them; a part of input;
- cache_write: 0, but instructions that hold `[new]` are written to the cache
  instead of read from it: cached is 0 then;
- reasoning: for models called `o1`, `o3`, …, `gpt-5…`, `gemini-3…` or `claude-opus…`,
  the words of the last turn; 0 for the rest;
- output: the words of the answer plus reasoning.

What a request says can steer what happens to it, wherever it stands in the last
turn: `[wait 2.5]` answers that many seconds later, `[status 500]` always fails
so, `[busy once]` answers 429 the first time it is asked and then well, `[cut]`
breaks the connection in the middle of the answer, `[call look, add]` asks for the
tools of those names (in the instructions it does so after each turn of the user),
`[hold]` answers when the server's `release()` is called and `[hold after 3]` tells
three events of a stream before it waits for that. Any model answers, but for `no-such-model` (404).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import cycle, islice, pairwise

_REASONS = re.compile(r"o\d|gpt-5|gemini-3|claude-opus")
_STEER = re.compile(r"\[(wait|status|hold after) ([\d.]+)\]|\[(busy once|cut|hold)\]")
_OPENING = ("In", "short:")
_FILLER = ("and", "the", "rest", "follows", "from", "the", "text", "in", "plain", "words")
_ECHOED = 24


@dataclass(frozen=True, slots=True)
class Tokens:
    """The counts of one answer.

    `cached` and `cache_write` are parts of `input`, `reasoning` is one of `output`.
    """

    input: int = 0
    cached: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0

    @property
    def total(self) -> int:
        """Input and output together."""
        return self.input + self.output


@dataclass(frozen=True, slots=True)
class Steering:
    """What the text of a request asks to happen to it."""

    wait: float = 0.0
    status: int | None = None
    busy_once: bool = False
    cut: bool = False
    hold_after: int | None = None  # events of a stream that are told first; 0 holds all of it


@dataclass(frozen=True, slots=True)
class Turns:
    """A conversation in no provider's own words: (role, text) pairs."""

    pairs: tuple[tuple[str, str], ...] = field(default=())

    @property
    def last(self) -> str:
        """The text of the last turn: what is asked."""
        return self.pairs[-1][1] if self.pairs else ""

    @property
    def instructions(self) -> str:
        """The text of all system and developer turns."""
        return " ".join(text for role, text in self.pairs if role in {"system", "developer"})

    def count(self, model: str, answer: str) -> Tokens:
        """Count by the rule above."""
        stable = words(self.instructions)
        is_new = "[new]" in self.instructions
        reasoning = words(self.last) if _REASONS.match(model) else 0
        return Tokens(
            input=sum(words(text) for _, text in self.pairs),
            cached=0 if is_new else stable,
            cache_write=stable if is_new else 0,
            output=words(answer) + reasoning,
            reasoning=reasoning,
        )


def words(text: str) -> int:
    """Count the words of a text."""
    return len(text.split())


def steering(text: str) -> Steering:
    """Read what a request's last turn asks to happen to it."""
    found = {a or c: b for a, b, c in _STEER.findall(text)}
    after = found.get("hold after")
    return Steering(
        wait=float(found.get("wait", 0)),
        status=int(found["status"]) if "status" in found else None,
        busy_once="busy once" in found,
        cut="cut" in found,
        hold_after=0 if "hold" in found else int(after) if after else None,
    )


def answer_to(text: str, at_least: int) -> str:
    """Answer a text with its own first words, filled up to `at_least` words."""
    said = [*_OPENING, *text.split()[:_ECHOED]]
    said += islice(cycle(_FILLER), max(0, at_least - len(said)))
    return " ".join(said) + "."


def pieces(text: str, count: int) -> list[str]:
    """Cut a text between words into at most `count` pieces that join up to it."""
    parts = re.findall(r"\s*\S+\s*?", text) or [text]
    count = max(1, min(count, len(parts)))
    edges = [len(parts) * i // count for i in range(count + 1)]
    return ["".join(parts[a:b]) for a, b in pairwise(edges)]
