"""What the extension leaves of widgets in a kernel: nothing that grows with the cells, and nothing after unload."""

import json

import pytest

from tests.parts import sdk

CELL = f"%%ai_track step {{}}\nimport sentry_sdk\nwith {sdk.code_of_span('x', 'one')}: pass"
COUNT = """
import collections, comm, ipywidgets
from ipywidgets.widgets import widget
def count():
    kinds = collections.Counter(type(one).__name__ for one in widget._instances.values())
    return dict(kinds), len(comm.get_comm_manager().comms)
"""


def test_tracked_cells_leave_no_widget_behind(kernel):
    """250 cells leave one model and one comm, that of the kernel; unloading leaves those that were there before."""
    kernel.cell(COUNT + "label = ipywidgets.Label('of the user')")
    before = kernel.value("count()")
    kernel.run(["%load_ext aimon_nb", *map(CELL.format, range(250))])
    kinds, comms = kernel.value("count()")
    assert 1 == kinds.pop("KernelWidget")
    assert before == (kinds, comms - 1)
    kernel.cell("%unload_ext aimon_nb")
    assert before == kernel.value("count()")


def test_what_a_cell_sends(kernel):
    """The script goes to the page with the first tracked cell alone; each further one sends a kilobyte or two of models."""
    kernel.run(["%load_ext aimon_nb", CELL.format(0)])
    [cell] = kernel.run([CELL.format(1)])
    opened = [json.dumps(m["content"]) for m in cell.messages if m["msg_type"] == "comm_open"]
    assert 1 == len(opened) and len(opened[0]) < 2_500
    assert 1 == sum(m["msg_type"] == "comm_close" for m in cell.messages)


@pytest.mark.parametrize("host", ["google.colab", "VSCODE_PID"])
def test_where_outputs_share_no_page(kernel, host):
    """Each run has the script with a model of its own, which is closed when its run goes."""
    here = f"import sys, types; sys.modules['{host}'] = types.ModuleType('x')" if "." in host else f"import os; os.environ['{host}'] = '1'"
    kernel.run([COUNT, here, "%load_ext aimon_nb", "%config AimonMagics.max_runs = 1"])
    before = kernel.value("count()")
    try:
        kernel.run([*map(CELL.format, range(5))])
        kinds, comms = kernel.value("count()")
        assert 1 <= kinds.pop("WholeRunWidget") <= 2, "a finished run, and one that was kept while the next one ran"
        kernel.cell("%unload_ext aimon_nb")
        assert before == kernel.value("count()")
    finally:
        kernel.cell(f"sys.modules.pop('{host}', None)" if "." in host else f"os.environ.pop('{host}', None)")


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
