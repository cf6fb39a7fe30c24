"""The hooks on OpenTelemetry: on its SDK's spans, on its context, and on the API's no-ops.

They are put on when the user's code has imported the parts, taken off with all others, and
outside of runs each is one look. What a version of OpenTelemetry does not have, is said once.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from types import ModuleType

from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.run_recorder import Recorder
from aimon_nb.otel.context_hooks import ContextHooks
from aimon_nb.otel.hook_state import HookState
from aimon_nb.otel.light import light_class
from aimon_nb.otel.span_hooks import (
    API,
    NoOpHooks,
    end_sdk_hook,
    record_exception_hook,
    start_sdk_hook,
)
from aimon_nb.otel.tracker import OtelTracker

_SDK, _CONTEXT = "opentelemetry.sdk.trace", "opentelemetry.context.contextvars_context"
# What each hook needs, by dotted names in the module.
_NEEDS = {
    API: (
        "NoOpTracer.start_span",
        "NonRecordingSpan.get_span_context",
        "propagation._SPAN_KEY",
    ),
    _SDK: ("Tracer.start_span", "Span.end", "trace_api.SpanKind"),
    _CONTEXT: ("ContextVarsRuntimeContext.attach", "ContextVarsRuntimeContext.detach"),
}
# The class of each whose `start_span` is called by place.
_TRACERS = {API: "NoOpTracer", _SDK: "Tracer"}
_PARAMETERS = (
    "self",
    "name",
    "context",
    "kind",
    "attributes",
    "links",
    "start_time",
    "record_exception",
    "set_status_on_exception",
)


class OtelHooks:
    """Hears OpenTelemetry's spans in this process.

    Args:
        recorder: Knows whether there is a run.
        tracker: Is told of the spans.
        notes: Gets a line that says how the installed OpenTelemetry differs from what we know.

    """

    def __init__(self, recorder: Recorder, tracker: OtelTracker, notes: list[str]) -> None:
        self._notes, self.tracker = notes, tracker
        self._state = HookState(recorder, tracker)
        self.no_op: NoOpHooks | None = None  # once its API is imported

    def install(self, patches: Patches) -> None:
        """Put the hooks on what is imported, and on the rest at its import."""
        self._notes.clear()
        self._state.patches = patches
        hooks = {API: self._hook_api, _CONTEXT: self._hook_context, _SDK: self._hook_sdk}
        for name, hook in hooks.items():
            patches.on_import(name, self._if_known(name, hook))

    def hears(self, framework: str) -> bool:
        """Whether a framework's steps come by OpenTelemetry: an instrumentor is on, or one came."""
        return framework in self.tracker.frameworks or _is_instrumented(framework)

    def _if_known(
        self, name: str, hook: Callable[[ModuleType], None]
    ) -> Callable[[ModuleType], None]:
        def then(module: ModuleType) -> None:
            missing = [path for path in _NEEDS[name] if not _has(module, path)]
            tracer = _TRACERS.get(name)
            if tracer and not missing and not _starts_as_known(vars(module)[tracer].start_span):
                missing = [f"{tracer}.start_span with the parameters that we know"]
            if not missing:
                hook(module)
            elif not self._notes:
                self._notes.append(
                    f"OpenTelemetry is not as we know it ({name} has no {', '.join(missing)}): "
                    "not all of its spans are in the tree"
                )

        return then

    def _hook_api(self, module: ModuleType) -> None:
        state = self._state
        self.no_op = NoOpHooks(state, module.SpanKind.INTERNAL, module.ProxyTracer)
        state.span_key = module.propagation._SPAN_KEY
        state.no_op = module.NonRecordingSpan
        state.light = light_class(state.no_op, state.end_light())
        state.patches.wrap(module.NoOpTracer, "start_span", self.no_op.start_no_op)

    def _hook_context(self, module: ModuleType) -> None:
        runtime, hooks = module.ContextVarsRuntimeContext, ContextHooks(self._state)
        self._state.patches.wrap(runtime, "attach", hooks.attach)
        self._state.patches.wrap(runtime, "detach", hooks.detach)

    def _hook_sdk(self, module: ModuleType) -> None:
        internal = module.trace_api.SpanKind.INTERNAL
        start = start_sdk_hook(self._state, internal)
        self._state.patches.wrap(module.Tracer, "start_span", start)
        self._state.patches.wrap(module.Span, "end", end_sdk_hook(self._state))
        recorded = record_exception_hook(self._state)
        self._state.patches.wrap(module.Span, "record_exception", recorded)


def _has(module: ModuleType, path: str) -> bool:
    owner, _, name = path.rpartition(".")
    found = getattr(module, owner, None)
    return found is not None and name in vars(found)


def _starts_as_known(start_span: Callable[..., object]) -> bool:
    """Whether a tracer's `start_span` has the parameters that ours hands on."""
    return tuple(inspect.signature(start_span).parameters) == _PARAMETERS


def _is_instrumented(framework: str) -> bool:
    """Whether an instrumentor of OpenInference or Traceloop is on for it."""
    for name in (
        f"openinference.instrumentation.{framework}",
        f"opentelemetry.instrumentation.{framework.replace('_', '')}",  # `llamaindex`
    ):
        module = sys.modules.get(name)
        for kind in list(vars(module)) if module is not None else ():
            if not kind.endswith("Instrumentor"):
                continue
            instance = getattr(vars(module)[kind], "_instance", None)
            if getattr(instance, "_is_instrumented_by_opentelemetry", False):
                return True
    return False
