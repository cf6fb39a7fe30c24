"""CrewAI: crews, tasks, agents, tools and flows, by the bus of its events.

Handlers run in threads of the bus; what emits an event stands in the step itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.step_content import NOT_TAKEN
from aimon_nb.frameworks.framework import Framework, is_librarys
from aimon_nb.frameworks.guard import guard
from aimon_nb.frameworks.step import FUNCTION, RETRIEVAL, StepInfo, agent, tool

MODULES = ("crewai.events.event_bus", "crewai.crew")
_FAILED = ("_failed", "_error")


class Error(Exception):
    """Stands for what CrewAI tells of in words alone."""


def install(framework: Framework, module: ModuleType) -> None:
    """Wrap what every event goes through, and a crew: of one that is interrupted no event tells."""
    framework.hook(getattr(module, "CrewAIEventsBus", None), "emit", partial(_wrap, framework))
    for name in ("kickoff", "akickoff"):
        guard(framework, getattr(module, "Crew", None), name)


def _wrap(framework: Framework, original: Any) -> Any:
    def emit(self: Any, source: Any, event: Any, *args: Any, **kwargs: Any) -> Any:
        told = original(self, source, event, *args, **kwargs)
        with internal_errors.suppress("hearing an event of crewai"):
            describe = _DESCRIBE.get(event.type)
            if describe is not None and framework.is_heard:
                framework.start_as(event.event_id, describe(source, event))
            open_span = framework.pop(event.started_event_id)
            if open_span is not None:
                framework.end(open_span, _error(event), _came_out(event))
        return told

    return emit


def _agent(source: Any, event: Any) -> StepInfo:
    asked = getattr(event, "task_prompt", None) or getattr(event, "messages", None)
    return agent(str(source.role), asked)


def _task(source: Any, _: Any) -> StepInfo | None:
    if not source.name:
        return None  # its description is content, and its agent has a row
    return StepInfo(FUNCTION, source.name, None, {"description": source.description})


def _users(source: Any, name: str, went_in: Any) -> StepInfo | None:
    """A flow of the user's; the library's agents are flows inside."""
    is_own = is_librarys(type(source), "crewai")
    return None if is_own else StepInfo(FUNCTION, name, None, went_in)


_DESCRIBE: dict[str, Callable[[Any, Any], StepInfo | None]] = {
    "agent_execution_started": _agent,
    "lite_agent_execution_started": _agent,
    "tool_usage_started": lambda _, event: tool(event.tool_name, event.tool_args),
    "crew_kickoff_started": lambda _, event: StepInfo(
        FUNCTION, event.crew_name or "crew", None, event.inputs
    ),
    "task_started": _task,
    "memory_query_started": lambda _, event: StepInfo(RETRIEVAL, "memory", None, event.query),
    "knowledge_query_started": lambda _, event: StepInfo(RETRIEVAL, "knowledge", None, event.query),
    "flow_started": lambda source, event: _users(source, event.flow_name, event.inputs),
    "method_execution_started": lambda source, event: _users(
        source, event.method_name, event.params
    ),
}


def _error(event: Any) -> BaseException | None:
    """Return the exception: told, or being handled where the event is emitted."""
    if not event.type.endswith(_FAILED):
        return None
    told, handled = event.error, sys.exc_info()[1]
    return told if isinstance(told, BaseException) else handled or Error(told)


def _came_out(event: Any) -> Any:
    for name in ("output", "result", "results"):
        value = getattr(event, name, NOT_TAKEN)
        if value is not NOT_TAKEN:
            return getattr(value, "raw", value)
    return NOT_TAKEN
