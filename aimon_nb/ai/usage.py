"""Recording token usage by hand."""

from __future__ import annotations

import operator
from typing import Any

import sentry_sdk

from aimon_nb.ai.consts import SPANDATA
from aimon_nb.ai.pipeline import get_ai_pipeline_name

# The documented name, and beside it today's (sentry-conventions), where they differ.
_NAMES: dict[str, tuple[str, ...]] = {
    "input_tokens": (SPANDATA.GEN_AI_USAGE_INPUT_TOKENS,),
    "input_tokens_cached": (
        SPANDATA.GEN_AI_USAGE_INPUT_TOKENS_CACHED,
        "gen_ai.usage.cache_read.input_tokens",
    ),
    "input_tokens_cache_write": (
        SPANDATA.GEN_AI_USAGE_INPUT_TOKENS_CACHE_WRITE,
        "gen_ai.usage.cache_creation.input_tokens",
    ),
    "output_tokens": (SPANDATA.GEN_AI_USAGE_OUTPUT_TOKENS,),
    "output_tokens_reasoning": (
        SPANDATA.GEN_AI_USAGE_OUTPUT_TOKENS_REASONING,
        "gen_ai.usage.reasoning.output_tokens",
    ),
    "total_tokens": (SPANDATA.GEN_AI_USAGE_TOTAL_TOKENS,),
}


def record_token_usage(
    span: Any,
    input_tokens: int | None = None,
    input_tokens_cached: int | None = None,
    output_tokens: int | None = None,
    output_tokens_reasoning: int | None = None,
    total_tokens: int | None = None,
    *,
    input_tokens_cache_write: int | None = None,
) -> None:
    """Put token counts on a span.

    Args:
        span: the span; None is the current one.
        input_tokens: tokens sent, those from and into the cache included.
        input_tokens_cached: tokens read from the provider's cache.
        output_tokens: tokens generated, reasoning included.
        output_tokens_reasoning: tokens spent on reasoning.
        total_tokens: input and output; computed where both are given and this is not.
        input_tokens_cache_write: tokens written into the provider's cache.

    Raises:
        TypeError: a count is no whole number (a bool or a text, say).
        ValueError: a count is negative.

    Example:
        record_token_usage(span, input_tokens=12, output_tokens=30)
    """
    counts = {
        "input_tokens": _count("input_tokens", input_tokens),
        "input_tokens_cached": _count("input_tokens_cached", input_tokens_cached),
        "input_tokens_cache_write": _count("input_tokens_cache_write", input_tokens_cache_write),
        "output_tokens": _count("output_tokens", output_tokens),
        "output_tokens_reasoning": _count("output_tokens_reasoning", output_tokens_reasoning),
        "total_tokens": _count("total_tokens", total_tokens),
    }
    into, out = counts["input_tokens"], counts["output_tokens"]
    if counts["total_tokens"] is None and into is not None and out is not None:
        counts["total_tokens"] = into + out
    span = span if span is not None else sentry_sdk.get_current_span()
    if span is None:
        return
    put = getattr(span, "set_data", None) or span.set_attribute
    pipeline = get_ai_pipeline_name()
    if pipeline is not None:
        put(SPANDATA.GEN_AI_PIPELINE_NAME, pipeline)
    for name, count in counts.items():
        for key in _NAMES[name] if count is not None else ():
            put(key, count)


def _count(name: str, value: Any) -> int | None:
    if value is None:
        return None
    try:
        count = operator.index(value if not isinstance(value, bool) else str(value))  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} must be a whole number of tokens, not {value!r}") from None
    if count < 0:
        raise ValueError(f"{name} must not be negative, but is {count}")
    return count
