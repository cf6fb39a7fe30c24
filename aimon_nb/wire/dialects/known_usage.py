"""What is known of a usage: the counts that are read, and what has no bearing on a bill.

A count that nobody knows, or a word that is not the ordinary one (a region, a tier), may be
billed apart. It is said then, and makes the cost a lower bound.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

NOT_FINAL = "told before the answer's end: the tokens so far"
# Of what is unknown so many are named; a usage is no place for more.
_NAMED = 3
_MOST_KEYS = 500
_DEEPEST = 5
# What ordinary calls have, whatever the key.
_ORDINARY = frozenset(
    {
        *("", "standard", "default", "auto", "none", "global", "not_available"),
        *("on_demand", "tokens", "usd"),
    }
)
# Times and speeds, wherever they stand.
_MEASURED = re.compile(r"time|latency|duration|_ms$|_sec$|_second$|_rate$|_tps$|_at$")

# What gateways and routers add to any usage.
_ANYWHERE = frozenset(
    {
        *("cost", "cost_details", "cost_in_usd_ticks", "is_byok", "estimated_cost"),
        *("service_tier", "serviceTier", "speed"),
    }
)
CHAT = _ANYWHERE | {
    *("prompt_tokens", "completion_tokens", "total_tokens", "reasoning_tokens"),
    *("prompt_tokens_details.cached_tokens", "prompt_tokens_details.cache_write_tokens"),
    *("prompt_tokens_details.cache_creation_tokens", "prompt_tokens_details.audio_tokens"),
    *("prompt_tokens_details.text_tokens", "prompt_tokens_details.image_tokens"),
    *("prompt_tokens_details.video_tokens", "prompt_tokens_details.cache_creation_token_details"),
    *("completion_tokens_details.reasoning_tokens", "completion_tokens_details.audio_tokens"),
    *("completion_tokens_details.text_tokens", "completion_tokens_details.image_tokens"),
    # A prediction's tokens are among the completion's.
    "completion_tokens_details.accepted_prediction_tokens",
    "completion_tokens_details.rejected_prediction_tokens",
    *("prompt_cache_hit_tokens", "prompt_cache_miss_tokens", "cached_tokens"),
    *("cache_creation_input_tokens", "cache_read_input_tokens"),
    *("citation_tokens", "num_search_queries", "num_sources_used", "search_context_size"),
}
RESPONSES = _ANYWHERE | {
    *("input_tokens", "output_tokens", "total_tokens", "num_sources_used"),
    *("input_tokens_details.cached_tokens", "input_tokens_details.cache_write_tokens"),
    *("input_tokens_details.text_tokens", "input_tokens_details.image_tokens"),
    *("output_tokens_details.reasoning_tokens", "output_tokens_details.text_tokens"),
}
ANTHROPIC = _ANYWHERE | {
    *("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"),
    *("cache_creation.ephemeral_5m_input_tokens", "cache_creation.ephemeral_1h_input_tokens"),
    *("server_tool_use.web_search_requests", "server_tool_use.web_fetch_requests"),
    *("output_tokens_details.thinking_tokens", "iterations", "fallback_credit"),
}
GEMINI = _ANYWHERE | {
    *("promptTokenCount", "candidatesTokenCount", "totalTokenCount", "cachedContentTokenCount"),
    *("thoughtsTokenCount", "toolUsePromptTokenCount", "trafficType"),
    *("promptTokensDetails", "candidatesTokensDetails", "cacheTokensDetails"),
    "toolUsePromptTokensDetails",
}
BEDROCK = _ANYWHERE | {
    *("inputTokens", "outputTokens", "totalTokens", "cacheDetails"),
    *("cacheReadInputTokens", "cacheReadInputTokenCount"),
    *("cacheWriteInputTokens", "cacheWriteInputTokenCount"),
}
COHERE = _ANYWHERE | {
    *("billed_units.input_tokens", "billed_units.output_tokens"),
    *("tokens", "cached_tokens", "api_version", "warnings"),
}
RERANK = COHERE | {"billed_units.search_units"}
EMBEDDINGS = CHAT | {"text_tokens", "image_pixels", "video_pixels"}
INTERACTIONS = _ANYWHERE | {
    *("total_input_tokens", "total_output_tokens", "total_tokens", "initial_input_tokens"),
    *("total_cached_tokens", "total_thought_tokens", "total_reasoning_tokens"),
    *("total_tool_use_tokens", "tool_use_tokens_by_modality", "grounding_tool_count"),
    *("input_tokens_by_modality", "cached_tokens_by_modality", "output_tokens_by_modality"),
}
CONVERSATIONS = CHAT | {"connector_tokens", "connectors"}
IMAGES = RESPONSES | {"output_tokens_details.image_tokens"}
AUDIO = RESPONSES | {
    *("type", "seconds", "input_token_details.text_tokens", "input_token_details.audio_tokens"),
    *("prompt_audio_seconds", "prompt_tokens", "completion_tokens"),
}
LMSTUDIO = _ANYWHERE | {"input_tokens", "total_output_tokens", "reasoning_output_tokens"}


def unknown_in(raw: Mapping[str, Any], known: frozenset[str]) -> list[str]:
    """Return in words what a usage tells that is not `known` (paths, with dots) and not ordinary.

    Zeros, empty values, truth values, times and speeds are ordinary, and so are the
    words for a call without a tier or a region of its own. Empty if nothing is unknown.
    """
    found: list[str] = []
    for number, (path, value) in enumerate(_leaves(raw, known)):
        if number >= _MOST_KEYS or len(found) > _NAMED:
            found[_NAMED:] = ["more"]
            break
        said = _said(path, value)
        if said:
            found.append(said)
    return [f"no price is known for {', '.join(found)}"] if found else []


def _leaves(raw: Mapping[str, Any], known: frozenset[str]) -> Iterator[tuple[str, Any]]:
    """Yield (path, value) of what is not known; nothing below a known path is looked at."""
    pending: list[tuple[str, Any, int]] = [("", raw, 0)]
    while pending:
        path, value, depth = pending.pop()
        if depth > _DEEPEST:
            yield path, "nested too deep"
        elif isinstance(value, Mapping):
            for key, item in value.items():
                below = f"{path}.{key}" if path else str(key)
                if below not in known:
                    pending.append((below, item, depth + 1))
        elif isinstance(value, list):
            pending += [(path, item, depth + 1) for item in value]
        else:
            yield path, value


def _said(path: str, value: Any) -> str:
    """Return in words what an unknown value is, "" for an ordinary one."""
    if isinstance(value, bool) or not value or _MEASURED.search(path.lower()):
        return ""
    name = path[:60]
    if isinstance(value, (int, float)):
        return f"{name} ({value:,})" if abs(value) < 1e15 else f"{name} (not a count)"
    return "" if str(value).lower() in _ORDINARY else f'{name} "{str(value)[:40]}"'
