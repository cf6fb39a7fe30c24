"""OpenTelemetry and a model server, in a process whose hooks are taken off again."""

import openai
import pytest
import sentry_sdk

from aimon_nb.ai.instrumentation import instrumentation
from aimon_nb.app import monitor
from aimon_nb.capture.internal_errors import internal_errors
from tests.parts import sdk


@pytest.fixture(autouse=True)
def hooks():
    """The hooks are on; off after the test, which made no fault of ours."""
    before = internal_errors.count
    monitor.install()
    yield instrumentation.otel
    monitor.uninstall()
    assert internal_errors.count == before


@pytest.fixture
def client(truth):
    """A client of the local model server."""
    return openai.OpenAI(base_url=truth.url, api_key="none", max_retries=0)


@pytest.fixture(params=["local", *sdk.LIFECYCLES])
def world(request, receiver):
    """Whether Sentry gets the run, and in which lifecycle."""
    if request.param != "local":
        receiver.init(**sdk.OPTIONS[request.param])
    yield request.param
    sentry_sdk.get_client().close(timeout=1)
    sentry_sdk.get_global_scope().set_client(None)


@pytest.fixture
def ask(client):
    """Ask the model one thing."""
    def ask(words="hello", **options):
        return client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": words}], **options)

    return ask
