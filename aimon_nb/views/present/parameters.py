"""What a request set beside its messages: temperature, seed and the like.

In tables and files, so no text of the user's: a parameter whose text is more than a word is
left out.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from aimon_nb.model import Span

_PREFIX = "gen_ai.request."
# Those that a span tells of a call that did not cross the wire.
_TOLD = (
    *("temperature", "top_p", "top_k", "max_tokens", "seed", "frequency_penalty"),
    *("presence_penalty", "choice.count"),
)
_WORD = re.compile(r"[\w.:+/-]{1,40}")
_INT64_END = 2**63


def as_json(span: Span) -> str | None:
    """Return a call's parameters as JSON, in its API's order; None without any."""
    found = {key: value for key, value in _given(span).items() if _is_plain(value)}
    return json.dumps(found, ensure_ascii=False) if found else None


def _given(span: Span) -> dict[str, Any]:
    if span.call is not None:
        return span.call.parameters
    told = span.attributes
    return {key: told[_PREFIX + key] for key in _TOLD if _PREFIX + key in told} if told else {}


def _is_plain(value: Any) -> bool:
    """Return whether it is a switch, a number that JSON has, or one word."""
    if isinstance(value, str):
        return _WORD.fullmatch(value) is not None
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and abs(value) < _INT64_END
