"""Our own work is in no shown time: what it waits for, and on which thread it is done."""

import subprocess
import sys
import threading

import openai
import pytest

from aimon_nb import pricing, track
from aimon_nb.app import monitor
from aimon_nb.capture import context, hooks, recorder, repricing
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.pricing.genai_prices_import import in_steps, library
from aimon_nb.wire.dialects import registry
from aimon_nb.wire.dialects.ollama import Ollama
from aimon_nb.wire.dialects.registry import Registry
from tests.parts.waiting import eventually
from tests.parts import sdk

OURS = "aimon_nb"


@pytest.fixture(autouse=True)
def anew():
    """A recorder as in a new process, and the process as it was after it."""
    recorder.restart()
    before = internal_errors.count
    monitor.install()
    yield
    monitor.uninstall()
    recorder.restart()
    for var in (context.current_run, context.current_pipeline, context.current_span):
        var.set(None)
    faults, internal_errors.count = internal_errors.count - before, before
    assert faults == 0


@pytest.fixture
def ask(truth):
    client = openai.OpenAI(base_url=truth.url, api_key="k", max_retries=0)
    return lambda **more: client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "hello"}], **more)


@pytest.fixture
def imports(monkeypatch):
    """The names of the threads on which the price list was got ready; nothing of it is in memory before."""
    threads, ready = [], []

    def prepare():
        threads.append(threading.current_thread().name)
        ready.append(True)

    monkeypatch.setattr("aimon_nb.pricing.prepare", prepare)
    monkeypatch.setattr("aimon_nb.pricing.is_ready", lambda: bool(ready))
    return threads


def recorded(model="gpt-4o", status="ok"):
    """A call that was made by hand, with its usage."""
    with sdk.start_span(op="gen_ai.chat", name=f"chat {model}") as span:
        sdk.set_data(span, "gen_ai.request.model", model)
        sdk.set_data(span, "gen_ai.provider.name", "openai")
        sdk.set_data(span, "gen_ai.usage.input_tokens", 1_000_000)
        sdk.set_data(span, "gen_ai.usage.output_tokens", 0)


class TestPrices:
    def test_no_import_while_a_call_of_a_short_run_is_in_flight(self, ask, truth, imports):
        """Our thread looks again and again while a call is under way, and imports no price; the end of the run does."""
        with track("short") as run:
            truth.hold()
            job = threading.Thread(target=ask)
            job.start()
            truth.wait_held()
            for _ in range(3):
                recorder._work()
            assert imports == []
            truth.release()
            job.join()
            recorder._work()
            assert imports == []
        assert imports == [OURS] and run._run.totals.calls == 1

    def test_a_long_run_has_its_prices_while_it_runs(self, ask, truth, imports, monkeypatch):
        """Once a run has had a model call for some time, the list is imported on our thread, the next call under way or not."""
        monkeypatch.setattr(repricing, "SHORT", 0.0)
        with track("long"):
            truth.hold()
            job = threading.Thread(target=ask)
            job.start()
            truth.wait_held()
            eventually(lambda: imports == [OURS])
            truth.release()
            job.join()

    def test_a_call_that_crosses_no_wire_has_its_price_too(self, imports, monkeypatch):
        """A call that was recorded by hand and has ended is priced and told while its run goes on."""
        monkeypatch.setattr(repricing, "SHORT", 0.0)
        with track("by hand") as run:
            recorded()
            eventually(lambda: imports == [OURS] and run._run.totals.cost == 2.5)

    def test_a_run_without_a_call_imports_nothing(self, imports, monkeypatch):
        """However long it goes on."""
        monkeypatch.setattr(repricing, "SHORT", 0.0)
        with track("steps"), sdk.start_span(op="step", name="step"):
            for _ in range(3):
                recorder._work()
        assert imports == []

    def test_each_run_has_its_own_time(self, imports, monkeypatch):
        """A run of a moment ago lends the next one no time: it is counted from the first call of those that are open."""
        now = [0.0]
        monkeypatch.setattr(repricing.time, "monotonic", lambda: now[0])
        prices = repricing.Repricing()
        called = recorder.registry.open("called", recorder.now(), 0, recorder.limits, {})
        called.has_request = True
        prices.load_ahead([called])
        now[0] = repricing.SHORT - 0.1
        prices.load_ahead([called])
        prices.load_ahead([])
        now[0] = repricing.SHORT + 0.1
        prices.load_ahead([called])
        assert imports == []
        now[0] += repricing.SHORT
        prices.load_ahead([called])
        assert imports == [threading.current_thread().name]

    def test_whoever_asks_has_prices_at_once(self, imports):
        """A table in the middle of a short run has what its calls cost."""
        with track("asked") as run:
            recorded()
            recorder._work()
            assert imports == []
            assert run.usage()["cost_usd"].sum() == 2.5
            assert imports == [threading.current_thread().name]

    def test_a_call_that_ended_is_told_once_with_its_price(self, imports, monkeypatch):
        """While there are no prices a call that has ended waits for its own; a step does not, and nobody is told of nothing."""
        told = []
        remove = recorder.on_event(lambda run_state, changed: told.append({run_state.run.spans[i].name: run_state.run.spans[i].cost for i in changed}))
        with track("waits"):
            with sdk.start_span(op="step", name="step"):
                recorded()
            recorder._work()
            eventually(lambda: any("step" in one for one in told))
            assert not any("chat gpt-4o" in one for one in told)
            count = len(told)
            recorder._work()
            recorder._work()
            assert len(told) == count
        remove()
        with_call = [one["chat gpt-4o"] for one in told if "chat gpt-4o" in one]
        assert len(with_call) == 1 and with_call[0].total == 2.5

    @pytest.mark.parametrize("quiet", [False, True])
    def test_the_users_thread_imports_and_prices_nothing(self, imports, monkeypatch, quiet):
        """At the end of a run our thread does it, also in a cell that is shown only once it has a call (`auto`)."""
        where, price_run = [], pricing.price_run
        monkeypatch.setattr(pricing, "price_run", lambda *args: (where.append(threading.current_thread().name), price_run(*args)))
        session = monitor.open("quiet", "none", quiet=quiet)
        recorded()
        session.finish(None)
        assert set(where) == {OURS} == set(imports)
        assert session.run.totals.calls == 1 and not session.run_state.quiet


class TestSteps:
    @pytest.mark.kernel
    def test_the_list_is_imported_in_small_steps(self):
        """Before each of its modules and before each of its models a step is taken, on the thread that imports."""
        code = """
import threading
from aimon_nb.app import monitor
monitor.install()
from aimon_nb import pricing
from aimon_nb.capture.hooks import before_each_import
from aimon_nb.pricing.genai_prices_import import in_steps, library
imports, models = [], []
with before_each_import(lambda: imports.append(threading.get_ident())), in_steps(lambda: models.append(threading.get_ident())):
    pricing.prepare()
assert set(imports) == set(models) == {threading.get_ident()} and len(imports) >= 5
assert len(models) >= sum(len(one.models) for one in library().data_snapshot.get_snapshot().providers) > 500
assert library().types.ModelInfo.__init__.__qualname__ == "ModelInfo.__init__" and not hasattr(library().types.ModelInfo.__init__, "__wrapped__")
"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr

    def test_only_our_thread_takes_them(self):
        """Who makes models or imports beside us does it as ever, and what was wrapped is itself again."""
        original, steps = library().types.ModelInfo.__init__, []
        with hooks.before_each_import(lambda: steps.append(1)), in_steps(lambda: steps.append(1)):
            job = threading.Thread(target=lambda: library().types.ModelInfo(id="m", match=None))
            job.start()
            job.join()
            assert steps == []
            library().types.ModelInfo(id="m", match=None)
            assert steps == [1]
        library().types.ModelInfo(id="m", match=None)
        assert steps == [1] and library().types.ModelInfo.__init__ is original

    def test_a_rest_after_some_work_unless_somebody_waits(self, monkeypatch):
        """After half a millisecond of work comes a rest; none while somebody waits, nor once it has taken long enough."""
        now, rests = [100.0], []
        monkeypatch.setattr(repricing.time, "monotonic", lambda: now[0])
        monkeypatch.setattr(repricing.time, "sleep", rests.append)
        prices = repricing.Repricing()
        prices._begun = prices._rested = now[0]
        prices._rest()
        assert rests == []
        now[0] += repricing.WORK
        prices._rest()
        prices._rest()
        assert rests == [repricing.REST]
        now[0] += repricing.WORK
        with prices.hurry():
            prices._rest()
        assert rests == [repricing.REST]
        prices._rest()
        assert rests == [repricing.REST] * 2
        now[0] += repricing.PATIENCE + repricing.WORK
        prices._rest()
        assert rests == [repricing.REST] * 2


class TestTheHead:
    def test_it_begins_where_the_users_code_does(self, monkeypatch):
        """What opening a run takes (its view, its root at Sentry) is in no time of it; the root begins with it."""
        opened = []
        monkeypatch.setattr("aimon_nb.views.live.run_display.RunDisplay.open", lambda self: (recorder.drain(), opened.append(recorder.clock())))
        with track("run") as run:
            begun = recorder.clock()
            recorded()
        run_state = recorder.run_states[run._run.run_id]
        assert opened[0] < run_state.t0 <= begun
        root, call = run._run.spans[run._run.root_id], next(s for s in run._run.spans.values() if s.call is None and s.span_id != run._run.root_id)
        assert root.start == run._run.started and root.offset == 0.0 <= call.offset
        assert root.duration == pytest.approx(run._run.duration, abs=1e-9) and call.duration <= run._run.duration

    def test_it_ends_where_the_users_code_does(self, monkeypatch):
        """What the end of a run takes (its error at Sentry, its answers, its prices) is in no time of it."""
        ended = []
        original = monitor.recorder.processor.flush_ending_run
        monkeypatch.setattr(monitor.recorder.processor, "flush_ending_run", lambda one: (ended.append(recorder.clock()), original(one)))
        monkeypatch.setattr("aimon_nb.app.run_session.error_events.capture", lambda *_, **__: ended.append(recorder.clock()))
        with pytest.raises(KeyError), track("run") as run:
            left = recorder.clock()
            raise KeyError("mine")
        run_state = recorder.run_states[run._run.run_id]
        end = run_state.t0 + round(run._run.duration * 1e9)
        assert left <= end <= min(ended) and len(ended) == 2

    def test_a_span_that_begins_after_the_end(self, ask):
        """A thread that goes on while a run is closed: nothing lasts less than no time."""
        session = monitor.open("run", "none")
        left = recorder.clock()
        span = sdk.start_span(op="step", name="late").__enter__()
        session.finish(None, left)
        late = next(s for s in session.run.spans.values() if s.name == "late")
        assert late.duration == 0.0 and late.status == "abandoned"
        span.__exit__(None, None, None)

    def test_spans_of_before_keep_their_place(self):
        """What a thread posted between the opening of a run and its beginning stands before it."""
        session = monitor.open("run", "none")
        with sdk.start_span(op="step", name="early"):
            pass
        recorder.drain()
        before = {s.name: s.start for s in session.run.spans.values()}
        session.begin()
        early = next(s for s in session.run.spans.values() if s.name == "early")
        assert early.offset < 0 and abs((early.start - before["early"]).total_seconds()) < 0.05
        session.finish(None)


class TestWarmUp:
    def test_dialects_are_looked_for_on_our_thread(self, monkeypatch):
        """Neither the metadata of all packages nor a dialect's module is read on the user's thread."""
        threads = []
        original = registry.entry_points
        monkeypatch.setattr(registry, "entry_points", lambda **k: (threads.append(threading.current_thread().name), original(**k))[1])
        fresh = Registry()
        monkeypatch.setattr("aimon_nb.app.warm_up.known", fresh)
        warm_up = type(monitor._warm_up)()
        warm_up.begin()
        warm_up.begin()
        warm_up.finish("none")
        warm_up.finish("none")
        assert threads == ["aimon_nb getting ready"] and fresh.is_loaded
        assert fresh.find("api.openai.com", b"/v1/chat/completions") is not None and len(threads) == 1

    def test_it_leaves_no_thread(self, monkeypatch):
        """Unloading waits for what is being imported."""
        go, fresh = threading.Event(), Registry()
        monkeypatch.setattr(fresh, "prepare", lambda: go.wait(20))
        monkeypatch.setattr("aimon_nb.app.warm_up.known", fresh)
        warm_up = type(monitor._warm_up)()
        warm_up.begin()
        assert [t for t in threading.enumerate() if t.name == "aimon_nb getting ready"]
        go.set()
        warm_up.stop()
        assert not [t for t in threading.enumerate() if t.name == "aimon_nb getting ready"]

    def test_others_are_not_loaded_before_a_run(self, monkeypatch):
        """A dialect that somebody else brings may import much: it is loaded when a run begins, not with the extension."""
        from importlib.metadata import EntryPoint

        loaded = []
        entry = EntryPoint("acme", "acme_of_a_test:Acme", registry.GROUP)
        monkeypatch.setattr(registry, "entry_points", lambda group: [entry])
        monkeypatch.setattr(EntryPoint, "load", lambda self: loaded.append(self.name) or Ollama)
        fresh = Registry()
        fresh.prepare()
        assert loaded == [] and fresh.is_ready and not fresh.is_loaded
        fresh.load()
        assert loaded[0] == "acme"
