"""Anthropic's counts: the cache beside the input, and a bill made of iterations.

https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching
https://docs.anthropic.com/en/docs/build-with-claude/compaction

A compaction and what another model served are only in `iterations`: billed is their sum.
"""

from __future__ import annotations

from typing import Any

from aimon_nb.model import Usage
from aimon_nb.wire.dialects.json_values import count_of, dict_of, dicts_of, sum_of, text_of

_COUNTS = (
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
)
_WRITES = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
_DETAILS = {
    "cache_write_5m_tokens": ("cache_creation", "ephemeral_5m_input_tokens"),
    "cache_write_1h_tokens": ("cache_creation", "ephemeral_1h_input_tokens"),
    "web_searches": ("server_tool_use", "web_search_requests"),
}
_SERVED_BY_ANOTHER = "fallback_message"
_BILLED = frozenset({"message", "compaction", _SERVED_BY_ANOTHER})


def usage(raw: dict[str, Any], *, is_final: bool = True) -> Usage:
    """Return counts of which `input` holds the cache; before the final ones, output is a guess."""
    read, written = raw.get("cache_read_input_tokens"), raw.get("cache_creation_input_tokens")
    reasoning = dict_of(raw.get("output_tokens_details")).get("thinking_tokens")
    return Usage(
        input=sum_of(count_of(raw.get("input_tokens")), read, written),
        cached=count_of(read),
        cache_write=count_of(written),
        output=count_of(raw.get("output_tokens")) if is_final else None,
        reasoning=count_of(reasoning) if is_final else None,
    )


def details(raw: dict[str, Any]) -> dict[str, int]:
    """Return the counts that have prices of their own."""
    counts = {name: count_of(dict_of(raw.get(a)).get(b)) for name, (a, b) in _DETAILS.items()}
    return {name: count for name, count in counts.items() if count}


def billed(raw: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return a usage with the sums over its iterations, and in words what they leave out.

    A model that declined before another served costs nothing. An advisor is a model of its
    own, with prices of its own: its tokens are said, not added.
    """
    parts = dicts_of(raw.get("iterations"))
    served_by = {text_of(p.get("model")) for p in parts if p.get("type") == _SERVED_BY_ANOTHER}
    sums, shortfalls = dict(raw), []
    paid = []
    for part in parts:
        kind, model = text_of(part.get("type")), text_of(part.get("model"))
        if kind not in _BILLED:
            shortfalls.append(_left_out(kind, model, part))
        elif not (served_by and model and model not in served_by):
            paid.append(part)
    if not paid:
        return sums, shortfalls
    for name in _COUNTS:
        sums[name] = _most(raw.get(name), [part.get(name) for part in paid])
    writes = [dict_of(part.get("cache_creation")) for part in paid]
    top = dict_of(raw.get("cache_creation"))
    if any(writes):
        by_life = {name: _most(top.get(name), [w.get(name) for w in writes]) for name in _WRITES}
        sums["cache_creation"] = top | by_life
    return sums, shortfalls


def _most(at_the_top: Any, parts: list[Any]) -> int | None:
    """Return the sum over the parts, or the count at the top where that is more."""
    counts = [
        count_of(at_the_top),
        sum_of(0, *parts) if any(p is not None for p in parts) else None,
    ]
    return max((count for count in counts if count is not None), default=None)


def _left_out(kind: str, model: str, part: dict[str, Any]) -> str:
    into, out = count_of(part.get("input_tokens")), count_of(part.get("output_tokens"))
    who = " ".join(word[:60] for word in (kind.removesuffix("_message"), model) if word)
    return f"not in the sum: {into or 0:,} → {out or 0:,} tokens of {who or 'an unknown part'}"
