"""Attributes of a span → usage, in every spelling that the SDK's integrations write."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from aimon_nb.model import Span, Usage
from aimon_nb.model.usage import MAX_TOKENS, NOTHING

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
        return NOTHING
    return Usage(*[_first(attributes, names) for names in NAMES.values()])


def _first(attributes: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    for name in names:
        value = attributes.get(name)
        if (
            isinstance(value, (int, float))
            and not isinstance(value, bool)
            and abs(value) < MAX_TOKENS
        ):
            return int(value)
    return None


def normalised(usage: Usage) -> Usage:
    """Counts in which `input` includes the cache and `output` includes reasoning.

    Some report those on top; arithmetic tells: a part larger than its whole, or a
    total that only adds up with the parts on top (pricing rule B).
    """
    return usage if _adds_up(usage) else _normalised(usage)


def _adds_up(usage: Usage) -> bool:
    """Whether everything was reported, and inside: then there is nothing to find out."""
    into, out = usage.input, usage.output
    if into is None or out is None or usage.total != into + out:
        return False
    cached, write, reasoning = usage.cached or 0, usage.cache_write or 0, usage.reasoning or 0
    return (
        min(into, out, cached, write, reasoning) >= 0
        and cached + write <= into
        and reasoning <= out
    )


@functools.lru_cache(maxsize=4096)
def _normalised(usage: Usage) -> Usage:
    into, out, total = usage.input, usage.output, usage.total
    cache = (usage.cached or 0) + (usage.cache_write or 0)
    reasoning = usage.reasoning or 0
    if out is None and into is not None and total == into:
        out = 0  # the SDK's OpenAI integration drops zeros
    cache_on_top, reasoning_on_top = _on_top(into, cache, out, reasoning, total)
    if into is not None and cache_on_top:
        into += cache
    if out is not None and reasoning_on_top:
        out += reasoning
    whole = total if into is None or out is None else into + out
    return Usage(into, usage.cached, usage.cache_write, out, usage.reasoning, whole)


def normalised_or_raw(usage: Usage) -> Usage:
    """Counts as they are added up; impossible ones as they were reported."""
    if _adds_up(usage):
        return usage
    return normalised(usage) if usage.known and inconsistency(usage) is None else usage


def _on_top(
    into: int | None, cache: int, out: int | None, reasoning: int, total: int | None
) -> tuple[bool, bool]:
    """Whether (cache, reasoning) come on top of (input, output)."""
    forced = (into is not None and cache > into, out is not None and reasoning > out)
    if into is None or out is None or total is None:
        return forced
    # Inside first; where a tie remains, reasoning: Gemini and xAI report it so.
    for on_top in ((False, False), (False, True), (True, False), (True, True)):
        possible = all(one or not must for one, must in zip(on_top, forced, strict=True))
        if possible and total == into + out + cache * on_top[0] + reasoning * on_top[1]:
            return on_top
    return forced


def inconsistency(usage: Usage) -> str | None:
    """What is impossible about reported counts, in words."""
    if _adds_up(usage):
        return None
    counts = (usage.input, usage.cached, usage.cache_write, usage.output, usage.reasoning)
    if min(filter(None, (*counts, usage.total)), default=0) < 0:
        return "a negative token count was reported"
    if usage.input is None and usage.output is None:
        return "only a total was reported, not input and output"
    rest = unattributed_tokens(usage)
    if rest is not None and rest < 0:
        return f"the reported total of {usage.total:,} tokens is less than input and output"
    if usage.input is None and (usage.cached or usage.cache_write):
        return "cached tokens were reported without the input they are part of"
    return None


def unattributed_tokens(usage: Usage) -> int | None:
    """Tokens of the reported total that are neither input nor output; None if unknown."""
    if usage.total is None:
        return None
    if _adds_up(usage):
        return 0
    whole = normalised(usage)
    if whole.input is None or whole.output is None:
        return None
    # A sum may leave out what is reported on top.
    least = min(whole.input + whole.output, (usage.input or 0) + (usage.output or 0))
    if usage.total < least:
        return usage.total - least
    return max(0, usage.total - whole.input - whole.output)


def is_estimated(span: Span) -> bool:
    """Whether the tokens of a span may have been counted on this machine.

    The SDK does not mark them. LiteLLM counts the tokens of a stream itself where
    the provider told none, and so does the OpenAI integration with tiktoken: text
    only, without cache and reasoning. What was read from the wire is never estimated;
    what the wire was asked to estimate is.
    """
    if span.call is None and span.attributes.get("gen_ai.response.streaming") is not True:
        return False  # as most are
    if not span.usage.known or (span.call is not None and span.call.usage.known):
        return False
    if span.usage_source == "estimate":
        return True
    if span.attributes.get("gen_ai.response.streaming") is not True:
        return False
    if span.origin == "auto.ai.litellm":
        return True
    return span.origin == "auto.ai.openai" and span.usage.cached is span.usage.reasoning is None
