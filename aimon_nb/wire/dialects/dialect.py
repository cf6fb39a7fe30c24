"""What a dialect is: reads the requests and answers of one model API."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from aimon_nb import providers
from aimon_nb.model import ModelCall
from aimon_nb.wire.dialects.message_builder import MessageBuilder


class Dialect:
    """Reads one request and its answer; made anew for each, so it may have state.

    A subclass says which requests are its own (`path_pattern`, searched in the path
    without its query; `hosts`, searched in the host's name, where the path alone
    does not tell) and reads request and answer into a `ModelCall`. Whatever they hold,
    it never raises, and a count is right or unknown: one that may still grow, or
    that makes no sense, is left out. An answer without a `finish_reason` at its end counts as
    left early by whoever read it: where the API names none, "stop" is to be set.

    At a host that is no provider's own anybody's server may have such a path: there
    the request must hold one of the `body_markers`, if the dialect has any.

    `headers` are those of the answer that hold counts, in lower case: no other is read.

    `path_suffixes` are the last words of its paths, after the last `/` or `:`. A request
    that ends otherwise costs nothing; without them every request is looked at.
    """

    provider = ""
    operation = "chat"
    path_pattern: ClassVar[re.Pattern[str]]
    path_suffixes: ClassVar[frozenset[str]] = frozenset()
    hosts: ClassVar[re.Pattern[str] | None] = None
    headers: ClassVar[frozenset[str]] = frozenset()
    body_markers: ClassVar[tuple[bytes, ...]] = ()

    def __init__(self, host: str, path: str) -> None:
        self.path = path
        known = providers.at_host(host)
        self.provider, self._is_known = known.name if known else self.provider, known is not None
        self.turns = MessageBuilder()

    def matches_body(self, body: bytes | None) -> bool:
        """Return whether a request asks a model; True for one whose body is not known."""
        if body is None or self._is_known or not self.body_markers:
            return True
        return any(marker in body for marker in self.body_markers)

    def request(self, call: ModelCall, body: dict[str, Any]) -> None:
        """Read the request: model, streaming, messages, tools, parameters.

        The body is empty where it could not be read; the path may tell enough.
        """

    def answer(self, call: ModelCall, event: dict[str, Any]) -> None:
        """Read the whole JSON body, or each event of a stream in turn.

        Later values win; `call.error` is set for an answer that has an `error`.
        """

    def read_headers(self, call: ModelCall, headers: dict[str, str]) -> None:
        """Read the counts in the answer's `headers`, after the body; those that came."""

    def in_path(self, pattern: re.Pattern[str]) -> str:
        """Return the first group of a pattern in the path; "" if it is not there."""
        match = pattern.search(self.path)
        return match[1] if match else ""
