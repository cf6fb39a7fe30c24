"""Recording token usage by hand."""

from __future__ import annotations

import operator
import reprlib
from typing import Any

from aimon_nb.ai.consts import SPANDATA, with_today
from aimon_nb.ai.instrumentation import instrumentation
from aimon_nb.ai.pipeline import get_ai_pipeline_name
from aimon_nb.capture.callers import find_caller
from aimon_nb.sentry import own_spans


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
    """Put token counts on a span; None writes nothing, 0 is a count.

    Args:
        span: the span (of either lifecycle, sampled or not); None is the current
            one, and where there is none nothing is recorded.
        input_tokens: tokens sent, those from and into the cache included.
        input_tokens_cached: of these, tokens read from the provider's cache.
        output_tokens: tokens generated, reasoning included.
        output_tokens_reasoning: of these, tokens spent on reasoning.
        total_tokens: input and output; computed where both are given and this is not.
        input_tokens_cache_write: of the input, tokens written into the cache.

    Raises:
        TypeError: a count is no whole number (a bool, a text or NaN, say), or `span`
            is no span.
        ValueError: a count is negative, or 2**63 or more, which Sentry has no room for.
            After an error nothing is written.

    Example:
        with sentry_sdk.start_span(op="ai.chat.completions", name="completion") as span:
            usage = client.chat.completions.create(...).usage
            record_token_usage(span, usage.prompt_tokens, output_tokens=usage.completion_tokens)

    Source: sentry-sdk's page on AI monitoring, "Token usage recording" (names and
    order of the parameters); sentry-conventions (what includes what, today's names).
    """
    if span is not None and not own_spans.is_span(span):
        raise TypeError(f"span must be a span of Sentry or None, not {reprlib.repr(span)}")
    counts = {
        SPANDATA.GEN_AI_USAGE_INPUT_TOKENS: _count("input_tokens", input_tokens),
        SPANDATA.GEN_AI_USAGE_INPUT_TOKENS_CACHED: _count(
            "input_tokens_cached", input_tokens_cached
        ),
        SPANDATA.GEN_AI_USAGE_INPUT_TOKENS_CACHE_WRITE: _count(
            "input_tokens_cache_write", input_tokens_cache_write
        ),
        SPANDATA.GEN_AI_USAGE_OUTPUT_TOKENS: _count("output_tokens", output_tokens),
        SPANDATA.GEN_AI_USAGE_OUTPUT_TOKENS_REASONING: _count(
            "output_tokens_reasoning", output_tokens_reasoning
        ),
        SPANDATA.GEN_AI_USAGE_TOTAL_TOKENS: _count("total_tokens", total_tokens),
    }
    into = counts[SPANDATA.GEN_AI_USAGE_INPUT_TOKENS]
    out = counts[SPANDATA.GEN_AI_USAGE_OUTPUT_TOKENS]
    if counts[SPANDATA.GEN_AI_USAGE_TOTAL_TOKENS] is None and into is not None and out is not None:
        counts[SPANDATA.GEN_AI_USAGE_TOTAL_TOKENS] = into + out
    known: dict[str, Any] = {key: count for key, count in counts.items() if count is not None}
    pipeline = get_ai_pipeline_name()
    if pipeline is not None:
        known[SPANDATA.GEN_AI_PIPELINE_NAME] = pipeline
    span = span if span is not None else own_spans.current()
    if span is not None:
        own_spans.set_data(span, with_today(known))
        open_span = instrumentation.tracker.open_by_id.get(id(span))
        if open_span is not None:
            open_span.caller = find_caller()


def _count(name: str, value: Any) -> int | None:
    if value is None:
        return None
    count = _whole_number(value)
    if count is None:
        shown = reprlib.repr(value)
        raise TypeError(f"{name} must be a whole number of tokens or None, not {shown}")
    # Python refuses to print the biggest.
    bits = count.bit_length()
    if bits > 63:
        limit = "not be negative" if count < 0 else "be below 2**63"
        raise ValueError(f"{name} must {limit}, but has {bits} bits")
    if count < 0:
        raise ValueError(f"{name} must not be negative, but is {count}")
    return count


def _whole_number(value: Any) -> int | None:
    """Return the whole number that it is; None for anything else, bools of any library too."""
    try:
        if isinstance(value, bool) or str(getattr(value, "dtype", "")).endswith("bool"):
            return None
        # numpy's integers have `__index__`.
        return operator.index(value)
    except Exception:
        return None
