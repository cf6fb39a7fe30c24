"""What the hooks on OpenTelemetry share."""

from __future__ import annotations

from typing import Any

from aimon_nb.capture import context
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

    def is_in_run(self) -> bool:
        """Whether there is a run that a span might belong to."""
        if context.current_run.get() is None and self.recorder.sole is None:
            return False
        return self.patches.live

    def ended(self, span: Any) -> None:
        """Tell that a light span has ended."""
        try:
            open_span = self.tracker.open_spans.by_identity.get(id(span))
            if open_span is not None and open_span.source is span:
                self.tracker.on_end(open_span, self.recorder.clock())
        except Exception:
            internal_errors.record("the end of a span of OpenTelemetry")

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
