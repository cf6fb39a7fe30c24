"""The hooks on OpenTelemetry: on its SDK's spans, on its context, and on the API's no-ops.

They are put on when the user's code has imported the parts, taken off with all others, and
outside of runs each is one look. What a version of OpenTelemetry does not have, is said once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from aimon_nb.capture import context
from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.run_recorder import Recorder
from aimon_nb.otel import open_spans
from aimon_nb.otel.bridge import Bridge
from aimon_nb.otel.light import light_class
from aimon_nb.otel.tracker import OtelTracker

_API, _SDK = "opentelemetry.trace", "opentelemetry.sdk.trace"
_CONTEXT = "opentelemetry.context.contextvars_context"
# What each hook needs, by dotted names in the module.
_NEEDS = {
    _API: (
        "NoOpTracer.start_span",
        "ProxyTracer._tracer",
        "NonRecordingSpan.get_span_context",
        "propagation._SPAN_KEY",
    ),
    _SDK: ("Tracer.start_span", "Span.end"),
    _CONTEXT: ("ContextVarsRuntimeContext.attach", "ContextVarsRuntimeContext.detach"),
}


class OtelHooks:
    """Hears OpenTelemetry's spans in this process.

    Args:
        recorder: Knows whether there is a run.
        tracker: Is told of the spans.
        notes: Gets a line that says how the installed OpenTelemetry differs from what we know.

    """

    def __init__(self, recorder: Recorder, tracker: OtelTracker, notes: list[str]) -> None:
        self._notes = notes
        self._recorder, self._tracker = recorder, tracker
        self._bridge = Bridge()
        self._light: Any = None  # the class, once there is the API
        self._span_key: Any = None
        self._scopes: WeakKeyDictionary[Any, str] = WeakKeyDictionary()  # by the API's no-op tracer
        self._patches = Patches()

    def install(self, patches: Patches) -> None:
        """Put the hooks on what is imported, and on the rest at its import."""
        self._notes.clear()
        self._patches = patches
        for name, hook in ((_API, self._hook_api), (_CONTEXT, self._hook_context)):
            patches.on_import(name, self._if_known(name, hook))
        patches.on_import(_SDK, self._if_known(_SDK, self._hook_sdk))

    def hears(self, framework: str) -> bool:
        """Whether a framework's steps come by OpenTelemetry: an instrumentor is on, or one came."""
        return framework in self._tracker.frameworks or _is_instrumented(framework)

    def _if_known(
        self, name: str, hook: Callable[[ModuleType], None]
    ) -> Callable[[ModuleType], None]:
        def then(module: ModuleType) -> None:
            missing = [path for path in _NEEDS[name] if not _has(module, path)]
            if not missing:
                hook(module)
            elif not self._notes:
                self._notes.append(
                    f"OpenTelemetry is not as we know it ({name} has no {', '.join(missing)}): "
                    "not all of its spans are in the tree"
                )

        return then

    def _is_in_run(self) -> bool:
        is_in_run = context.current_run.get() is not None or self._recorder.sole is not None
        return is_in_run and self._patches.live

    # -- the SDK ------------------------------------------------------------------

    def _hook_sdk(self, module: ModuleType) -> None:
        self._patches.wrap(module.Tracer, "start_span", self._start_sdk)
        self._patches.wrap(module.Span, "end", self._end_sdk)

    def _start_sdk(self, original: Any) -> Any:
        def start_span(tracer: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            span = original(tracer, *args, **kwargs)
            if self._is_in_run():
                try:
                    scope = getattr(tracer, "_instrumentation_scope", None)
                    return self._started(span, getattr(scope, "name", ""), args, kwargs)
                except Exception:
                    internal_errors.record("hearing a span of OpenTelemetry")
            return span

        return start_span

    def _started(self, span: Any, scope: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
        """Tell of a span of the SDK; one that it does not sample becomes a light one."""
        attributes = args[3] if len(args) > 3 else kwargs.get("attributes")
        named, scope = self._named(args, kwargs), str(scope or "unnamed")
        if not hasattr(span, "_span_processor"):
            return self._lighten(span, scope, args, kwargs, has_ids=True)
        self._tracker.on_start(
            span, scope, attributes, named, has_ids=True, is_sent=self._is_sent_by_user
        )
        return span

    def _is_sent_by_user(self, span: Any) -> bool:
        api = sys.modules.get(_API)
        return self._bridge.sends(span, getattr(api, "_TRACER_PROVIDER", None))

    def _end_sdk(self, original: Any) -> Any:
        def end(span: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            t1 = self._recorder.clock()
            try:
                return original(span, *args, **kwargs)
            finally:
                self._ended(span, t1)

        return end

    def _ended(self, span: Any, t1: int | None = None) -> None:
        try:
            self._tracker.on_end(span, self._recorder.clock() if t1 is None else t1)
        except Exception:
            internal_errors.record("the end of a span of OpenTelemetry")

    # -- nobody gets them -----------------------------------------------------------

    def _hook_api(self, module: ModuleType) -> None:
        self._span_key = module.propagation._SPAN_KEY
        self._light = light_class(module.NonRecordingSpan, self._ended)
        tracer = module.ProxyTracer.__dict__["_tracer"]
        self._patches.set_attribute(module.ProxyTracer, "_tracer", self._name_no_op(tracer))
        self._patches.wrap(module.NoOpTracer, "start_span", self._start_no_op)

    def _name_no_op(self, original: property) -> property:
        """A no-op tracer does not know its name; whose stand-in it is, does."""

        def _tracer(proxy: Any) -> Any:
            tracer = original.fget(proxy) if original.fget is not None else None
            if tracer is proxy.__dict__.get("_noop_tracer") and self._is_in_run():
                with internal_errors.suppress("naming a tracer"):
                    if tracer not in self._scopes:
                        self._scopes[tracer] = str(proxy._instrumenting_module_name)
            return tracer

        return property(_tracer)

    def _start_no_op(self, original: Any) -> Any:
        def start_span(tracer: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            answer = original(tracer, *args, **kwargs)
            try:
                if type(answer) is self._light:
                    answer = answer.answer
                if self._is_in_run():
                    scope = self._scopes.get(tracer, "unnamed")
                    return self._lighten(answer, scope, args, kwargs, has_ids=False)
            except Exception:
                internal_errors.record("hearing a span of OpenTelemetry")
            return answer

        return start_span

    def _lighten(
        self, answer: Any, scope: str, args: tuple[Any, ...], kwargs: Any, *, has_ids: bool
    ) -> Any:
        """Return a light span in the place of one that nobody gets, if it has a row."""
        if self._light is None:
            return answer
        attributes = args[3] if len(args) > 3 else kwargs.get("attributes")
        name = args[0] if args else kwargs.get("name")
        light = self._light(answer, name if type(name) is str else "", scope, attributes)
        named = self._named(args, kwargs)
        started = self._tracker.on_start(light, scope, attributes, named, has_ids=has_ids)
        return answer if started is None else light

    def _named(self, args: tuple[Any, ...], kwargs: Any) -> Any:
        """The span in the context that the caller hands in; None if he hands in none."""
        given = args[1] if len(args) > 1 else kwargs.get("context")
        return given.get(self._span_key) if given is not None else None

    # -- the context ------------------------------------------------------------------

    def _hook_context(self, module: ModuleType) -> None:
        runtime = module.ContextVarsRuntimeContext
        self._patches.wrap(runtime, "attach", self._attach)
        self._patches.wrap(runtime, "detach", self._detach)

    def _attach(self, original: Any) -> Any:
        def attach(runtime: Any, given: Any) -> Any:
            __tracebackhide__ = True
            if not self._is_in_run():
                return original(runtime, given)
            open_span = None
            try:
                span = given.get(self._span_key)
                if span is not None:
                    found = self._tracker.open_spans.find(span)
                    if found is not None and open_spans.should_enter(found):
                        open_span = found
                    if type(span) is self._light and not span.is_current:
                        given = type(given)({**given, self._span_key: span.answer})
            except Exception:
                internal_errors.record("entering a span of OpenTelemetry")
            token = original(runtime, given)
            if open_span is not None:
                try:
                    open_spans.enter(token, open_span)
                except Exception:
                    internal_errors.record("entering a span of OpenTelemetry")
            return token

        return attach

    def _detach(self, original: Any) -> Any:
        def detach(runtime: Any, token: Any) -> Any:
            __tracebackhide__ = True
            done = original(runtime, token)
            try:
                open_spans.leave(token)
            except Exception:
                internal_errors.record("leaving a span of OpenTelemetry")
            return done

        return detach


def _has(module: ModuleType, path: str) -> bool:
    owner, _, name = path.rpartition(".")
    found = getattr(module, owner, None)
    return found is not None and name in vars(found)


def _is_instrumented(framework: str) -> bool:
    """Whether an instrumentor of OpenInference or Traceloop is on for it."""
    for family in ("openinference", "opentelemetry"):
        module = sys.modules.get(f"{family}.instrumentation.{framework}")
        for found in list(vars(module).values()) if module is not None else ():
            instance = getattr(found, "_instance", None) if isinstance(found, type) else None
            if getattr(instance, "_is_instrumented_by_opentelemetry", False):
                return True
    return False
