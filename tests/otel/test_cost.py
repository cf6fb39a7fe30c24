"""What a span costs the user's thread, in objects: none of OpenTelemetry's is kept after its end, and nothing is looked up twice."""

import contextvars
import gc
import weakref

from opentelemetry import context as otel_context
from opentelemetry import trace

from aimon_nb import track
from aimon_nb.app import monitor
from aimon_nb.capture.context import current_run
from aimon_nb.otel.open_spans import OtelSpan
from tests.otel.worlds import TRACERS, named, rows


def test_a_span_of_the_sdks_is_let_go_of_at_its_end():
    """Not when it is read: until then a dozen objects with locks would be kept. The row has all that it said to its end."""
    tracer = TRACERS["a provider"]("mine")
    with track("cell") as view:
        span = tracer.start_span("a", attributes={"first": 1})
        span.set_attribute("last", "x")
        span.update_name("b")
        span.record_exception(ValueError("no"))
        span.set_status(trace.StatusCode.ERROR, "no")
        span.end()
        kept = weakref.ref(span)
        del span
        assert kept() is None
    row = named(view, "b")
    assert (row.attributes["first"], row.attributes["last"]) == (1, "x")
    assert (row.status, row.error_type, row.error) == ("error", "ValueError", "no")


def test_what_a_span_said_is_kept_in_its_record_alone():
    """Prompts on a span that code left running holds on to, a task say, are not in memory because of us."""
    tracer = TRACERS["a provider"]("mine")

    class Text(str):
        pass

    with track("cell"):
        with tracer.start_as_current_span("a") as span:
            context = contextvars.copy_context()
            span._attributes._dict["prompt"] = text = Text("x")
        del span
        kept = weakref.ref(text)
        del text
        monitor.recorder.drain()
        [open_span] = [one for one in context.values() if isinstance(one, OtelSpan)]
        assert open_span.source is None and not open_span._attributes
        del context
    gc.collect()
    assert kept() is None


def test_spans_that_are_never_detached_keep_none_before_them():
    """Each would keep the one that was current before, and so all of them for as long as the cell runs."""
    tracer = TRACERS["a provider"]("mine")
    with track("cell", view="none"):
        tokens = []
        for _ in range(50):
            span = tracer.start_span("left")
            tokens.append(otel_context.attach(trace.set_span_in_context(span)))
            span.end()
        monitor.recorder.drain()
        gc.collect()
        here = current_run.get()
        assert len([one for one in gc.get_objects() if type(one) is OtelSpan and one.run_state is here]) <= 2
        for token in reversed(tokens):
            otel_context.detach(token)


def test_left_out_of_order():
    """A span that is left while others in it are current is not current any more, nor are they."""
    tracer = TRACERS["a provider"]("mine")

    def cell():
        with track("cell") as view:
            a, b = tracer.start_span("a"), tracer.start_span("b")
            first = otel_context.attach(trace.set_span_in_context(a))
            second = otel_context.attach(trace.set_span_in_context(b))
            otel_context.detach(first)
            tracer.start_span("c").end()
            otel_context.detach(second)  # which makes `a` current in OpenTelemetry's context
            with trace.use_span(a), trace.use_span(b):
                with trace.use_span(a):
                    tracer.start_span("in a").end()
                tracer.start_span("in b").end()
            b.end()
            a.end()
        return rows(view)

    assert contextvars.copy_context().run(cell) == ["a", "  in a", "b", "  in b", "c"]


def test_a_tracers_name_is_looked_for_once(hooks):
    """In OpenTelemetry's own frames: the user's `locals()` stay as he got them. It is forgotten with the tracer."""
    tracer = trace.get_tracer("mine")

    def steps():
        self = "before"
        mine = locals()
        self = "after"
        with tracer.start_as_current_span("a"):
            tracer.start_span("b").end()
        return self, mine["self"]

    @tracer.start_as_current_span("decorated")
    def decorated():
        trace.get_tracer("another").start_span("c").end()

    with track("cell") as view:
        assert steps() == ("after", "before")
        decorated()
        trace.NoOpTracer().start_span("nobody's").end()
    found = {span.name: span.origin for span in view._latest.spans.values() if span.parent_id}
    assert found == {"a": "auto.otel.mine", "b": "auto.otel.mine", "decorated": "auto.otel.mine", "c": "auto.otel.another", "nobody's": "auto.otel.unnamed"}
    gc.collect()
    assert len(hooks.no_op.scopes) == 1
