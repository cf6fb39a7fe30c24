"""What a dialect is: one exchange with a model, as its provider puts it."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from aimon_nb.model import Call
from aimon_nb.wire.dialects.hosts import provider_at
from aimon_nb.wire.dialects.turns import Turns


class Dialect:
    """Reads one exchange; made anew for each, so it may remember what it has read.

    A subclass says which requests are its own (`paths`, searched in the path
    without its query; `hosts`, searched in the host's name, where the path alone
    does not tell) and reads request and answer into a `Call`. Whatever they hold,
    it never raises, and a count is right or unknown: one that may still grow, or
    that makes no sense, is left out.

    `headers` are those of the answer that hold counts, in lower case: no other is read.

    `ends` are the last words of its paths, after the last `/` or `:`. A request
    that ends otherwise costs nothing; without them every request is looked at.
    """

    provider = ""
    operation = "chat"
    paths: ClassVar[re.Pattern[str]]
    ends: ClassVar[frozenset[str]] = frozenset()
    hosts: ClassVar[re.Pattern[str] | None] = None
    headers: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, host: str, path: str) -> None:
        self.path = path
        self.provider = provider_at(host) or self.provider
        self.turns = Turns()

    def request(self, call: Call, body: dict[str, Any]) -> None:
        """Read the request: model, streaming, messages, tools, parameters.

        The body is empty where it could not be read; the path may tell enough.
        """

    def answer(self, call: Call, event: dict[str, Any]) -> None:
        """Read the whole JSON body, or each event of a stream in turn.

        Later values win; `call.error` is set for an answer that has an `error`.
        """

    def counted(self, call: Call, headers: dict[str, str]) -> None:
        """Read the counts in the answer's `headers`, after the body; those that came."""

    def in_path(self, pattern: re.Pattern[str]) -> str:
        """The first group of a pattern in the path, or nothing."""
        found = pattern.search(self.path)
        return found[1] if found else ""
