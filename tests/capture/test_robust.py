"""The user's code comes first: no fault of ours, no odd use and no fork changes it."""

import json
import os
import subprocess
import sys
import threading
from decimal import Decimal

import openai
import pytest
import sentry_sdk

from aimon_nb import record_token_usage
from aimon_nb.app import monitor, track
from aimon_nb.capture.limits import Limits
from aimon_nb.capture import context, repricing, event_processor, span_builder, recorder
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.sentry.adapters import NoopAdapter as Adapter, RecordedAdapter
from aimon_nb.sentry import root_span, span_hooks, span_tracker
from aimon_nb.wire import pending_calls, response_reader
from tests.parts import sdk

if sdk.HAS_TRANSACTIONS:
    from aimon_nb.sentry.adapters_static import StaticAdapter as Adapter


@pytest.fixture(autouse=True)
def installed():
    """Everything in place for one test, and gone after it."""
    before = internal_errors.count
    monitor.install()
    yield
    left = context.current_run.get(), context.current_pipeline.get(), recorder.sole
    monitor.uninstall()
    for var in (context.current_run, context.current_pipeline, context.current_span):
        var.set(None)
    recorder.restart()
    internal_errors.count = before
    assert left == (None, None, None)


@pytest.fixture
def ask(truth):
    client = openai.OpenAI(base_url=truth.url, api_key="sk-secret", max_retries=0)

    def ask(text, **more):
        return client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": text}], **more)

    return ask


def calls(run):
    return [(s.usage.input, s.usage.output, s.status) for s in run.spans.values() if s.call is not None]


def test_a_span_entered_twice():
    """A span that is entered twice does not hang what comes after it."""
    tracked = monitor.open("twice", "none")
    span = sdk.start_span(op="x", name="a")
    with span, span:
        pass
    with sdk.start_span(op="x", name="b"):
        pass
    tracked.end(None)
    assert {s.name for s in tracked.run.spans.values()} == {"twice", "a", "b"}


FAULTS = [
    (span_tracker.SpanTracker, "on_start"), (span_tracker.SpanTracker, "on_end"), (span_tracker, "assign_id"),
    (span_hooks, "describe"), (span_builder, "begin_span"), (span_builder, "end_span"), (span_builder, "merge"), (span_builder, "end_open_spans"),
    (repricing.Repricing, "_take_changes_of"), (event_processor.EventProcessor, "flush_ending_run"), (event_processor, "absorb"), (Adapter, "read"),
    (response_reader.ResponseReader, "read"), (pending_calls.PendingCall, "_settle"), (pending_calls.PendingCall, "update"),
    (RecordedAdapter, "write"), (pending_calls, "call_attributes"), (root_span, "_set_sent_status"), (root_span.RootSpan, "leave"),
    (context, "pipeline_name"),
]  # fmt: skip


@pytest.mark.parametrize(("owner", "name"), FAULTS, ids=lambda x: getattr(x, "__name__", str(x))[:20])
def test_a_fault_of_ours(monkeypatch, ask, owner, name):
    """A fault anywhere in our code leaves result and exception alone, is counted, and the run is closed."""
    if (owner, name) == (root_span.RootSpan, "leave"):
        original = root_span.RootSpan.leave
        boom = lambda self: (original(self), 1 / 0)
    else:
        boom = lambda *a, **k: 1 / 0
    before = internal_errors.count
    tracked = monitor.open("faulty", "none")
    monkeypatch.setattr(owner, name, boom)
    with sdk.start_span(op="x", name="step"):
        assert ask("hello").choices[0].message.content
        job = threading.Thread(target=lambda: ask("from a thread"))
        job.start()
        job.join()
    with pytest.raises(KeyError), sdk.start_span(op="x", name="fails"):
        raise KeyError("mine")
    tracked.end(None)
    monkeypatch.undo()
    assert tracked.run.status == "ok" and tracked.run_state.closed
    assert internal_errors.count > before
    assert sentry_sdk.get_current_span() is None
    recorder.drain()


def test_an_answer_after_the_end_of_the_run(ask, truth):
    """A call under way when the cell ends keeps its tokens: the row comes in late."""
    tracked = monitor.open("late", "none")
    truth.hold()
    job = threading.Thread(target=lambda: ask("slow words"))
    job.start()
    truth.wait_held()
    tracked.end(None)
    assert calls(tracked.run) == [(None, None, "abandoned")]
    truth.release()
    job.join()
    recorder.drain()
    [(into, out, status)] = calls(tracked.run)
    assert into and out and status == "ok"
    assert [s.late for s in tracked.run.spans.values() if s.call] == [True]


def test_a_stream_read_on_in_the_next_cell(ask):
    """A stream that is read on after its cell keeps its tokens too."""
    tracked = monitor.open("late", "none")
    stream = ask("streamed words", stream=True, stream_options={"include_usage": True})
    next(iter(stream))
    tracked.end(None)
    assert calls(tracked.run)[0][2] == "abandoned"
    list(stream)
    recorder.drain()
    assert calls(tracked.run)[0][2] == "ok" and calls(tracked.run)[0][1]


def test_recorded_by_hand_where_the_wire_has_nothing(ask):
    """Tokens recorded by hand stand where the provider reported none."""
    tracked = monitor.open("by hand", "none")
    with sdk.start_span(op="gen_ai.chat", name="mine") as span:
        list(ask("streamed words", stream=True))
        record_token_usage(span, 7, output_tokens=9)
    tracked.end(None)
    assert calls(tracked.run) == [(7, 9, "ok")]
    assert (tracked.run.totals.usage.input, tracked.run.totals.usage.output) == (7, 9)


def test_left_open_span_is_abandoned(receiver):
    """A span still open at the end is `abandoned` in both lifecycles, and nothing stays open."""
    receiver.init(trace_lifecycle="stream")
    tracked = monitor.open("left", "none")
    from sentry_sdk import traces

    traces.start_span("never ended")
    tracked.end(None)
    recorder.drain()
    assert {s.name: s.status for s in tracked.run.spans.values()} == {"left": "ok", "never ended": "abandoned"}
    assert not tracked.run_state.open_spans


def test_error_events_hold_no_content(receiver, ask):
    """The error event of a failing cell holds no prompt, no answer, no key and no source."""
    receiver.init()

    def fails(prompt):
        answer = ask(prompt).choices[0].message.content
        key = "sk-in-a-local"
        raise ValueError(len(answer + key))

    tracked = monitor.open("fails", "none")
    try:
        fails("PROMPT words")
    except ValueError as error:
        tracked.end(error)
    [event] = receiver.of("event")
    text = json.dumps(event)
    for secret in ("PROMPT", "In short", "sk-in-a-local", "sk-secret", "answer +"):
        assert secret not in text, secret
    assert event["exception"]["values"][-1]["stacktrace"]["frames"]


def test_a_bad_dsn(monkeypatch):
    """A SENTRY_DSN that is none is said in the tree; the cell is tracked all the same."""
    monkeypatch.setenv("SENTRY_DSN", "no dsn")
    tracked = monitor.open("bad", "none")
    tracked.end(None)
    assert tracked.run.status == "ok" and "SENTRY_DSN" in tracked.run.notes[0]


@pytest.mark.kernel
def test_fork(ask):
    """A forked child runs as without us, and records nothing."""
    tracked = monitor.open("fork", "none")
    with sdk.start_span(op="x", name="before"):
        child = os.fork()
        if child == 0:
            try:
                with sdk.start_span(op="x", name="in the child"):
                    ask("from the child")
                os._exit(0 if not recorder.log else 3)
            except BaseException:
                os._exit(4)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    tracked.end(None)
    assert "in the child" not in {s.name for s in tracked.run.spans.values()}


def test_memory_is_bounded(monkeypatch):
    """Old runs and their views are let go."""
    monkeypatch.setattr(recorder, "limits", Limits(runs=5))
    for _ in range(12):
        monitor.open("many", "none").end(None)
    assert len(recorder.run_states) <= 6 and len(monitor.views) <= 7


def test_a_slow_listener_holds_nobody_up():
    """A listener may take its time: spans go on meanwhile."""
    begun, ended, alone = threading.Event(), threading.Event(), []

    def slow(*_):
        begun.set()
        if not ended.wait(20):
            alone.append("nobody went on until it had ended")

    remove = recorder.on_event(slow)
    tracked = monitor.open("slow", "none")
    with sdk.start_span(op="x", name="first"):
        assert begun.wait(20)
    for _ in range(50):
        with sdk.start_span(op="x", name="s"):
            pass
    remove()
    ended.set()
    tracked.end(None)
    assert not alone and len(tracked.run.spans) == 52


@pytest.mark.parametrize(("text", "state"), [("words [cut]", "no_usage"), ("words [status 500]", None)])
def test_a_call_that_broke_off(ask, text, state):
    """A call cut off after it was sent may be billed: the total is a lower bound; a refused one is not."""
    tracked = monitor.open("cut", "none")
    ask("fine words")
    with pytest.raises(openai.APIError):
        ask(text)
    tracked.end(None)
    broken = [s for s in tracked.run.spans.values() if s.call][1]
    assert broken.status == "error"
    assert (broken.cost.state if broken.cost else None) == state
    totals = tracked.run.totals
    assert (totals.calls, totals.errors, totals.no_usage) == (2, 1, int(state is not None))


def where_it_failed(ask):
    return ask("words [status 500]")


def test_a_failed_call_says_where_it_was_made(ask):
    """A call that was refused, or met no server, has the way to it: the user's line, then the library's."""
    from aimon_nb.views.present import detail, rows

    nowhere = openai.OpenAI(base_url="http://127.0.0.1:9/v1", api_key="k", max_retries=0)
    tracked = monitor.open("refused", "none")
    with pytest.raises(openai.InternalServerError):
        where_it_failed(ask)
    with pytest.raises(openai.APIConnectionError):
        where_it_failed(lambda text: nowhere.chat.completions.create(model="gpt-4o", messages=[]))
    job = threading.Thread(target=where_it_failed, args=[lambda text: pytest.raises(openai.APIError, ask, text)])
    job.start()
    job.join()
    tracked.end(None)
    failed = [s for s in tracked.run.spans.values() if s.call]
    assert ["error"] * 3 == [s.status for s in failed]
    for span in failed:
        frames = detail.detail(span)["frames"]
        assert " in where_it_failed" in " ".join(f["place"] for f in frames if not f["library"])
        assert frames[-1]["library"] and not any("aimon_nb" in f["place"] for f in frames)


def test_a_transaction_of_the_users_own(receiver):
    """What is sent in a transaction of the user's own is said to be sent; an orphan is not."""
    receiver.init()
    tracked = monitor.open("outer", "none")
    with sdk.start_root(op="x", name="own"), sdk.start_span(op="x", name="inner"):
        pass
    tracked.end(None)
    arrived = {s["name"] for s in receiver.spans()}
    told = {s.name: s.sent for s in tracked.run.spans.values()}
    assert told == {"outer": "yes", "own": "yes", "inner": "yes"} and arrived == set(told)


def test_nothing_is_priced_on_the_users_thread(monkeypatch):
    """The end of a run waits for our thread to add it up: the price list is not imported on the user's."""
    from aimon_nb import pricing, record_token_usage, track

    where, price_run = [], pricing.price_run

    def watched(*args):
        where.append(threading.current_thread().name)
        return price_run(*args)

    monkeypatch.setattr(pricing, "price_run", watched)
    with track("by hand") as run, sdk.start_span(op="gen_ai.chat", name="chat gpt-4o") as span:
        sdk.set_data(span, "gen_ai.request.model", "gpt-4o")
        sdk.set_data(span, "gen_ai.provider.name", "openai")
        record_token_usage(span, input_tokens=1_000_000, output_tokens=0)
    assert set(where) == {"aimon_nb"}
    assert run._run.totals.cost == Decimal("2.5")


def test_the_end_of_a_run_is_told_once():
    """What a view hears of a large run it hears once: its calls with their prices, the last of them with the end."""
    told, ended = set(), []

    def hear(run_state, changed):
        told.update(changed)
        known = [run_state.run.spans[i] for i in changed]
        ended.extend((run_state.run.status, s.span_id) for s in known if s.is_call and s.status != "running")

    remove = recorder.on_event(hear)
    tracked = monitor.open("many", "none")
    tracked.run_state.price_at = float("inf")  # as after adding up a large one
    for i in range(200):
        with sdk.start_span(op="step", name=f"s{i}"):
            with sdk.start_span(op="gen_ai.chat", name=f"chat {i}") as span:
                record_token_usage(span, 3, output_tokens=1)
        if i == 100:
            recorder.drain()
    with sdk.start_span(op="gen_ai.chat", name="left open") as left:
        recorder.drain()
        assert left.span_id in told
        tracked.end(None)
    remove()
    calls = [span for span in tracked.run.spans.values() if span.is_call]
    assert sorted(ended) == sorted(("ok", span.span_id) for span in calls) and len(calls) == 201
    assert all(span.cost is not None for span in calls if span.status == "ok")


def test_a_fault_in_pricing_hides_no_row(monkeypatch):
    """Where a price cannot be worked out, the calls that waited for it are shown all the same."""
    from aimon_nb import pricing

    told = set()
    remove = recorder.on_event(lambda _, changed: told.update(changed))
    tracked = monitor.open("faulty", "none")
    monkeypatch.setattr(pricing, "price_run", lambda *_: 1 / 0)
    with sdk.start_span(op="gen_ai.chat", name="chat") as span:
        record_token_usage(span, 3, output_tokens=1)
    tracked.end(None)
    remove()
    assert span.span_id in told


@pytest.mark.parametrize("how", ["no thread", "dead"])
def test_a_run_ends_without_our_thread(how):
    """Where our thread is gone, the end of a run does its work itself."""
    alone = type(recorder)()
    one = alone.open_run("one")
    thread = alone._worker._thread
    alone.close()
    assert not thread.is_alive()
    alone._worker._thread = None if how == "no thread" else thread
    told = []
    alone.on_event(lambda run_state, _: told.append(run_state.run.status))
    alone.end_run(one, "ok", None)
    assert told == ["ok"]


@pytest.mark.kernel
def test_a_run_that_ends_when_python_does():
    """A run that is closed by a destructor while Python ends holds nothing up."""
    code = "import aimon_nb\nclass Late:\n    def __del__(self):\n        with aimon_nb.track('late'): pass\n"
    code += "with aimon_nb.track('first'): pass\nlate = Late()"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, capture_output=True)


class Unreadable(Exception):
    def __str__(self):
        raise SystemExit("no words")


@pytest.mark.parametrize("lifecycle", sdk.LIFECYCLES)
def test_an_error_that_leaves_its_own_text(receiver, lifecycle):
    """An exception whose `__str__` ends the program ends the span and the run as any other."""
    receiver.init(**sdk.OPTIONS[lifecycle])
    tracked = monitor.open("unreadable", "none")
    start = sentry_sdk.traces.start_span if lifecycle == "stream" else sentry_sdk.start_span
    with pytest.raises(Unreadable) as caught:
        with start(name="step"):
            raise Unreadable
    tracked.end(caught.value)
    [step] = [s for s in tracked.run.spans.values() if s.name == "step"]
    assert (step.status, step.error_type) == ("error", "Unreadable")
    assert (tracked.run.status, tracked.run.error_type) == ("error", "Unreadable")
    assert tracked.run_state.closed and recorder.sole is None


def test_what_begins_while_the_log_is_read_has_its_name(monkeypatch):
    """A span that begins while our thread reads the log is told with its name and op, not as `span`."""
    tracked, began, told = monitor.open("reading", "none"), [], {}
    begin = span_builder.begin_span

    def slow(open_span):
        begin(open_span)
        if not began:
            began.append(sdk.start_span(op="gen_ai.chat", name="chat late").__enter__())

    def listen(run_state, changed):
        for span_id in changed:
            told.setdefault(span_id, run_state.run.spans[span_id].name)

    remove = recorder.on_event(listen)
    monkeypatch.setattr(span_builder, "begin_span", slow)
    with sdk.start_span(op="x", name="first"):
        recorder.drain()
        recorder.drain()
    remove()
    assert "chat late" == told[began[0].span_id]
    began[0].__exit__(None, None, None)
    tracked.end(None)


@pytest.mark.parametrize("name", ["output_keeper", "interrupts.watch"])
def test_a_fault_of_ours_around_a_block(monkeypatch, name):
    """A fault in what stands guard over a block of `track` leaves the block alone, and its run is closed."""
    before = internal_errors.count
    monkeypatch.setattr("aimon_nb.views.live.environment.ipython_shell", object)
    monkeypatch.setattr(f"aimon_nb.app.run_session.{name}", lambda *_, **__: 1 / 0)
    with track("block", view="none") as run:
        done = True
    assert done and "ok" == run.status and internal_errors.count > before
