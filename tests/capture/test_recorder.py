"""The recorder's life in a process: its end, its new start, and what it holds locked meanwhile."""

import threading

import httpx
import pytest

from aimon_nb.app import monitor
from aimon_nb.capture import recorder
from aimon_nb.capture.event_log import PolledSource
from tests.parts.locks import SeenLock
from tests.parts.waiting import eventually
from tests.parts import sdk

ANSWER = {
    "model": "gpt-4o",
    "choices": [{"finish_reason": "stop", "message": {"content": "hi"}}],
    "usage": {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12},
}


@pytest.fixture(autouse=True)
def installed():
    monitor.install()
    recorder.restart()
    yield
    monitor.uninstall()
    recorder.restart()


def ask(handler=lambda request: httpx.Response(200, json=ANSWER)):
    with httpx.Client(transport=httpx.MockTransport(handler)) as client:
        client.post("http://api.openai.com/v1/chat/completions", json={"model": "gpt-4o", "messages": []})


def calls(run):
    return [(s.usage.input, s.cost.total is not None) for s in run.spans.values() if s.call is not None]


def test_it_begins_anew():
    """After `restart()` there are no runs, and the next one is tracked, shown and priced as the first was."""
    for _ in range(2):
        changed = []
        remove = recorder.on_event(lambda run_state, ids, changed=changed: changed.append(run_state.run.run_id))
        tracked = monitor.open("run", "none")
        with sdk.start_span(op="x", name="step"):
            ask()
        tracked.end(None)
        assert [run.name for run in recorder.runs()] == ["run"]
        assert calls(tracked.run) == [(7, True)] and set(changed) == {tracked.run.run_id}
        remove()
        recorder.restart()
        assert recorder.runs() == [] and recorder.sole is None and not recorder.log


def test_an_answer_of_a_run_of_before():
    """What still comes for a run that a restart let go is taken by no other run, and is no fault."""
    tracked = monitor.open("before", "none")
    came, go = threading.Event(), threading.Event()

    def slow(request):
        came.set()
        assert go.wait(30)
        return httpx.Response(200, json=ANSWER)

    job = threading.Thread(target=ask, args=(slow,))
    job.start()
    assert came.wait(30)
    tracked.end(None)
    recorder.restart()
    after = monitor.open("after", "none")
    go.set()
    job.join()
    after.end(None)
    assert calls(after.run) == [] and after.run.faults == 0
    assert [run.name for run in recorder.runs()] == ["after"]


def test_a_restart_while_somebody_is_still_at_work():
    """It waits for the events that are being read: no two of our threads ever read at once."""
    before, inside, go = recorder.processor.lock, threading.Event(), threading.Event()

    def poll(_log):
        inside.set()
        assert go.wait(30)

    lock = recorder.processor.lock = SeenLock()
    source = PolledSource(poll, lambda _: None)
    recorder.add_source(source)
    work, again = threading.Thread(target=recorder.drain), threading.Thread(target=recorder.restart)
    try:
        work.start()
        assert inside.wait(30)
        again.start()
        eventually(lambda: again.ident in lock.came)
    finally:
        go.set()
        work.join()
        again.join()
        recorder.sources.remove(source)
    assert recorder.processor.lock is lock  # one that is still at work keeps it from the next
    recorder.processor.lock = before


def test_the_price_list_is_imported_without_the_lock(monkeypatch):
    """While the price list is imported, which takes a second, another run can be opened."""
    opened = []

    def prepare():
        job = threading.Thread(target=lambda: opened.append(recorder.open_run("meanwhile")))
        job.start()
        job.join(30)

    monkeypatch.setattr("aimon_nb.pricing.prepare", prepare)
    tracked = monitor.open("run", "none")
    ask()
    assert tracked.run_state.run in recorder.runs()
    assert [one.run.name for one in opened][:1] == ["meanwhile"]
    for one in opened:
        recorder.end_run(one, "ok", None)
    tracked.end(None)


def test_a_price_list_that_cannot_be_imported(monkeypatch):
    """The run is shown as over, its call is counted, and `runs()` raises nothing; no error of ours is counted."""
    def broken():
        raise ImportError("no list")

    monkeypatch.setattr("aimon_nb.pricing.prepare", broken)
    statuses = []
    remove = recorder.on_event(lambda run_state, _: statuses.append(run_state.run.status))
    tracked = monitor.open("run", "none")
    ask()
    assert [run.name for run in recorder.runs()] == ["run"]
    tracked.end(None)
    remove()
    assert statuses[-1] == "ok" and tracked.run.totals.calls == 1 and tracked.run.faults == 0


def test_the_end_of_a_run_that_a_restart_let_go():
    """Whoever shows a run learns of its end, whatever became of it in memory."""
    statuses = []
    tracked = monitor.open("run", "none")
    remove = recorder.on_event(lambda run_state, _: statuses.append(run_state.run.status))
    recorder.restart()
    tracked.end(None)
    remove()
    assert statuses[-1:] == ["ok"]


def test_what_is_written_for_sentry_is_no_attribute_of_the_users():
    """A span of the user's that a call joins keeps the attributes that it had."""
    tracked = monitor.open("run", "none")
    with sdk.start_span(op="gen_ai.chat", name="chat") as span:
        sdk.set_data(span, "mine", 1)
        ask()
    tracked.end(None)
    [call] = [s for s in tracked.run.spans.values() if s.call is not None]
    assert set(call.attributes) == {"mine", "gen_ai.pipeline.name"}


@sdk.transactions
def test_beyond_the_limit_of_a_transaction(receiver):
    """An answer that is left under way says why Sentry does not get it: it is over the limit, not late."""
    receiver.init(_experiments={"max_spans": 3})
    tracked = monitor.open("run", "none")
    with httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200, content=iter([b"{}"])))) as client:
        request = client.build_request("POST", "http://api.openai.com/v1/chat/completions", json={"model": "gpt-4o"})
        streams = [client.send(request, stream=True) for _ in range(7)]
        tracked.end(None)
        for stream in streams:
            stream.close()
    rows = [s for s in tracked.run.spans.values() if s.call is not None]
    assert ["abandoned"] * 7 == [row.status for row in rows]
    assert ["no: over the limit"] * 4 == [row.sent for row in rows if row.sent != "yes"]
    assert all(row.late for row in rows)
    assert any("over its limit for a transaction" in note for note in tracked.run.notes)
