"""Why a call has no price and what gives it one: said once in a tree, by the first such row."""

from __future__ import annotations

import json

from aimon_nb.model import Run, Span
from aimon_nb.views.present import formatting

# How the reasons begin that name no way out themselves.
_BARE = ("no price is known for", "no prices are known for provider", "no provider is known")


def price_advice(span: Span, run: Run) -> str:
    """Return why the call has no price, and what gives it one.

    It is "" for a call that has one, and where an earlier row of the run says the same.
    """
    said = _advice(span)
    return said if said and _first_to_say(said, run) is span else ""


def _advice(span: Span) -> str:
    cost = span.cost
    if cost is None or cost.state != "unpriced" or span.repeats:
        return ""
    reason, model = cost.reason or "", span.model or span.request_model
    has_tokens = span.usage.input is not None or span.usage.output is not None
    if reason.startswith(_BARE) and "pricing." not in reason and model and has_tokens:
        name = json.dumps(formatting.line(model, 80), ensure_ascii=False)
        reason += f"; pricing.set({name}, input_mtok=…, output_mtok=…) says what it costs"
    return formatting.line(reason)


def _first_to_say(said: str, run: Run) -> Span | None:
    """Return the first span of the run for which that holds: mostly one of the very first."""
    try:
        return next((one for one in run.spans.values() if _advice(one) == said), None)
    except RuntimeError:
        # Spans came meanwhile.
        return next((one for one in list(run.spans.values()) if _advice(one) == said), None)
