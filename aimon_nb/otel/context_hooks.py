"""The hooks on OpenTelemetry's context: what is current there is current in ours.

`attach` makes a span current and `detach` puts back what was before, by its token: where it
fails, in another context say, nothing changes, and a span that has ended is nobody's parent.
"""

from __future__ import annotations

from typing import Any

from aimon_nb.capture.context import current_span
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.state import OpenSpan
from aimon_nb.otel.hook_state import HookState
from aimon_nb.otel.open_spans import OtelSpan

_MANY = 1000


class ContextHooks:
    """The two hooks, and what was current before each span that was made current."""

    def __init__(self, state: HookState) -> None:
        self._state = state
        # By the identity of OpenTelemetry's token, which is kept: no other gets its identity.
        self._before: dict[int, tuple[Any, OtelSpan, OpenSpan | None]] = {}
        self._purge_at = _MANY

    def attach(self, original: Any) -> Any:
        """Wrap `attach`. A light span is seen by nobody: its answer stands in its place."""
        state, patches, enter = self._state, self._state.patches, self._enter
        open_spans = state.tracker.open_spans
        known = open_spans.by_identity

        def attach(runtime: Any, given: Any) -> Any:
            __tracebackhide__ = True
            if not known or not patches.live:
                return original(runtime, given)
            found = None
            try:
                span = given.get(state.span_key)
                if span is not None:
                    found = known.get(id(span))
                    if found is None or found.source is not span:
                        found = open_spans.find(span)
                    if found is not None and (found.entered or found.t1 is not None):
                        found = self._entered_again(runtime, found, span)
                    if type(span) is state.light and not span.is_current:
                        given = type(given)({**given, state.span_key: span.answer})
            except Exception:
                internal_errors.record("entering a span of OpenTelemetry")
            token = original(runtime, given)
            if found is not None:
                enter(token, found)
            return token

        return attach

    def _enter(self, token: Any, found: OtelSpan) -> None:
        """Make a span current until its token is detached."""
        before = current_span.get()
        if not found.entered:
            found.entered, found.entered_from = True, before
        if len(self._before) >= self._purge_at:
            self._forget_ended()
        self._before[id(token)] = token, found, before
        current_span.set(found)

    def _entered_again(self, runtime: Any, found: OtelSpan, span: Any) -> OtelSpan | None:
        """The span to make current again, if it is open and our context is not in it already."""
        if found.t1 is not None:
            return None
        there = runtime.get_current().get(self._state.span_key)
        if there is span:
            return None  # only something else in the context changes
        if there is not None and self._state.tracker.open_spans.find(there) is not None:
            return found
        # In a thread, ours may know better than OpenTelemetry's where it is.
        return None if _is_in(current_span.get(), found) else found

    def _forget_ended(self) -> None:
        """Forget what was attached and never detached, or in vain: in another context, say."""
        for key, (_, open_span, _) in list(self._before.items()):
            if open_span.t1 is not None:
                self._before.pop(key, None)
        self._purge_at = 2 * len(self._before) + _MANY

    def detach(self, original: Any) -> Any:
        """Wrap `detach`: what was current before the token's span is again."""
        before_each = self._before

        def detach(runtime: Any, token: Any) -> Any:
            __tracebackhide__ = True
            done = original(runtime, token)
            entry = before_each.pop(id(token), None)
            if entry is not None:
                current = current_span.get()
                # One of OpenTelemetry's that is still there was left out of order.
                if current is entry[1] or isinstance(current, OtelSpan):
                    current_span.set(entry[2])
            return done

        return detach


def _is_in(open_span: OpenSpan | None, above: OpenSpan) -> bool:
    """Whether a span is another one, or below it."""
    while open_span is not None and open_span is not above:
        open_span = open_span.parent
    return open_span is above
