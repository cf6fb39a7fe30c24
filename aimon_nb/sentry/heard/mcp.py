"""MCP: a tool that is called on a server is a row of the client, whoever calls it.

Where a framework has a row for it already, that row is it. The SDK's integration tells of a
server: one in this process, whose client's row says the same, has none of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aimon_nb.capture import context
from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.kept_content import take_output
from aimon_nb.capture.state import OpenSpan
from aimon_nb.sentry.adapters import attribute
from aimon_nb.sentry.span_tracker import SpanTracker
from aimon_nb.sentry.steps import Steps

ORIGIN = "auto.ai.mcp"
_TOOL_OP, _TOOL = "gen_ai.execute_tool", "gen_ai.tool.name"


class MCP:
    """The hook on tools of MCP's clients."""

    def __init__(self, tracker: SpanTracker, steps: Steps, is_enabled: Callable[[], bool]) -> None:
        self._tracker, self._steps, self._is_enabled = tracker, steps, is_enabled

    def install(self, patches: Patches) -> None:
        """Follow the calls of all sessions."""
        patches.on_import("mcp.client.session", lambda module: self._put_on(patches, module))

    def _put_on(self, patches: Patches, module: Any) -> None:
        patches.wrap(module.ClientSession, "call_tool", self._wrap)

    def _wrap(self, original: Any) -> Any:
        async def call_tool(session: Any, name: Any, *args: Any, **told: Any) -> Any:
            __tracebackhide__ = True
            own = call = None
            with internal_errors.suppress("hearing a tool of MCP"):
                arguments = args[0] if args else told.get("arguments")
                own, call = self._start(name, arguments)
            try:
                result = await original(session, name, *args, **told)
            except BaseException as error:
                self._end(own, call, None, error)
                raise
            self._end(own, call, result, None)
            return result

        return call_tool

    def _start(self, name: Any, arguments: Any) -> tuple[OpenSpan | None, OpenSpan | None]:
        """(the row that was made, the one that the call stands in); None for none."""
        if not isinstance(name, str) or self._steps.run_state() is None or not self._is_enabled():
            return None, None
        call = context.nearest_open(context.current_span.get())
        own = None
        if call is None or not _is_for(call, name):
            call = own = self._steps.start(
                _TOOL_OP,
                f"execute_tool {name}",
                origin=ORIGIN,
                attributes={"gen_ai.operation.name": "execute_tool", _TOOL: name},
                step_input=arguments,
            )
        if call is not None:
            self._tracker.remote_calls[call] = None
        return own, call

    def _end(
        self,
        own: OpenSpan | None,
        call: OpenSpan | None,
        result: Any,
        error: BaseException | None,
    ) -> None:
        with internal_errors.suppress("hearing the end of a tool of MCP"):
            if call is None:
                return
            self._tracker.remote_calls.pop(call, None)
            if getattr(result, "is_error", False) or getattr(result, "isError", False):
                call.set_error("ToolError", _text(result))
            elif own is not None and error is None:
                take_output(own, getattr(result, "content", None))
            self._steps.end(own, error)


def _is_for(open_span: OpenSpan, name: str) -> bool:
    """Return whether this is the row of a tool that a framework calls by MCP.

    It may have put the name of the server before that of the tool.
    """
    shown = attribute(open_span, _TOOL)
    is_tool = attribute(open_span, "sentry.op") == _TOOL_OP
    return is_tool and isinstance(shown, str) and shown.endswith(name)


def _text(result: Any) -> str:
    said = [getattr(part, "text", None) for part in (getattr(result, "content", None) or ())]
    return " ".join(text for text in said if isinstance(text, str))
