"""Anthropic's batches: begun by a POST, their results are lines that a GET tells.

https://docs.anthropic.com/en/api/creating-message-batches
"""

from __future__ import annotations

import re
from typing import Any

from aimon_nb.model import ModelCall
from aimon_nb.wire.dialects.dialect import Dialect
from aimon_nb.wire.dialects.json_values import count_of, dict_of, dicts_of, text_of


class AnthropicBatches(Dialect):
    """`POST …/messages/batches`."""

    provider = "anthropic"
    operation = "batch"
    path_suffixes = frozenset({"batches"})
    body_markers = (b'"requests"',)
    path_pattern = re.compile(r"/messages/batches$")

    def may_be_deferred(self, body: bytes | None) -> bool:  # noqa: ARG002  always
        """Return True: the POST itself is answered at once."""
        return True

    def request(self, call: ModelCall, body: dict[str, Any]) -> None:
        """The model of the first request, and how many there are."""
        requests = dicts_of(body.get("requests"))
        models = [text_of(dict_of(one.get("params")).get("model")) for one in requests]
        call.request_model = next(iter(models), "") or None
        if requests:
            call.parameters["requests"] = len(requests)

    def answer(self, call: ModelCall, event: dict[str, Any]) -> None:
        """A batch: where it stands, and where its results are."""
        if event.get("type") != "message_batch":
            return
        call.service_tier = "batch"
        batch = text_of(event.get("id"))
        # No `urlsplit`, which raises where an address makes no sense.
        address = text_of(event.get("results_url")).partition("://")[2].partition("/")[0]
        if event.get("processing_status") != "ended":
            self.await_usage(call, [batch], f"{self.path}/…", address)
            return
        call.finish_reason = "ended"
        self.await_usage(call, [batch], f"{self.path}/…/results", address)
        if count_of(dict_of(event.get("request_counts")).get("succeeded")) == 0:
            call.error = "no request of the batch succeeded"
            self.bills_nothing, call.untold = True, None
