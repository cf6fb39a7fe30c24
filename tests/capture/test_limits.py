"""What is kept is bounded: beyond a cap the tree folds, sums see everything, and it is said."""

import contextlib
import gc
import random
import tracemalloc

import pytest

from aimon_nb import record_token_usage
from aimon_nb.app import RunView, monitor
from aimon_nb.model import Run
from aimon_nb.capture import recorder
from aimon_nb.capture.limits import WHOLE_RUNS, Limits, without_plain
from aimon_nb.views.static import html
from tests.parts import sdk


@pytest.fixture(autouse=True)
def installed():
    """Everything in place for one test, and nothing in memory."""
    monitor.install()
    recorder.restart()
    yield
    monitor.uninstall()
    recorder.limits = Limits()


def limit(monkeypatch, **limits):
    monkeypatch.setattr(recorder, "limits", Limits(**limits))


def call(tokens=3, error=None):
    """A model call, counted by hand."""
    with sdk.start_span(op="gen_ai.chat", name="chat m") as span:
        sdk.set_data(span, "gen_ai.request.model", "gpt-4o")
        sdk.set_data(span, "gen_ai.request.messages", "secret " * 50)
        record_token_usage(span, tokens, output_tokens=1)
        if error:
            raise error


def test_a_span_that_goes_before_it_is_priced(monkeypatch):
    """One past the cap that was heard to start, and has ended and gone when the run is added up, is no fault."""
    limit(monkeypatch, spans=3)
    tracked = monitor.open("many", "none")
    for i in range(6):
        with sdk.start_span(op="step", name=f"s{i}"):
            tracked.run_state.price_at = float("inf")  # a large run is not added up each time
            recorder.drain()
    tracked.run_state.price_at = 0
    recorder.drain()
    tracked.end(None)
    assert tracked.run.faults == 0 and len(tracked.run.spans) == 3


@sdk.transactions
def test_what_sentry_does_not_get_is_counted_beyond_the_cap(monkeypatch, receiver):
    """Spans over Sentry's limit for a transaction are counted, those that our own cap let go among them."""
    limit(monkeypatch, spans=20)
    receiver.init(_experiments={"max_spans": 30})
    tracked = monitor.open("many", "none")
    for i in range(100):
        with sdk.start_span(op="step", name=f"s{i}"):
            pass
    tracked.end(None)
    arrived = len(receiver.spans())
    assert 30 <= arrived < 40
    assert f"{101 - arrived} spans not sent to Sentry: over its limit for a transaction" in str(tracked.run.notes)


def test_beyond_the_cap_the_tree_folds(monkeypatch):
    """Rows stop at the cap; calls, tokens and errors count every call, one row stands for the rest; it is said with numbers."""
    limit(monkeypatch, spans=50)
    tracked = monitor.open("many", "none")
    for i in range(100):
        with sdk.start_span(op="step", name=f"s{i}"):
            with sdk.start_span(op="inner", name="i"):
                pass
            try:
                call(error=ValueError("no") if i % 10 == 0 else None)
            except ValueError:
                pass
    tracked.end(None)
    run = tracked.run
    assert run.totals.calls == 100 and run.totals.errors == 10 and run.totals.usage.input == 300
    assert len(list(run.walk())) == 49
    calls = sum(span.is_call for _, span in run.walk())
    rest = f"{100 - calls} more calls"
    view = RunView(run)
    assert view.usage().calls.sum() == 100
    data = view.spans()
    assert (data.op == "gen_ai.chat").sum() == calls and len(data) == 51
    assert list(data.iloc[-1][["name", "input_tokens"]]) == [rest, 300 - 3 * calls]
    assert data.input_tokens.sum() == 300 and data.output_tokens.sum() == 100
    assert rest in view.tree() and rest in html.static(run)
    [said] = data.attrs["caps"]
    assert said == view.usage().attrs["caps"][0]
    for words in ("251 more spans", "folded", "max_spans = 50"):
        assert words in said and words in view.tree()
    assert "secret" not in str(RunView(run).spans(content=True).input_text[60:].tolist())


def test_failures_beyond_the_cap_are_counted(monkeypatch):
    """How many of the folded spans failed is said, though they are no longer in memory."""
    limit(monkeypatch, spans=3)
    tracked = monitor.open("many", "none")
    for i in range(8):
        with contextlib.suppress(ValueError), sdk.start_span(op="step", name=f"s{i}"):
            if i in (4, 6):
                raise ValueError
    tracked.end(None)
    [said] = tracked.run.caps.values()
    assert said.startswith("6 more spans (2 of them failed) are folded: over max_spans = 3")


def test_under_the_cap_nothing_is_said(monkeypatch):
    """A run that is as large as the cap is whole and says nothing."""
    limit(monkeypatch, spans=11)
    tracked = monitor.open("few", "none")
    for i in range(10):
        with sdk.start_span(op="step", name=f"s{i}"):
            pass
    tracked.end(None)
    assert tracked.run.caps == {} and len(tracked.run.spans) == 11


def grow(chance, depth=0):
    """A random tree of steps, agents that report the sum of their calls, and calls."""
    total = 0
    for _ in range(chance.randint(1, 3)):
        kind = chance.choice(["call", "step", "agent", "tool"]) if depth < 5 else "call"
        if kind == "call":
            n = chance.randint(1, 9)
            call(n)
            total += n
            continue
        ops = {"step": "function", "agent": "gen_ai.invoke_agent", "tool": "gen_ai.execute_tool"}
        with sdk.start_span(op=ops[kind], name=kind) as span:
            inner = grow(chance, depth + 1)
            if kind == "agent":
                record_token_usage(span, inner, output_tokens=1)
            total += inner
    return total


@pytest.mark.parametrize("seed", range(12))
def test_sums_do_not_depend_on_the_cap(monkeypatch, seed):
    """Who is above whom survives the fold: totals are the same with a cap as without one."""
    totals = []
    for spans in (100_000, 30, 5, 1):
        limit(monkeypatch, spans=spans)
        tracked = monitor.open("random", "none")
        grow(random.Random(seed))
        recorder.drain()
        grow(random.Random(seed + 100))
        tracked.end(None)
        t, data = tracked.run.totals, RunView(tracked.run).spans()
        assert (data.input_tokens.sum(), data.output_tokens.sum()) == (t.usage.input, t.usage.output)
        totals.append((t.calls, t.errors, t.usage, t.cost, t.unseen))
    assert len(set(totals)) == 1, totals


def test_a_run_all_of_whose_spans_fold(monkeypatch):
    """It says how many there were, and not that nothing was heard."""
    limit(monkeypatch, spans=1)
    tracked = monitor.open("one", "none")
    with sdk.start_span(op="step", name="s"):
        pass
    tracked.end(None)
    assert tracked.run.notes == [] and list(tracked.run.caps.values())[0].startswith("1 more span is folded")


def test_spans_still_open_at_the_end(monkeypatch):
    """What is open past the cap when the cell ends folds like the rest."""
    limit(monkeypatch, spans=3)
    tracked = monitor.open("open", "none")
    held = [sdk.start_span(op="x", name=f"{i}") for i in range(9)]
    tracked.end(None)
    assert len(tracked.run.spans) == 3 and "7 more spans" in next(iter(tracked.run.caps.values()))
    for span in held:
        sdk.end(span)
    recorder.drain()
    assert len(tracked.run.spans) == 3


@pytest.mark.parametrize("value", ["x" * 10_000, "é" * 5_000, ["y" * 100] * 100, {"k": "z" * 10_000}, b"b" * 10_000])
def test_attributes_are_cut(monkeypatch, value):
    """One large attribute is cut, small ones and numbers stay whole, and it is said."""
    limit(monkeypatch, attribute_bytes=1_000)
    tracked = monitor.open("large", "none")
    with sdk.start_span(op="x", name="s") as span:
        sdk.set_data(span, "big", value)
        sdk.set_data(span, "small", "whole")
        record_token_usage(span, 7, output_tokens=2)
        recorder.drain()
        recorder.drain()
    tracked.end(None)
    record = [s for s in tracked.run.spans.values() if s.name == "s"][0]
    assert record.attributes["small"] == "whole" and record.usage.input == 7
    assert len(str(record.attributes["big"]).encode()) < 1_100 and "(cut: 10," in record.attributes["big"]
    assert tracked.run.caps == {"max_attribute_bytes": "attributes of a span are cut: more than max_attribute_bytes = 1,000"}
    if sdk.HAS_TRANSACTIONS:  # of what is not sent, series 3 keeps nothing
        assert span._data["big"] == value  # the user's own span is as it was


def test_old_runs_are_let_go(monkeypatch):
    """Only so many finished runs are in memory; the run that pushed one out says so."""
    limit(monkeypatch, runs=3)
    for i in range(6):
        monitor.open(f"r{i}", "none").end(None)
    names = [run.name for run in recorder.runs()]
    assert names == ["r2", "r3", "r4", "r5"] and recorder.runs()[-1].caps["max_runs"].endswith("max_runs = 3")
    assert "max_runs" not in recorder.runs()[0].caps


def test_a_rerun_lets_go_of_plain_spans():
    """Of a cell's runs the last ten are whole; an earlier one keeps its calls, what is above them and its totals."""
    first = monitor.open("cell", "none", cell_id="c")
    with sdk.start_span(op="gen_ai.invoke_agent", name="agent"):
        call()
        for _ in range(300):
            with sdk.start_span(op="x", name="plain"):
                pass
    first.end(None)
    held = RunView(first.run)
    for _ in range(9):
        monitor.open("cell", "none", cell_id="c").end(None)
    assert recorder.runs()[0] is first.run
    second = monitor.open("cell", "none", cell_id="c")
    second.end(None)
    old, *_, new = recorder.runs()
    assert new is second.run and old.run_id == first.run.run_id and old.totals == first.run.totals
    assert [s.name for s in old.spans.values()] == ["cell", "agent", "chat m"]
    assert "300 spans" in RunView(old).tree()
    assert len(held.spans()) == 303, "a run that the user holds is whole"


def test_large_runs_of_a_cell_are_not_whole_for_long(monkeypatch):
    """A cell's earlier runs are whole as far as all of them have no more spans than one may have."""
    limit(monkeypatch, spans=250)
    for _ in range(4):
        tracked = monitor.open("cell", "none", cell_id="c")
        for _ in range(99):
            with sdk.start_span(op="x", name="plain"):
                pass
        tracked.end(None)
    assert [1, 100, 100, 100] == [len(run.spans) for run in recorder.runs()]


@pytest.mark.parametrize("spans", [500, pytest.param(2_000, marks=pytest.mark.matrix)])
def test_a_rerun_frees_memory(spans):
    """Running one cell again and again does not add up."""
    def once():
        tracked = monitor.open("cell", "none", cell_id="c")
        for _ in range(spans):
            with sdk.start_span(op="x", name="plain"):
                pass
        tracked.end(None)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    for _ in range(WHOLE_RUNS):
        once()
    sizes = [once() for _ in range(6)]
    tracemalloc.stop()
    # What another thread holds for a moment is in one of three, what is kept in all.
    assert min(sizes[3:]) - min(sizes[1:3]) < 300_000, sizes


def test_without_plain_keeps_a_run_of_calls():
    """A run that has nothing but calls is left alone."""
    tracked = monitor.open("calls", "none")
    call()
    tracked.end(None)
    assert without_plain(tracked.run) is tracked.run
    assert isinstance(without_plain(tracked.run), Run)
