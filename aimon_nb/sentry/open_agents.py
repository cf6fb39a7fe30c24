"""Agents of frameworks that are open, for the steps that begin in other tasks than theirs."""

from __future__ import annotations

from typing import Any

from aimon_nb.capture import context
from aimon_nb.capture.state import OpenSpan
from aimon_nb.sentry.adapters import attribute

AGENT_OP = "gen_ai.invoke_agent"
_ONE_AT_A_TIME = "auto.ai.openai_agents"


class OpenAgents:
    """Finds the agent of a step.

    A framework may open its agent in the task of the first turn, and the turns after it are
    in no task of that one.
    """

    def __init__(self) -> None:
        self.spans: dict[OpenSpan, None] = {}

    def agent_of(
        self,
        step: tuple[Any, Any],
        parent_id: str | None,
        current: OpenSpan | None,
        *,
        parent_id_is_reliable: bool = True,
    ) -> OpenSpan | None:
        """Return the agent that a step, (origin, op), belongs to; None if there is no such one.

        Agent and step are below the same `current` span. Sentry's scope knows which agent it is
        (`parent_id`), but where `parent_id_is_reliable` is False, or where tools that ran at the
        same time left it behind: openai-agents has one agent at a time below its workflow.
        """
        origin, op = step
        if op == AGENT_OP or not self.spans:
            return None
        here = context.task_and_thread()
        candidates = [
            agent
            for agent in list(self.spans)
            if agent.parent is current
            and agent.task_and_thread != here
            and attribute(agent, "sentry.origin") == origin
        ]
        is_only = len(candidates) == 1 and (not parent_id_is_reliable or origin == _ONE_AT_A_TIME)
        if is_only:
            return candidates[0]
        return next((agent for agent in candidates if agent.span_id == parent_id), None)
