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
    """The two hooks, and what was current before a span that was made current again.

    Of the first time the span itself knows both: no object is made for it.
    """

    def __init__(self, state: HookState) -> None:
        self._state = state
        # By the identity of OpenTelemetry's token, which is kept: no other gets its identity.
        self._again: dict[int, tuple[Any, OtelSpan, OpenSpan | None]] = {}
        self._purge_at = _MANY

    def attach(self, original: Any) -> Any:
        """Wrap `attach`. A light span is seen by nobody: its answer stands in its place."""
        state, patches = self._state, self._state.patches
        known = state.tracker.open_spans.by_identity

        def attach(runtime: Any, given: Any) -> Any:
            __tracebackhide__ = True
            if not known or not patches.live:
                return original(runtime, given)
            found = None
            try:
                span = given.get(state.span_key)
                found = known.get(id(span))
                if found is None or found.source is not span or found.entered:
                    found = self._look(runtime, span)
                if type(span) is state.light and not span.is_current:
                    seen = type(given)(given)
                    dict.__setitem__(seen, state.span_key, span.answer)
                    given = seen
            except Exception:
                internal_errors.record("entering a span of OpenTelemetry")
            token = original(runtime, given)
            if found is None:
                return token
            before = current_span.get()
            while before is not None and before.t1 is not None:
                before = before.entered_from  # or each that is never detached keeps the one before
            if found.entered:
                self._enter_again(token, found, before)
            else:
                found.entered, found.entered_from, found.token = True, before, token
                current_span.set(found)
            return token

        return attach

    def _look(self, runtime: Any, span: Any) -> OtelSpan | None:
        """The open span to make current, of one that is entered again, or by a span around it."""
        found = self._state.tracker.open_spans.find(span) if span is not None else None
        if found is not None and (found.entered or found.t1 is not None):
            return self._entered_again(runtime, found, span)
        return found

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

    def _enter_again(self, token: Any, found: OtelSpan, before: OpenSpan | None) -> None:
        if len(self._again) >= self._purge_at:
            self._forget_ended()
        self._again[id(token)] = token, found, before
        current_span.set(found)

    def _forget_ended(self) -> None:
        """Forget what was attached and never detached, or in vain: in another context, say."""
        for key, (_, open_span, _) in list(self._again.items()):
            if open_span.t1 is not None:
                self._again.pop(key, None)
        self._purge_at = 2 * len(self._again) + _MANY

    def detach(self, original: Any) -> Any:
        """Wrap `detach`: what was current before the token's span is again."""
        again = self._again

        def detach(runtime: Any, token: Any) -> Any:
            __tracebackhide__ = True
            done = original(runtime, token)
            current = current_span.get()
            if current is None:
                return done
            if current.token is token:
                current.token = None
                current_span.set(current.entered_from)
            elif again or isinstance(current, OtelSpan):
                self._leave(current, token)
            return done

        return detach

    def _leave(self, current: OpenSpan, token: Any) -> None:
        """Leave a span that was entered again, or one with others in it that are left later."""
        entry = self._again.pop(id(token), None)
        if not isinstance(current, OtelSpan):
            return
        if entry is not None:
            current_span.set(entry[2])
            return
        at = current.entered_from
        while at is not None and at.token is not token:
            at = at.entered_from
        if at is not None:
            at.token = None
            current_span.set(at.entered_from)


def _is_in(open_span: OpenSpan | None, above: OpenSpan) -> bool:
    """Whether a span is another one, or below it."""
    while open_span is not None and open_span is not above:
        open_span = open_span.parent
    return open_span is above
