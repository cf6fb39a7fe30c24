"""Why a call has no price and what gives it one: said once in a tree, by the first such row."""

from __future__ import annotations

import json
from functools import lru_cache

from aimon_nb.model import Run, Span
from aimon_nb.views.present import formatting

# How the reasons begin that name no way out themselves.
_BARE = ("no price is known for", "no prices are known for provider", "no provider is known")

# By run: what is said in it → the span that says it. To look for it once a row would take the
# square of a long run's rows.
_saying: dict[str, dict[str, str]] = {}
_RUNS = 50


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
    has_tokens = span.usage.input is not None or span.usage.output is not None
    model = span.model or span.request_model
    return _in_words(cost.reason or "", model if has_tokens else None)


@lru_cache(maxsize=200)
def _in_words(reason: str, model: str | None) -> str:
    """Return the reason with a way out; of the thousands of calls of a loop all have one."""
    if reason.startswith(_BARE) and "pricing." not in reason and model:
        name = json.dumps(formatting.line(model, 80), ensure_ascii=False)
        reason += f"; pricing.set({name}, input_mtok=…, output_mtok=…) says what it costs"
    return formatting.line(reason)


def _first_to_say(said: str, run: Run) -> Span | None:
    """Return the span of the run that says it: the first one when it was first asked for."""
    known = _saying.setdefault(run.run_id, {})
    span = run.spans.get(known.get(said, ""))
    if span is None or _advice(span) != said:
        span = _find(said, run)
        if span is not None:
            known[said] = span.span_id
    if len(_saying) > _RUNS:
        _saying.pop(next(iter(_saying)), None)
    return span


def _find(said: str, run: Run) -> Span | None:
    try:
        return next((one for one in run.spans.values() if _advice(one) == said), None)
    except RuntimeError:
        # Spans came meanwhile.
        return next((one for one in list(run.spans.values()) if _advice(one) == said), None)
