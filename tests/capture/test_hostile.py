"""What users put on spans may be anything: a span is heard whole, its run shows, and memory holds no object of theirs."""

import enum
import functools
import gc
import json
import weakref

import numpy as np
import pytest

from aimon_nb import track
from aimon_nb.app import RunView, monitor
from aimon_nb.capture import recorder
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.views.static import html, text
from aimon_nb.views.present.rows import snapshot
from aimon_nb.views.present.detail import detail
from tests.parts import sdk


@pytest.fixture(autouse=True)
def installed():
    """Everything in place for one test; no fault of ours in it."""
    before = internal_errors.count
    monitor.install()
    recorder.restart()
    yield
    monitor.uninstall()
    assert internal_errors.count == before


class Angry:
    """Raises whatever it is asked."""

    __hash__ = None

    def _no(self, *_):
        raise ValueError("do not ask")

    __repr__ = __str__ = __eq__ = __bool__ = __len__ = __iter__ = __getattr__ = __index__ = _no


class Model(str, enum.Enum):
    GPT = "gpt-4o"


def cyclic():
    one = {"a": 1}
    one["self"] = [one]
    return one


VALUES = {
    "angry": Angry,
    "cyclic": cyclic,
    "deep": lambda: functools.reduce(lambda inner, _: [inner], range(5_000), "x"),
    "array": lambda: np.array(["a", "b"]),
    "bytes": lambda: b"\xff\x00",
    "surrogate": lambda: "\ud800 \x1b[31m",
    "long number": lambda: 10**6_000,
    "no number": lambda: float("nan"),
    "generator": lambda: (i for i in range(3)),
    "type": lambda: Angry,
}
KEYS = ["mine", "gen_ai.request.model", "gen_ai.tool.name", "gen_ai.pipeline.name", "gen_ai.usage.input_tokens", "gen_ai.request.messages", "http.response.status_code", 5, None]


@pytest.mark.parametrize("op", ["step", "gen_ai.chat"])
@pytest.mark.parametrize("kind", VALUES)
def test_any_value_under_any_key(kind, op):
    """The span ends as it ended, and every view of its run can be made, while it runs and after."""
    tracked = monitor.open("odd", "none")
    for key in KEYS:
        with sdk.start_span(op=op, name="odd") as span:
            sdk.set_data(span, key, VALUES[kind]())
            recorder.drain()
            snapshot(tracked.run)
    with pytest.raises(KeyError), sdk.start_span(op=op, name="fails") as span:
        for key in KEYS:
            sdk.set_data(span, key, VALUES[kind]())
        raise KeyError
    tracked.end(None)
    statuses = [span.status for span in tracked.run.spans.values()]
    assert statuses == ["ok"] * (1 + len(KEYS)) + ["error"]
    assert "odd" in text.tree(tracked.run) and "odd" in html.static(tracked.run)
    assert len(RunView(tracked.run).spans(content=True)) == len(statuses)
    for span in tracked.run.spans.values():
        json.dumps(detail(span), allow_nan=False).encode()
        json.dumps(span.attributes)


NAMES = [5, None, ["a"], {}, Model.GPT, Angry(), np.array([1, 2]), b"x"]


@pytest.mark.parametrize("what", ["op", "name"])
@pytest.mark.parametrize("value", NAMES, ids=lambda value: type(value).__name__)
def test_a_name_or_op_that_is_no_text(what, value):
    """A name or op of another type is shown as far as it has a text; the tree stands."""
    tracked = monitor.open("odd", "none")
    span = sdk.start_span(op="step", name="odd")
    if sdk.HAS_TRANSACTIONS:
        setattr(span, {"op": "op", "name": "description"}[what], value)
    elif what == "op":
        sdk.set_data(span, "sentry.op", value)
    else:
        span.name = value
    with span:
        recorder.drain()
    tracked.end(None)
    assert [(type(s.name), type(s.op), s.status) for s in tracked.run.spans.values()] == [(str, str, "ok")] * 2
    text.tree(tracked.run), html.static(tracked.run), RunView(tracked.run).spans()
    if value is Model.GPT:
        assert getattr(list(tracked.run.spans.values())[1], what) == "gpt-4o"


def test_a_run_holds_no_object_of_the_users():
    """An object put on a span is free when the cell lets it go; what it said of itself stays, in bounds."""

    class Frame:
        def __str__(self):
            return "a frame of mine"

    tracked = monitor.open("held", "none")
    mine = Frame()
    known = weakref.ref(mine)
    with sdk.start_span(op="step", name="s") as span:
        sdk.set_data(span, "frame", mine)
        sdk.set_data(span, "frames", [mine, {"in": mine}])
    tracked.end(None)
    del span, mine
    gc.collect()
    assert known() is None
    kept = list(tracked.run.spans.values())[1].attributes
    assert kept["frame"] == "a frame of mine" and kept["frames"] == ["a frame of mine", {"in": "a frame of mine"}]


def test_an_open_span_is_read_for_little(monkeypatch):
    """While a span is open nothing of the user's own is asked for its text, ten times a second."""
    asked = []

    class Slow:
        def __str__(self):
            asked.append(1)
            return "slow"

    tracked = monitor.open("slow", "none")
    with sdk.start_span(op="step", name="s") as span:
        sdk.set_data(span, "slow", Slow())
        sdk.set_data(span, "list", [Slow()] * 3)
        for _ in range(5):
            recorder.drain()
        assert asked == []
    tracked.end(None)
    assert len(asked) == 4


def test_counts_of_numpy_are_counts():
    """Token counts that a table summed up are numbers of numpy: they count."""
    tracked = monitor.open("counts", "none")
    with sdk.start_span(op="gen_ai.chat", name="chat") as span:
        sdk.set_data(span, "gen_ai.usage.input_tokens", np.int64(5))
        sdk.set_data(span, "gen_ai.usage.output_tokens", np.float32(2))
    tracked.end(None)
    assert (tracked.run.totals.usage.input, tracked.run.totals.usage.output) == (5, 2)


def raising(error):
    """Values whose own code raises what is no Exception, whatever it is asked."""

    def refuse(*_):
        raise error

    asked = dict.fromkeys(("__str__", "__repr__", "__iter__", "__len__"), refuse)
    Thing, List = type("Thing", (), asked), type("List", (list,), asked)
    return {"thing": Thing(), "list": List([1]), "inside": {"a": Thing()}, "key": {Thing(): 1}}


@sdk.transactions
@pytest.mark.parametrize("sent", [False, True], ids=["local", "sent"])
@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit])
@pytest.mark.parametrize("kind", ["thing", "list", "inside", "key"])
def test_a_value_that_ends_programs(receiver, kind, error, sent):
    """An attribute whose code raises SystemExit or KeyboardInterrupt changes nothing: the run ends well, the next ones too.

    In the stream lifecycle the SDK asks it in `set_attribute`, with us and without.
    """
    if sent:
        receiver.init()
    for value in (raising(error)[kind], 1):
        left = None
        try:
            with track("cell") as run, sdk.start_span(op="x", name="inner") as span:
                span.set_data("k", value)
        except BaseException as raised:
            left = type(raised)  # its traceback has the value, which pytest would show
        assert left is None
        assert ("ok", 0, 2) == (run.status, run._run.faults, len(run._run.spans))
        assert not [note for note in run._run.notes if "fault" in note]
