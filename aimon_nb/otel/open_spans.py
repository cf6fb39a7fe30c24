"""OpenTelemetry's spans that are open in a run."""

from __future__ import annotations

from typing import Any, NamedTuple

from aimon_nb.capture.context import this_thread
from aimon_nb.capture.items import current_item
from aimon_nb.capture.span_adapter import SpanAdapter
from aimon_nb.capture.state import OpenSpan, RunState
from aimon_nb.sentry.span_maker import new_id

_PURGE_AT = 1000


class Scope(NamedTuple):
    """What is known of a tracer by its name."""

    origin: str
    framework: str | None
    is_told_late: bool  # its spans get attributes only after the start
    is_telemetry: bool  # what a framework tells its makers
    is_remarkable: bool  # its spans may have no row


class _LateId:
    """The id of a span, made when it is first asked for: on our thread, nearly always."""

    def __get__(self, open_span: OtelSpan, _: Any = None) -> str:
        made: str = open_span.__dict__.setdefault("span_id", new_id())
        return made


class OtelSpan(OpenSpan):
    """A span of OpenTelemetry's while it is open; `source` is what it is read from, late.

    Of one that has ended it is the span itself, which took what is read: to keep the SDK's span
    costs the user's thread 3 µs, for it is a dozen objects with locks in fresh memory.
    """

    span_id = _LateId()
    sdk: Any = None
    pipeline: str | None = None
    handled: BaseException | None = None  # what code was handling when it started
    name = ""
    status: Any = None
    _attributes: Any = None
    _events: Any = ()

    def __init__(
        self,
        adapter: SpanAdapter,
        run_state: RunState,
        source: Any,
        scope: Scope,
        parent: OpenSpan,
        t0: int,
    ) -> None:
        self.adapter, self.run_state, self.source = adapter, run_state, source
        self.scope, self.parent, self.t0, self.thread = scope, parent, t0, this_thread.thread
        item = current_item.get()
        if item is not None:
            self.item = item

    def take(self, span: Any) -> None:
        """Take what is read of the SDK's span, which has ended: nothing of it changes any more."""
        self.name, self.status, bounded = span.name, span.status, span._attributes
        self._attributes = getattr(bounded, "_dict", bounded)  # without its lock: 1 µs
        if len(span._events):
            self._events = span._events
        self.source = self

    def release(self) -> None:
        """Let go of the library's objects, and of what was taken of them."""
        self.sdk = self.source = self.handled = self._attributes = None
        self._events = ()


class OpenOtelSpans:
    """The open spans by the identity of OpenTelemetry's, and by its ids.

    A library may put a span of its own around one, which has the same ids: only since one did
    are they looked up at each start.
    """

    def __init__(self) -> None:
        self.by_identity: dict[int, OtelSpan] = {}
        self.by_ids: dict[tuple[int, int], OtelSpan] | None = None
        self.purge_at = _PURGE_AT

    def add(self, open_span: OtelSpan) -> None:
        """Remember one until its end, which is put into `by_identity` by whoever starts it.

        Only if there are `by_ids`, or `purge_at` is reached: else that is all there is to do.
        """
        if len(self.by_identity) >= self.purge_at:
            self._purge()
        if self.by_ids is not None:
            self.by_ids[_ids(open_span.source)] = open_span

    def find(self, span: Any) -> OtelSpan | None:
        """Return the one that stands for OpenTelemetry's span, or for one around it."""
        open_span = self.by_identity.get(id(span))
        if open_span is not None and open_span.source is span:
            return open_span
        if not self.by_identity:
            return None
        inner = getattr(span, "__wrapped__", None)  # OpenInference's are proxies
        if inner is not None:
            return self.find(inner)
        if not span.get_span_context().is_valid:
            return None
        if self.by_ids is None:
            self.by_ids = {_ids(one.source): one for one in list(self.by_identity.values())}
        return self.by_ids.get(_ids(span))

    def remove_ids(self, open_span: OtelSpan) -> None:
        """Forget the ids of one that has ended."""
        ids = _ids(open_span.source)
        if self.by_ids is not None and self.by_ids.get(ids) is open_span:
            del self.by_ids[ids]

    def _purge(self) -> None:
        """Forget what never ended and is of runs that nobody looks at any more."""
        for identity, open_span in list(self.by_identity.items()):
            if open_span.run_state.forgotten:
                self.by_identity.pop(identity, None)
                self.remove_ids(open_span)
        self.purge_at = 2 * len(self.by_identity) + _PURGE_AT


def _ids(span: Any) -> tuple[int, int]:
    """The ids of a span's trace and of itself; of one that has none, or has ended, they are 0."""
    get = getattr(span, "get_span_context", None)
    ids = get() if get is not None else None
    return (ids.trace_id, ids.span_id) if ids is not None else (0, 0)
