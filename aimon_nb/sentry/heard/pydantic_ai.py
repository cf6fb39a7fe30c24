"""pydantic-ai: agents have their variable's name, and a row by `iter` too."""

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
from aimon_nb.sentry.open_agents import AGENT_OP
from aimon_nb.sentry.span_tracker import SpanTracker
from aimon_nb.sentry.steps import Steps

ORIGIN = "auto.ai.pydantic_ai"
_SDK = "sentry_sdk.integrations.pydantic_ai"


class PydanticAI:
    """The hooks on agents and tools of pydantic-ai."""

    def __init__(self, tracker: SpanTracker, steps: Steps, is_enabled: Callable[[], bool]) -> None:
        self.tracker, self.steps, self._is_enabled = tracker, steps, is_enabled
        # The SDK's agents whose run has begun.
        self._begun: weakref.WeakSet[OpenSpan] = weakref.WeakSet()

    def install(self, patches: Patches) -> None:
        """Put the hooks on: the SDK's own are there."""
        agent = sys.modules["pydantic_ai.agent"].Agent
        patches.wrap(agent, "run", self._wrap_run)
        patches.wrap(agent, "run_stream", self._wrap_run_stream)
        patches.wrap(agent, "iter", self._wrap_iter)
        tools = sys.modules.get(f"{_SDK}.patches.tools")
        if tools is not None:
            patches.wrap(tools, "execute_tool_span", self._wrap_tool_start)
            patches.wrap(tools, "update_execute_tool_span", self._wrap_tool_end)

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

    # -- tools ----------------------------------------------------------------------

    def _wrap_tool_start(self, original: Any) -> Any:
        def execute_tool_span(*args: Any, **told: Any) -> Any:
            sdk = original(*args, **told)
            with internal_errors.suppress("hearing the start of a tool"):
                open_span = self.tracker.open_by_id.get(id(sdk))
                if open_span is not None:
                    take_input(open_span, args[1])
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


class _Iteration:
    """What `iter` returns, in the row of its agent: the SDK's, or one of ours."""

    def __init__(self, heard: PydanticAI, agent: Any, prompt: Any, inner: Any) -> None:
        self._heard, self._agent, self._prompt, self._inner = heard, agent, prompt, inner
        self._own: OpenSpan | None = None
        self._open_span: OpenSpan | None = None
        self._run: Any = None

    async def __aenter__(self) -> Any:
        __tracebackhide__ = True
        with internal_errors.suppress("starting an agent"):
            self._start()
        try:
            self._run = await self._inner.__aenter__()
        except BaseException as error:
            self._end(error)
            raise
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
        try:
            handled = await self._inner.__aexit__(ty, error, tb)
        except BaseException as raised:
            self._end(raised)
            raise
        self._end(None if handled else error)
        return handled

    def _start(self) -> None:
        self._open_span = self._heard.begun_by_sdk()
        if self._open_span is None:
            name = getattr(self._agent, "name", None) or "agent"
            told = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name}
            self._open_span = self._own = self._heard.steps.start(
                AGENT_OP, f"invoke_agent {name}", origin=ORIGIN, attributes=told
            )
            # By it the SDK makes rows of tools.
            sys.modules[f"{_SDK}.utils"].push_agent(self._agent, is_streaming=False)
        if self._open_span is not None:
            take_input(self._open_span, self._prompt)

    def _end(self, error: BaseException | None) -> None:
        with internal_errors.suppress("ending an agent"):
            result = getattr(self._run, "result", None)
            if self._open_span is not None and error is None and result is not None:
                take_output(self._open_span, getattr(result, "output", None))
            if self._own is not None:
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
