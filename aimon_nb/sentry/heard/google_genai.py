"""google-genai: the functions of the user's that it calls by itself are rows of tools."""

from __future__ import annotations

from typing import Any

import sentry_sdk

from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.state import OpenSpan
from aimon_nb.sentry.steps import Steps

ORIGIN = "auto.frameworks.google_genai"


class GoogleGenAI:
    """The hook on automatic function calling."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps

    def install(self, patches: Patches) -> None:
        """Follow all functions that are called for a model."""
        patches.on_import("google.genai._extra_utils", lambda module: self._put_on(patches, module))

    def _put_on(self, patches: Patches, module: Any) -> None:
        patches.wrap(module, "invoke_function_from_dict_args", self._wrap)
        patches.wrap(module, "invoke_function_from_dict_args_async", self._wrap_async)

    def _start(self, arguments: Any = None, function: Any = None, *_: Any) -> OpenSpan | None:
        with internal_errors.suppress("hearing a tool of google-genai"):
            # The SDK's own integration, which the user's client may have, makes these rows too.
            if function is None or "google_genai" in sentry_sdk.get_client().integrations:
                return None
            name = getattr(function, "__name__", "function")
            return self._steps.start(
                "gen_ai.execute_tool",
                f"execute_tool {name}",
                origin=ORIGIN,
                attributes={"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name},
                step_input=arguments,
            )
        return None

    def _end(self, step: OpenSpan | None, error: BaseException | None, result: Any = None) -> None:
        with internal_errors.suppress("hearing the end of a tool of google-genai"):
            if type(error).__name__ == "FunctionInvocationError" and error is not None:
                error = error.__context__ or error  # whose words are without the arguments
            self._steps.end(step, error, result)

    def _wrap(self, original: Any) -> Any:
        def invoke(*args: Any, **told: Any) -> Any:
            __tracebackhide__ = True
            step = self._start(*args)
            try:
                result = original(*args, **told)
            except BaseException as error:
                self._end(step, error)
                raise
            self._end(step, None, result)
            return result

        return invoke

    def _wrap_async(self, original: Any) -> Any:
        async def invoke(*args: Any, **told: Any) -> Any:
            __tracebackhide__ = True
            step = self._start(*args)
            try:
                result = await original(*args, **told)
            except BaseException as error:
                self._end(step, error)
                raise
            self._end(step, None, result)
            return result

        return invoke
