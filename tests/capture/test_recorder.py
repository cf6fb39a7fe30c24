"""The recorder's life in a process: its end, its new start, and what it holds locked meanwhile."""

import threading

import httpx
import pytest
import sentry_sdk

from aimon_nb.app import monitor
from aimon_nb.capture import recorder

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
        with sentry_sdk.start_span(op="x", name="step"):
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
