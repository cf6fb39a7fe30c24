"""pydantic-ai: agents have their variable's name, and a row by `iter` too, whoever makes it."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

from aimon_nb.capture import context
from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.kept_content import take_input, take_output
from aimon_nb.capture.state import OpenSpan
from aimon_nb.sentry.adapters import attribute
from aimon_nb.sentry.open_agents import AGENT_OP, TOOL_OP
from aimon_nb.sentry.sdk import HAS_TRANSACTIONS
from aimon_nb.sentry.span_tracker import SpanTracker
from aimon_nb.sentry.steps import Steps

ORIGIN = "auto.ai.pydantic_ai"
_SDK = "sentry_sdk.integrations.pydantic_ai"
# Series 3 of the SDK begins an agent when its iteration is entered: known only after that.
_BEGINS_INSIDE = not HAS_TRANSACTIONS


class PydanticAI:
    """The hooks on agents and tools of pydantic-ai."""

    def __init__(self, tracker: SpanTracker, steps: Steps, is_enabled: Callable[[], bool]) -> None:
        self.tracker, self.steps, self._is_enabled = tracker, steps, is_enabled
        # The SDK's agents whose run has begun.
        self._begun: weakref.WeakSet[OpenSpan] = weakref.WeakSet()
        # Ours, of what the SDK has no hooks in.
        self.own: weakref.WeakSet[OpenSpan] = weakref.WeakSet()

    def install(self, patches: Patches) -> None:
        """Put the hooks on: the SDK's own are there."""
        agent = sys.modules["pydantic_ai.agent"].Agent
        patches.wrap(agent, "run", self._wrap_run)
        patches.wrap(agent, "run_stream", self._wrap_run_stream)
        patches.wrap(agent, "iter", self._wrap_iter)
        sdk = sys.modules[_SDK if _BEGINS_INSIDE else f"{_SDK}.patches.tools"]
        patches.wrap(sdk, "execute_tool_span", self._wrap_tool_start)
        patches.wrap(sdk, "update_execute_tool_span", self._wrap_tool_end)
        if _BEGINS_INSIDE:
            patches.wrap(sdk, "update_invoke_agent_span", self._wrap_agent_end)
            # Where pydantic-ai has it, by its version.
            for name in ("pydantic_ai.tool_manager", "pydantic_ai._tool_manager"):
                manager = getattr(sys.modules.get(name), "ToolManager", None)
                if manager is not None:
                    patches.wrap(manager, "execute_tool_call", self._wrap_tool_call)
                    break

    def _is_heard(self) -> bool:
        return self.steps.run_state() is not None and self._is_enabled()

    # -- agents ---------------------------------------------------------------------

    def _wrap_run(self, original: Any) -> Any:
        async def run(agent: Any, *args: Any, **told: Any) -> Any:
            __tracebackhide__ = True
            if self._is_heard():
                _infer_name(agent, sys._getframe(), told)
            return await original(agent, *args, **told)

        return run

    def _wrap_run_stream(self, original: Any) -> Any:
        def run_stream(agent: Any, *args: Any, **told: Any) -> Any:
            __tracebackhide__ = True
            if self._is_heard():
                _infer_name(agent, sys._getframe(), told)
            return original(agent, *args, **told)

        return run_stream

    def _wrap_iter(self, original: Any) -> Any:
        def iter(agent: Any, *args: Any, **told: Any) -> Any:  # noqa: A001
            __tracebackhide__ = True
            if not self._is_heard():
                return original(agent, *args, **told)
            _infer_name(agent, sys._getframe(), told)
            prompt = args[0] if args else told.get("user_prompt")
            return _Iteration(self, agent, prompt, original(agent, *args, **told))

        return iter

    def begun_by_sdk(self) -> OpenSpan | None:
        """Return the SDK's agent that this run is of; None where it has none."""
        above = context.nearest_open(context.current_span.get())
        if (
            above is None
            or above in self._begun
            or attribute(above, "sentry.op") != AGENT_OP
            or attribute(above, "sentry.origin") != ORIGIN
        ):
            return None
        self._begun.add(above)
        return above

    def _wrap_agent_end(self, original: Any) -> Any:
        def update_invoke_agent_span(sdk: Any, result: Any) -> Any:
            with internal_errors.suppress("hearing the end of an agent"):
                open_span = self.tracker.open_by_id.get(id(sdk))
                if open_span is not None:
                    take_output(open_span, getattr(result, "output", None))
            return original(sdk, result)

        return update_invoke_agent_span

    # -- tools ----------------------------------------------------------------------

    def _wrap_tool_start(self, original: Any) -> Any:
        def execute_tool_span(*args: Any, **told: Any) -> Any:
            sdk = original(*args, **told)
            with internal_errors.suppress("hearing the start of a tool"):
                open_span = self.tracker.open_by_id.get(id(sdk))
                if open_span is not None:
                    take_input(open_span, args[1] if len(args) > 1 else told["tool_args"])
            return sdk

        return execute_tool_span

    def _wrap_tool_end(self, original: Any) -> Any:
        def update_execute_tool_span(*args: Any, **told: Any) -> Any:
            with internal_errors.suppress("hearing the end of a tool"):
                sdk, result = args
                open_span = self.tracker.open_by_id.get(id(sdk))
                if open_span is not None:
                    take_output(open_span, result)
            return original(*args, **told)

        return update_execute_tool_span

    def _wrap_tool_call(self, original: Any) -> Any:
        """Wrap a tool's call: series 3 tells none of an agent that was made before its hooks."""

        async def execute_tool_call(manager: Any, validated: Any, **told: Any) -> Any:
            __tracebackhide__ = True
            step = None
            with internal_errors.suppress("starting a tool"):
                if context.nearest_open(context.current_span.get()) in self.own:
                    step = self._tool_started(validated.call)
            try:
                result = await original(manager, validated, **told)
            except BaseException as error:
                self.steps.end(step, error)
                raise
            with internal_errors.suppress("ending a tool"):
                self.steps.end(step, None, result)
            return result

        return execute_tool_call

    def _tool_started(self, call: Any) -> OpenSpan | None:
        told, name = {"gen_ai.tool.name": call.tool_name}, f"execute_tool {call.tool_name}"
        arguments = call.args_as_dict()
        return self.steps.start(TOOL_OP, name, origin=ORIGIN, attributes=told, step_input=arguments)


class _Iteration:
    """What `iter` returns, in the row of its agent: the SDK's, or one of ours."""

    def __init__(self, heard: PydanticAI, agent: Any, prompt: Any, inner: Any) -> None:
        self._heard, self._agent, self._prompt, self._inner = heard, agent, prompt, inner
        self._own: OpenSpan | None = None
        self._open_span: OpenSpan | None = None
        self._run: Any = None

    async def __aenter__(self) -> Any:
        __tracebackhide__ = True
        if not _BEGINS_INSIDE:
            self._start()
        try:
            self._run = await self._inner.__aenter__()
        except BaseException as error:
            self._end(error)
            raise
        if _BEGINS_INSIDE:
            self._start()
        with internal_errors.suppress("reading an agent's conversation"):
            given = getattr(self._run, "conversation_id", None)
            if self._open_span is not None and isinstance(given, str):
                told = {"gen_ai.conversation.id": given}
                self._open_span.adapter.write(self._open_span, told, None)
        return self._run

    async def __aexit__(
        self,
        ty: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> Any:
        __tracebackhide__ = True
        if _BEGINS_INSIDE and not isinstance(error, Exception):
            self._left_early(error)
        try:
            handled = await self._inner.__aexit__(ty, error, tb)
        except BaseException as raised:
            self._end(raised)
            raise
        self._end(None if handled else error)
        return handled

    def _start(self) -> None:
        with internal_errors.suppress("starting an agent"):
            self._open_span = self._heard.begun_by_sdk()
            if self._open_span is None:
                name = getattr(self._agent, "name", None) or "agent"
                told = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name}
                self._open_span = self._own = self._heard.steps.start(
                    AGENT_OP, f"invoke_agent {name}", origin=ORIGIN, attributes=told
                )
                if self._own is not None:
                    self._heard.own.add(self._own)
                if not _BEGINS_INSIDE:
                    # By it the SDK makes rows of tools.
                    sys.modules[f"{_SDK}.utils"].push_agent(self._agent, is_streaming=False)
            if self._open_span is not None:
                take_input(self._open_span, self._prompt)

    def _left_early(self, error: BaseException | None) -> None:
        """End the SDK's agent as its user left it: its hook is in a task that is cancelled now."""
        with internal_errors.suppress("ending an agent"):
            of_sdk = self._open_span if self._own is None else None
            if of_sdk is not None and of_sdk.t1 is None and self._run.result is None:
                of_sdk.sdk.__exit__(type(error) if error else None, error, None)

    def _end(self, error: BaseException | None) -> None:
        with internal_errors.suppress("ending an agent"):
            result = getattr(self._run, "result", None)
            agent = self._open_span
            if agent is not None and agent.t1 is None and error is None and result is not None:
                take_output(agent, getattr(result, "output", None))
            if self._own is not None:
                if not _BEGINS_INSIDE:
                    sys.modules[f"{_SDK}.utils"].pop_agent()
                self._heard.steps.end(self._own, error)


def _infer_name(agent: Any, frame: FrameType, told: dict[str, Any]) -> None:
    """Name an agent as pydantic-ai does, before the SDK's wrapper hides who called it.

    What pydantic-ai's own code calls has looked for its name already.
    """
    with internal_errors.suppress("naming an agent"):
        caller = frame.f_back
        module = str(caller.f_globals.get("__name__")) if caller is not None else ""
        if module.partition(".")[0] == "pydantic_ai":
            return
        if told.get("infer_name", True):
            told["infer_name"] = False
            if agent.name is None:
                agent._infer_name(frame)
