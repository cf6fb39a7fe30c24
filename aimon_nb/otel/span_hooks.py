"""The hooks on what starts and ends spans: the SDK's tracer, and the API's no-op."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Iterator
from itertools import islice
from types import FrameType
from typing import Any

from aimon_nb.capture.context import current_run
from aimon_nb.capture.exceptions import leave_out_our_frames
from aimon_nb.capture.hooks import Make
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.otel.bridge import Bridge
from aimon_nb.otel.hook_state import HookState

API = "opentelemetry.trace"
_UNNAMED = "unnamed"
# From a no-op tracer to the one whose stand-in it is: three, and what other libraries put around.
_FRAMES = 8


def start_sdk_hook(state: HookState, internal: Any) -> Make:
    """Wrap the SDK's `start_span`; what it does not sample becomes a light span.

    `internal` is the kind that a span has if nobody names another.
    """
    recorder, tracker, bridge = state.recorder, state.tracker, Bridge()

    def is_sent(span: Any) -> bool:
        api = sys.modules.get(API)
        return bridge.sends(span, getattr(api, "_TRACER_PROVIDER", None))

    def make(original: Any) -> Any:
        # The parameters of the SDK's own, one by one: a dict of them costs as much as all else.
        def start_span(
            self: Any,
            name: Any,
            context: Any = None,
            kind: Any = internal,
            attributes: Any = None,
            links: Any = (),
            start_time: Any = None,
            record_exception: Any = True,  # noqa: FBT002
            set_status_on_exception: Any = True,  # noqa: FBT002
        ) -> Any:
            __tracebackhide__ = True
            span = original(
                self,
                name,
                context,
                kind,
                attributes,
                links,
                start_time,
                record_exception,
                set_status_on_exception,
            )
            if current_run.get() is None and recorder.sole is None:
                return span
            try:
                scope = self._instrumentation_scope.name or _UNNAMED
                # Not `isinstance`: the class is an abstract one's, which is asked in Python.
                if span.__class__ is state.no_op:
                    return state.lighten(span, scope, name, context, attributes)
                named = context.get(state.span_key) if context is not None else None
                tracker.on_start(span, scope, attributes, named, is_sent)
            except Exception:
                internal_errors.record("hearing a span of OpenTelemetry")
            return span

        return start_span

    return make


def end_sdk_hook(state: HookState) -> Make:
    """Wrap the end of the SDK's spans; what exports them there is in no shown time."""
    tracker, clock = state.tracker, state.recorder.clock
    known = tracker.open_spans.by_identity

    def make(original: Any) -> Any:
        def end(span: Any, end_time: Any = None) -> Any:
            __tracebackhide__ = True
            open_span = known.get(id(span))
            if open_span is None or open_span.source is not span:
                return original(span, end_time)
            t1 = clock()
            try:
                return original(span, end_time)
            finally:
                try:
                    tracker.on_end(open_span, t1, span)
                except Exception:
                    internal_errors.record("the end of a span of OpenTelemetry")

        return end

    return make


def record_exception_hook(state: HookState) -> Make:
    """Wrap what writes a traceback on the SDK's spans: it is the one that there is without us."""
    known = state.tracker.open_spans.by_identity

    def make(original: Any) -> Any:
        def record_exception(self: Any, exception: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            if id(self) in known:
                with internal_errors.suppress("leaving our frames out of a traceback"):
                    leave_out_our_frames(exception)
            return original(self, exception, *args, **kwargs)

        return record_exception

    return make


class NoOpHooks:
    """The hook on the API's no-op tracer: there is no provider.

    Args:
        state: Of all hooks.
        internal: The kind that a span has if nobody names another.
        proxy: The class that stands in for a provider's tracer, and knows the tracer's name.

    """

    def __init__(self, state: HookState, internal: Any, proxy: type[Any]) -> None:
        self._state, self._internal, self._proxy = state, internal, proxy
        self.scopes: dict[int, tuple[Any, str]] = {}  # by a tracer's identity: it, weakly

    def start_no_op(self, original: Any) -> Any:
        """Wrap the no-op's `start_span`: in a run it gives a light span."""
        state, scopes, internal = self._state, self.scopes, self._internal
        recorder, name_of = state.recorder, self._name_of

        def start_span(
            self: Any,
            name: Any,
            context: Any = None,
            kind: Any = internal,
            attributes: Any = None,
            links: Any = None,
            start_time: Any = None,
            record_exception: Any = True,  # noqa: FBT002
            set_status_on_exception: Any = True,  # noqa: FBT002
        ) -> Any:
            __tracebackhide__ = True
            answer = original(
                self,
                name,
                context,
                kind,
                attributes,
                links,
                start_time,
                record_exception,
                set_status_on_exception,
            )
            try:
                if type(answer) is state.light:
                    answer = answer.answer
                if (current_run.get() is None and recorder.sole is None) or not state.patches.live:
                    return answer
                known = scopes.get(id(self))
                scope = name_of(self) if known is None else known[1]
                return state.lighten(answer, scope, name, context, attributes)
            except Exception:
                internal_errors.record("hearing a span of OpenTelemetry")
            return answer

        return start_span

    def _name_of(self, tracer: Any) -> str:
        """A no-op tracer does not know its name; whose stand-in it is, does, and is calling it."""
        name, key = _UNNAMED, id(tracer)
        for frame in islice(_frames_from(sys._getframe(2)), _FRAMES):
            # Only of OpenTelemetry's own frames: to look at the user's locals changes `locals()`.
            is_theirs = frame.f_globals.get("__name__") == API
            proxy = frame.f_locals.get("self") if is_theirs else None
            if isinstance(proxy, self._proxy) and vars(proxy).get("_noop_tracer") is tracer:
                given = vars(proxy).get("_instrumenting_module_name")
                name = given if type(given) is str else _UNNAMED
                break
        # Let go of with the tracer, whose identity may soon be another's.
        self.scopes[key] = weakref.ref(tracer, lambda _: self.scopes.pop(key, None)), name
        return name


def _frames_from(at: FrameType | None) -> Iterator[FrameType]:
    while at is not None:
        yield at
        at = at.f_back
