"""OpenTelemetry's spans that are open in a run, and which of them code is in.

What makes a span current in OpenTelemetry's context (`attach`) makes it current in ours, and
`detach` puts back what was before: by its token, so a detach in another context, or out of
order, changes nothing that is not its own.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, NamedTuple

from aimon_nb.capture import context
from aimon_nb.capture.state import OpenSpan

_PURGE_AT = 1000


class OtelSpan(OpenSpan):
    """A span of OpenTelemetry's while it is open."""

    handled: BaseException | None = None  # what code was handling when it started
    ids: tuple[int, int] | None = None  # its trace's and its own, if they are its own


class OpenOtelSpans:
    """The open spans by the identity of OpenTelemetry's, and by its ids.

    A library may put a span of its own around one: that has the same ids.
    """

    def __init__(self) -> None:
        self._by_identity: dict[int, OtelSpan] = {}
        self._by_ids: dict[tuple[int, int], OtelSpan] = {}
        self._purge_at = _PURGE_AT

    def add(self, open_span: OtelSpan) -> None:
        """Remember one until its end."""
        if len(self._by_identity) >= self._purge_at:
            self._purge()
        self._by_identity[id(open_span.source)] = open_span
        if open_span.ids is not None:
            self._by_ids[open_span.ids] = open_span

    def find(self, span: Any) -> OtelSpan | None:
        """Return the one that stands for OpenTelemetry's span, or for one around it."""
        open_span = self._by_identity.get(id(span))
        if open_span is not None and open_span.source is span:
            return open_span
        return self._by_ids.get(ids_of(span)) if self._by_ids else None

    def pop(self, span: Any) -> OtelSpan | None:
        """Forget and return the one of a span that has ended."""
        open_span = self._by_identity.get(id(span))
        if open_span is None or open_span.source is not span:
            return None
        self._forget(open_span, id(span))
        return open_span

    def _forget(self, open_span: OtelSpan, identity: int) -> None:
        self._by_identity.pop(identity, None)
        if open_span.ids is not None and self._by_ids.get(open_span.ids) is open_span:
            del self._by_ids[open_span.ids]

    def _purge(self) -> None:
        """Forget what never ended and is of runs that nobody looks at any more."""
        for identity, open_span in list(self._by_identity.items()):
            if open_span.run_state.forgotten:
                self._forget(open_span, identity)
        self._purge_at = 2 * len(self._by_identity) + _PURGE_AT


def ids_of(span: Any) -> tuple[int, int]:
    """Return the ids of a span's trace and of itself."""
    ids = span.get_span_context()
    return ids.trace_id, ids.span_id


class _Attached(NamedTuple):
    """A span that was made current, the innermost first."""

    token: Any
    open_span: OpenSpan
    before: OpenSpan | None
    below: _Attached | None


_attached: ContextVar[_Attached | None] = ContextVar("aimon_nb_otel", default=None)


def innermost() -> OpenSpan | None:
    """Return the span that was made current last in this context, ended or not."""
    top = _attached.get()
    return top.open_span if top is not None else None


def should_enter(open_span: OpenSpan) -> bool:
    """Whether attaching its OpenTelemetry span moves our context to it."""
    if open_span.t1 is not None:
        return False
    top = _attached.get()
    if top is None:
        # In a thread, ours may know better than OpenTelemetry's where it is.
        return not _is_in(context.current_span.get(), open_span)
    return top.open_span is not open_span


def enter(token: Any, open_span: OpenSpan) -> None:
    """Make a span current until the token is detached."""
    before = context.current_span.get()
    if not open_span.entered:
        open_span.entered, open_span.entered_from = True, before
    _attached.set(_Attached(token, open_span, before, _attached.get()))
    context.current_span.set(open_span)


def leave(token: Any) -> None:
    """Put back what was current before the token's span."""
    entry = _attached.get()
    inside: list[OpenSpan] = []
    while entry is not None and entry.token is not token:
        inside.append(entry.open_span)
        entry = entry.below
    if entry is None:
        return
    _attached.set(entry.below)
    if context.current_span.get() in (entry.open_span, *inside):
        context.current_span.set(entry.before)


def _is_in(open_span: OpenSpan | None, above: OpenSpan) -> bool:
    """Whether a span is another one, or below it."""
    while open_span is not None and open_span is not above:
        open_span = open_span.parent
    return open_span is above
