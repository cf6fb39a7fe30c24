"""Spans of each kind are read, written and ended alike; spans of ours are registered by whoever makes them."""

import threading

import pytest
import sentry_sdk
from sentry_sdk import traces

from aimon_nb.app import monitor
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.sentry.adapters import BARE, NOOP, STREAM
from tests.parts import sdk as installed


@pytest.fixture
def opened():
    """A run that is open in this test."""
    before = internal_errors.count
    monitor.install()
    tracked = monitor.open("run", "none")
    yield tracked
    tracked.end(None)
    monitor.uninstall()
    assert before == internal_errors.count


def static(name):
    return sentry_sdk.start_span(op="step", name=name)


def streamed(name):
    return traces.start_span(name, {"sentry.op": "step"})


STREAMING = installed.OPTIONS["stream"]
KINDS = {
    "stream": (STREAM, STREAMING, streamed),
    "noop": (NOOP, {**STREAMING, "traces_sample_rate": 0.0}, streamed),
}
ADAPTERS = {"stream": STREAM}
if installed.HAS_TRANSACTIONS:
    from aimon_nb.sentry.adapters_static import DROPPED, STATIC

    KINDS |= {"static": (STATIC, {}, static), "dropped": (DROPPED, STREAMING, static)}
    ADAPTERS["static"] = STATIC


@pytest.mark.filterwarnings("ignore:Scope.start_span is not available")
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_from_each_adapter(receiver, kind):
    """Op, name and attributes of a span are found and changed whatever its kind."""
    adapter, options, start = KINDS[kind]
    receiver.init(**options)
    monitor.install()
    tracked = monitor.open("run", "none")
    with start("step one") as sdk:
        open_span = monitor.tracker.open_by_id[id(sdk)]
        assert open_span.adapter is adapter
        assert "step" == adapter.attribute(open_span, "sentry.op")
        assert "run" == adapter.attribute(open_span, "gen_ai.pipeline.name")
        adapter.write(open_span, {"n": 3}, None)
        assert 3 == adapter.attribute(open_span, "n")
        adapter.write(open_span, {}, "step two")
    tracked.end(None)
    monitor.uninstall()
    span = tracked.run.spans[open_span.span_id]
    assert ("step two", "step", 3) == (span.name, span.op, span.attributes["n"])
    assert ("no: static API" if kind == "dropped" else "no: not sampled" if kind == "noop" else "yes") == span.sent


def test_without_an_object_of_the_sdk(opened):
    """A span of ours that the SDK has not, holds its own name, op and attributes, and the run's trace."""
    made = monitor.tracker.maker.bare(opened.run_state.root, "gen_ai.chat", "chat")
    assert made.adapter is BARE and "gen_ai.chat" == BARE.attribute(made, "sentry.op")
    BARE.write(made, {"n": 3}, "chat gpt")
    monitor.tracker.maker.finish(made, made.t0 + 1, 0.0, "ok")
    monitor.recorder.drain()
    span = opened.run.spans[made.span_id]
    assert ("chat gpt", "gen_ai.chat", 3, opened.run.trace_id) == (span.name, span.op, span.attributes["n"], span.trace_id)


@pytest.mark.parametrize("lifecycle", installed.LIFECYCLES)
def test_another_thread_begins_a_span_while_ours_is_made(receiver, monkeypatch, lifecycle):
    """Of what the SDK makes meanwhile in other threads nothing is lost, and ours is there once, below its parent."""
    adapter = type(ADAPTERS[lifecycle])
    receiver.init(**installed.OPTIONS[lifecycle])
    monitor.install()
    tracked = monitor.open("run", "none")
    start_child = adapter.start_child

    def work():
        with static("theirs") if lifecycle == "static" else streamed("theirs"):
            pass

    def slowly(self, *args):
        made = start_child(self, *args)
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return made

    monkeypatch.setattr(adapter, "start_child", slowly)
    with static("above") if lifecycle == "static" else streamed("above") as sdk:
        parent = monitor.tracker.open_by_id[id(sdk)]
        made = monitor.tracker.maker.make(parent, "gen_ai.chat", "ours")
        monitor.tracker.maker.finish(made, made.t0 + 1, 1.8e9, "ok")
    tracked.end(None)
    monitor.uninstall()
    below = [span for span in tracked.run.spans.values() if span.parent_id == parent.span_id]
    assert ["ours", "theirs"] == sorted(span.name for span in below)
    sentry_sdk.flush(5)
    sent = {span["name"]: span["parent_span_id"] for span in receiver.spans()}
    assert parent.span_id == sent["ours"]


@installed.transactions
@pytest.mark.filterwarnings("ignore:Using span streaming API")
def test_a_no_op_from_a_function_that_was_imported_before_us(receiver):
    """Where the name is not known, a no-op is in the run all the same."""
    receiver.init()
    before = traces.start_span
    monitor.install()
    tracked = monitor.open("run", "none")
    with before("not known"):
        pass
    tracked.end(None)
    monitor.uninstall()
    [span] = [span for span in tracked.run.spans.values() if span.parent_id]
    assert ("", "ok") == (span.name, span.status)


def test_a_span_below_a_root_that_the_user_has_ended(receiver):
    """Code that ends the span of its own run gets no error of ours for the spans after it."""
    receiver.init()
    before = internal_errors.count
    monitor.install()
    tracked = monitor.open("run", "none")
    root = sentry_sdk.get_current_span()
    installed.end(root)
    monitor.recorder.drain()
    with root.start_child(op="step", name="after") if installed.HAS_TRANSACTIONS else traces.start_span("after", parent_span=root):
        monitor.recorder.drain()
    tracked.end(None)
    monitor.uninstall()
    assert "after" in [span.name for span in tracked.run.spans.values()]
    assert before == internal_errors.count
