"""Our own work is in no shown time, in a real kernel: what is imported where, and when the head ends."""

import pytest

ASK = """
import openai, sys, threading, time
client = openai.OpenAI(base_url={url!r}, api_key="k", max_retries=0)
def ask(stream=False):
    more = {{"stream": True, "stream_options": {{"include_usage": True}}}} if stream else {{}}
    answer = client.chat.completions.create(model="gpt-4o", messages=[{{"role": "user", "content": "hello"}}], **more)
    return list(answer) if stream else answer
import requests
def ask_requests(): return requests.post({url!r} + "/chat/completions", json={{"model": "gpt-4o", "messages": []}}).content
"""
# Which modules are imported for the first time, by which thread; set up when the kernel is warm.
WATCH = """
class Watch:
    def find_spec(self, name, path=None, target=None):
        imported.append((threading.current_thread().name, name))
imported = []
sys.meta_path.insert(0, Watch())
"""
HEAVY = ["pandas", "numpy", "anywidget", "ipywidgets", "genai_prices", "sqlite3", "opentelemetry", "httpx", "openai", "aimon_nb.views.live.widget"]
RUN = "__import__('aimon_nb').last_run()._run"
# When the head of the last run ends, on the clock of `time.perf_counter_ns`.
END = f"(lambda r: __import__('aimon_nb').capture.recorder.run_states[r.run_id].t0 + round(r.duration * 1e9))({RUN})"
BEGIN = f"__import__('aimon_nb').capture.recorder.run_states[{RUN}.run_id].t0"


@pytest.mark.own_kernel
@pytest.mark.parametrize("call", ["ask()", "ask(stream=True)", "ask_requests()"])
def test_nothing_is_first_imported_in_a_request(kernel, truth, call):
    """In the first tracked cell of a kernel no module is imported on the user's thread once its code runs, nor a price while it does."""
    kernel.run([ASK.format(url=truth.url), call, "%load_ext aimon_nb", WATCH])
    [cell] = kernel.run([f"%%ai_track first\nimported.clear()\n{call}\nduring = list(imported)\nloaded = 'genai_prices' in sys.modules"])
    assert cell.status == "ok"
    assert kernel.value("during") == [] and kernel.value("loaded") is False
    assert kernel.value(f"{RUN}.totals.calls") == 1
    assert kernel.value("'genai_prices.data' in sys.modules") and kernel.value("{thread for thread, name in imported if name.startswith('genai_prices')}") == {"aimon_nb"}


@pytest.mark.own_kernel
def test_loading_imports_nothing_heavy(kernel):
    """After `%load_ext`, and when what it began has ended, nothing heavy is in memory; a first run without a call imports the widget alone."""
    loaded = f"[name for name in {HEAVY!r} if name in __import__('sys').modules]"
    before = kernel.value(loaded)
    kernel.run(["%load_ext aimon_nb"])
    kernel.value("[t.join() for t in __import__('threading').enumerate() if t.name == 'aimon_nb getting ready'] and 0")
    assert kernel.value(loaded) == before
    kernel.run(["%%ai_track first\n1"])
    assert set(kernel.value(loaded)) - {"anywidget", "ipywidgets", "aimon_nb.views.live.widget"} == set(before)


@pytest.mark.own_kernel
def test_the_widget_is_imported_on_our_thread(kernel):
    """What the live view brings along is imported before the run begins, and costs the user's thread nothing."""
    kernel.run(["import sys, threading", "%load_ext aimon_nb", WATCH, "%%ai_track first\n1"])
    threads = kernel.value("{thread for thread, name in imported if name.partition('.')[0] in ('anywidget', 'ipywidgets')}")
    assert threads == {"aimon_nb getting ready"}


FAILING = {
    "a frame": "raise Slow('no')",
    "deep": "def f(n): return f(n - 1) if n else raising()\ndef raising(): raise Slow('no')\nf(20)",
    "an exit": "raise SlowExit('no')",
    "awaited": "import asyncio\nawait asyncio.sleep(0)\nraise Slow('no')",
    "the second of two": "try:\n    raise Slow('one')\nexcept Slow as error:\n    get_ipython().showtraceback()\n    raise Slow('two')",
    "the same once more": "try:\n    raise Slow('one')\nexcept Slow as error:\n    get_ipython().showtraceback()\n    raise",
    "after a cell inside": "get_ipython().run_cell('raise Slow(1)')\nraise Slow('two')",
}
SLOW = """
import time
drawn = []
class Slow(Exception):
    def _render_traceback_(self):
        drawn.append(time.perf_counter_ns())
        return [f"drawn {self}"]
class SlowExit(SystemExit):
    def __str__(self):
        drawn.append(time.perf_counter_ns())
        return "drawn"
"""


@pytest.mark.parametrize("code", FAILING.values(), ids=FAILING)
def test_the_head_ends_where_the_exception_leaves(kernel, code):
    """Drawing the traceback is no part of a failing cell's time, and traceback and output are as without us."""
    kernel.run([SLOW])
    [plain] = kernel.run([code])
    kernel.run(["%load_ext aimon_nb", "drawn.clear()"])
    [cell] = kernel.run([f"%%ai_track fails --view none\nbegun = time.perf_counter_ns()\n{code}"])
    assert kernel.value("begun") <= kernel.value(END) <= kernel.value("drawn[-1]")
    assert kernel.value(BEGIN) <= kernel.value("begun")
    assert cell.status == plain.status and cell.ename == plain.ename and cell.evalue == plain.evalue
    assert [o.output_type for o in cell.outputs] == [o.output_type for o in plain.outputs] and cell.text == plain.text
    assert kernel.value(f"{RUN}.status") == "error"


def test_a_plain_traceback_is_the_same(kernel):
    """Line for line, but for the magic's own line; and the error of a cell that is not tracked is IPython's alone."""
    code = "def f():\n    return 1 / 0\nf()"
    [plain] = kernel.run([f"# one\n{code}"])
    kernel.run(["%load_ext aimon_nb"])
    [cell, after] = kernel.run([f"%%ai_track one\n{code}", f"# one\n{code}"])

    def lines(result):
        return [line.replace("#%%ai_track one", "# one") for line in result.traceback if "In[" not in line and "Cell" not in line]

    assert lines(cell) == lines(plain) == lines(after)
    assert "drawn" not in str(cell.outputs)


HANDLERS = {
    "another showtraceback": (
        "ip.showtraceback = lambda *a, **k: (drawn.append(time.perf_counter_ns()), print('shown'))",
        "ip.__dict__.pop('showtraceback')",
    ),
    "set_custom_exc": (
        "ip.set_custom_exc((KeyError,), lambda self, ty, error, tb, tb_offset=None: (drawn.append(time.perf_counter_ns()), print('shown'))[:0] or None)",
        "ip.set_custom_exc((), None)",
    ),
}


@pytest.mark.parametrize("when", ["before the load", "after the load"])
@pytest.mark.parametrize("handler", HANDLERS)
def test_what_the_user_shows_errors_with(kernel, handler, when):
    """A way of his own to show errors is called as ever, its time is no part of the run, and it stays when we go."""
    put, undo = HANDLERS[handler]
    before, after = (put, "pass") if when == "before the load" else ("pass", put)
    kernel.run([SLOW + f"\nip = get_ipython()\n{before}", "%load_ext aimon_nb", "%%ai_track first --view none\n1", after])
    [cell] = kernel.run(["%%ai_track fails --view none\nraise KeyError('no')"])
    assert cell.text == "shown\n" and kernel.value("len(drawn)") == 1
    assert kernel.value(END) <= kernel.value("drawn[-1]")
    [cell] = kernel.run(["%unload_ext aimon_nb", "raise KeyError('no')"])[1:]
    assert cell.text == "shown\n"
    kernel.run([undo])


def test_unloading_puts_the_shell_back(kernel):
    """Nothing of ours is left on the shell."""
    kernel.run(["ip = get_ipython()\nbefore = {name: ip.__dict__.get(name) for name in ('showtraceback', 'CustomTB')}"])
    kernel.run(["%load_ext aimon_nb", "%%ai_track one\n1/0", "%unload_ext aimon_nb"])
    assert kernel.value("before == {name: ip.__dict__.get(name) for name in ('showtraceback', 'CustomTB')}")
    assert kernel.value("not [name for name in vars(ip) if 'aimon' in str(getattr(vars(ip)[name], '__module__', ''))]")


def test_a_fault_of_ours_hides_no_traceback(kernel):
    """Where the note of an error fails, the traceback is shown all the same, and the fault is counted."""
    kernel.run(["%load_ext aimon_nb", "from aimon_nb.notebook.error_clock import ErrorClock\nErrorClock._note = lambda self: 1 / 0"])
    [cell] = kernel.run(["%%ai_track one\nraise KeyError('mine')"])
    assert cell.ename == "KeyError" and sum(o.output_type == "error" for o in cell.outputs) == 1
    assert kernel.value(f"{RUN}.status") == "error" and kernel.value("__import__('aimon_nb').capture.internal_errors.internal_errors.count") == 1


def test_the_page_is_told_the_same_time(kernel):
    """What the page hears first of the end of a failing cell is its true time, too."""
    kernel.run([SLOW, "%load_ext aimon_nb"])
    hear = "from aimon_nb.views.live.widget.kernel_widget import RunChannel\nheard = []\npost = RunChannel.post\nRunChannel.post = lambda self, message: (heard.append(message), post(self, message))"
    kernel.run([hear, "%%ai_track fails\nraise Slow('no')", "RunChannel.post = post"])
    [first, *_] = kernel.value("[one['header']['dur'] for one in heard if one['k'] == 'rows' and one['header']['counting'] and one['header']['status'] == 'error']")
    assert first == pytest.approx(kernel.value(f"{RUN}.duration"), abs=1e-3)
