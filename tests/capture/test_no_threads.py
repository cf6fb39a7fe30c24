"""Where no thread can be started (Pyodide, a container's limit) a run is told at its end, and says so."""

import threading
from decimal import Decimal

import openai
import pytest

from aimon_nb import last_run, track
from aimon_nb.app import monitor
from aimon_nb.capture import context, recorder
from aimon_nb.capture.internal_errors import internal_errors
from tests.parts import sdk

LINE = "no thread could be started: the view was brought up to date only at the end"
REFUSAL = "can't start new thread"
SERVER = "truth-server"  # its threads are another process's, in a real notebook


class Limit:
    """Refuses threads, as the machine does: `Thread.start` raises where its own part of it fails."""

    def __init__(self, patch):
        self._name = next(n for n in ("_start_joinable_thread", "_start_new_thread") if hasattr(threading, n))
        self._original = getattr(threading, self._name)
        self.allowed = None  # how many may still be started; None: any number
        self.on_main_only = False
        self.refused = 0
        patch.setattr(threading, self._name, self._start)

    def _start(self, *args, **kwargs):
        here = threading.current_thread()
        is_server = here.name == SERVER or (self.on_main_only and here is not threading.main_thread())
        if not is_server and self.allowed is not None:
            if self.allowed == 0:
                self.refused += 1
                raise RuntimeError(REFUSAL)
            self.allowed -= 1
        return self._original(*args, **kwargs)


@pytest.fixture
def limit(monkeypatch):
    """No thread can be started, until `limit.allowed` says otherwise; the process as it was after it."""
    monitor.uninstall()
    recorder.restart()
    limit, before = Limit(monkeypatch), internal_errors.count
    limit.allowed = 0
    monitor.install()
    yield limit
    monitor.uninstall()
    recorder.restart()
    faults, internal_errors.count = internal_errors.count - before, before
    for var in (context.current_run, context.current_pipeline, context.current_span):
        var.set(None)
    assert faults == 0


@pytest.fixture
def ask(truth):
    client = openai.OpenAI(base_url=truth.url, api_key="k", max_retries=0)

    def ask(text="hello", **more):
        return client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": text}], **more)

    return ask


@pytest.mark.parametrize("view", ["none", "html", "text"])
@pytest.mark.parametrize("on_main_only", [False, True], ids=["none at all", "none on the main thread"])
def test_all_is_told_at_the_end(limit, ask, truth, view, on_main_only, monkeypatch, capsys):
    """Records, prices, tree and frames are there at the end; the user's code had its answer, and one line says it."""
    from aimon_nb import pricing

    limit.on_main_only = on_main_only
    shown = []
    monkeypatch.setattr("aimon_nb.views.live.run_display._display", lambda *a, **_: shown.append(a))
    monkeypatch.setattr("aimon_nb.views.live.surfaces.OutputSurface._show", lambda _, bundle: shown.append(bundle))
    with pricing.context(), track("told", view=view) as run:
        with sdk.start_span(op="step", name="step"):
            assert ask().choices[0].message.content
            text = "".join(chunk.choices[0].delta.content or "" for chunk in ask("streamed", stream=True) if chunk.choices)
    assert text and limit.refused
    served = truth.settled()
    calls = [row for row in run.spans().to_dict("records") if row["op"] == "gen_ai.chat"]
    assert [one.input for one in served][0] == calls[0]["input_tokens"]
    assert [row["status"] for row in calls] == ["ok", "ok"] and run.usage()["calls"].sum() == 2
    assert run._run.notes.count(LINE) == 1 and LINE in run.tree()
    assert run.status == "ok" and last_run()._run is run._run
    said = capsys.readouterr()
    assert said.err == "" and (view == "text" or said.out == "")
    assert view != "html" or LINE in shown[-1]["text/html"]


def test_it_is_priced(limit):
    """Prices are looked up where there is no thread of ours to import them."""
    with track("priced") as run, sdk.start_span(op="gen_ai.chat", name="chat gpt-4o") as span:
        sdk.set_data(span, "gen_ai.request.model", "gpt-4o")
        sdk.set_data(span, "gen_ai.provider.name", "openai")
        sdk.set_data(span, "gen_ai.usage.input_tokens", 1_000_000)
        sdk.set_data(span, "gen_ai.usage.output_tokens", 0)
    assert run._run.totals.cost == Decimal("2.5") and LINE in run._run.notes


def test_the_users_own_error_is_his(limit):
    """A thread of the user's that cannot be started fails as ever: type, words, and where it was started."""
    with track("own") as run:
        job = threading.Thread(target=print)
        with pytest.raises(RuntimeError, match=f"^{REFUSAL}$") as caught:
            job.start()
    assert type(caught.value) is RuntimeError and caught.value.__cause__ is caught.value.__context__ is None
    ours = [one.frame for one in caught.traceback if "aimon_nb" in str(one.path) and "tests" not in str(one.path)]
    assert all(frame.f_locals["__tracebackhide__"] for frame in ours)
    assert not job.is_alive() and job not in threading.enumerate()
    assert not [name for name in vars(job) if name.startswith("_aimon")]
    assert run.status == "ok"


def test_later_runs_are_live_again(limit, ask, monkeypatch):
    """A run that is opened when threads can be started again is brought up to date while it runs."""
    with track("first") as first:
        ask()
    limit.allowed = None
    told = threading.Event()
    remove = recorder.on_event(lambda run_state, _: run_state.run.running and told.set())
    with track("second") as second:
        with sdk.start_span(op="step", name="step"):
            assert told.wait(20)
    remove()
    assert LINE in first._run.notes and LINE not in second._run.notes
    with track("third") as third:
        ask()
    assert third._run.notes == [] and third._run.totals.calls == 1


def test_only_the_first_thread(limit, ask, monkeypatch):
    """Where our first thread is the last that can be started, the run is live, and a view that draws by a second says so."""
    limit.allowed = 1
    shown = []
    monkeypatch.setattr("aimon_nb.views.live.run_display._display", lambda *a, **_: shown.append(a))
    monkeypatch.setattr("aimon_nb.views.live.surfaces.OutputSurface._show", lambda _, bundle: shown.append(bundle))
    told = threading.Event()
    remove = recorder.on_event(lambda run_state, _: run_state.run.running and told.set())
    with track("one thread", view="html") as run:
        ask()
        assert told.wait(20)
    remove()
    assert run._run.notes == [LINE] and run._run.totals.calls == 1
    with track("the same thread", view="none") as run:
        ask()
    assert run._run.notes == [] and run._run.totals.calls == 1


def test_runs_inside_runs_and_failing_ones(limit, ask):
    """A run that fails and a run in a run end as ever, each with its line."""
    with pytest.raises(KeyError), track("outer") as outer:
        with track("inner") as inner:
            ask()
        raise KeyError("mine")
    assert (outer.status, inner.status) == ("error", "ok")
    assert [run._run.notes.count(LINE) for run in (outer, inner)] == [1, 1]
    assert inner._run.totals.calls == 1


def test_new_prices_are_counted(limit):
    """A price that is set after the run is in it when it is looked at."""
    from aimon_nb import pricing

    with track("repriced", view="none") as run, sdk.start_span(op="gen_ai.chat", name="chat mine") as span:
        sdk.set_data(span, "gen_ai.request.model", "mine")
        sdk.set_data(span, "gen_ai.provider.name", "openai")
        sdk.set_data(span, "gen_ai.usage.input_tokens", 1_000_000)
        sdk.set_data(span, "gen_ai.usage.output_tokens", 0)
    assert run._run.totals.cost in (None, 0)
    pricing.set("mine", input_mtok=3, output_mtok=1)
    try:
        assert last_run()._run.totals.cost == Decimal(3)
    finally:
        pricing.unset("mine")
