"""openai-agents: what runs in a tool is under the tool's row, and an agent is one row.

The SDK opens a tool's span in a task of its own, and the tool runs in another. Of an agent it
makes two spans, its workflow and itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import sentry_sdk
from sentry_sdk import scope as sentry_scope

from aimon_nb.capture import context
from aimon_nb.capture.exceptions import describe, frames_of, status_of
from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.kept_content import take_input, take_output
from aimon_nb.capture.state import OpenSpan
from aimon_nb.sentry.adapters import attribute
from aimon_nb.sentry.open_agents import TOOL_OP, Runner, current_runner
from aimon_nb.sentry.sdk import CURRENT_STREAMED, StreamedSpan
from aimon_nb.sentry.span_tracker import SpanTracker
from aimon_nb.sentry.steps import Steps

ORIGIN = "auto.ai.openai_agents"
_SDK = "sentry_sdk.integrations.openai_agents.patches"
_SPANS = "sentry_sdk.integrations.openai_agents.spans"


class OpenAIAgents:
    """The hooks on agents and tools of openai-agents."""

    def __init__(self, tracker: SpanTracker, steps: Steps) -> None:
        self._tracker, self._steps = tracker, steps

    def install(self, patches: Patches) -> None:
        """Put the hooks on: the SDK's own are there."""
        run = sys.modules["agents.run"]
        patches.wrap(run.DEFAULT_AGENT_RUNNER, "run", _wrap_run)
        patches.wrap(run.DEFAULT_AGENT_RUNNER, "run_streamed", _wrap_run_streamed)
        for name in ("agent_run", "runner"):
            module = sys.modules.get(f"{_SDK}.{name}")
            if module is not None:
                patches.wrap(module, "invoke_agent_span", self._wrap_agent_start)
                patches.wrap(module, "update_invoke_agent_span", self._wrap_agent_end)
        patches.wrap(sys.modules[f"{_SDK}.runner"], "update_execute_tool_span", self._wrap_tool_end)
        patches.on_import("agents.run_internal.tool_execution", lambda m: self._tools(patches, m))
        patches.on_import("agents.tool", lambda m: self._failures(patches, m))
        # Series 3 of the SDK has no row of its own for a handoff.
        if f"{_SPANS}.handoff" not in sys.modules:
            name = "agents.run_internal.turn_resolution"
            patches.on_import(name, lambda m: self._handoffs(patches, m))

    def _tools(self, patches: Patches, module: Any) -> None:
        for name in ("_invoke_function_tool_with_metadata", "invoke_function_tool"):
            patches.wrap(module, name, self._wrap_tool)

    def _failures(self, patches: Patches, module: Any) -> None:
        name = "maybe_invoke_function_tool_failure_error_function"
        patches.wrap(module, name, self._wrap_failure)

    def _handoffs(self, patches: Patches, module: Any) -> None:
        patches.wrap(module, "execute_handoffs", self._wrap_handoffs)

    def _of(self, sdk: Any) -> OpenSpan | None:
        return self._tracker.open_by_id.get(id(sdk)) if sdk is not None else None

    # -- agents ---------------------------------------------------------------------

    def _wrap_agent_start(self, original: Any) -> Any:
        def invoke_agent_span(*args: Any, **more: Any) -> Any:
            sdk = original(*args, **more)
            with internal_errors.suppress("hearing the start of an agent"):
                open_span = self._of(sdk)
                if open_span is not None:
                    _, agent, told = args
                    self._agent_started(open_span, agent, told)
            return sdk

        return invoke_agent_span

    def _agent_started(self, open_span: OpenSpan, agent: Any, told: Any) -> None:
        workflow = open_span.parent
        is_its_own = workflow is not None and attribute(workflow, "sentry.origin") == ORIGIN
        if workflow is not None and is_its_own and not attribute(workflow, "sentry.op"):
            workflow.is_alias = True
        if isinstance(told, dict) and "original_input" in told:
            take_input(open_span, told["original_input"])
        given = _conversation_of(agent)
        if given is not None:
            open_span.adapter.write(open_span, {"gen_ai.conversation.id": given}, None)

    def _wrap_agent_end(self, original: Any) -> Any:
        def update_invoke_agent_span(*args: Any, **told: Any) -> Any:
            with internal_errors.suppress("hearing the end of an agent"):
                open_span = self._of(told.get("span", args[0] if args else None))
                if open_span is not None and told.get("output") is not None:
                    take_output(open_span, told["output"])
            return original(*args, **told)

        return update_invoke_agent_span

    def _wrap_handoffs(self, original: Any) -> Any:
        async def execute_handoffs(*args: Any, **told: Any) -> Any:
            __tracebackhide__ = True
            with internal_errors.suppress("hearing a handoff"):
                sdk = getattr(told.get("context_wrapper"), "_sentry_agent_span", None)
                agent = told.get("public_agent", told.get("agent"))
                self._handed_over(self._of(sdk), agent, told["run_handoffs"])
            return await original(*args, **told)

        return execute_handoffs

    def _handed_over(self, open_span: OpenSpan | None, agent: Any, handoffs: list[Any]) -> None:
        """Make a row below an agent of its handoff: the library takes the first alone."""
        if open_span is None or not handoffs:
            return
        conversation = _conversation_of(agent)
        told = {"gen_ai.conversation.id": conversation} if conversation is not None else {}
        name = f"handoff from {agent.name} to {handoffs[0].handoff.agent_name}"
        start = self._steps.start
        self._steps.end(
            start("gen_ai.handoff", name, origin=ORIGIN, attributes=told, parent=open_span)
        )

    # -- tools ----------------------------------------------------------------------

    def _wrap_tool(self, original: Any) -> Any:
        async def invoke(*args: Any, **told: Any) -> Any:
            __tracebackhide__ = True
            context = told.get("context")
            sdk = getattr(context, "_sentry_execute_tool_span", None)
            open_span = self._of(sdk)
            if context is None or open_span is None:
                return await original(*args, **told)
            before = _enter(open_span, sdk, told.get("arguments"))
            try:
                return await original(*args, **told)
            except BaseException as error:
                with internal_errors.suppress("hearing how a tool failed"):
                    # Nobody else ends it.
                    del context._sentry_execute_tool_span
                    open_span.sdk.__exit__(type(error), error, error.__traceback__)
                raise
            finally:
                _leave(before)

        return invoke

    def _wrap_tool_end(self, original: Any) -> Any:
        def update_execute_tool_span(*args: Any, **told: Any) -> Any:
            with internal_errors.suppress("hearing the end of a tool"):
                sdk, _, _, result = args  # the SDK's own, of a version that we know
                open_span = self._of(sdk)
                if open_span is not None and open_span.error is None:
                    take_output(open_span, result)
            return original(*args, **told)

        return update_execute_tool_span

    def _wrap_failure(self, original: Any) -> Any:
        """Wrap what makes words for the model of an error, which then nobody sees."""

        async def answer(*args: Any, **told: Any) -> Any:
            __tracebackhide__ = True
            with internal_errors.suppress("hearing how a tool failed"):
                _note_failure(told.get("error"))
            return await original(*args, **told)

        return answer


def _note_failure(error: Any) -> None:
    open_span = context.current_span.get()
    while open_span is not None and attribute(open_span, "sentry.op") != TOOL_OP:
        open_span = open_span.parent
    if open_span is not None and open_span.error is None and isinstance(error, BaseException):
        open_span.error = (status_of(error), *describe(error), frames_of(error))


def _enter(open_span: OpenSpan, sdk: Any, arguments: Any) -> tuple[Any, Any]:
    """Have what runs here be below a tool, at Sentry too, where tools share their scope."""
    before = context.current_span.get(), sentry_scope._current_scope.get()
    with internal_errors.suppress("entering a tool"):
        context.current_span.set(open_span)
        take_input(open_span, arguments)
        scope = sentry_sdk.get_current_scope().fork()
        if isinstance(sdk, StreamedSpan):
            setattr(scope, CURRENT_STREAMED, sdk)
        else:
            scope.span = sdk
        sentry_scope._current_scope.set(scope)
    return before


def _leave(before: tuple[Any, Any]) -> None:
    context.current_span.set(before[0])
    sentry_scope._current_scope.set(before[1])


# -- runners --------------------------------------------------------------------------


def _wrap_run(original: Callable[..., Any]) -> Any:
    async def run(*args: Any, **told: Any) -> Any:
        __tracebackhide__ = True
        before = current_runner.get()
        current_runner.set(Runner(_conversation_of_runner(told)))
        try:
            return await original(*args, **told)
        finally:
            current_runner.set(before)

    return run


def _wrap_run_streamed(original: Callable[..., Any]) -> Any:
    def run_streamed(*args: Any, **told: Any) -> Any:
        __tracebackhide__ = True
        before = current_runner.get(), context.current_span.get()
        current_runner.set(Runner(_conversation_of_runner(told)))
        try:
            return original(*args, **told)
        finally:
            # The workflow is open in the task that began here. Our caller is not in it.
            current_runner.set(before[0])
            context.current_span.set(before[1])

    return run_streamed


def _conversation_of(agent: Any) -> str | None:
    runner = current_runner.get()
    given = getattr(agent, "_sentry_conversation_id", None) or (runner and runner.conversation)
    return given if isinstance(given, str) else None


def _conversation_of_runner(told: dict[str, Any]) -> str | None:
    """Return the id that a runner was given: of a conversation, a session or a group."""
    with internal_errors.suppress("reading the session of an agent"):
        session, config = told.get("session"), told.get("run_config")
        group = (
            config.get("group_id")
            if isinstance(config, dict)
            else getattr(config, "group_id", None)
        )
        for one in (told.get("conversation_id"), getattr(session, "session_id", None), group):
            if isinstance(one, str) and one:
                return one
    return None
