"""What a dialect is: reads the requests and answers of one model API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from aimon_nb import providers
from aimon_nb.model import ModelCall, Usage
from aimon_nb.wire.dialects.charges import charge_in
from aimon_nb.wire.dialects.json_values import text_of
from aimon_nb.wire.dialects.known_usage import NOT_FINAL, unknown_in
from aimon_nb.wire.dialects.message_builder import MessageBuilder
from aimon_nb.wire.dialects.server_tools import ServerTools

_LONGEST_ID = 300  # characters
# Headers by which a gateway says that it is one: LiteLLM's proxy.
_GATEWAYS = frozenset({"x-litellm-version", "x-litellm-model-id"})


class Awaited(NamedTuple):
    """What a later GET tells of a request: the ids in the paths of such GETs.

    `address` is another host that is asked for it, where the answer names one.
    """

    ids: tuple[str, ...]
    address: str = ""


class Dialect:
    """Reads one request and its answer; made anew for each, so it may have state.

    A subclass says which requests are its own (`path_pattern`, searched in the path
    without its query; `hosts`, searched in the host's name, where the path alone
    does not tell) and reads request and answer into a `ModelCall`. Whatever they hold,
    it never raises, and a count is right or unknown: one that makes no sense is left out,
    and one that may still grow is not final (`take_usage`). An answer without a
    `finish_reason` at its end counts as left early by whoever read it: where the API names
    none, "stop" is to be set.

    At a host that is no provider's own anybody's server may have such a path: there
    the request must hold one of the `body_markers`, if the dialect has any. With a
    `usual_path` it must do so on any other path too, at whatever host.

    `headers` are those of the answer that hold counts, in lower case: no other is read.

    `path_suffixes` are the last words of its paths, after the last `/` or `:`. A request
    that ends otherwise costs nothing; without them every request is looked at.

    Where a later GET tells the usage, `answer` sets what is `awaited`, and reads the answers
    to those GETs too; it sets `bills_nothing` where it is told that nothing will be billed,
    and `has_given_up` where it wants no more of an answer.
    """

    provider = ""
    operation = "chat"
    path_pattern: ClassVar[re.Pattern[str]]
    path_suffixes: ClassVar[frozenset[str]] = frozenset()
    hosts: ClassVar[re.Pattern[str] | None] = None
    headers: frozenset[str] = frozenset()
    body_markers: ClassVar[tuple[bytes, ...]] = ()
    usual_path: ClassVar[re.Pattern[str] | None] = None
    awaited: Awaited | None = None
    bills_nothing = False
    has_given_up = False

    def __init__(self, host: str, path: str) -> None:
        self.path = path
        known = providers.at_host(host) or providers.behind_gateway(host, path)
        self.provider, self._is_known = known.name if known else self.provider, known is not None
        self.turns, self.server_tools = MessageBuilder(), ServerTools()
        self._is_final = False
        if known is None:
            self.headers = self.headers | _GATEWAYS

    def matches_body(self, body: bytes | None) -> bool:
        """Return whether a request asks a model; one of unknown body does on a usual path."""
        is_usual = self.usual_path is None or self.usual_path.search(self.path) is not None
        if body is None or (is_usual and (self._is_known or not self.body_markers)):
            return is_usual
        return self.holds_markers(body)

    def holds_markers(self, body: bytes) -> bool:
        """Return whether a body holds what tells a request of this API from any other."""
        return any(marker in body for marker in self.body_markers)

    def may_be_deferred(self, body: bytes | None) -> bool:  # noqa: ARG002  for those that may
        """Return whether a GET may tell the usage of this request; on the user's thread."""
        return False

    def request(self, call: ModelCall, body: dict[str, Any]) -> None:
        """Read the request: model, streaming, messages, tools, parameters.

        The body is empty where it could not be read; the path may tell enough.
        """

    def answer(self, call: ModelCall, event: dict[str, Any]) -> None:
        """Read the whole JSON body, or each event of a stream in turn.

        Later values win; `call.error` is set for an answer that has an `error`.
        """

    def read_headers(self, call: ModelCall, headers: dict[str, str]) -> None:
        """Read what the answer's `headers` tell, after the body; those that came."""
        call.is_gateway = call.is_gateway or not _GATEWAYS.isdisjoint(headers)

    def take_usage(
        self,
        call: ModelCall,
        raw: Mapping[str, Any],
        usage: Usage,
        known: frozenset[str],
        *,
        is_final: bool = True,
    ) -> None:
        """Set the call's usage, and what makes its cost a lower bound or known exactly.

        Args:
            call: The call.
            raw: The usage as the answer has it.
            usage: What was read of it.
            known: All that is known of such a usage (`known_usage`).
            is_final: Whether the counts grow no more: the answer has told its end.

        """
        self._is_final = self._is_final or is_final
        call.usage = usage
        call.service_tier = text_of(raw.get("service_tier")) or call.service_tier
        call.shortfalls = [] if self._is_final else [NOT_FINAL]
        call.shortfalls += unknown_in(raw, known)
        charged, left_out = charge_in(raw, self.provider)
        if charged is not None and (call.charged is None or charged >= call.charged):
            call.charged = charged
            call.charge_shortfall = left_out or (None if self._is_final else NOT_FINAL)

    def await_usage(self, call: ModelCall, ids: list[str], path: str, address: str = "") -> None:
        """Note that GETs of these ids tell the usage, as under `path`."""
        known = tuple(one for one in ids if 0 < len(one) <= _LONGEST_ID)
        self.awaited = Awaited(known, address) if known else None
        call.untold = f"usage not told yet: GET {path}"

    def in_path(self, pattern: re.Pattern[str]) -> str:
        """Return the first group of a pattern in the path; "" if it is not there."""
        match = pattern.search(self.path)
        return match[1] if match else ""
