"""Where nobody gets OpenTelemetry's spans, nothing that a program sees or sends differs by a byte; the tree has them all the same."""

import copy
import logging
import pickle
import types

import pytest
from opentelemetry import baggage, propagate, trace
from opentelemetry import context as otel_context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from aimon_nb import track
from aimon_nb.app import monitor
from tests.otel.worlds import TRACERS, Counted, rows

PARENT = trace.NonRecordingSpan(trace.SpanContext(1, 2, is_remote=True, trace_flags=trace.TraceFlags(1)))


def no_provider():
    return trace.get_tracer("mine")


def no_op_provider():
    return trace.NoOpTracerProvider().get_tracer("mine")


def not_sampled():
    return TracerProvider(sampler=ALWAYS_OFF, id_generator=Counted()).get_tracer("mine")


def told_of(span):
    """All that a program may say of a span, in a log say."""
    context = span.get_span_context()
    return {
        "ids": (context.trace_id, context.span_id, context.trace_flags, context.is_valid, context.is_remote),
        "is_recording": span.is_recording(),
        "text": repr(span),
        "words": str(span),
        "invalid": span == trace.INVALID_SPAN,
        "not invalid": span != trace.INVALID_SPAN,
        "truth": bool(span),
        "type": (type(span).__name__, type(span).__module__, isinstance(span, trace.NonRecordingSpan)),
        "copies": (repr(copy.deepcopy(span)), repr(pickle.loads(pickle.dumps(span)))),
        "hash": hash(span) == hash(trace.INVALID_SPAN),
    }


def program(tracer):
    """What a program sees and sends at each place, by the formatters and propagators that people use."""
    seen = []

    def look(span):
        headers, trace_headers = {}, {}
        propagate.inject(headers)
        TraceContextTextMapPropagator().inject(trace_headers)
        current = trace.get_current_span()
        record = logging.makeLogRecord({"msg": "x"})
        # As LoggingInstrumentor and structlog's recipe have it.
        record.otelTraceID = format(current.get_span_context().trace_id, "032x") if current != trace.INVALID_SPAN else "0"
        event = {"span": None if not current.is_recording() else hex(current.get_span_context().span_id)}
        is_invalid = current is trace.INVALID_SPAN
        seen.append((told_of(span), told_of(current), is_invalid, headers, trace_headers, record.otelTraceID, event, dict(baggage.get_all()), len(otel_context.get_current())))

    for around in (None, PARENT):
        token = otel_context.attach(trace.set_span_in_context(around) if around is not None else otel_context.get_current())
        with tracer.start_as_current_span("a", attributes={"k": "v"}) as a:
            look(a)
            with tracer.start_as_current_span("b") as b:
                b.set_attribute("prompt", "secret")
                b.add_event("x")
                b.set_status(trace.StatusCode.OK)
                look(b)
        span = tracer.start_span("c", context=trace.set_span_in_context(a))
        with trace.use_span(span, end_on_exit=True):
            look(span)
        try:
            with tracer.start_as_current_span("failed"):
                raise ValueError("no")
        except ValueError as error:
            seen.append((repr(error), error.__context__, error.__cause__, getattr(error, "__notes__", None)))
        look(trace.get_current_span())
        otel_context.detach(token)
    return seen


@pytest.mark.parametrize("tracer_of", [no_provider, no_op_provider, not_sampled])
def test_nothing_differs(tracer_of):
    """Headers, baggage, log correlation, the current span, the spans themselves: what a program without us has."""
    monitor.uninstall()
    without = program(tracer_of())
    monitor.install()
    outside = program(tracer_of())
    with track("cell") as view:
        inside = program(tracer_of())
    assert without == outside
    assert without == inside
    assert rows(view) == ["a", "  b", "c", "failed"] * 2


def test_requests_of_the_program(ask, truth):
    """A request to a model has no header more in it than without us."""

    def headers():
        truth.clear()
        with trace.get_tracer("mine").start_as_current_span("a"):
            sent = {}
            propagate.inject(sent)
            ask(extra_headers=sent)
            return sent, sorted(truth.calls[0].body)

    monitor.uninstall()
    without = headers()
    monitor.install()
    with track("cell"):
        inside = headers()
    assert without == inside and not inside[0]


def asked_by(module, function):
    """A function as if it stood in a library's module."""
    return types.FunctionType(function.__code__, {**function.__globals__, "__name__": module})


def put_on(tracer):
    """As strands and Google's ADK put attributes on a span: if it is recording."""
    with tracer.start_as_current_span("tool") as span:
        if span.is_recording():
            span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "add"})
        return span.is_recording()


def test_a_framework_that_asks_whether_to_tell():
    """It hears yes in a run, from its own code alone; nobody else does."""
    with track("cell") as view:
        assert asked_by("strands.telemetry.tracer", put_on)(trace.get_tracer("strands-agents"))
        assert not put_on(trace.get_tracer("mine"))
    assert rows(view) == ["execute_tool add", "tool"]
    assert not asked_by("strands.telemetry.tracer", put_on)(trace.get_tracer("strands-agents"))


def put_on_current(tracer):
    """As Google's ADK does: on the current span."""
    with tracer.start_as_current_span("execute_tool add"):
        span = trace.get_current_span()
        if span.is_recording():
            span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "add"})
            return True


def test_a_framework_that_tells_the_current_span():
    """It finds its own span there; the user's code in it is told what the no-op tells."""
    with track("cell") as view:
        tracer = trace.get_tracer("gcp.vertex.agent")
        assert asked_by("google.adk.telemetry.tracing", put_on_current)(tracer)
        with tracer.start_as_current_span("invocation"):
            current = trace.get_current_span()
            assert not current.is_recording() and current == trace.INVALID_SPAN
            assert repr(current) == repr(trace.INVALID_SPAN)
            carrier = {}
            propagate.inject(carrier)
            assert carrier == {}
            with trace.get_tracer("other").start_as_current_span("in it"):
                pass
    assert rows(view) == ["execute_tool add", "invocation", "  in it"]


def test_what_is_put_on_a_light_span_is_not_looked_at(hooks):
    """No object of the user's is turned into text, and nothing that is large is copied."""

    class Hostile:
        def __repr__(self):
            raise AssertionError

        __str__ = __len__ = __iter__ = __eq__ = __hash__ = __repr__

    text = "x" * 1_000_000
    with track("cell"), trace.get_tracer("mine").start_as_current_span("a") as span:
        span.set_attributes({"object": Hostile(), "list": [Hostile(), 1], "text": text})
        span.set_attribute("key", Hostile())
        assert span._attributes["text"] is text
        assert span._attributes["list"] == (1,) and "object" not in span._attributes


def test_a_span_used_after_its_end_and_after_the_run():
    """It does nothing, and has no row a second time."""
    tracer = TRACERS["no provider"]("mine")
    with track("cell") as view, tracer.start_as_current_span("a") as span:
        span.end()
        span.end()
        span.set_attribute("k", "v")
    span.end()
    with trace.use_span(span):
        assert not trace.get_current_span().is_recording()
    assert rows(view) == ["a"]
