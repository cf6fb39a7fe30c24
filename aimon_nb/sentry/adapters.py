"""Reading, writing and ending the SDK's span objects: a class for each kind of them.

`StaticAdapter` and `DroppedAdapter`, of sentry-sdk 2's transactions, are in `adapters_static`.
"""

from __future__ import annotations

from abc import abstractmethod
from datetime import datetime
from typing import Any

from sentry_sdk import traces

from aimon_nb.capture.attributes import as_text, status_from
from aimon_nb.capture.span_adapter import Ending, SpanAdapter
from aimon_nb.capture.state import OpenSpan
from aimon_nb.model import Span
from aimon_nb.sentry.sdk import NoOpStreamedSpan

# Attributes that the SDK puts on each streamed span; the thread's name has a field of its own.
_INTERNAL = ("sentry.", "process.", "thread.")


def attribute(open_span: OpenSpan, key: str) -> Any:
    """Return one attribute of a span, or its op or origin: cheap enough for the user's thread."""
    return open_span.adapter.attribute(open_span, key)


def at_sentry(open_span: OpenSpan) -> OpenSpan:
    """Return the span that stands for it at Sentry: itself, or the nearest above that is there."""
    while open_span.adapter.is_structure_only and open_span.parent is not None:
        open_span = open_span.parent
    return open_span


class SentryAdapter(SpanAdapter):
    """What `SpanTracker` asks of the SDK's spans, besides."""

    leaves_at_end = False  # Sentry gets it then, and not with the root
    # False for no-ops, which name the root or nothing; a scope that tasks share misleads others.
    parent_id_is_reliable = True

    @abstractmethod
    def parent_id(self, sdk: Any) -> Any:
        """Return the id of the parent that the SDK chose, else None."""

    def correct_parent(self, sdk: Any, parent: OpenSpan) -> None:
        """Give the SDK's span its true parent, where that is not too late."""

    def set_op(self, open_span: OpenSpan, op: str) -> None:
        """Set the op of the SDK's object, which was not known when it started."""


class StreamAdapter(SentryAdapter):
    """Spans of the stream lifecycle that Sentry gets."""

    leaves_at_end = True

    def attribute(self, open_span: OpenSpan, key: str) -> Any:
        """Return one attribute."""
        sdk = open_span.sdk
        return sdk._attributes.get(key) if sdk is not None else None

    def read(self, open_span: OpenSpan, span: Span) -> dict[str, Any] | None:
        """Copy what the SDK's object holds to `span`; return the user's attributes."""
        sdk = open_span.sdk
        if sdk is None:
            return None
        data = dict(sdk._attributes)
        span.name = as_text(sdk._name) or span.name
        span.op = as_text(data.pop("sentry.op", None)) or span.op
        span.origin = as_text(data.pop("sentry.origin", None)) or None
        span.trace_id = sdk._trace_id or span.trace_id
        if sdk._status is not None and span.duration is not None:
            span.status = status_from(sdk._status)
        span.thread = as_text(data.pop("thread.name", None)) or span.thread
        return {k: v for k, v in data.items() if type(k) is not str or not k.startswith(_INTERNAL)}

    def write(self, open_span: OpenSpan, attributes: dict[str, Any], name: str | None) -> None:
        """Set attributes and name on the SDK's object."""
        sdk = open_span.sdk
        if sdk is None:
            return
        for key, value in attributes.items():
            sdk.set_attribute(key, value)
        if name is not None:
            sdk.name = name

    def set_op(self, open_span: OpenSpan, op: str) -> None:
        """Set the op, an attribute here."""
        open_span.sdk.set_attribute("sentry.op", op)

    def finish(self, open_span: OpenSpan, end: float, how: Ending) -> None:
        """End the SDK's span; its lifecycle knows two states."""
        open_span.sdk.status = "ok" if how == "ok" else "error"
        open_span.sdk.end(end)

    def start_child(
        self, parent: OpenSpan, op: str, name: str, origin: str, start: datetime | None = None
    ) -> Any:
        """Start a span below `parent`; None where the client's lifecycle or filters allow none."""
        sdk = parent.sdk
        if sdk is None:
            return None
        attributes: dict[str, Any] = {"sentry.op": op, "sentry.origin": origin}
        child = traces.start_span(name, attributes, sdk, active=False)
        if isinstance(child, NoOpStreamedSpan):
            return None
        if start is not None:
            child._start_timestamp = start
        return child

    def is_sampled(self, sdk: Any) -> bool:
        """Whether it is, which every span of this class is."""
        return bool(sdk.sampled)

    def parent_id(self, sdk: Any) -> Any:
        """Return the id of the parent that the SDK chose."""
        return sdk._parent_span_id


class RecordedAdapter(SentryAdapter):
    """Spans whose SDK object keeps nothing: all is in `OpenSpan.attributes`."""

    def attribute(self, open_span: OpenSpan, key: str) -> Any:
        """Return one attribute."""
        return open_span.attributes.get(key)

    def read(self, open_span: OpenSpan, span: Span) -> dict[str, Any] | None:
        """Copy what was recorded to `span`; return the other attributes."""
        data = dict(open_span.attributes)
        span.name = as_text(data.pop("sentry.name", None))
        span.op = as_text(data.pop("sentry.op", None))
        span.origin = as_text(data.pop("sentry.origin", None)) or None
        span.thread = as_text(data.pop("thread.name", None)) or span.thread
        return data

    def write(self, open_span: OpenSpan, attributes: dict[str, Any], name: str | None) -> None:
        """Record attributes and name."""
        open_span.attributes.update(attributes)
        if name is not None:
            open_span.attributes["sentry.name"] = name

    def finish(self, open_span: OpenSpan, end: float, how: Ending) -> None:
        """Nothing of the SDK's is to be ended."""

    def start_child(
        self, parent: OpenSpan, op: str, name: str, origin: str, start: datetime | None = None
    ) -> Any:
        """Nothing of the SDK's is to be started: nobody would get it."""

    def is_sampled(self, _sdk: Any) -> bool:
        """Return True: spans below it are sent by themselves, if at all."""
        return True


class NoopAdapter(RecordedAdapter):
    """No-ops of the stream lifecycle: unsampled, ignored, or of a client in the static one."""

    parent_id_is_reliable = False

    def read(self, open_span: OpenSpan, span: Span) -> dict[str, Any] | None:
        """Copy what was recorded to `span`, and the SDK's object's name."""
        data = super().read(open_span, span)
        # Not `name`, which asks the value whether it is true: a user's object may do anything.
        span.name = span.name or as_text(open_span.sdk._name)
        return data

    def parent_id(self, sdk: Any) -> Any:
        """Return the id of the parent that the SDK chose."""
        return sdk._parent_span_id

    def is_sampled(self, sdk: Any) -> bool:
        """Whether it is, which no no-op is: below it are no-ops only."""
        return bool(sdk.sampled)


class BareAdapter(RecordedAdapter):
    """Spans without an object of the SDK's."""

    def read(self, open_span: OpenSpan, span: Span) -> dict[str, Any] | None:
        """Copy what was recorded, and the run's trace, to `span`; return the other attributes."""
        span.trace_id = open_span.run_state.run.trace_id
        return super().read(open_span, span)

    def parent_id(self, _sdk: Any) -> Any:
        """Return None: the SDK chose no parent."""
        return None


STREAM, NOOP, BARE = StreamAdapter(), NoopAdapter(), BareAdapter()
