"""Reads OpenTelemetry's spans when a record is made of them, and writes them at Sentry.

`OpenSpan.source` is OpenTelemetry's span, `OpenSpan.sdk` Sentry's child for it, where there is
one. Attributes come late: what kind of span it is, is known for sure at its end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aimon_nb.capture.exceptions import ERROR_LENGTH
from aimon_nb.capture.kept_content import take_input, take_output
from aimon_nb.capture.redact import redact_secrets
from aimon_nb.capture.span_adapter import Ending, SpanAdapter
from aimon_nb.capture.state import OpenSpan
from aimon_nb.model import Span
from aimon_nb.model.span import CALL_OPS
from aimon_nb.otel import content, conventions
from aimon_nb.otel.content import Told
from aimon_nb.otel.conventions import AGENT, STEP, USAGE, WORKFLOW
from aimon_nb.otel.open_spans import OtelSpan
from aimon_nb.sentry.adapters import BARE, SentryAdapter
from aimon_nb.sentry.call_attributes import step_attributes
from aimon_nb.sentry.span_maker import PIPELINE_NAME

_SCALARS = (str, bool, int, float)
_MODELS = ("gen_ai.request.model", "gen_ai.response.model", "gen_ai.operation.name")
_LOGFIRE = "auto.otel.logfire"
# What OpenTelemetry makes of an exception: its type, then its message.
_DESCRIBED = re.compile(r"([A-Za-z_][\w.]*): (.*)", re.DOTALL)


class OtelAdapter(SpanAdapter):
    """Spans that OpenTelemetry tells of; Sentry's own for them are the `carrier`'s."""

    def __init__(self, carrier: SentryAdapter, *, is_sent_by_user: bool = False) -> None:
        self._carrier, self._is_sent_by_user = carrier, is_sent_by_user
        self.is_structure_only = carrier is BARE

    @property
    def carrier(self) -> SentryAdapter:
        """The adapter of Sentry's object."""
        return self._carrier

    def attribute(self, open_span: OpenSpan, key: str) -> Any:
        """Return one attribute; its op as it is known by now."""
        source = open_span.source
        if key == "sentry.origin":
            return _origin(open_span)
        if source is None:
            return None
        get = raw_attributes(source).get
        if key == "sentry.op":
            return conventions.op_of(get)
        return conventions.model_of(get) if key == "gen_ai.request.model" else get(key)

    def read(self, open_span: OpenSpan, span: Span) -> dict[str, Any] | None:
        """Copy what OpenTelemetry's span says to `span`; return its attributes without content."""
        source = open_span.source
        if source is None:
            return None
        op, told = _described(open_span)
        span.op, span.name = op, _name(open_span, op, told)
        if op == STEP:
            # It may have looked like a call before the request was sent.
            span.operation = span.request_model = span.model = None
        _mark_aliases(open_span, span)
        span.origin = _origin(open_span)
        if self._is_sent_by_user:
            span.sent = "yes"
        span.trace_id = open_span.run_state.run.trace_id
        if span.duration is not None:
            _read_error(source, span, told.attributes)
            if open_span.model_request is None:
                _take_content(open_span, told)
        if isinstance(open_span, OtelSpan):
            span.thread = open_span.thread.name
            if open_span.pipeline is not None:
                told.attributes.setdefault(PIPELINE_NAME, open_span.pipeline)
        return told.attributes

    def write(self, open_span: OpenSpan, attributes: dict[str, Any], name: str | None) -> None:
        """Set attributes and name on Sentry's span."""
        if open_span.sdk is not None:
            self._carrier.write(open_span, attributes, name)

    def tell(self, open_span: OpenSpan) -> None:
        """Write op, name and attributes without content on Sentry's span."""
        if open_span.sdk is None or open_span.source is None:
            return
        op, told = _described(open_span)
        name = conventions.name_of(op, open_span.source.name, told.attributes)
        self._carrier.set_op(open_span, op)
        plain = {k: v for k, v in told.attributes.items() if type(v) in _SCALARS}
        self._carrier.write(open_span, {**step_attributes(op), **plain}, name)

    def finish(self, open_span: OpenSpan, end: float, how: Ending) -> None:
        """End Sentry's span, which says by then what it is."""
        if open_span.sdk is not None:
            self.tell(open_span)
            self._carrier.finish(open_span, end, how)

    def start_child(
        self, parent: OpenSpan, op: str, name: str, origin: str, start: datetime | None = None
    ) -> Any:
        """Start one of Sentry's own below it."""
        return self._carrier.start_child(parent, op, name, origin, start)

    def is_sampled(self, sdk: Any) -> bool:
        """Whether Sentry gets the spans below this one."""
        return self._carrier.is_sampled(sdk)


def _name(open_span: OpenSpan, op: str, told: Told) -> str:
    """The name of a row; of a call that took a request its model may be known from there alone."""
    attributes, request = told.attributes, open_span.model_request
    if op in CALL_OPS and request is not None and "gen_ai.request.model" not in attributes:
        model = request.requested_model()
        if model is not None:
            attributes["gen_ai.request.model"] = model
    return conventions.name_of(op, open_span.source.name, attributes)


def _origin(open_span: OpenSpan) -> str:
    return open_span.scope.origin if isinstance(open_span, OtelSpan) else ""


def raw_attributes(source: Any) -> Mapping[str, Any]:
    """Return a copy of the attributes of OpenTelemetry's span, whichever class it is of."""
    attributes = getattr(source, "_attributes", None)
    if attributes is None:
        return {}
    copied: Mapping[str, Any] = attributes.copy()
    return copied


def _described(open_span: OpenSpan) -> tuple[str, Told]:
    """What a span is, as far as it is known, and what it says of itself.

    It is a call only if it took a request, or reports tokens and no request was sent below
    it. Otherwise it is a step, and its counts and its model are those of others.
    """
    raw = raw_attributes(open_span.source)
    told = conventions.read(raw, is_logfire=_origin(open_span).startswith(_LOGFIRE))
    op, attributes = conventions.op_of(raw.get), told.attributes
    has_ended = open_span.t1 is not None
    is_told = _is_told(open_span)
    is_others = is_told or (has_ended and not conventions.has_usage(raw))
    if op in CALL_OPS and open_span.model_request is None and is_others:
        op = STEP
        for key in _MODELS:
            attributes.pop(key, None)
    if is_told or open_span.model_request is not None:
        for key in USAGE & attributes.keys():
            del attributes[key]
    return op, told


def _is_told(open_span: OpenSpan) -> bool:
    """Whether a request was sent below it, or the call right above it has taken its own."""
    above = open_span.parent
    return open_span.has_call_below or (above is not None and above.model_request is not None)


def _mark_aliases(open_span: OpenSpan, span: Span) -> None:
    """A span that says what others say has no row; nor a workflow that is its one agent."""
    declared = open_span.adapter.attribute(open_span, "sentry.op")
    is_calls = declared in CALL_OPS and _is_told(open_span) and not open_span.model_request
    if is_calls or not conventions.has_row(span.op, span.name):
        open_span.is_alias = True
    above = open_span.parent
    if span.op == AGENT and isinstance(above, OtelSpan) and above.source is not None:
        is_workflow = conventions.op_of(raw_attributes(above.source).get) == WORKFLOW
        if is_workflow and conventions.is_same(above.source.name, span.name):
            above.is_alias = True


def _take_content(open_span: OpenSpan, told: Told) -> None:
    """What went in and came out, where prompts are and nowhere else; a request's is the wire's."""
    events = getattr(open_span.source, "_events", None) or ()
    told_by_events = content.of_events(list(events))
    step_input, step_output = told.step_input, told.step_output
    if step_input is None:
        step_input = told_by_events.step_input
    if step_output is None:
        step_output = told_by_events.step_output
    if step_input is not None:
        take_input(open_span, content.unpacked(step_input))
    if step_output is not None:
        take_output(open_span, content.unpacked(step_output))


def _read_error(source: Any, span: Span, attributes: dict[str, Any]) -> None:
    """How it ended, by its status and by the exception that was recorded on it."""
    status = getattr(source, "status", None)
    if getattr(getattr(status, "status_code", None), "name", None) != "ERROR":
        return
    kind, message = _exception(source)
    text = getattr(status, "description", None)
    if kind is None and type(text) is str:
        described = _DESCRIBED.fullmatch(text)
        kind, message = described.groups() if described is not None else (None, text)
    kind = kind or attributes.get("error.type")
    span.status = "error"
    span.error_type = kind.rpartition(".")[2] if type(kind) is str else None
    span.error = redact_secrets(message)[:ERROR_LENGTH] if type(message) is str else None


def _exception(source: Any) -> tuple[Any, Any]:
    """The type and the message of the last exception that was recorded."""
    for event in reversed(list(getattr(source, "_events", None) or ())):
        if event.name == "exception":
            get = (event.attributes or {}).get
            return get("exception.type"), get("exception.message")
    return None, None
