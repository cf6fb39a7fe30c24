"""A model call in the attributes of Sentry's AI views."""

from __future__ import annotations

from typing import Any

from aimon_nb.model import ModelCall
from aimon_nb.model.caller import Caller
from aimon_nb.model.span import CACHE_HIT

_TYPE = "gen_ai.operation.type"
# What Sentry's views sort spans by, for the ops of steps.
_STEPS = {
    "gen_ai.invoke_agent": {"gen_ai.operation.name": "invoke_agent", _TYPE: "agent"},
    "gen_ai.execute_tool": {"gen_ai.operation.name": "execute_tool", _TYPE: "tool"},
    "gen_ai.handoff": {"gen_ai.operation.name": "handoff", _TYPE: "handoff"},
    "gen_ai.retrieval": {"gen_ai.operation.name": "retrieval"},
}


def step_attributes(op: str) -> dict[str, str]:
    """Return the operation's name and type that Sentry's views need of a step of this op."""
    return _STEPS.get(op, {})


def call_attributes(
    call: ModelCall, caller: Caller = (), ttft: float | None = None
) -> dict[str, Any]:
    """A call in Sentry's attributes: the documented names, and beside them today's.

    Of an answer that a cache gave it says so, of the function that asked its name and line.
    `ttft` are seconds to the first piece of a stream. No prompt and no answer: content is
    never sent because of the wire.
    """
    usage = call.usage
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": call.operation,
        _TYPE: "ai_client",
        "gen_ai.system": call.provider,
        "gen_ai.provider.name": call.provider,
        "gen_ai.request.model": call.request_model,
        "gen_ai.response.model": call.response_model,
        "gen_ai.response.streaming": call.streaming or None,
        "gen_ai.response.finish_reasons": call.finish_reason,
        "gen_ai.response.time_to_first_chunk": ttft,
        "gen_ai.usage.input_tokens": usage.input,
        "gen_ai.usage.input_tokens.cached": usage.cached,
        "gen_ai.usage.cache_read.input_tokens": usage.cached,
        "gen_ai.usage.input_tokens.cache_write": usage.cache_write,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_write,
        "gen_ai.usage.output_tokens": usage.output,
        "gen_ai.usage.output_tokens.reasoning": usage.reasoning,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning,
        "gen_ai.usage.total_tokens": usage.total,
        "code.function.name": caller[0].function if caller else None,
        "code.line.number": caller[0].line if caller else None,
        CACHE_HIT: call.cached_by is not None or None,
    }
    return {key: value for key, value in attributes.items() if value is not None}
