"""What Sentry gets of the spans of a tracked run: redacted, and with their cost, as they leave.

Here the live view is not touched: it has what the span held.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from sentry_sdk import scope as sentry_scope

from aimon_nb.capture import context
from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.redact import redact_name, redact_urls
from aimon_nb.capture.to_plain import Plain
from aimon_nb.model import Run
from aimon_nb.model.redaction import HIDDEN as LEFT_OUT
from aimon_nb.model.redaction import Kind, redaction
from aimon_nb.sentry.sent_costs import cost_attributes, may_have_cost

HIDDEN = "[Filtered]"  # the SDK's own word
_MADE_BY_HAND = "manual"
SOURCE = "notebook.cell.source"
_SEGMENT = "sentry.segment.name"
_SIZE = 1_000_000  # characters of an attribute's value that the user's `redact` is asked about
_SDKS = ("sentry.", "thread.", "process.", "server.")  # attributes that are the SDK's own
FindRun = Callable[[Any], "Run | None"]


class SentSpans:
    """Takes queries and keys out of the spans of runs, and what the user wants, as they leave."""

    def __init__(self) -> None:
        self._find_run: FindRun = _no_run

    def install(self, patches: Patches, find_run: FindRun) -> None:
        """Look at each span that leaves, if `find_run` has a run of its id."""
        self._find_run = find_run
        if self._in_transaction not in sentry_scope.global_event_processors:
            sentry_scope.add_global_event_processor(self._in_transaction)
        from sentry_sdk._span_batcher import SpanBatcher

        patches.wrap(SpanBatcher, "add", partial(_before_adding, self))
        patches.wrap(SpanBatcher, "_to_transport_format", partial(_with_cost, self))

    def uninstall(self) -> None:
        """Let all spans leave as they are."""
        if self._in_transaction in sentry_scope.global_event_processors:
            sentry_scope.global_event_processors.remove(self._in_transaction)

    def _in_transaction(self, event: Any, _hint: Any) -> Any:
        """Redact the spans of a transaction; an event processor of the SDK."""
        if event.get("type") != "transaction":
            return event
        try:
            ours = self._find_run(event["contexts"]["trace"].get("span_id"))
            if ours is not None:
                _redact_or_empty(redact_root, event)
            for span in event.get("spans") or ():
                run = ours or self._find_run(span.get("span_id"))
                if run is not None:
                    _redact_or_empty(_redact_static, span)
                    self._add_cost(span.get("span_id"), span.get("data"))
        except Exception:
            internal_errors.record("redacting the spans of a transaction")
        return event

    def redact_streamed(self, span: Any) -> None:
        """Redact a span of the stream lifecycle in the form in which it is sent."""
        # One that has just ended is not in its run yet.
        if context.current_run.get() is None and self._find_run(span.get("span_id")) is None:
            return
        span["name"] = _name(span["name"])
        attributes = span.get("attributes") or {}
        if _origin(attributes) != _MADE_BY_HAND:
            attributes = _without_queries(attributes)
        span["attributes"] = _as_wanted(attributes)

    def _add_cost(self, span_id: Any, attributes: Any) -> None:
        """Put on a span what it cost, if that is known by now."""
        if attributes and may_have_cost(attributes):
            run = self._find_run(span_id)
            if run is not None:
                attributes.update(cost_attributes(run, span_id))


def _before_adding(sent_spans: SentSpans, original: Any) -> Any:
    def add(batcher: Any, span: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        try:
            sent_spans.redact_streamed(span)
        except Exception:
            internal_errors.record("redacting a span")
            span["name"], attributes = LEFT_OUT, span.get("attributes") or {}
            span["attributes"] = {key: attributes[key] for key in attributes if _is_sdks(key)}
        with internal_errors.suppress("waiting for the thread that sends spans"):
            _wait_for_sender(batcher)
        return original(batcher, span, *args, **kwargs)

    return add


def _wait_for_sender(batcher: Any) -> None:
    """Return when the SDK's thread that sends spans is there.

    The SDK drops a span that ends while another thread makes it: the first call of a process,
    which ends on a thread of ours, or the step that asked.
    """
    # The flag is the SDK's own, against a warning that is logged as a span meanwhile.
    if batcher._flusher is not None or getattr(batcher._active, "flag", False):
        return
    batcher._active.flag = True
    try:
        batcher._ensure_thread()
        with batcher._lock:
            pass
    finally:
        batcher._active.flag = False


def _with_cost(sent_spans: SentSpans, original: Any) -> Any:
    # On the SDK's thread, when a batch leaves: its spans have ended some time ago, and have a
    # price by now.
    # The SDK's is a static method, and is called by instances, too.
    def _to_transport_format(*args: Any) -> Any:
        span = args[-1]
        try:
            sent_spans._add_cost(span["span_id"], span.get("attributes"))
        except Exception:
            internal_errors.record("putting its cost on a span")
        return original(span)

    return _to_transport_format


def _no_run(_: Any) -> Run | None:
    return None


def _redact_or_empty(redact: Callable[[dict[str, Any]], None], sent: dict[str, Any]) -> None:
    """Redact a span, or a transaction's root; if that fails, it leaves without its texts."""
    try:
        redact(sent)
    except Exception:
        internal_errors.record("redacting a span of a transaction")
        trace = (sent.get("contexts") or {}).get("trace") or {}
        empty: dict[str, Any] = {"transaction": LEFT_OUT, "description": LEFT_OUT}
        empty |= {"data": {}, "tags": {}}
        for place in (sent, trace):
            place.update({key: empty[key] for key in empty.keys() & place.keys()})


def redact_root(event: dict[str, Any]) -> None:
    """Redact what an event says of its root span, or of the one it happened in."""
    if event.get("transaction") is not None:
        event["transaction"] = _name(event["transaction"])
    trace = event.get("contexts", {}).get("trace") or {}
    for place, key in ((trace, "data"), (event, "tags")):
        if place.get(key):
            place[key] = _as_wanted(place[key])
    if isinstance(trace.get("description"), str):
        trace["description"] = _name(trace["description"])


def _redact_static(span: dict[str, Any]) -> None:
    if isinstance(span.get("description"), str):
        span["description"] = _name(span["description"])
    data = span.get("data")
    if data:
        is_by_hand = span.get("origin") == _MADE_BY_HAND
        span["data"] = _as_wanted(data if is_by_hand else _without_queries(data))
    if span.get("tags"):
        span["tags"] = _as_wanted(span["tags"])


def _name(name: Any) -> str:
    return redaction.text("sentry", "name", redact_name(str(name)))


def _as_wanted(data: dict[str, Any]) -> dict[str, Any]:
    """Return attributes as the user's own `redact` has them; not those that Sentry needs."""
    if redaction.hook is None:
        return data
    return {
        key: value
        if _is_sdks(key)
        # As text, what is none yet: the SDK would make it after us.
        else redaction.plain("sentry", _kind(str(key)), Plain(_SIZE, unpack=False).of(value))
        for key, value in data.items()
    }


def _is_sdks(key: Any) -> bool:
    return str(key).startswith(_SDKS) and key != _SEGMENT


def _kind(key: str) -> Kind:
    if key == SOURCE:
        return "source"
    return "name" if key.endswith(".name") else "attribute"


def _origin(attributes: dict[str, Any]) -> Any:
    origin = attributes.get("sentry.origin", _MADE_BY_HAND)
    return origin.get("value") if isinstance(origin, dict) else origin


def _without_queries(data: dict[str, Any]) -> dict[str, Any]:
    """Return the data with a word in the place of each query: that there was one is no secret."""
    left = redact_urls(data)
    hidden = {key: HIDDEN for key in data.keys() - left.keys() if data[key]}
    return left if left is data else {**left, **hidden}


sent_spans = SentSpans()
"""The process's own."""
