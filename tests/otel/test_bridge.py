"""Where the user's own bridge sends OpenTelemetry's spans to Sentry, we send them no second time."""

import types

import pytest
import sentry_sdk
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from aimon_nb import track
from tests.parts import sdk
from tests.otel.worlds import rows


class Bridge(sentry_sdk.integrations.Integration):
    """As `OTLPIntegration`, which needs packages that the tests have not."""

    identifier, setup_otlp_traces_exporter = "otlp", True

    @staticmethod
    def setup_once():
        pass


def provider_to(endpoint=None):
    exporter = InMemorySpanExporter()
    exporter._endpoint = endpoint
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider, exporter


def sent_names(receiver):
    return sorted(one["name"] for one in receiver.spans())


@pytest.fixture(params=sdk.LIFECYCLES)
def lifecycle(request):
    yield sdk.OPTIONS[request.param]
    sentry_sdk.get_client().close(timeout=1)
    sentry_sdk.get_global_scope().set_client(None)


def steps(provider, ask):
    """A step with a call, and a span of Sentry's in it."""
    with track("cell") as view, provider.get_tracer("mine").start_as_current_span("step"):
        ask()
    return view


def test_the_integration(receiver, ask, monkeypatch, lifecycle):
    """What the global provider sends by Sentry's integration is not sent again; its calls, which nobody else knows, are, below the run."""
    receiver.init(integrations=[Bridge()], **lifecycle)
    provider, exporter = provider_to()
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    view = steps(provider, ask)
    assert rows(view) == ["step", "  chat gpt-4o-mini"]
    assert [span.name for span in exporter.get_finished_spans()] == ["step"]
    assert sent_names(receiver) == ["cell", "chat gpt-4o-mini"]
    spans = {one["name"]: one for one in receiver.spans()}
    assert spans["chat gpt-4o-mini"]["parent_span_id"] == spans["cell"]["span_id"]
    assert {span.name: span.sent for span in view._latest.spans.values()} == dict.fromkeys(("cell", "step", "chat gpt-4o-mini"), "yes")


def test_a_private_provider_beside_it(receiver, ask, monkeypatch, lifecycle):
    """A provider of its own is sent by us: the integration does not know it."""
    receiver.init(integrations=[Bridge()], **lifecycle)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider_to()[0])
    steps(provider_to()[0], ask)
    assert sent_names(receiver) == ["cell", "chat gpt-4o-mini", "step"]


def test_an_exporter_to_sentry(receiver, ask, lifecycle):
    """One that the user made by hand."""
    receiver.init(**lifecycle)
    steps(provider_to("https://o1.ingest.sentry.io/api/1/integration/otlp/v1/traces/")[0], ask)
    assert sent_names(receiver) == ["cell", "chat gpt-4o-mini"]


def test_any_other_exporter(receiver, ask, lifecycle):
    """It goes elsewhere."""
    receiver.init(**lifecycle)
    steps(provider_to("http://localhost:4318/v1/traces")[0], ask)
    assert sent_names(receiver) == ["cell", "chat gpt-4o-mini", "step"]


def test_what_is_no_exporter():
    """A processor of any shape is looked at, and not more."""
    from aimon_nb.otel.bridge import Bridge as Ours

    assert not Ours().sends(types.SimpleNamespace(_span_processor=types.SimpleNamespace(_span_processors=(object(),))), None)
    assert not Ours().sends(object(), None)
