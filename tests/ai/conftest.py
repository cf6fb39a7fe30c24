"""The seven places that code with our API runs in, and what leaves each of them."""

import warnings
from dataclasses import dataclass, field

import pytest
import sentry_sdk

from aimon_nb.ai.instrumentation import instrumentation
from aimon_nb.capture import context
from tests.parts import sdk

LIFECYCLES = {
    "static": {},
    "one item": {"stream_gen_ai_spans": False},
    "stream": {"trace_lifecycle": "stream"},
}


def _place(name, rate):
    id = f"{name}-{'sampled' if rate else 'unsampled'}" if name != "no client" else name
    return pytest.param((name, rate), id=id, marks=sdk.transactions if name in ("static", "one item") else ())


PLACES = [_place(name, rate) for name in LIFECYCLES for rate in (1.0, 0.0)] + [_place("no client", 0.0)]


def _only(sends):
    return pytest.mark.parametrize("place", [place for place in PLACES if (place.values[0][1] > 0) == sends], indirect=True)


where_spans_are_sent, where_none_is_sent = _only(True), _only(False)


@dataclass
class Place:
    """One of the seven; `sends` where spans reach Sentry, `client` where errors do."""

    name: str
    rate: float
    receiver: object
    errors_before: int = field(default=0)

    @property
    def stream(self):
        return self.name == "stream" or not sdk.HAS_TRANSACTIONS

    @property
    def client(self):
        return self.name != "no client"

    @property
    def sends(self):
        return self.client and self.rate > 0

    def root(self, name="root", op="task"):
        """A root made by hand: a transaction, or a segment."""
        if self.stream:
            return sentry_sdk.traces.start_span(name)
        return sentry_sdk.start_transaction(op=op, name=name)

    def span(self, name="inner", op="ai.step", **more):
        """A span made by hand, by this lifecycle's own API."""
        if self.stream:
            return sentry_sdk.traces.start_span(name, attributes={"sentry.op": op})
        return sentry_sdk.start_span(op=op, name=name, **more)

    def spans(self):
        """What reached Sentry, by name; Sentry's own ingestion accepted it."""
        self.receiver.stored("transaction")
        return {span["name"]: span for span in self.receiver.spans()}

    def all(self):
        return self.receiver.spans()

    def errors(self):
        return self.receiver.stored("event")


@pytest.fixture(params=PLACES)
def place(request, receiver):
    """Every requirement holds in all seven."""
    name, rate = request.param
    if name != "no client":
        receiver.init(traces_sample_rate=rate, **LIFECYCLES[name])
    return Place(name, rate, receiver)


@pytest.fixture
def static(receiver):
    """The SDK's default lifecycle, static where there is one, sampled: for what does not depend on the place."""
    receiver.init()
    return Place(sdk.DEFAULT, 1.0, receiver)


@pytest.fixture(autouse=True)
def clean():
    """Each test stands nowhere, hears, and no warning of ours goes unseen."""
    before = context.current_context()
    context.attach((None,) * len(before))
    instrumentation.install()
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        yield
    context.attach((None,) * len(before))
    assert context.default_pipeline is None


@pytest.fixture
def run():
    """A run is open around the test: `.spans()` is what our view shows, by name."""
    from aimon_nb import track

    with track("cell") as view:
        yield Run(view)


class Run:
    def __init__(self, view):
        self.view = view

    def spans(self):
        from aimon_nb.capture import recorder

        recorder.drain()
        return {span.name: span for span in self.view._run.spans.values()}
