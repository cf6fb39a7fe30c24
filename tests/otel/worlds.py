"""OpenTelemetry as programs have it: a provider that samples, one that does not, none."""

import importlib
import itertools
import sys

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON

# How a tracer is got → what to do for it.
TRACERS = {
    "a provider": lambda name: TracerProvider(sampler=ALWAYS_ON).get_tracer(name),
    "not sampled": lambda name: TracerProvider(sampler=ALWAYS_OFF).get_tracer(name),
    "no provider": trace.get_tracer,
    "a no-op provider": lambda name: trace.NoOpTracerProvider().get_tracer(name),
}


class Counted(IdGenerator):
    """Ids that are the same in each run of a program."""

    def __init__(self):
        self._numbers = itertools.count(1)

    def generate_span_id(self):
        return next(self._numbers)

    def generate_trace_id(self):
        return next(self._numbers)


def exporting(sampler=ALWAYS_ON):
    """A provider, and the exporter that has what it sends."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=sampler, id_generator=Counted())
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider, exporter


def exported(exporter):
    """All that a user's exporter got of each span, times aside."""
    return [
        (
            span.name, tuple(span.context), tuple(span.parent) if span.parent else None, span.kind, dict(span.attributes),
            [(event.name, dict(event.attributes)) for event in span.events],
            [(tuple(link.context), dict(link.attributes)) for link in span.links],
            span.status.status_code, span.status.description, span.instrumentation_scope.name,
        )
        for span in exporter.get_finished_spans()
    ]  # fmt: skip


def shown(view):
    """The rows of a run as text, as `rows`, of which some spans have none."""
    return [f"{'  ' * depth}{span.name}" for depth, span in view._latest.walk()]


def rows(view):
    """The tree of a run as text: `name` of each span, two spaces deeper a level."""
    run = view._latest
    below = {}
    for span in run.spans.values():
        below.setdefault(span.parent_id, []).append(span)

    def lines(above, depth):
        for span in below.get(above, ()):
            yield f"{'  ' * depth}{span.name}"
            yield from lines(span.span_id, depth + 1)

    return list(lines(run.root_id, 0))


def named(view, name):
    """The one span of a name."""
    [span] = [span for span in view._latest.spans.values() if span.name == name]
    return span


def without_opentelemetry(monkeypatch):
    """Let it seem as if nobody had imported OpenTelemetry; returns what imports a part of it anew."""
    for name in [name for name in sys.modules if name.split(".")[0] == "opentelemetry"]:
        monkeypatch.delitem(sys.modules, name)
    return importlib.import_module
