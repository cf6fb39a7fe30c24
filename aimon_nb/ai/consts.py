"""Names of span data, as the documented page gives them."""

from __future__ import annotations


class SPANDATA:
    """Attribute names of AI spans."""

    GEN_AI_PIPELINE_NAME = "gen_ai.pipeline.name"
    GEN_AI_USAGE_INPUT_TOKENS = "gen_ai.usage.input_tokens"
    GEN_AI_USAGE_INPUT_TOKENS_CACHED = "gen_ai.usage.input_tokens.cached"
    GEN_AI_USAGE_INPUT_TOKENS_CACHE_WRITE = "gen_ai.usage.input_tokens.cache_write"
    GEN_AI_USAGE_OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
    GEN_AI_USAGE_OUTPUT_TOKENS_REASONING = "gen_ai.usage.output_tokens.reasoning"
    GEN_AI_USAGE_TOTAL_TOKENS = "gen_ai.usage.total_tokens"
