"""Names of span data, as the documented page gives them."""

from __future__ import annotations

from typing import Any, Final


class SPANDATA:
    """Attribute names of AI spans; the values are what Sentry's 2.x SDK sends.

    Example:
        span.set_data(SPANDATA.GEN_AI_USAGE_INPUT_TOKENS, 12)

    Source: sentry-sdk's page on AI monitoring, "AI-specific span data constants".
    """

    GEN_AI_PIPELINE_NAME: Final = "gen_ai.pipeline.name"
    GEN_AI_USAGE_INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
    GEN_AI_USAGE_INPUT_TOKENS_CACHED: Final = "gen_ai.usage.input_tokens.cached"
    GEN_AI_USAGE_INPUT_TOKENS_CACHE_WRITE: Final = "gen_ai.usage.input_tokens.cache_write"
    GEN_AI_USAGE_OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
    GEN_AI_USAGE_OUTPUT_TOKENS_REASONING: Final = "gen_ai.usage.output_tokens.reasoning"
    GEN_AI_USAGE_TOTAL_TOKENS: Final = "gen_ai.usage.total_tokens"


# Sentry's conventions have renamed these since (sentry-conventions, deprecated → replacement).
TODAY: Final[dict[str, str]] = {
    SPANDATA.GEN_AI_USAGE_INPUT_TOKENS_CACHED: "gen_ai.usage.cache_read.input_tokens",
    SPANDATA.GEN_AI_USAGE_INPUT_TOKENS_CACHE_WRITE: "gen_ai.usage.cache_creation.input_tokens",
    SPANDATA.GEN_AI_USAGE_OUTPUT_TOKENS_REASONING: "gen_ai.usage.reasoning.output_tokens",
}


def with_today(data: dict[str, Any]) -> dict[str, Any]:
    """Return the data under the documented names and, beside them, under today's."""
    return {**data, **{TODAY[key]: data[key] for key in TODAY if key in data}}
