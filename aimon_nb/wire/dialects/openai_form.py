"""What all of OpenAI's endpoints have in common, and the many that follow their form."""

from __future__ import annotations

import re
from typing import Any

from aimon_nb.model import ModelCall, Usage
from aimon_nb.wire.dialects.dialect import Dialect
from aimon_nb.wire.dialects.json_values import count_of, dict_of, first_count, sum_of, text_of

# Perplexity's and xAI's counts that have prices of their own, and our names for them.
_PRICED_COUNTS = {
    "num_search_queries": "web_searches",
    "citation_tokens": "output_citation_tokens",
    "num_sources_used": "search_sources",
}
_PRICED_PARTS = {
    "input_audio_tokens": ("prompt", "audio_tokens"),
    "output_audio_tokens": ("completion", "audio_tokens"),
    "output_image_tokens": ("completion", "image_tokens"),
}
# Azure has the model in the path.
_DEPLOYMENT = re.compile(r"/deployments/([^/]+)/")


class OpenAIForm(Dialect):
    """Model and streaming of a request, and the `usage` of chat and embeddings."""

    provider = "openai"

    def request(self, call: ModelCall, body: dict[str, Any]) -> None:
        """Model, and whether the answer is streamed."""
        call.request_model = text_of(body.get("model")) or self.in_path(_DEPLOYMENT) or None
        # As a field of a form it is text.
        call.streaming = str(body.get("stream")).lower() == "true"

    def answer(self, call: ModelCall, event: dict[str, Any]) -> None:
        """Response model and service tier."""
        call.response_model = text_of(event.get("model")) or call.response_model
        call.service_tier = text_of(event.get("service_tier")) or call.service_tier


def usage(raw: dict[str, Any]) -> Usage:
    """Return the counts in an answer's `usage`; what is missing or no count is unknown.

    Cached tokens: OpenAI, DeepSeek, Moonshot. Written ones: OpenAI and OpenRouter,
    LiteLLM's proxy in its two ways. OpenAI counts reasoning inside the completion;
    xAI counts it beside, and so does Gemini's endpoint of this form, where it shows in
    the total alone. Some proxies hand on Anthropic's counts, in which the
    cache is beside the input. Perplexity counts reasoning and citations beside, and
    outside its total.
    """
    if "citation_tokens" in raw:
        return _perplexity(raw)
    prompt = dict_of(raw.get("prompt_tokens_details"))
    completion = dict_of(raw.get("completion_tokens_details"))
    input_tokens = count_of(raw.get("prompt_tokens"))
    output_tokens = count_of(raw.get("completion_tokens"))
    reasoning = count_of(completion.get("reasoning_tokens"))
    total = count_of(raw.get("total_tokens"))
    cached = first_count(prompt, "cached_tokens")
    written = first_count(prompt, "cache_write_tokens", "cache_creation_tokens")
    if cached is None:
        cached = first_count(raw, "prompt_cache_hit_tokens", "cached_tokens")
    if written is None:
        written = first_count(raw, "cache_creation_input_tokens")
    if total is not None and output_tokens is not None:
        # Without the input it cannot be known whether the total holds more than the output.
        if input_tokens is None:
            return Usage(None, cached, written, None, reasoning, total)
        beside = total - input_tokens - output_tokens
        if beside > 0 and reasoning in (None, beside):
            if reasoning is None and beside == (cached or 0) + (written or 0):
                input_tokens += beside
            else:
                output_tokens += beside
    return Usage(input_tokens, cached, written, output_tokens, reasoning, total)


def as_input(counts: Usage) -> Usage:
    """Return the counts of an embedding: nothing comes out of it, all that is counted went in."""
    into = counts.total if counts.total is not None else counts.input
    return Usage(input=into, cached=counts.cached, total=counts.total)


def _perplexity(raw: dict[str, Any]) -> Usage:
    beside = raw.get("reasoning_tokens"), raw.get("citation_tokens")
    return Usage(
        input=count_of(raw.get("prompt_tokens")),
        output=sum_of(count_of(raw.get("completion_tokens")), *beside),
        reasoning=count_of(raw.get("reasoning_tokens")),
    )


def details(raw: dict[str, Any]) -> dict[str, int]:
    """Return counts that have prices of their own: audio, and what Perplexity and xAI search."""
    counts = {
        name: count_of(dict_of(raw.get(f"{side}_tokens_details")).get(part))
        for name, (side, part) in _PRICED_PARTS.items()
    }
    counts |= {name: count_of(raw.get(key)) for key, name in _PRICED_COUNTS.items()}
    return {name: count for name, count in counts.items() if count}
