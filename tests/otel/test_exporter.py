"""The user's own exporter gets span for span, id for id and attribute for attribute what it gets without us."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest
from opentelemetry import baggage, propagate, trace
from opentelemetry import context as otel_context
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, TraceIdRatioBased

from aimon_nb import track
from aimon_nb.app import monitor
from tests.parts import sdk
from tests.otel.worlds import exported, exporting, rows

LLM = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o-mini"}


def steps(tracer, seen):
    """Steps with all that a span can have on it."""
    with tracer.start_as_current_span("a", attributes={"n": 1, "texts": ["x", "y"]}, kind=trace.SpanKind.CLIENT) as a:
        a.add_event("moment", {"k": "v"})
        with tracer.start_as_current_span("b", links=[trace.Link(a.get_span_context(), {"l": 1})]) as b:
            b.update_name("renamed")
            b.set_status(trace.Status(trace.StatusCode.OK))
            headers = {}
            propagate.inject(headers)
            seen.append(headers)
        aside = tracer.start_span("aside", context=trace.set_span_in_context(trace.INVALID_SPAN))
        tracer.start_span("below", context=trace.set_span_in_context(aside)).end()
        aside.end()
    try:
        with tracer.start_as_current_span("failed"):
            raise ValueError("no")
    except ValueError as error:
        seen.append(repr(error))


def gather(tracer, _):
    async def one(name):
        with tracer.start_as_current_span(name):
            await asyncio.sleep(0)
            with tracer.start_as_current_span(f"{name}.in"):
                await asyncio.sleep(0)

    async def all_of_them():
        await asyncio.gather(one("p"), one("q"))

    with tracer.start_as_current_span("all"):
        asyncio.run(all_of_them())


def threads(tracer, _):
    def job(name):
        with tracer.start_as_current_span(name):
            pass

    with tracer.start_as_current_span("all"):
        thread = threading.Thread(target=job, args=("thread",))
        thread.start()
        thread.join()
        with ThreadPoolExecutor(1) as pool:
            list(pool.map(job, ["r", "s"]))


def by_hand(tracer, seen):
    token = otel_context.attach(baggage.set_baggage("who", "me"))
    span = tracer.start_span("by hand")
    inner = otel_context.attach(trace.set_span_in_context(span))
    carrier = {}
    propagate.inject(carrier)
    seen.append((carrier, dict(baggage.get_all()), sorted(map(str, otel_context.get_current().values()))))
    otel_context.detach(inner)
    otel_context.detach(token)
    span.end()
    seen.append(dict(otel_context.get_current()))


PROGRAMS = [steps, gather, threads, by_hand]
SAMPLERS = {"all": ALWAYS_ON, "none": ALWAYS_OFF, "half": ParentBased(TraceIdRatioBased(0.5))}


@pytest.fixture(params=["local", *sdk.LIFECYCLES], autouse=True)
def destination(request, world):
    """With and without Sentry."""


def observed(program, sampler):
    """What the exporter got, and what the program saw."""
    provider, exporter = exporting(sampler)
    seen = []
    program(provider.get_tracer("mine"), seen)
    return exported(exporter), seen


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
def test_the_same_with_and_without_us(program, sampler):
    """Ids, parents, attributes, events, links, status, headers, baggage: all of it."""
    monitor.uninstall()
    without = observed(program, sampler)
    monitor.install()
    outside = observed(program, sampler)
    with track("cell") as view:
        inside = observed(program, sampler)
    assert without == outside == inside
    assert len(rows(view)) > 1 or program is by_hand


def test_a_call_is_exported_as_it_is(ask):
    """Its request's tokens and its name in the tree are not put on the user's span."""

    def program(tracer, seen):
        with tracer.start_as_current_span("LLM", attributes=LLM):
            ask()

    monitor.uninstall()
    without = observed(program, ALWAYS_ON)
    monitor.install()
    with track("cell") as view:
        inside = observed(program, ALWAYS_ON)
    assert without == inside and rows(view) == ["chat gpt-4o-mini"]


def test_a_traceback_is_exported_as_it_is(client, truth):
    """Of what failed in a request, and of what led to it, no frame of ours is on the user's span."""

    def program(tracer, seen):
        try:
            with tracer.start_as_current_span("outer"), tracer.start_as_current_span("inner"):
                try:
                    client.with_options(base_url="http://127.0.0.1:1/v1").chat.completions.create(model="m", messages=[])
                except openai.APIConnectionError as error:
                    raise KeyError("not reached") from error
        except KeyError:
            pass

    monitor.uninstall()
    without = observed(program, ALWAYS_ON)
    monitor.install()
    with track("cell"):
        inside = observed(program, ALWAYS_ON)
    [told] = [dict(attributes) for _, attributes in inside[0][0][5]]
    assert "httpx" in told["exception.stacktrace"] and "KeyError" in told["exception.stacktrace"]
    assert without == inside
