"""A cost → the same cost with how far it can be trusted: caveats, estimates, lower bounds."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import replace

from aimon_nb.model import Cost, Span
from aimon_nb.model.call import USAGE_ALONE
from aimon_nb.pricing.find_rates import RateLookup
from aimon_nb.pricing.normalise import NormalisedUsage
from aimon_nb.pricing.user_prices import user_prices
from aimon_nb.providers import framework_of

LEFT_EARLY = ("abandoned", "interrupted", "cancelled")
SO_FAR = "left before its end: the tokens so far"
# Models with a dearer step for long inputs, as another list has it, which ours lacks:
# label of the rates → input tokens above which a call costs more.
_STEPS = (
    (re.compile(r"^aws .*anthropic\.claude-sonnet-4-(5-)?20"), 200_000),
    (re.compile(r"^google gemini-3-pro-image"), 200_000),
    (re.compile(r"^openai gpt-5\.6-cyber"), 272_000),
    (re.compile(r"^x-ai grok-code-fast"), 200_000),
)
_SHORTEST_STEP = min(tokens for _, tokens in _STEPS)


def qualify(cost: Cost, span: Span, counts: NormalisedUsage, lookup: RateLookup) -> Cost:
    """Return a cost with its caveats, marked as estimated or as a lower bound where it is one.

    A cost that is as sure as its arithmetic comes back as it is: the same object.
    """
    caveats, state, reason = lookup.caveats, cost.state, cost.reason
    if user_prices.load_error is not None:
        caveats = (*caveats, user_prices.load_error)
    if span.call is None:
        caveats = (*caveats, *_caveats_without_request(span))
    elif span.usage_source == "estimate":
        caveats = (*caveats, f"tokens estimated from the text: {span.call.estimated_by}")
    elif span.call.from_usage_alone:
        caveats = (*caveats, USAGE_ALONE)
    if not span.is_call:
        caveats = (*caveats, "a sum that the span reports for what is below it")
    if lookup.rates is not None and state in ("priced", "partial"):
        missing = _shortfall(span, counts, lookup.rates.label) if state == "priced" else None
        told = span.call.shortfalls if span.call is not None else ()
        reason = "; ".join(filter(None, (reason, missing, *told))) or None
        state = "priced" if reason is None else "partial"
    # Without a price per token it does not matter who counted them.
    estimated = lookup.rates is not None and not lookup.is_free and span.is_estimated
    if state == cost.state and not caveats and not estimated:
        return cost
    return replace(
        cost, state=state, reason=reason, caveats=(*caveats, *cost.caveats), estimated=estimated
    )


def is_left_early(span: Span) -> bool:
    """Return whether nobody read an answer to its end, so that more may have been billed."""
    # Of what no dialect reads nobody knows which usage is the last.
    is_broken = span.status == "error" and span.call is not None and span.call.from_usage_alone
    return (span.status in LEFT_EARLY or is_broken) and span.finish_reason is None


def _shortfall(span: Span, counts: NormalisedUsage, label: str) -> str | None:
    """Return what the arithmetic of a call leaves out, in words; None if it is nothing."""
    parts = span.call.parts if span.call is not None else ()
    into = max((one.usage.input or 0 for one in parts), default=counts.usage.input or 0)
    step = _missing_step(label) if into > _SHORTEST_STEP else None
    if step is not None and into > step:
        return f"inputs above {step:,} tokens cost more, the list does not say how much"
    if is_left_early(span):
        return SO_FAR
    if counts.unattributed:
        rest = f"{counts.unattributed:,} tokens of the reported total"
        return f"{rest} are neither input nor output"
    return None


def _caveats_without_request(span: Span) -> Iterator[str]:
    if framework_of(span.origin) is not None and not span.has_unread_request:
        yield "its request was not heard: had a local cache answered, it would cost nothing"
    if span.origin == "auto.ai.litellm" and span.usage.cached is None:
        yield "LiteLLM does not report cached input: at most this"


@functools.lru_cache(maxsize=1024)
def _missing_step(label: str) -> int | None:
    """Return the input tokens above which these rates are too low; None if they never are."""
    return next((tokens for model, tokens in _STEPS if model.search(label)), None)
