"""`%ai_auto on`: every cell is tracked, and one without a model call shows nothing."""

import json

import pytest

from tests.parts import sdk

SETUP = """
%load_ext aimon_nb
import sentry_sdk, openai, time, asyncio
from aimon_nb import runs, last_run, get_ai_pipeline_name
client = openai.OpenAI(base_url={url!r}, api_key="k", max_retries=0)
aclient = openai.AsyncOpenAI(base_url={url!r}, api_key="k", max_retries=0)
def ask(text="hi"):
    return client.chat.completions.create(model="gpt-4o", messages=[dict(role="user", content=text)]) and None
def heard():
    return [(r.name, r.status, r._run.totals.calls) for r in runs()]
"""


@pytest.fixture
def shell(kernel, truth):
    """A kernel with the extension loaded and `%ai_auto on`."""
    done = kernel.run([SETUP.format(url=truth.url), "%ai_auto on"])
    assert [d.status for d in done] == ["ok", "ok"] and [o for d in done for o in d.outputs] == []
    return kernel


def views(cell):
    """The outputs of ours in a cell."""
    return [o for o in cell.outputs if "aimon" in str(o.get("data", {})) or "calls" in str(o.get("data", {}))]


def test_a_call_shows_its_cell(shell):
    """A cell with a model call has its tree once, static in the saved file, under a name of its own."""
    cells = shell.run(["# the first words\nx = 1\nask()\nx + 1", "def answer(): ask()\nanswer()", "ask()"])
    assert [c.status for c in cells] == ["ok"] * 3
    for cell in cells:
        [tree] = views(cell)
        assert "1 call" in tree.data["text/plain"] and "text/html" in tree.data
        assert "application/vnd.jupyter.widget-view+json" not in tree.data
    assert "2" in cells[0].data()
    assert shell.value("heard()") == [("the first words", "ok", 1), ("answer", "ok", 1), ("cell 5", "ok", 1)]


def test_a_slow_call_is_shown_while_it_runs(shell, truth):
    """The live view is there before the cell ends, in the cell's own output, behind what it printed."""
    # The view can be there before the server has the request: a release then would come too early.
    is_shown = lambda cell: truth.held and any("application/vnd.jupyter.widget-view+json" in one for one in cell.data_of_displays())
    cell = shell.cell("print('first')\nask('hi [hold]')\nprint('second')", when=[(is_shown, truth.release)])
    kinds = [(m["msg_type"], m["content"]) for m in cell.messages]
    shown = next(i for i, (kind, _) in enumerate(kinds) if kind == "display_data")
    assert "application/vnd.jupyter.widget-view+json" in kinds[shown][1]["data"]
    texts = [i for i, (kind, content) in enumerate(kinds) if kind == "stream" and "second" in content["text"]]
    assert shown < texts[0]
    assert [o.output_type for o in cell.outputs] == ["stream", "display_data", "stream"]


QUIET = [
    "x = 1",
    "x",
    "import math\nmath.pi",
    "%time 1 + 1",
    "!echo hello",
    "%%bash\necho hi",
    "%matplotlib inline",
    f"with {sdk.code_of_span('x', 'mine')}: pass",
    "await asyncio.sleep(0.3)",
    "",
    "# only a comment",
    "1/0",
    "x = =",
    "from IPython.display import clear_output\nfor i in range(3):\n    clear_output(wait=True); print(i); time.sleep(.12)",
]


@pytest.mark.own_kernel
def test_a_cell_without_calls_shows_nothing(shell, tmp_path):
    """No output, no widget, no comm and no run of ours; the saved file is as without us."""
    for source in QUIET:
        cell = shell.cell(source)
        assert not views(cell), cell
        assert not [m for m in cell.messages if m["msg_type"].startswith("comm")], source
        assert "display_data" not in [o.output_type for o in cell.outputs], cell
    assert shell.value("heard()") == []
    assert shell.value("last_run() is None")
    assert "aimon" not in json.dumps([c.outputs for c in shell.notebook.cells])


def test_tables_are_about_the_last_run_with_calls(shell):
    """A cell that only looks is no run: `%ai_usage` after it speaks of the cell before."""
    [_, _, usage] = shell.run(["ask()", "1 + 1", "u = %ai_usage\nint(u.calls.sum()), u.attrs['run_id'] == runs()[0].run_id"])
    assert usage.data() == ["(1, True)"]


def test_a_tracked_cell_is_not_doubled(shell):
    """A cell with a header of its own has one run, and so has what a cell tracks inside."""
    cells = shell.run(
        ["%%ai_track named\nask()", "# ai_track: commented\nask()", "%%time\n%%ai_track below\nask()", "%ai_track ask()"]
    )
    assert [len(views(c)) for c in cells] == [1, 1, 1, 1]
    assert shell.value("heard()") == [(n, "ok", 1) for n in ("named", "commented", "below", "ask()")]


def test_time_and_errors(shell):
    """`%%time` cells, async cells and failing cells have their run, with their status."""
    cells = shell.run(["%%time\nask()", "await aclient.models.list() if 0 else ask()", "ask()\n1/0", "ask('hi [status 500]')"])
    assert [c.status for c in cells] == ["ok", "ok", "error", "error"]
    assert [len(views(c)) for c in cells] == [1, 1, 1, 1]
    assert [(s, n) for _, s, n in shell.value("heard()")] == [("ok", 1), ("ok", 1), ("error", 1), ("error", 1)]


def test_interrupted(shell):
    """An interrupted cell with a call is `interrupted`; one without stays nothing."""
    a = shell.cell("ask()\nprint('ready')\ntime.sleep(600)", interrupt_when="ready")
    b = shell.cell("print('ready')\ntime.sleep(600)", interrupt_when="ready")
    assert (a.ename, b.ename) == ("KeyboardInterrupt",) * 2
    assert [s for _, s, _ in shell.value("heard()")] == ["interrupted"]
    assert len(views(a)) == 1 and not views(b)


def test_a_call_after_its_cell(shell, truth):
    """A task that outlives its quiet cell makes the cell's run when it calls a model."""
    wait = f"await asyncio.to_thread(urllib.request.urlopen, '{truth.root}/hold')"
    [cell] = shell.run([f"import urllib.request\nasync def later():\n    {wait}\n    await asyncio.to_thread(ask)\nt = asyncio.create_task(later())"])
    truth.wait_held()
    assert shell.value("heard()") == []
    truth.release()
    shell.read_until(lambda: [(s, n) for _, s, n in shell.value("heard()")] == [("ok", 1)])
    shell.read_until(lambda: "✓" in str(views(cell)))
    assert len(views(cell)) == 1 and "1 call" in str(views(cell))
    assert "still running" not in str(views(cell)) and "was heard" not in str(views(cell))


@pytest.mark.parametrize("wait", [True, False])
def test_clear_output(shell, wait):
    """A loop of clear_output with calls leaves the tree once, and the user's last output."""
    [cell] = shell.run(
        [f"from IPython.display import clear_output\nfor i in range(4):\n    clear_output(wait={wait}); print('round', i); ask(); time.sleep(.15)"]
    )
    assert len(views(cell)) == 1 and "round 3" in cell.text and "round 2" not in cell.text


def test_off_state_and_wrong_words(shell):
    """`%ai_auto` says the state, `off` ends it, a wrong word is one line; so does `%config`."""
    cells = shell.run(
        ["%ai_auto", "%ai_auto maybe", "%ai_auto on off", "%ai_auto off", "%ai_auto", "ask()", "%config AimonMagics.auto = True", "ask()"]
    )
    assert cells[0].data() == ["'on'"] and cells[4].data() == ["'off'"]
    for wrong in cells[1:3]:
        assert wrong.status == "error" or "UsageError" in wrong.text
        assert wrong.ename == "UsageError" and len((wrong.evalue or "").splitlines()) == 1
    assert "maybe" in cells[1].evalue and "on or off" in cells[1].evalue
    assert not views(cells[5]) and views(cells[7])
    assert shell.value("get_ipython().complete('%ai_a')[1]") == ["%ai_auto"]


def test_reload_and_unload(shell):
    """It survives `%reload_ext`; after `%unload_ext` nothing is tracked, and it holds again after a load."""
    cells = shell.run(["%reload_ext aimon_nb", "ask()", "%unload_ext aimon_nb", "ask()", "%load_ext aimon_nb", "ask()"])
    assert [len(views(c)) for c in cells] == [0, 1, 0, 0, 0, 1]
    assert all(c.status == "ok" for c in cells)


def test_a_wrong_setting_is_refused(shell):
    """A wrong value is one line, changes nothing, and a reload does not trip over it."""
    cells = shell.run(
        ["%config AimonMagics.max_spans = 0", "%config AimonMagics.max_runs = 'many'", "%reload_ext aimon_nb", "%config AimonMagics.max_spans", "%config AimonMagics"]
    )
    for wrong in cells[:2]:
        assert len(wrong.text.strip().splitlines()) == 1 and "max_" in wrong.text, wrong.text
    assert [c.status for c in cells] == ["ok"] * 5 and not cells[2].text
    assert cells[3].data() == ["20000"]
    for name in ("auto", "max_spans", "max_attribute_bytes", "max_runs"):
        assert f"AimonMagics.{name}" in cells[4].text


def test_sentry_hears_of_calls_only(kernels, truth, receiver):
    """A cell without a call sends no root and no event; one with a call does."""
    kernel = kernels(env={"SENTRY_DSN": receiver.dsn})
    kernel.run([SETUP.format(url=truth.url), "%ai_auto on", "%config AimonMagics.sentry_auto = True", "1 + 1", "1/0", "await asyncio.sleep(0)", "# told\nask()", "sentry_sdk.flush(5)"])
    assert [kind for kind, _ in receiver.got if kind == "event"] == []
    assert [root["name"] for root in receiver.roots()] == ["told"]


def test_sentry_stream(kernels, truth, receiver):
    """The same in the stream lifecycle."""
    kernel = kernels()
    kernel.run(
        [SETUP.format(url=truth.url), f"sentry_sdk.init({receiver.dsn!r}, traces_sample_rate=1.0, default_integrations=False, trace_lifecycle='stream')",
         "%ai_auto on", "%config AimonMagics.sentry_auto = True", "1 + 1", "await asyncio.sleep(0)", "# told\nask()", "sentry_sdk.flush(5)"]
    )
    assert sorted(s["name"] for s in receiver.spans() if s["op"] == "ai.pipeline") == ["told"]
