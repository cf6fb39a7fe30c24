"""What a provider says that it charged for a call.

https://openrouter.ai/docs/use-cases/usage-accounting
https://docs.perplexity.ai/api-reference/chat-completions-post
https://docs.x.ai/docs/api-reference
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from aimon_nb.wire.dialects.json_values import dict_of

OWN_KEY = "what the provider behind your own key charges was not told"
# xAI's ticks in a dollar.
_TICKS = 10**10
_LIMIT = Decimal(10**6)  # USD; a call that is said to cost more was not charged so


def charge_in(raw: Mapping[str, Any], provider: str) -> tuple[Decimal | None, str | None]:
    """Return what a usage says was charged, in USD, and in words what that leaves out.

    (None, None) where this provider tells nothing.
    """
    if provider == "openrouter":
        return _with_own_key(raw)
    if provider == "perplexity":
        return _amount(dict_of(raw.get("cost")).get("total_cost")), None
    if provider == "x_ai":
        ticks = _amount(raw.get("cost_in_usd_ticks"), _LIMIT * _TICKS)
        return None if ticks is None else ticks / _TICKS, None
    return None, None


def _with_own_key(raw: Mapping[str, Any]) -> tuple[Decimal | None, str | None]:
    charged = _amount(raw.get("cost"))
    if charged is None or raw.get("is_byok") is not True:
        return charged, None
    upstream = _amount(dict_of(raw.get("cost_details")).get("upstream_inference_cost"))
    return (charged, OWN_KEY) if upstream is None else (charged + upstream, None)


def _amount(value: Any, limit: Decimal = _LIMIT) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    # Whatever is no number is not between the two either; an int may be too long for str().
    return Decimal(str(value)) if 0 <= value < limit else None
