"""Threads and pools start where they were made, and nothing else about them is changed."""

import threading
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest

from aimon_nb.app import monitor
from aimon_nb.capture import context
from tests.parts import sdk


@pytest.fixture
def run():
    """A run that is open; the process as it was after it."""
    monitor.install()
    tracked = monitor.open("threads", "none")
    yield tracked.run
    tracked.end(None)
    monitor.uninstall()


def step(name):
    with sdk.start_span(op="step", name=name):
        pass


def parents(run):
    monitor.recorder.drain()
    spans = run.spans
    return {s.name: spans[s.parent_id].name for s in spans.values() if s.parent_id in spans}


def files(error):
    return [frame.filename for frame in traceback.extract_tb(error.__traceback__)]


def test_the_traceback_of_a_thread_is_the_users(run, monkeypatch):
    """What `threading.excepthook` gets of a failed thread holds no frame of ours."""
    seen = []
    monkeypatch.setattr(threading, "excepthook", lambda args: seen.append(files(args.exc_value)))
    job = threading.Thread(target=lambda: 1 / 0)
    job.start()
    job.join()
    assert [file for file in seen[0] if "aimon_nb" in file and "tests" not in file] == []


def test_the_traceback_of_a_job_is_the_users(run):
    """The error of a pool's job came through no frame of ours."""
    with ThreadPoolExecutor(1) as pool:
        error = pool.submit(lambda: 1 / 0).exception()
    assert [file for file in files(error) if "aimon_nb" in file and "tests" not in file] == []


def test_a_thread_of_any_class(run):
    """A thread that lets nobody set its `run` starts as ever, and is heard where it was made."""

    class Strict(threading.Thread):
        def __setattr__(self, name, value):
            assert name != "run"
            super().__setattr__(name, value)

        def run(self):
            step("strict")

    with sdk.start_span(op="step", name="above"):
        job = Strict()
        job.start()
        job.join()
    assert parents(run)["strict"] == "above"


def test_what_a_finished_job_calls(run):
    """A callback of a finished job belongs where the job was submitted."""
    with ThreadPoolExecutor(1) as pool:
        with sdk.start_span(op="step", name="above"):
            gate, called = threading.Event(), threading.Event()
            job = pool.submit(gate.wait, 20)
            job.add_done_callback(lambda _: (step("called back"), called.set()))
            gate.set()
            assert called.wait(20)
    assert parents(run)["called back"] == "above"


def test_a_pools_thread_has_no_place_of_its_own(run):
    """A pool made in one span serves another, and after a job its worker stands nowhere."""
    pool = ThreadPoolExecutor(1)
    with sdk.start_span(op="step", name="one"):
        pool.submit(step, "in one").result()
    with sdk.start_span(op="step", name="two"):
        pool.submit(step, "in two").result()
    places = []
    place = context.current_context()
    context.attach((None,) * len(place))
    pool.submit(lambda: places.append(context.current_context())).result()
    context.attach(place)
    pool.shutdown()
    assert parents(run)["in one"] == "one" and parents(run)["in two"] == "two"
    assert places == [(None,) * len(place)]
