"""Agents of frameworks that are open, for the steps that begin in other tasks than theirs."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, NamedTuple

from aimon_nb.capture import context
from aimon_nb.capture.state import OpenSpan
from aimon_nb.sentry.adapters import attribute

AGENT_OP, TOOL_OP = "gen_ai.invoke_agent", "gen_ai.execute_tool"
_ONE_AT_A_TIME = "auto.ai.openai_agents"


class Runner(NamedTuple):
    """What runs agents for one call of the user's, with the conversation that it was given."""

    conversation: str | None


current_runner: ContextVar[Runner | None] = ContextVar("aimon_nb_agents_runner", default=None)


class OpenAgents:
    """Finds the agent of a step.

    A framework may open its agent in the task of the first turn, and the turns after it are
    in no task of that one.
    """

    def __init__(self) -> None:
        # With the runner of each, where its framework has one.
        self.spans: dict[OpenSpan, Runner | None] = {}

    def add(self, open_span: OpenSpan) -> None:
        """Register an agent that begins here."""
        self.spans[open_span] = current_runner.get()

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
        same time left it behind: openai-agents has one agent at a time in a runner.
        """
        origin, op = step
        if op == AGENT_OP or not self.spans:
            return None
        here, runner = context.task_and_thread(), current_runner.get()
        candidates = [
            agent
            for agent, its_runner in list(self.spans.items())
            if agent.parent is current
            and (runner is None or its_runner is runner)
            and agent.task_and_thread != here
            and attribute(agent, "sentry.origin") == origin
        ]
        is_only = len(candidates) == 1 and (not parent_id_is_reliable or origin == _ONE_AT_A_TIME)
        if is_only:
            return candidates[0]
        return next((agent for agent in candidates if agent.span_id == parent_id), None)
