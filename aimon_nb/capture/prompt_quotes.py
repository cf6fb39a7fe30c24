"""Prompts that errors quote: no run of twenty characters of one is in what is kept or sent.

A provider that refuses a request may repeat a part of it, and the client's exception, on its
way through the steps above, repeats that. So the requests that were sent last are known, and
an error's text is compared with them where it is recorded, or leaves for Sentry.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from aimon_nb.model import Span

RUN = 20  # characters in a row that are a quotation
CUT = "…"
_HALF = RUN // 2
# Requests that are known, and as many that have failed: a loop or a batch raises an error of
# one of them when all have been sent.
_MOST_KNOWN = 100
_ALWAYS_KNOWN = 5  # of them, the latest, however long they are
_BODIES = 1_000_000  # bytes of the others
_BODY = 2_000_000  # bytes of one that are known
_MOST = 1_000_000  # characters of prompts that a text is compared with
# Words of a request that are no content: an error must be able to name them.
_NAMES = frozenset({"model", "modelid", "model_id", "type", "role", "name", "id", "object"})


class _Bodies(deque[bytes]):
    """The latest bodies; without a lock, which a fork would keep held for ever."""

    def __init__(self) -> None:
        super().__init__(maxlen=_MOST_KNOWN)
        self._room = _BODIES  # bytes that there are at least; the exact sum is seldom needed

    def add(self, body: bytes) -> None:
        """Take a body in, and let go of those for which there is no room."""
        self.append(body)
        self._room -= len(body)
        if self._room >= 0:
            return
        # In one step each: other threads may add to them.
        with suppress(IndexError):
            while len(self) > _ALWAYS_KNOWN and sum(map(len, tuple(self))) > _BODIES:
                self.popleft()
        self._room = _BODIES - sum(map(len, tuple(self)))


class RecentPrompts:
    """The texts of the latest requests, looked at only when there is an error to compare."""

    def __init__(self) -> None:
        self._sent, self._failed = _Bodies(), _Bodies()
        # The texts of what was read by its hash, for it itself may be let go of meanwhile: in a
        # batch that fails each error is compared, and each request is read once.
        self._read: tuple[dict[int, str], str] = ({}, "")

    def note(self, body: bytes | None, *, failed: bool = False) -> None:
        """Know the body of a request; a client may keep none."""
        if not body:
            return
        known = body[:_BODY]
        if not failed:
            self._sent.add(known)
        elif known not in tuple(self._failed):  # each try of one request has the same
            self._failed.add(known)

    def forget_sent(self, body: bytes | None) -> None:
        """Know the body of a request no more that asked no model."""
        if not body:
            return
        # Other threads may add to them, or have forgotten it.
        with suppress(ValueError, IndexError, RuntimeError):
            self._sent.remove(body[:_BODY])

    def text(self) -> str:
        """Return all texts of these requests in one."""
        # In one step each: other threads may add to them. One that failed is among both.
        bodies = dict.fromkeys((*reversed(tuple(self._failed)), *reversed(tuple(self._sent))))
        hashes = tuple(map(hash, bodies))
        known, text = self._read
        if hashes != tuple(known):
            texts = {
                one: known[one] if one in known else joined(_texts_of(body))
                for one, body in zip(hashes, bodies, strict=True)
            }
            text = "\0".join(_up_to(_MOST, texts.values()))
            self._read = texts, text
        return text

    def forget(self) -> None:
        """Know none any more."""
        self._sent.clear()
        self._failed.clear()
        self._read = {}, ""


def _up_to(most: int, texts: Iterable[str]) -> Iterator[str]:
    size = 0
    for text in texts:
        if size > most:
            return
        size += len(text)
        yield text


def joined(texts: Iterable[str]) -> str:
    """Return texts as one to be searched, each also as it is written in JSON and in Python."""
    parts: list[str] = []
    size = 0
    for text in texts:
        if len(text) < RUN:
            continue
        cut = text[:_MOST]
        forms = dict.fromkeys((cut, json.dumps(cut)[1:-1], repr(cut)[1:-1]))
        parts += forms
        size += sum(map(len, forms))
        if size > _MOST:
            break
    return "\0".join(parts)


def without_quotes(text: str, prompt: str) -> str:
    """Return a text without each run of characters, twenty or more, that stands in the prompt."""
    quoted = bytearray(len(text))
    # Each such run holds one of these halves: nearly always none is found, and that is all.
    for at in range(0, len(text) - _HALF + 1, _HALF):
        if text[at : at + _HALF] not in prompt:
            continue
        for start in range(max(0, at - _HALF + 1), min(at, len(text) - RUN) + 1):
            if text[start : start + RUN] in prompt:
                quoted[start : start + RUN] = b"\1" * RUN
    if not any(quoted):
        return text
    return "".join(_left(text, quoted))


def _left(text: str, quoted: bytearray) -> Iterator[str]:
    before = 0
    for letter, now in zip(text, quoted, strict=True):
        if not now:
            yield letter
        elif not before:
            yield CUT
        before = now


def keep_apart(span: Span) -> None:
    """Keep a span's error without quotations of prompts, and the whole beside it, as content."""
    if span.error is None:
        return
    prompt = _own_prompt(span)
    call, told = span.call, span.error
    if call is not None and call.error:
        call.error = without_quotes(call.error, prompt)
    span.error = without_quotes(told, prompt)
    if span.error != told:
        span.error_in_full = told


def _own_prompt(span: Span) -> str:
    """Return the texts that a span's error may quote: its call's own, and those sent last."""
    if span.call is None:
        return recent_prompts.text()
    turns = span.call.input
    arguments = (text for turn in turns for _, text in turn.tool_calls)
    own = joined((*(turn.text for turn in turns), *arguments))
    return f"{own}\0{recent_prompts.text()}"


def _texts_of(body: bytes) -> Iterator[str]:
    text = body.decode("utf-8", "replace")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        yield text  # a form, or what only the provider can read
        return
    pending: list[Any] = [content]
    while pending:
        one = pending.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, list):
            pending += one
        elif isinstance(one, dict):
            pending += [value for key, value in one.items() if key.lower() not in _NAMES]


recent_prompts = RecentPrompts()
"""The process's own."""
