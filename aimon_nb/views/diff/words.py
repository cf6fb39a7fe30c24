"""What differs between two texts, word by word: lines first, and words in those that differ."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from aimon_nb.views.diff.edits import Steps, edits

Mark = Literal["=", "-", "+", "…"]
# Chinese, Japanese and Korean have no spaces between words: there each character is one.
_CJK = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af"
_WORDS = re.compile(rf"[{_CJK}]|[^\W{_CJK}]+|\n|[^\S\n]+|([^\w\s])\1*")
_LINES = re.compile(r"[^\n]*\n|[^\n]+")
# Lines with less in common are shown one after the other.
_ALIKE = 0.3
_MANY = 20  # lines in the place of as many others
_AROUND = 160  # characters of what is the same that stand beside a change
_FOLDED = 480  # what is the same and longer is folded


class Piece(NamedTuple):
    """A piece of two texts: in both (`=`), in the earlier (`-`) or the later one (`+`) alone.

    `…` stands for a long piece that both have; its text says how long it is.
    """

    mark: Mark
    text: str


def word_diff(before: str, after: str, steps: Steps) -> list[Piece]:
    """Return the pieces of two texts in their order."""
    if before == after:
        return [Piece("=", after)] if after else []
    pieces: list[Piece] = []
    for old, new, same in _edits_of(_LINES, before, after, steps):
        pieces += [Piece("=", new)] if same else _in_lines(old, new, steps)
    return _joined(pieces)


def folded(pieces: list[Piece]) -> list[Piece]:
    """Return the pieces with what is the same cut down to what stands around the changes."""
    short: list[Piece] = []
    for at, piece in enumerate(pieces):
        if piece.mark != "=" or len(piece.text) <= _FOLDED:
            short.append(piece)
            continue
        text = piece.text
        head = text[: _AROUND if at else 0]
        tail = text[len(text) - (_AROUND if at < len(pieces) - 1 else 0) :]
        left = len(text) - len(head) - len(tail)
        short += [Piece("=", head)] if head else []
        short.append(Piece("…", f"… {left:,} characters are the same …"))
        short += [Piece("=", tail)] if tail else []
    return short


def _edits_of(
    pattern: re.Pattern[str], before: str, after: str, steps: Steps
) -> Iterable[tuple[str, str, bool]]:
    """Yield the parts of two texts, cut by a pattern, and whether they are the same."""
    a = [found[0] for found in pattern.finditer(before)]
    b = [found[0] for found in pattern.finditer(after)]
    for old, new, same in edits(a, b, steps):
        yield "".join(a[old]), "".join(b[new]), same


def _in_lines(before: str, after: str, steps: Steps) -> list[Piece]:
    old, new = _LINES.findall(before), _LINES.findall(after)
    if len(old) == len(new) > _MANY:
        # A name that was changed throughout: too many edits for one search, few for each line.
        return [piece for pair in zip(old, new, strict=True) for piece in _in_lines(*pair, steps)]
    pieces: list[Piece] = []
    for gone, come, same in _edits_of(_WORDS, before, after, steps):
        pieces += [Piece("=", come)] if same else _one_for_the_other(gone, come)
    alike = sum(len("".join(piece.text.split())) for piece in pieces if piece.mark == "=")
    sizes = (len("".join(text.split())) for text in (before, after))
    is_other = 2 * alike < _ALIKE * sum(sizes)
    return _one_for_the_other(before, after) if is_other else pieces


def _one_for_the_other(before: str, after: str) -> list[Piece]:
    gone = [Piece("-", before)] if before else []
    return [*gone, Piece("+", after)] if after else gone


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Return whole changes: no mere space stands between two of them."""
    joined: list[Piece] = []
    gone = come = same = ""
    for mark, text in pieces:
        if mark == "=":
            same += text
            continue
        if same and (not gone + come or not same.isspace() or "\n" in same):
            joined += [*_one_for_the_other(gone, come), Piece("=", same)]
            gone = come = ""
        gone, come, same = gone + same * bool(gone + come), come + same * bool(gone + come), ""
        if mark == "-":
            gone += text
        else:
            come += text
    joined += _one_for_the_other(gone, come)
    return [*joined, Piece("=", same)] if same else joined
