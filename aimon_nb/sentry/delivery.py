"""What became of what Sentry's client was given: sent, or lost and why.

The SDK sends on a thread of its own and tells nobody: its transport is watched. What is counted
here is what its transports count, whoever opened the client.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sentry_sdk import transport as sentry_transport

from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.model.sending import Counts, Lost
from aimon_nb.sentry import failure_words

# Called on the SDK's thread: with what was lost, or with None and the ids of traces that arrived.
Listener = Callable[[Lost | None, frozenset[str]], None]
_TRACES = 200
_HOOKED = ("_handle_response", "_handle_request_error", "record_lost_event")


class Delivery:
    """Counts what the transports of this process send and lose."""

    def __init__(self) -> None:
        self.sent = Counts()
        self.lost: dict[str, Counts] = {}
        self.last_error: str | None = None
        # The last traces of which something arrived.
        self.arrived: deque[str] = deque(maxlen=_TRACES)
        # False where the SDK has other transports than we know: then nothing is known.
        self.is_watching = False
        self.listeners: list[Listener] = []
        self._lock = threading.Lock()
        self._here = _Here()

    def install(self, patches: Patches) -> None:
        """Watch the SDK's transports."""
        core = getattr(sentry_transport, "HttpTransportCore", None)
        self.is_watching = all(hasattr(core, name) for name in _HOOKED)
        if self.is_watching:
            hooks = (self._wrap_response, self._wrap_error, self._wrap_lost)
            for name, make in zip(_HOOKED, hooks, strict=True):
                patches.wrap(core, name, make)

    def on_outcome(self, listener: Listener) -> Callable[[], None]:
        """Tell this listener what becomes of anything; returns its removal."""
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener) if listener in self.listeners else None

    @contextmanager
    def closing(self, trace_id: str | None) -> Iterator[None]:
        """Say whose transaction it is that the client takes, or drops, in this block."""
        self._here.trace_id = trace_id
        try:
            yield
        finally:
            self._here.trace_id = None

    # What follows is called by the SDK, on its thread or on the user's.

    def _wrap_response(self, original: Any) -> Any:
        def _handle_response(transport: Any, response: Any, envelope: Any = None) -> Any:
            with internal_errors.suppress("counting what was sent"):
                items = [] if envelope is None else list(envelope.items)
                if 200 <= response.status < 300:
                    self._count_sent(items)
                elif response.status == 429:
                    # The SDK takes it for counted by Sentry.
                    self.last_error = failure_words.of_status(429)
                    for item in items:
                        self._count_lost(self.last_error, item)
            return original(transport, response=response, envelope=envelope)

        return _handle_response

    def _wrap_error(self, original: Any) -> Any:
        def _handle_request_error(
            transport: Any, envelope: Any = None, loss_reason: str = "network", *a: Any, **k: Any
        ) -> Any:
            with internal_errors.suppress("noting why nothing was sent"):
                status = loss_reason.removeprefix("status_")
                why = (
                    failure_words.of_status(int(status))
                    if status.isdigit()
                    else failure_words.of_error(sys.exc_info()[1])
                )
                self.last_error = self._here.why = why
            try:
                return original(transport, envelope, loss_reason, *a, **k)
            finally:
                self._here.why = None

        return _handle_request_error

    def _wrap_lost(self, original: Any) -> Any:
        def record_lost_event(
            transport: Any,
            reason: str,
            data_category: Any = None,
            item: Any = None,
            *,
            quantity: int = 1,
        ) -> Any:
            is_outermost = not self._here.is_counting
            self._here.is_counting = True
            try:
                # Inside of it the SDK calls itself for the spans of a transaction.
                if is_outermost:
                    with internal_errors.suppress("counting what was lost"):
                        why = self._here.why or failure_words.of_reason(reason)
                        if item is not None:
                            self._count_lost(why, item)
                        else:
                            self._count_lost_category(why, data_category, quantity)
                return original(transport, reason, data_category, item, quantity=quantity)
            finally:
                if is_outermost:
                    self._here.is_counting = False

        return record_lost_event

    def _count_sent(self, items: list[Any]) -> None:
        trace_ids = set()
        for item in items:
            lost = _contents(item)
            if lost is not None:
                with self._lock:
                    self.sent.add(lost.counts)
                trace_ids.add(lost.trace_id)
        arrived = frozenset(one for one in trace_ids if one)
        self.arrived.extend(arrived)
        self._tell(None, arrived)

    def _count_lost(self, why: str, item: Any) -> None:
        lost = _contents(item)
        if lost is not None:
            lost.why = why
            self._note(lost)

    def _count_lost_category(self, why: str, category: Any, quantity: int) -> None:
        """Count what was dropped before there was an item of it.

        The SDK reports a transaction, and right after it its spans, among which it counts the
        transaction itself.
        """
        counts = Counts()
        above, self._here.dropped = self._here.dropped, None
        if category == "transaction":
            counts.transactions = quantity
            self._here.dropped = why
        elif category == "span":
            counts.spans = quantity - (above == why)
        elif category == "error":
            counts.errors = quantity
        if counts:
            whole = category == "transaction"
            self._note(Lost(why, counts, self._here.trace_id if whole else None))

    def _note(self, lost: Lost) -> None:
        with self._lock:
            self.lost.setdefault(lost.why, Counts()).add(lost.counts)
        self._tell(lost, frozenset({lost.trace_id} if lost.trace_id else ()))

    def _tell(self, lost: Lost | None, trace_ids: frozenset[str]) -> None:
        for listener in list(self.listeners):
            with internal_errors.suppress("telling what became of a run at Sentry"):
                listener(lost, trace_ids)


class _Here(threading.local):
    """What this thread is about."""

    why: str | None = None
    trace_id: str | None = None
    is_counting = False
    dropped: str | None = None  # why it has just lost a transaction


def _contents(item: Any) -> Lost | None:
    """Return how much is in an item of an envelope, and of which trace; None for other kinds."""
    kind, data = item.type, item.payload.json or {}
    if kind == "transaction":
        spans = _plain(data.get("spans")) or []
        trace = (data.get("contexts") or {}).get("trace") or {}
        ids = {trace.get("span_id"), *(span.get("span_id") for span in spans)}
        return _lost(Counts(1, len(spans)), trace.get("trace_id"), ids)
    if kind == "span":
        spans = data.get("items") or []
        trace_id = next((span.get("trace_id") for span in spans), None)
        return _lost(Counts(0, len(spans)), trace_id, {span.get("span_id") for span in spans})
    if kind == "event":
        return _lost(Counts(errors=1), None, set())
    return None


def _lost(counts: Counts, trace_id: Any, span_ids: set[Any]) -> Lost:
    return Lost("", counts, trace_id, frozenset(str(one) for one in span_ids if one))


def _plain(value: Any) -> Any:
    """Return the value of one that the SDK has annotated."""
    return getattr(value, "value", value)
