"""Attributes of a span → usage, in every spelling that the SDK's integrations write."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from aimon_nb.model import Usage
from aimon_nb.model.span import EMPTY_USAGE

_P = "gen_ai.usage."
# Kind ← attribute names, first match wins: the documented names, then today's
# conventions (LangChain's integration writes only those), then old ones.
NAMES: dict[str, tuple[str, ...]] = {
    "input": (_P + "input_tokens", _P + "prompt_tokens", "ai.prompt_tokens.used"),
    "cached": (_P + "input_tokens.cached", _P + "cache_read.input_tokens"),
    "cache_write": (_P + "input_tokens.cache_write", _P + "cache_creation.input_tokens"),
    "output": (_P + "output_tokens", _P + "completion_tokens", "ai.completion_tokens.used"),
    "reasoning": (_P + "output_tokens.reasoning", _P + "reasoning.output_tokens"),
    "total": (_P + "total_tokens", "ai.total_tokens.used"),
}
_ALL = frozenset(name for names in NAMES.values() for name in names)


def reported(attributes: Mapping[str, Any]) -> Usage:
    """The counts a span carries; None for each kind nobody wrote."""
    if _ALL.isdisjoint(attributes):
        return EMPTY_USAGE
    return Usage(*(_first(attributes, names) for names in NAMES.values()))


def _first(attributes: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    for name in names:
        value = attributes.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            return int(value)
    return None


def normalised(usage: Usage) -> Usage:
    """Counts in which `input` includes the cache and `output` includes reasoning.

    Some report those on top; arithmetic tells: a part larger than its whole, or a
    total that only adds up with the parts on top (pricing rule B).
    """
    cached, write = usage.cached or 0, usage.cache_write or 0
    into, out, reasoning = usage.input, usage.output, usage.reasoning or 0
    if out is None and into is not None and usage.total == into:
        out = 0  # the SDK's OpenAI integration drops zeros
    on_top = cached + write
    if (
        into is not None
        and on_top
        and (on_top > into or (out is not None and usage.total == into + on_top + out))
    ):
        into += on_top
    if (
        out is not None
        and reasoning
        and (reasoning > out or (into is not None and usage.total == into + out + reasoning))
    ):
        out += reasoning
    total = usage.total if into is None or out is None else into + out
    return Usage(into, usage.cached, usage.cache_write, out, usage.reasoning, total)
