"""What an answer's head tells beside counts: the id by which the provider knows the request."""

from __future__ import annotations

import re
from collections.abc import Mapping

# The most telling first: a gateway adds its own beside the provider's.
REQUEST_IDS = (
    *("x-request-id", "request-id", "x-amzn-requestid", "apim-request-id", "x-ms-request-id"),
    *("mistral-correlation-id", "x-debug-trace-id", "x-generation-id", "x-correlation-id"),
    "cf-ray",
)
_ID = re.compile(r"[\x21-\x7e]{1,200}")


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return the id that an answer's headers give its request; None where they give none."""
    for name in REQUEST_IDS:
        told = headers.get(name)
        if isinstance(told, str) and _ID.fullmatch(told):
            return told
    return None
