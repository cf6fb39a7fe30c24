import json

import pytest
from samples import SECRET, agentic

from aimon_nb.views import rows

RunWidget = pytest.importorskip("aimon_nb.views.widget").RunWidget


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
    widget.send_details({"c3": rows.detail(run.spans["c3"])})
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
