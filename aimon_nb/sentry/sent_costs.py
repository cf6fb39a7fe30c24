"""What Sentry is told of the cost of a call: exact figures alone.

Sentry makes costs of its own by model and tokens, and lets a span's `gen_ai.cost.total_tokens`
stand where there is one. It knows no price of the user's, no local server and no local cache.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from aimon_nb.model import Run, Span
from aimon_nb.model.cost import Cost, added

TOTAL = "gen_ai.cost.total_tokens"
INPUT, OUTPUT = "gen_ai.cost.input_tokens", "gen_ai.cost.output_tokens"
# One of which is on each span that may have a cost: most spans need no more than this look.
_MARKS = frozenset(
    {
        "gen_ai.request.model",
        "gen_ai.response.model",
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.total_tokens",
    }
)
_OF_INPUT = frozenset({"input", "cached input", "cache write"})


def may_have_cost(attributes: dict[str, Any]) -> bool:
    """Return whether a span with these attributes may need a cost; one of the user's stays."""
    return not _MARKS.isdisjoint(attributes) and TOTAL not in attributes


def cost_attributes(run: Run, span_id: str) -> dict[str, float]:
    """Return the cost of a span in USD, by the names of attributes; nothing if it is not exact."""
    span = run.spans.get(span_id)
    if span is None or span.cost is None or not _is_final(run, span) or not _is_exact(span.cost):
        return {}
    total = span.cost.total or Decimal(0)
    into = added(line.usd for line in span.cost.lines if line.kind in _OF_INPUT)
    out = added(line.usd for line in span.cost.lines if line.kind == "output")
    attributes = {TOTAL: float(total)}
    # Not of what is billed by the request or by the image, nor of a provider's own figure.
    if into + out == total:
        attributes |= {INPUT: float(into), OUTPUT: float(out)}
    return attributes


def _is_final(run: Run, span: Span) -> bool:
    """Return whether nothing that is still to come can change what it cost.

    That a framework's call was answered by a cache, or is an agent's sum, is known at the end.
    """
    if span.is_duplicate or span.is_part or span.repeats:
        return False
    is_guess = span.cached_locally and (span.call is None or not span.call.cached_by)
    return not is_guess and (span.call is not None or not run.running)


def _is_exact(cost: Cost) -> bool:
    if cost.total is None:
        return False
    return cost.state == "free" or (
        cost.state == "priced" and not cost.caveats and not cost.estimated
    )
