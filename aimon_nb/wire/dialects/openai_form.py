"""What all of OpenAI's endpoints have in common, and those who speak as they do."""

from __future__ import annotations

import re
from typing import Any

from aimon_nb.model import ModelCall, Usage
from aimon_nb.wire.dialects.dialect import Dialect
from aimon_nb.wire.dialects.json_values import count_of, dict_of, first_count, sum_of, text_of

_SEARCHED = {
    "num_search_queries": "web_searches",
    "citation_tokens": "output_citation_tokens",
    "num_sources_used": "search_sources",
}
_DEPLOYMENT = re.compile(r"/deployments/([^/]+)/")  # Azure's model stands in the path


class OpenAIForm(Dialect):
    """Model and streaming of a request, and the `usage` of chat and embeddings."""

    provider = "openai"

    def request(self, call: ModelCall, body: dict[str, Any]) -> None:
        """Model, and whether the answer is streamed."""
        call.request_model = text_of(body.get("model")) or self.in_path(_DEPLOYMENT) or None
        call.streaming = body.get("stream") is True

    def answer(self, call: ModelCall, event: dict[str, Any]) -> None:
        """Response model and service tier."""
        call.response_model = text_of(event.get("model")) or call.response_model
        call.service_tier = text_of(event.get("service_tier")) or call.service_tier


def usage(raw: dict[str, Any]) -> Usage:
    """`usage` of an answer; what is missing or no count is unknown.

    Cached tokens: OpenAI, DeepSeek, Moonshot. Written ones: OpenAI and OpenRouter,
    LiteLLM's proxy in its two ways. OpenAI counts reasoning inside the completion;
    xAI counts it beside, and so does Gemini's endpoint of this form, which does not
    even tell it: the total does. Some proxies hand on Anthropic's counts, in which the
    cache is beside the input. Perplexity counts reasoning and citations beside, and
    outside its total.
    """
    if "citation_tokens" in raw:
        return _perplexity(raw)
    prompt = dict_of(raw.get("prompt_tokens_details"))
    completion = dict_of(raw.get("completion_tokens_details"))
    into, out = count_of(raw.get("prompt_tokens")), count_of(raw.get("completion_tokens"))
    reasoning, total = (
        count_of(completion.get("reasoning_tokens")),
        count_of(raw.get("total_tokens")),
    )
    cached = first_count(prompt, "cached_tokens")
    written = first_count(prompt, "cache_write_tokens", "cache_creation_tokens")
    if cached is None:
        cached = first_count(raw, "prompt_cache_hit_tokens", "cached_tokens")
    if written is None:
        written = first_count(raw, "cache_creation_input_tokens")
    if total is not None and out is not None:
        beside = None if into is None else total - into - out
        if beside is None:
            out = None  # cannot tell
        elif beside > 0 and reasoning in (None, beside):
            if into is not None and reasoning is None and beside == (cached or 0) + (written or 0):
                into += beside
            else:
                out += beside
    return Usage(into, cached, written, out, reasoning, total)


def _perplexity(raw: dict[str, Any]) -> Usage:
    into, reasoning = count_of(raw.get("prompt_tokens")), count_of(raw.get("reasoning_tokens"))
    beside = raw.get("reasoning_tokens"), raw.get("citation_tokens")
    out = sum_of(count_of(raw.get("completion_tokens")), *beside)
    return Usage(input=into, output=out, reasoning=reasoning)


def details(raw: dict[str, Any]) -> dict[str, int]:
    """Counts that have prices of their own: audio, and what Perplexity and xAI search."""
    named = {"input_audio_tokens": "prompt", "output_audio_tokens": "completion"}
    found = {
        name: count_of(dict_of(raw.get(f"{side}_tokens_details")).get("audio_tokens"))
        for name, side in named.items()
    }
    found |= {name: count_of(raw.get(told)) for told, name in _SEARCHED.items()}
    return {name: count for name, count in found.items() if count}
