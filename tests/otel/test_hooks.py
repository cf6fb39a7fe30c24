"""The hooks: put on late, taken off, put on again, and left off where OpenTelemetry is another."""

import subprocess
import sys
import types

import pytest
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import contextvars_context
from opentelemetry.sdk import trace as sdk

from aimon_nb import track
from aimon_nb.ai.instrumentation import instrumentation
from aimon_nb.app import monitor
from tests.otel.worlds import TRACERS, rows

HOOKED = [(sdk.Tracer, "start_span"), (sdk.Span, "end"), (trace.NoOpTracer, "start_span"), (contextvars_context.ContextVarsRuntimeContext, "attach"), (contextvars_context.ContextVarsRuntimeContext, "detach")]


def test_undone_and_done_again():
    """Unloading leaves the library's own functions, whatever was open; loading again hears again."""
    ours = [owner.__dict__[name] for owner, name in HOOKED]
    tracer = TRACERS["no provider"]("mine")
    with track("cell"):
        light = tracer.start_span("open")
    monitor.uninstall()
    theirs = [owner.__dict__[name] for owner, name in HOOKED]
    assert not {id(one) for one in ours} & {id(one) for one in theirs}
    assert not [one for one in theirs if hasattr(one, "__wrapped__") and "aimon" in one.__module__]
    light.end()
    assert tracer.start_span("x") is trace.INVALID_SPAN
    monitor.install()
    with track("again") as view:
        tracer.start_span("a").end()
        TRACERS["a provider"]("mine").start_span("b").end()
    assert rows(view) == ["a", "b"]


def test_unloaded_in_a_run():
    """A span that was entered with us and left without us leaves OpenTelemetry's context as it was."""
    for name in ("a provider", "no provider"):
        monitor.install()
        before = dict(otel_context.get_current())
        with track("cell"), TRACERS[name]("mine").start_as_current_span("a"):
            monitor.uninstall()
        assert dict(otel_context.get_current()) == before


CODE = """
import sys
import aimon_nb
from aimon_nb.app import monitor
{first}
monitor.install()
loaded = [m for m in sys.modules if m.split(".")[0] == "opentelemetry"]
assert bool(loaded) == {is_first}, loaded
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
with aimon_nb.track("cell") as view:
    for tracer in (trace.get_tracer("mine"), TracerProvider().get_tracer("mine")):
        with tracer.start_as_current_span("a"), tracer.start_as_current_span("b"):
            pass
spans = {{span.span_id: span for span in view._latest.spans.values()}}
print([(span.name, spans[span.parent_id].name, span.origin) for span in spans.values() if span.parent_id])
"""


@pytest.mark.kernel
@pytest.mark.parametrize("first", ["", "import opentelemetry.sdk.trace"], ids=["before", "after"])
def test_loaded_before_and_after_opentelemetry(first):
    """Both ways its spans are heard; loading us imports no part of it."""
    code = CODE.format(first=first, is_first=bool(first))
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.strip() == str([("a", "cell", "auto.otel.mine"), ("b", "a", "auto.otel.mine")] * 2)


def test_another_opentelemetry(monkeypatch):
    """What it does not have is said once in the tree; the user's spans work as without us."""
    monitor.uninstall()
    monkeypatch.delattr(contextvars_context.ContextVarsRuntimeContext, "detach")
    monkeypatch.setattr(contextvars_context.ContextVarsRuntimeContext, "__abstractmethods__", frozenset())
    monitor.install()
    assert [owner.__dict__[name] for owner, name in HOOKED[:1]] == [sdk.Tracer.start_span]
    with track("cell") as view:
        TRACERS["a provider"]("mine").start_span("a").end()
    notes = [note for note in view._latest.notes if "OpenTelemetry" in note]
    assert len(notes) == 1 and "ContextVarsRuntimeContext.detach" in notes[0]


def instrumentor(name, *, is_on):
    """A module of an instrumentor, as OpenInference's are."""
    class Instrumentor:
        _is_instrumented_by_opentelemetry = is_on

    Instrumentor._instance = Instrumentor()
    module = types.ModuleType(name)
    module.Instrumentor = Instrumentor
    return module


def test_whether_a_framework_is_heard(hooks, monkeypatch):
    """One whose instrumentor is on, or of which a span came."""
    assert not hooks.hears("smolagents")
    for is_on in (False, True):
        name = "openinference.instrumentation.smolagents"
        monkeypatch.setitem(sys.modules, name, instrumentor(name, is_on=is_on))
        assert hooks.hears("smolagents") == is_on
    with track("cell"):
        TRACERS["a provider"]("openinference.instrumentation.haystack").start_span("x").end()
    assert hooks.hears("haystack") and not hooks.hears("dspy")


@pytest.mark.parametrize("scope", ["pydantic-ai", "openinference.instrumentation.langchain", "opentelemetry.instrumentation.openai_agents", "logfire.openai_agents", "opentelemetry.instrumentation.mcp", "mcp-python-sdk"])
def test_one_source_a_framework(scope, monkeypatch):
    """What an integration of Sentry's tells already has no second row; what is below hangs where it stood. If that is off, it has one."""
    tracer, mine = TRACERS["a provider"](scope), TRACERS["no provider"]("mine")
    monkeypatch.setattr(instrumentation.otel.tracker, "_sentry_hears", lambda _: True)
    with track("cell") as view, mine.start_as_current_span("step"), tracer.start_as_current_span("agent"):
        mine.start_span("below").end()
    assert rows(view) == ["step", "  below"]
    monkeypatch.setattr(instrumentation.otel.tracker, "_sentry_hears", lambda _: False)
    with track("cell") as view, tracer.start_as_current_span("agent"):
        mine.start_span("below").end()
    assert rows(view) == ["agent", "  below"]


@pytest.mark.parametrize("scope", ["crewai", "crewai.telemetry"])
def test_what_a_framework_tells_its_makers(hooks, scope, ask, truth):
    """CrewAI does so unless told not to: it has no row and takes no request, and our hooks on its events go on."""
    theirs, mine = TRACERS["a provider"](scope), TRACERS["no provider"]("mine")
    with track("cell") as view, mine.start_as_current_span("step"):
        with theirs.start_as_current_span("chat", attributes={"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o-mini"}) as told:
            ask()
            told.set_attribute("gen_ai.usage.input_tokens", 1000)
    assert rows(view) == ["step", "  chat gpt-4o-mini"] and not hooks.hears("crewai")
    assert view._latest.totals.usage.input == sum(call.input for call in truth.settled())
