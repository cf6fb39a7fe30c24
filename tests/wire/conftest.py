"""A run in this process, and a server that answers in every shape that HTTP allows."""

import socket
from contextlib import contextmanager

import pytest
import sentry_sdk

from aimon_nb.app import monitor
from tests.wire.clients import outcome
from tests.wire.shapes import Shapes
from tests.wire.told import Told


@pytest.fixture(scope="session")
def shapes():
    with Shapes() as server:
        yield server


@pytest.fixture
def closed_port():
    """A port of this machine where nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


@contextmanager
def tracked(name="wire"):
    """A run as the magic opens it, without a view."""
    opened = monitor.open(name, "none")
    try:
        yield opened.run
    finally:
        opened.end(None)


@pytest.fixture
def track():
    """`with track() as run:`; everything of ours is taken off again after the test."""
    yield tracked
    monitor.uninstall()
    sentry_sdk.get_client().close(timeout=1)
    sentry_sdk.get_global_scope().set_client(None)


def calls(run):
    """The model calls of a run, in the order they began."""
    return [span for span in run.spans.values() if span.call is not None and not span.is_duplicate]


@pytest.fixture
def same_with_and_without(track):
    """`run = same_with_and_without(use)`: what it returns or raises is the same with us and without, and no fault of ours."""

    def same_with_and_without(use):
        monitor.uninstall()
        without = outcome(use)
        with track() as run:
            within = outcome(use)
        assert within == without
        assert run.faults == 0
        return run

    return same_with_and_without


def counts(run):
    """(status, input, output) of each model call of a run."""
    return [(call.status, call.usage.input, call.usage.output) for call in calls(run)]


READ = ("ok", 7, 5)  # what the server of shapes answers, read to its end
LEFT = ("abandoned", None, None)


@pytest.fixture
def told(monkeypatch):
    """A server under every host's name, and what it answers."""
    with Told(monkeypatch) as server:
        yield server
