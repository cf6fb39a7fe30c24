import json

import pytest
from tests.views.samples import SECRET, agentic

from aimon_nb.views.present import detail, rows
from aimon_nb.views.live.widget import RunWidget



@pytest.fixture
def widget():
    made = RunWidget(run_id="01JRUN")
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


def test_no_network_in_the_view(widget):
    """The page's code names no address to load from."""
    assert "http" not in widget._esm
    assert "http" not in widget._css
    assert "innerHTML" not in widget._esm


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
    assert len(monitor.views) <= 4
