"""What the hooks on OpenTelemetry share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.run_recorder import Recorder
from aimon_nb.otel.tracker import OtelTracker


class HookState:
    """The tracker, whether there is a run, and how light spans are made.

    `light` is their class, `no_op` OpenTelemetry's own, and `span_key` is where a context has
    its span: all of them once the user's code has imported OpenTelemetry's API.
    """

    def __init__(self, recorder: Recorder, tracker: OtelTracker) -> None:
        self.recorder, self.tracker = recorder, tracker
        self.patches = Patches()
        self.light: Any = None
        self.no_op: Any = ()
        self.span_key: Any = None

    def end_light(self) -> Callable[..., None]:
        """Return what ends a light span, a method of it."""
        tracker, clock = self.tracker, self.recorder.clock
        known = tracker.open_spans.by_identity

        def end(span: Any, end_time: Any = None) -> None:  # noqa: ARG001
            try:
                open_span = known.get(id(span))
                if open_span is not None and open_span.source is span:
                    tracker.on_end(open_span, clock())
            except Exception:
                internal_errors.record("the end of a span of OpenTelemetry")

        return end

    def lighten(self, answer: Any, scope: str, name: Any, given: Any, attributes: Any) -> Any:
        """Return a light span in the place of one that nobody gets, if it has a row.

        It is called `name`; `given` is the context that the caller names.
        """
        if self.light is None:
            return answer
        named = given.get(self.span_key) if given is not None else None
        light = self.light(answer, name if type(name) is str else "", scope, attributes)
        started = self.tracker.on_start(light, scope, attributes, named)
        return answer if started is None else light
