"""What the extension leaves of widgets in a kernel: nothing that grows with the cells, and nothing after unload."""

CELL = "%%ai_track step {}\nimport sentry_sdk\nwith sentry_sdk.start_span(op='x', name='one'): pass"
COUNT = """
import collections, comm, ipywidgets
from ipywidgets.widgets import widget
def count():
    kinds = collections.Counter(type(one).__name__ for one in widget._instances.values())
    return dict(kinds), len(comm.get_comm_manager().comms)
"""


def test_tracked_cells_leave_no_widget_behind(kernel):
    """Ten cells leave the models of the runs that are kept, and no other; unloading leaves those that were there before."""
    kernel.cell(COUNT + "label = ipywidgets.Label('of the user')")
    before = kernel.value("count()")
    kernel.run(["%load_ext aimon_nb", "%config AimonMagics.max_runs = 1", *map(CELL.format, range(10))])
    kinds, comms = kernel.value("count()")
    runs = kinds.pop("RunWidget")
    assert 1 <= runs <= 2, "a finished run, and one that was kept while the next one ran"
    assert before == (kinds, comms - runs)
    kernel.cell("%unload_ext aimon_nb")
    assert before == kernel.value("count()")


def test_a_layout_is_made_for_a_widget_in_hand(kernel):
    """A run's widget that somebody takes has a layout as every widget; the page is told of it, and it goes with the widget."""
    kernel.run([COUNT, "%load_ext aimon_nb"])
    before = kernel.value("count()")
    kernel.cell(CELL.format(0))
    asked = kernel.cell("import aimon_nb\nwidget_ = aimon_nb.last_run().widget\nwidget_.layout.width = '50%'\nwidget_.layout.model_id")
    told = [m["content"]["data"]["state"] for m in asked.messages if m["msg_type"] == "comm_msg"]
    [layout_id] = asked.data()
    assert {"layout": f"IPY_MODEL_{layout_id.strip(chr(39))}"} in told
    assert kernel.value("widget_.get_state()['layout']") == f"IPY_MODEL_{layout_id.strip(chr(39))}"
    kernel.cell("%unload_ext aimon_nb")
    assert before == kernel.value("count()")


def test_a_layout_of_the_user_stays_his(kernel):
    """A layout that the user made and gave to a run's widget is not closed with it."""
    kernel.run([COUNT, "%load_ext aimon_nb", CELL.format(0), "import aimon_nb\nmine = ipywidgets.Layout(width='50%')\naimon_nb.last_run().widget.layout = mine"])
    kernel.cell("%unload_ext aimon_nb")
    kinds, comms = kernel.value("count()")
    assert {"Layout": 1} == kinds and 1 == comms
