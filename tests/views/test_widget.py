import hashlib
import itertools
import json
import re
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.views.samples import SECRET, agentic

from aimon_nb.views.live import host
from aimon_nb.views.present import detail, rows
from aimon_nb.views.live.widget import RunWidget, WholeRunWidget, kernel_widget, script
from aimon_nb.views.live.widget.run_publisher import RunPublisher


@pytest.fixture
def widget():
    made = WholeRunWidget(run_id="01JRUN")
    sent = made.sent = []
    made.send = lambda content, buffers=None: sent.append(content)
    yield made
    made.close()


def test_rows_are_one_message(widget):
    """Header and rows go as one custom message."""
    widget.send_rows({"name": "x"}, [["a"], ["b"]], count=1)
    assert [{"k": "rows", "run_id": "01JRUN", "header": {"name": "x"}, "rows": [["a"], ["b"]], "count": 1}] == widget.sent


def test_details_are_no_trait(widget):
    """Details go by message; no trait that could be saved holds content."""
    run = agentic()
    widget.snapshot = rows.snapshot(run)
    widget.send_details({"c3": detail.detail(run.spans["c3"])})
    assert "details" == widget.sent[0]["k"]
    assert SECRET in json.dumps(widget.sent)
    state = {k: v for k, v in widget.get_state().items() if k != "layout"}
    assert SECRET not in json.dumps(state, default=str)


def test_repr_is_short(widget):
    """The repr names the run and serialises nothing."""
    assert "<RunWidget 01JRUN>" == repr(widget)


@pytest.mark.parametrize(
    ("options", "mimes"),
    [({}, 2), ({"include": ["text/plain"]}, 1), ({"exclude": ["text/plain"]}, 1), ({"include": [], "exclude": []}, 0)],
)
def test_mimebundle_honours_filters(widget, options, mimes):
    """Include and exclude are honoured."""
    assert mimes == len(widget._repr_mimebundle_(**options))


def test_no_network_in_the_view():
    """The page's code names no address to load from, and writes no text as HTML."""
    code = "".join((script.joined_script(), script.loader(), script.style()))
    # Names of kinds of markup, in Preact.
    assert not re.search(r"https?://\w", code.replace("http://www.w3.org/", ""))
    ours = "".join(path.read_text() for path in Path(script.__file__).parent.glob("*.js"))
    assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", ours, re.IGNORECASE)


def test_what_is_not_ours_is_as_published():
    """Each library that stands among our files is the published one, named with its version and licence."""
    folder = Path(script.__file__).parent / "vendor"
    known = json.loads((folder / "vendored.json").read_text())
    assert set(known) == {path.name for path in folder.glob("*.js")}
    for name, about in known.items():
        assert about["sha256"] == hashlib.sha256((folder / name).read_bytes()).hexdigest(), name
        assert about["version"] and about["licence"] in ("MIT", "Apache-2.0")
        assert (folder / f"{about['package']}.LICENSE").stat().st_size > 500


def test_the_script_is_small():
    """A page gets at most 150 kB once a kernel, and about a kilobyte more a run."""
    assert len(script.joined_script()) + len(script.style()) <= 150_000
    assert len(script.loader()) <= 1_300


@pytest.fixture
def told(monkeypatch):
    """What the kernel's one widget sends."""
    sent = []
    monkeypatch.setattr(kernel_widget.KernelWidget, "send", lambda self, content, buffers=None: sent.append(content))
    yield sent
    kernel_widget.close_kernel_widget()


def channel_of(run):
    made = kernel_widget.RunChannel(run.run_id, lambda: {**rows.snapshot(run), "count": 3})
    asked = made.asked = []
    made.on_ask(lambda: asked.append("hello"), asked.extend, lambda _: None)
    return made


def test_all_runs_share_one_widget(told):
    """Messages say of which run they are; what a page asks goes to that run, and what it asks of one that is gone to none."""
    one, two = agentic(), agentic()
    one.run_id, two.run_id = "one", "two"
    channels = channel_of(one), channel_of(two)
    widget = kernel_widget.open_kernel_widget()
    assert ["one", "two"] == [message["run_id"] for message in told] == widget.get_state()["runs"]
    assert widget is kernel_widget.open_kernel_widget() and widget.layout is None
    told.clear()
    for message in ({"k": "ask", "run_id": "two"}, {"k": "want", "run_id": "one", "ids": ["c3"]}, {"k": "hello", "run_id": "two"}, {"k": "ask", "run_id": "no"}):
        widget._handle_custom_msg(message, [])
    assert [("two", "snapshot")] == [(message["run_id"], message["k"]) for message in told]
    assert [["c3"], ["hello"]] == [channel.asked for channel in channels]
    channels[0].close()
    assert ["two"] == widget.get_state()["runs"]


def test_no_state_of_the_kernels_widget_holds_content(told):
    """What a notebook may save of widgets holds neither prompts nor rows."""
    channel_of(agentic())
    state = kernel_widget.open_kernel_widget().get_state()
    assert not set(state) & {"snapshot", "layout"}
    state.pop("_esm")
    assert SECRET not in json.dumps(state, default=str)


def test_all_widgets_closed_by_the_user(told):
    """After `Widget.close_all()` the next run has a widget again."""
    first = kernel_widget.open_kernel_widget()
    first.close()
    channel_of(agentic())
    assert kernel_widget.open_kernel_widget() is not first


def test_a_page_without_the_kernels_widget_is_sent_the_script(told):
    """A run's own widget in such a page asks for the script once, and then hears what the others hear."""
    channel = channel_of(agentic())
    widget = RunWidget.of(channel)
    sent = []
    widget.send = lambda content, buffers=None: sent.append(content)
    widget._handle_custom_msg({"k": "script"}, [])
    [script_] = sent
    assert {"script", 3, script.joined_script()} == {script_["k"], script_["snapshot"]["count"], script_["esm"]}
    channel.send_details({"c3": {}})
    widget._handle_custom_msg({"k": "want", "ids": ["c3"]}, [])
    assert "details" == sent[-1]["k"] and ["c3"] == channel.asked
    widget.close()


def test_a_widget_like_others(widget):
    """It is an ipywidgets DOMWidget made by anywidget."""
    import anywidget
    from ipywidgets import DOMWidget, HBox

    assert isinstance(widget, anywidget.AnyWidget) and isinstance(widget, DOMWidget)
    assert widget in HBox([widget]).children


def test_widgets_of_forgotten_runs_are_closed(monkeypatch):
    """The widget of a run that memory let go is closed with it."""
    from aimon_nb import track
    from aimon_nb.app import monitor
    from aimon_nb.capture import recorder
    from aimon_nb.capture.limits import Limits

    monkeypatch.setattr(recorder, "limits", Limits(runs=2))
    widgets = []
    for i in range(5):
        with track(f"run {i}") as run:
            widgets.append(run.widget)
    with track("last"):
        pass
    open_ones = [w.comm is not None for w in widgets]
    assert [False] * 3 == open_ones[:3] and open_ones[4]
    told_of = kernel_widget.open_kernel_widget().get_state()["runs"]
    assert not {w.run_id for w in widgets[:3]} & set(told_of) and widgets[4].run_id in told_of
    assert len(monitor.views) <= 4


@pytest.fixture
def beacons(monkeypatch):
    """What is opened for pages that are loaded meanwhile, with no pause in between: [(runs told of, whether it is open)]."""
    from aimon_nb.views.live.widget import beacon

    made, opened = [], threading.Semaphore(0)

    class Widget(beacon.BeaconWidget):
        def send(self, content, buffers=None):
            self.content = content
            made.append(self)
            opened.release()

    monkeypatch.setattr(beacon, "BeaconWidget", Widget)
    monkeypatch.setattr(beacon, "PERIOD", 0.01)
    monkeypatch.setattr(kernel_widget, "names_its_cells", lambda: True)
    made_by = kernel_widget.beacon
    made_by.seen = lambda: opened.acquire(timeout=20)
    made_by.made = made
    return made_by


def test_pages_that_are_loaded_meanwhile(told, beacons):
    """While a run is open a small model is opened again and again, which has the script and the run so far, and the one before is closed; with the run it ends."""
    run = agentic(running=True)
    channel = RunPublisher(run, kernel_widget.RunChannel).channel
    assert beacons.seen() and beacons.seen() and beacons.seen()
    first, second = beacons.made[:2]
    assert first.comm is None and [run.run_id] == second.runs == list(second.content["snapshots"])
    assert len(second.content["snapshots"][run.run_id]["rows"]) > 5 and SECRET not in json.dumps(second.content["snapshots"])
    assert kernel_widget.open_kernel_widget().model_id == second.kernel and second.content["esm"] == script.joined_script()
    assert len(json.dumps(second.get_state())) < 4_000, "what runs a notebook without a page may keep it"
    thread = beacons._thread
    channel.remember()
    thread.join(20)
    assert not thread.is_alive() and beacons._thread is None
    assert all(widget.comm is None for widget in beacons.made)
    channel.raise_fault()


def test_a_run_that_begins_as_the_last_one_ends(told, beacons, monkeypatch):
    """A run that begins while the thread finds that no run is open is told of all the same."""
    whole, begun = beacons._snapshots, []

    def snapshots():
        seen = whole()
        if not seen and not begun:
            second = agentic(running=True)
            second.run_id = "second"
            begun.append(RunPublisher(second, kernel_widget.RunChannel).channel)
        return seen

    monkeypatch.setattr(beacons, "_snapshots", snapshots)
    RunPublisher(agentic(running=True), kernel_widget.RunChannel).channel.remember()
    while beacons.seen():
        if beacons.made[-1].runs == ["second"]:
            break
    assert begun and beacons.made[-1].runs == ["second"]
    thread = beacons._thread
    begun[0].remember()
    thread.join(20)
    assert not thread.is_alive()


def test_where_all_cores_are_busy_pages_are_told_as_often(told, beacons, monkeypatch):
    """What counts against the share of time that it may take is its own work, not that it waits for a core."""
    from aimon_nb.views.live.widget import beacon

    hours = itertools.count(step=3600)
    monkeypatch.setattr(beacon, "time", SimpleNamespace(perf_counter=lambda: float(next(hours)), thread_time=time.thread_time))
    channel = RunPublisher(agentic(running=True), kernel_widget.RunChannel).channel
    assert beacons.seen() and beacons.seen() and beacons.seen()
    thread = beacons._thread
    channel.remember()
    thread.join(20)
    assert not thread.is_alive()


def test_where_there_is_no_page_nothing_is_told(told, beacons, monkeypatch):
    """Who runs a notebook without a page names no cell: nothing is opened for him again and again."""
    monkeypatch.setattr(kernel_widget, "names_its_cells", host.names_its_cells)
    RunPublisher(agentic(running=True), kernel_widget.RunChannel)
    assert beacons._thread is None and not beacons.made


def test_a_run_that_is_over_is_not_told_again(told, beacons):
    """A run that is shown from memory opens nothing of its own."""
    RunPublisher(agentic(), kernel_widget.RunChannel)
    assert beacons._thread is None and not beacons.made


def test_a_fault_while_pages_are_told(told, beacons, monkeypatch):
    """What goes wrong there is raised where it is counted, once, and the next is opened all the same."""
    whole, faults = beacons._snapshots, [KeyError("broken")]

    def broken():
        if faults:
            raise faults.pop()
        return whole()

    monkeypatch.setattr(beacons, "_snapshots", broken)
    channel = RunPublisher(agentic(running=True), kernel_widget.RunChannel).channel
    assert beacons.seen()
    with pytest.raises(KeyError):
        channel.raise_fault()
    channel.raise_fault()
    thread = beacons._thread
    channel.remember()
    thread.join(20)
    assert not thread.is_alive()
