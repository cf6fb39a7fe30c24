"""Token counts as they are added up and priced, from counts as they were reported.

Providers and SDK integrations disagree on what a count includes: rule B in docs/cost.md.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

from aimon_nb.model import Usage


class NormalisedUsage(NamedTuple):
    """Counts of which `input` includes the cache and `output` includes reasoning.

    `unattributed` are tokens of the reported total that are neither input nor output.
    `inconsistency` says what is impossible about the reported counts, or is None.
    """

    usage: Usage
    unattributed: int = 0
    inconsistency: str | None = None


def normalise(usage: Usage) -> NormalisedUsage:
    """Return the counts with every part inside its whole, and what is wrong with them.

    Some providers report cache or reasoning on top. Arithmetic shows which: a part is larger
    than its whole, or the total only adds up with the parts on top.
    """
    into, out, total = usage.input, usage.output, usage.total
    # Most counts are complete and inside: nothing is to be found out, and comparing
    # takes half as long as finding them in the cache of `_normalise`.
    if into is not None and out is not None and (total is None or total == into + out):
        cached, write, reasoning = usage.cached or 0, usage.cache_write or 0, usage.reasoning or 0
        if (
            min(into, out, cached, write, reasoning) >= 0
            and cached + write <= into
            and reasoning <= out
        ):
            if total is None:
                usage = Usage(
                    into, usage.cached, usage.cache_write, out, usage.reasoning, into + out
                )
            return NormalisedUsage(usage)
    return _normalise(usage)


@functools.lru_cache(maxsize=4096)
def _normalise(usage: Usage) -> NormalisedUsage:
    into, out, total = usage.input, usage.output, usage.total
    cache = (usage.cached or 0) + (usage.cache_write or 0)
    reasoning = usage.reasoning or 0
    if out is None and into is not None and total == into:
        # The SDK's OpenAI integration drops zeros.
        out = 0
    cache_on_top, reasoning_on_top = _on_top(into, cache, out, reasoning, total)
    if into is not None and cache_on_top:
        into += cache
    if out is not None and reasoning_on_top:
        out += reasoning
    rest, new_total = 0, total
    if into is not None and out is not None:
        new_total = into + out
        if total is not None:
            # A total may leave out what is reported on top; if it is less even so, `rest` is
            # negative.
            least = min(new_total, (usage.input or 0) + (usage.output or 0))
            rest = total - least if total < least else max(0, total - new_total)
    normal = Usage(into, usage.cached, usage.cache_write, out, usage.reasoning, new_total)
    return NormalisedUsage(normal, max(0, rest), _inconsistency(usage, rest))


def _on_top(
    into: int | None, cache: int, out: int | None, reasoning: int, total: int | None
) -> tuple[bool, bool]:
    """Return whether (cache, reasoning) come on top of (input, output)."""
    forced = (into is not None and cache > into, out is not None and reasoning > out)
    if into is None or out is None or total is None:
        return forced
    # Inside first; where a tie remains, reasoning: Gemini and xAI report it so.
    for on_top in ((False, False), (False, True), (True, False), (True, True)):
        possible = all(one or not must for one, must in zip(on_top, forced, strict=True))
        if possible and total == into + out + cache * on_top[0] + reasoning * on_top[1]:
            return on_top
    return forced


def _inconsistency(usage: Usage, rest: int) -> str | None:
    counts = (usage.input, usage.cached, usage.cache_write, usage.output, usage.reasoning)
    if min(filter(None, (*counts, usage.total)), default=0) < 0:
        return "a negative token count was reported"
    if usage.input is None and usage.output is None:
        return "only a total was reported, not input and output"
    if rest < 0:
        return f"the reported total of {usage.total:,} tokens is less than input and output"
    if usage.input is None and (usage.cached or usage.cache_write):
        return "cached tokens were reported without the input they are part of"
    return None
