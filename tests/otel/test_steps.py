"""OpenTelemetry's spans are steps of the run, each under its true parent, whoever makes them."""

import asyncio
import contextvars
import gc
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sentry_sdk
from opentelemetry import context as otel_context
from opentelemetry import trace

import aimon_nb
from aimon_nb import ai_track, track
from aimon_nb.ai.instrumentation import instrumentation
from aimon_nb.otel.open_spans import OtelSpan
from tests.parts import sdk
from tests.otel.worlds import TRACERS, named, rows


@pytest.fixture(params=TRACERS)
def tracer(request):
    return TRACERS[request.param]("mine")


def test_steps_in_steps(tracer, world, receiver):
    """A step is above what begins in it, spans of Sentry's too; Sentry gets the same tree."""
    with track("cell") as view:
        with tracer.start_as_current_span("a"):
            with sentry_sdk.traces.start_span("theirs") if world == "stream" else sdk.start_span("x", "theirs"):
                with tracer.start_as_current_span("b"):
                    pass
        with tracer.start_as_current_span("c"):
            pass
    assert rows(view) == ["a", "  theirs", "    b", "c"]
    span = named(view, "a")
    assert (span.op, span.status, span.thread) == ("function", "ok", "MainThread")
    assert span.origin in ("auto.otel.mine", "auto.otel.unnamed")
    assert 0 <= span.duration <= named(view, "cell").duration
    if world != "local":
        sent = {one["span_id"]: one for one in receiver.spans()}
        above = {one["name"]: sent.get(one["parent_span_id"], {}).get("name") for one in sent.values()}
        assert above == {"cell": None, "a": "cell", "theirs": "a", "b": "theirs", "c": "cell"}
        assert {span.sent for span in view._latest.spans.values()} == {"yes"}


def test_a_gather_threads_and_pools(tracer):
    """Side by side each has its own below it; threads and jobs are under what began them."""

    async def one(name):
        with tracer.start_as_current_span(name):
            await asyncio.sleep(0)
            with tracer.start_as_current_span(f"{name}.in"):
                await asyncio.sleep(0)

    async def both():
        await asyncio.gather(one("p"), one("q"))

    def job(name):
        with tracer.start_as_current_span(name):
            pass

    with track("cell") as view:
        with tracer.start_as_current_span("gather"):
            asyncio.run(both())
        with tracer.start_as_current_span("threads"):
            thread = threading.Thread(target=job, args=("in a thread",))
            thread.start()
            thread.join()
        with tracer.start_as_current_span("pool"), ThreadPoolExecutor(2) as pool:
            list(pool.map(job, ["r", "s"]))
    found = rows(view)
    assert found[:8] == ["gather", "  p", "    p.in", "  q", "    q.in", "threads", "  in a thread", "pool"]
    assert sorted(found[8:]) == ["  r", "  s"]


def test_a_parent_that_is_named(tracer):
    """Who names another parent than the current one has it; where it is the current one, what is between stays between."""
    with track("cell") as view:
        aside = tracer.start_span("aside")
        with tracer.start_as_current_span("current") as current:
            tracer.start_span("named", context=trace.set_span_in_context(aside)).end()
            with ai_track("between")(lambda: tracer.start_span("implied", context=trace.set_span_in_context(current)))():
                pass
        aside.end()
    assert rows(view) == ["aside", "  named", "current", "  between", "    implied"]


def test_what_was_attached_by_hand(tracer):
    """`attach` and `detach` move our context; a span that is entered again leaves to where it was entered from."""
    with track("cell") as view:
        a = tracer.start_span("a")
        token = otel_context.attach(trace.set_span_in_context(a))
        baggage = otel_context.attach(otel_context.set_value("key", "value"))
        tracer.start_span("in a").end()
        otel_context.detach(baggage)
        tracer.start_span("still in a").end()
        otel_context.detach(token)
        with tracer.start_as_current_span("b"):
            with trace.use_span(a):
                tracer.start_span("again in a").end()
            tracer.start_span("in b").end()
        a.end()
        tracer.start_span("after").end()
    assert rows(view) == ["a", "  in a", "  still in a", "  again in a", "b", "  in b", "after"]


def test_a_generator_that_is_left_in_another_context(tracer, caplog):
    """What its span leaves behind is no wrong parent: it has ended, and what was current before is again."""

    def steps():
        with tracer.start_as_current_span("generator"):
            yield 1
            yield 2

    with track("cell") as view:
        with tracer.start_as_current_span("outer"):
            generator = steps()
            next(generator)
            contextvars.copy_context().run(generator.close)
            tracer.start_span("after").end()
        tracer.start_span("last").end()
    assert rows(view) == ["outer", "  generator", "  after", "last"]
    assert named(view, "generator").status == "abandoned"


def test_an_async_generator_in_a_gather(tracer):
    """Two streams at once, read by turns and left early: each is above its own steps and nobody else's."""

    async def stream(name):
        with tracer.start_as_current_span(name):
            for number in range(3):
                with tracer.start_as_current_span(f"{name}{number}"):
                    await asyncio.sleep(0)
                yield number

    async def read(name):
        async for number in stream(name):
            if number == 1:
                break

    async def both():
        await asyncio.gather(read("p"), read("q"))
        tracer.start_span("after").end()

    with track("cell") as view:
        asyncio.run(both())
    assert rows(view) == ["p", "  p0", "  p1", "q", "  q0", "  q1", "after"]


def test_errors(tracer, world, receiver):
    """A step that failed says what was raised; one whose caller goes on is well; what no `Exception` ends is no success."""
    with track("cell") as view:
        with tracer.start_as_current_span("well"):
            with pytest.raises(ValueError, match="no such flight"), tracer.start_as_current_span("failed"):
                raise ValueError("no such flight sk-proj-abcdefghijklmnopqrstuvwxyz0123456789")
        try:
            raise KeyError("handled")
        except KeyError:
            tracer.start_span("while handling").end()
        with pytest.raises(asyncio.CancelledError), tracer.start_as_current_span("cancelled"):
            raise asyncio.CancelledError
    failed = named(view, "failed")
    assert (failed.status, failed.error_type) == ("error", "ValueError")
    assert failed.error.startswith("no such flight") and "abcdefgh" not in failed.error
    assert [frame.function for frame in failed.frames][-1:] == ["test_errors"]
    assert {name: named(view, name).status for name in ("well", "while handling", "cancelled")} == {
        "well": "ok", "while handling": "ok", "cancelled": "cancelled",
    }  # fmt: skip
    if world == "static":
        states = {one["name"]: one["status"] for one in receiver.spans()}
        assert (states["failed"], states["cancelled"], states["well"]) == ("internal_error", "cancelled", "ok")


def test_a_status_without_an_exception():
    """What a library says of its failure is shown, in its words."""
    tracer = TRACERS["a provider"]("mine")
    with track("cell") as view:
        for description in ("TimeoutError: too slow", "it did not work", None):
            span = tracer.start_span("step")
            span.set_status(trace.Status(trace.StatusCode.ERROR, description))
            span.end()
        span = tracer.start_span("step")
        span.record_exception(ValueError("passed over"))
        span.end()
    told = [(span.status, span.error_type, span.error) for span in view._latest.spans.values() if span.name == "step"]
    assert told == [("error", "TimeoutError", "too slow"), ("error", None, "it did not work"), ("error", None, None), ("ok", None, None)]


def test_what_is_left_open(tracer, world, receiver):
    """A span that never ends is abandoned with the run; Sentry gets it, and what is below it."""
    with track("cell") as view:
        span = tracer.start_span("open")
        with trace.use_span(span):
            tracer.start_span("below").end()
    assert rows(view) == ["open", "  below"]
    assert (named(view, "open").status, named(view, "below").status) == ("abandoned", "ok")
    if world != "local":
        assert {"open", "below"} <= {one["name"] for one in receiver.spans()}
    span.end()
    with track("next") as later:
        tracer.start_span("x").end()
    assert rows(later) == ["x"]


def test_what_is_kept_of_many():
    """Spans that are attached and never detached, and calls that are never ended, are not kept for as long as the kernel lives."""
    tracer, waiting = TRACERS["a provider"]("mine"), instrumentation.tracker.unmatched_call_spans

    def cells():
        for _ in range(15):
            with track("cell", view="none"):
                for _ in range(200):
                    left = tracer.start_span("left")
                    otel_context.attach(trace.set_span_in_context(left))
                    left.end()
                    tracer.start_span("call", attributes={"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"})

    contextvars.copy_context().run(cells)
    gc.collect()
    attached = [one for one in gc.get_objects() if type(one) is OtelSpan and one.entered]
    assert len(waiting) <= 1200 and len(attached) <= 1200


def test_outside_of_runs(tracer):
    """Nothing is tracked, and no span is another than without us."""
    before = type(tracer.start_span("x"))
    with track("cell") as view:
        pass
    with tracer.start_as_current_span("after") as span:
        assert type(span) is before
    assert rows(view) == []


class Around:
    """A span of a library's own around one of OpenTelemetry's, as OpenInference's proxies are."""

    def __init__(self, span):
        self.__wrapped__ = span

    def __getattr__(self, name):
        return getattr(self.__wrapped__, name)


class Wrapping(trace.Span):
    """One that has the same ids and nothing else, as Logfire's."""

    def __init__(self, span):
        self._inner = span

    def get_span_context(self):
        return self._inner.get_span_context()

    def is_recording(self):
        return self._inner.is_recording()

    def end(self, end_time=None):
        self._inner.end(end_time)

    set_attribute = set_attributes = add_event = update_name = set_status = record_exception = add_link = lambda self, *_, **__: None


def test_a_span_around_a_span(tracer):
    """What begins while a library's proxy is current is below the span that it stands for."""
    with track("cell") as view:
        span = Around(tracer.start_span("a"))
        token = otel_context.attach(trace.set_span_in_context(span))
        tracer.start_span("in a").end()
        otel_context.detach(token)
        span.end()
        tracer.start_span("after").end()
    assert rows(view) == ["a", "  in a", "after"]


def test_a_span_around_a_span_by_its_ids():
    """Known by its ids alone, where it has any."""
    tracer = TRACERS["a provider"]("mine")
    with track("cell") as view, trace.use_span(Wrapping(tracer.start_span("a")), end_on_exit=True):
        with trace.use_span(Wrapping(tracer.start_span("b")), end_on_exit=True):
            tracer.start_span("in b").end()
        tracer.start_span("in a").end()
    assert rows(view) == ["a", "  b", "    in b", "  in a"]


def test_a_step_in_an_item_of_a_batch(tracer):
    """It is of that item, as a span of Sentry's is."""
    with track("cell") as view:
        for name in aimon_nb.progress(["a", "b"]):
            tracer.start_span(name).end()
        tracer.start_span("after").end()
    assert [(name, getattr(named(view, name).item, "key", None)) for name in ("a", "b", "after")] == [("a", 0), ("b", 1), ("after", None)]
