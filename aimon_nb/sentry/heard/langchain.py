"""LangChain: what its callbacks tell beyond the model calls and tools of the SDK's handler."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.kept_content import take_input, take_output
from aimon_nb.sentry.heard.langgraph import LangGraph
from aimon_nb.sentry.heard.retrievers import Retrievers
from aimon_nb.sentry.span_tracker import SpanTracker
from aimon_nb.sentry.steps import Steps

ORIGIN = "auto.ai.langchain"


class LangChain:
    """A handler beside the SDK's, of nodes and retrievers; and how the SDK's tools ended.

    The SDK's own is told of what is called with it alone, ours of all below that too.
    """

    def __init__(
        self, tracker: SpanTracker, steps: Steps, graphs: LangGraph, is_enabled: Callable[[], bool]
    ) -> None:
        self._tracker, self._steps, self._graphs = tracker, steps, graphs
        self._is_enabled = is_enabled
        self._retrievers = Retrievers(steps, ORIGIN)
        self._handler: Any = None
        self._context: Any = None  # LangChain's module that holds the hook

    def install(self, patches: Patches, sdks: Any) -> None:
        """Add our handler to what runs in a run; `sdks` is the SDK's, a class."""
        for name in ("on_llm_start", "on_chat_model_start"):
            patches.wrap(sdks, name, _wrap_model_start)
        patches.wrap(sdks, "on_tool_start", self._wrap_tool_start)
        patches.wrap(sdks, "on_tool_end", self._wrap_tool_end)
        patches.on_import("langchain_core.tracers.context", self._add_handler)
        self._retrievers.install(patches)

    def uninstall(self) -> None:
        """Take our handler out of what runs from now on."""
        if self._context is not None:
            hooks = self._context._configure_hooks
            hooks[:] = [hook for hook in hooks if hook[0] is not self]
        self._context = self._handler = None

    def get(self) -> Any:
        """Return the handler for what begins here, as LangChain's ContextVars do; None for none."""
        if self._steps.run_state() is None or not self._is_enabled():
            return None
        if self._handler is None:
            with internal_errors.suppress("making a handler"):
                self._handler = self._make_handler()
        return self._handler

    def _add_handler(self, module: Any) -> None:
        self._context = module
        module.register_configure_hook(self, inheritable=True)

    def _make_handler(self) -> Any:
        base = sys.modules["langchain_core.callbacks.base"].BaseCallbackHandler
        told: dict[str, Callable[..., None]] = {
            "on_chain_start": self._chain_start,
            "on_chain_end": self._chain_end,
            "on_chain_error": self._chain_error,
            "on_retriever_start": self._retrievers.start,
            "on_retriever_end": self._retrievers.end,
            "on_retriever_error": self._retrievers.fail,
        }
        # In the caller's own context, which what it starts is to be found in.
        rest: dict[str, Any] = {"run_inline": True}
        # A config that has it goes into another process as one without us does, and does nothing.
        rest |= {"__reduce__": lambda _: (base, ()), "__deepcopy__": lambda handler, _: handler}
        rest |= dict.fromkeys(("ignore_llm", "ignore_chat_model", "ignore_custom_event"), True)
        return type(
            "Handler", (base,), {name: _guarded(tell) for name, tell in told.items()} | rest
        )()

    def _chain_start(self, _serialized: Any, inputs: Any, *, run_id: Any, **told: Any) -> None:
        self._graphs.start(run_id, inputs, told)

    def _chain_end(self, outputs: Any, *, run_id: Any, **_: Any) -> None:
        self._graphs.end(run_id, outputs)

    def _chain_error(self, error: BaseException, *, run_id: Any, **_: Any) -> None:
        self._graphs.end(run_id, None, error)

    def _wrap_tool_start(self, original: Any) -> Any:
        def on_tool_start(handler: Any, told: Any, text: Any, *, run_id: Any, **more: Any) -> Any:
            result = original(handler, told, text, run_id=run_id, **more)
            with internal_errors.suppress("hearing the start of a tool"):
                open_span = self._tracker.open_by_id.get(id(handler.span_map.get(run_id)))
                if open_span is not None:
                    given = more.get("inputs")
                    take_input(open_span, text if given is None else given)
            return result

        return on_tool_start

    def _wrap_tool_end(self, original: Any) -> Any:
        def on_tool_end(handler: Any, output: Any, *, run_id: Any, **told: Any) -> Any:
            with internal_errors.suppress("hearing the end of a tool"):
                open_span = self._tracker.open_by_id.get(id(handler.span_map.get(run_id)))
                said = getattr(output, "content", output)
                if open_span is not None and getattr(output, "status", None) == "error":
                    # Its error was made an answer for the model.
                    open_span.set_error("ToolException", said if isinstance(said, str) else "")
                elif open_span is not None:
                    take_output(open_span, said)
            return original(handler, output, run_id=run_id, **told)

        return on_tool_end


def _wrap_model_start(original: Any) -> Any:
    def on_model_start(*args: Any, **told: Any) -> Any:
        # The SDK's handler writes into the parameters, which other handlers are told of, too.
        parameters = told.get("invocation_params")
        if type(parameters) is dict:
            told["invocation_params"] = parameters.copy()
        return original(*args, **told)

    return on_model_start


def _guarded(tell: Callable[..., None]) -> Any:
    def callback(_handler: Any, *args: Any, **kwargs: Any) -> None:
        with internal_errors.suppress("hearing LangChain"):
            tell(*args, **kwargs)

    return callback
