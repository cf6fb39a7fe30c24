"""A tracked cell is the user's cell: results, tracebacks, status and state are unchanged."""

import pytest

from tests.parts import sdk

SETUP = f"""
%load_ext aimon_nb
import sentry_sdk, asyncio, threading, time
from aimon_nb import ai_track, get_ai_pipeline_name, last_run
{sdk.SPAN_FUNCTION}
def spans():
    return [(s.name, s.status) for s in last_run()._run.spans.values() if s.span_id != last_run()._run.root_id]
"""


SPANS = "tracing" if sdk.HAS_TRANSACTIONS else "traces"


@pytest.fixture
def shell(kernel):
    """A kernel with the extension loaded."""
    [done] = kernel.run([SETUP])
    assert done.status == "ok" and done.text == "" and done.outputs == []
    return kernel


def test_last_expression_is_displayed(shell):
    """The last expression is displayed and `_` and `Out` hold it."""
    [a, b] = shell.run(["%%ai_track demo\nx = 41\nx + 1", "(_, Out[2])"])
    assert a.data()[-1] == "42"
    assert b.data()[-1] == "(42, 42)"


def test_semicolon_silences(shell):
    """A trailing semicolon shows no value."""
    [a] = shell.run(["%%ai_track demo\n42;"])
    assert "42" not in a.data()


def test_await(shell):
    """Top-level await works, and tasks are under the pipeline."""
    [a] = shell.run(
        [
            "%%ai_track demo\nasync def f(i):\n    with span(f't{i}'):\n"
            "        await asyncio.sleep(.01)\n        return get_ai_pipeline_name()\n"
            "await asyncio.gather(f(0), f(1))"
        ]
    )
    assert a.status == "ok", a.traceback
    assert a.data()[-1] == "['demo', 'demo']"
    assert shell.value("spans()") == [("t0", "ok"), ("t1", "ok")]


def test_error_has_true_line_numbers(shell):
    """One traceback, with the user's line numbers and no frame of ours; the cell fails."""
    [a, b] = shell.run(["%%ai_track boom\nx = 1\n1/0", "last_run().status"])
    assert a.status == "error" and a.ename == "ZeroDivisionError"
    text = "\n".join(a.traceback)
    assert "----> 3 1/0" in text
    assert "aimon_nb" not in text.replace("%%ai_track", "")
    assert sum(o.output_type == "error" for o in a.outputs) == 1
    assert b.data() == ["'error'"]


def test_async_error(shell):
    """An error after an await has its line number too."""
    [a] = shell.run(["%%ai_track boom\nawait asyncio.sleep(0)\nraise ValueError('no')"])
    assert a.status == "error" and "----> 3 raise" in "\n".join(a.traceback)


def test_syntax_error(shell):
    """A syntax error is reported as ever, and leaves no view and no run."""
    [a, b] = shell.run(["%%ai_track bad\nx = 1\nx =", "last_run()"])
    assert a.status == "error" and a.ename == "SyntaxError"
    assert not [o for o in a.outputs if o.output_type == "display_data"]
    assert b.data() == [] and b.status == "ok"


def test_interrupt_sync(shell):
    """An interrupt is KeyboardInterrupt at the user's line; the run is `interrupted`."""
    a = shell.cell("%%ai_track stop\nwith span('busy'):\n    print('ready')\n    time.sleep(600)", interrupt_when="ready")
    assert a.ename == "KeyboardInterrupt"
    assert shell.value("last_run().status") == "interrupted"
    assert shell.value("spans()") == [("busy", "interrupted")]
    [b] = shell.run(["print(get_ai_pipeline_name(), sentry_sdk.get_current_span())"])
    assert b.text == "None None\n"


def test_interrupt_async(shell):
    """An interrupted async cell is `interrupted`, whatever ipykernel calls it."""
    a = shell.cell("%%ai_track stop\nfor _ in range(6000):\n    print('ready')\n    await asyncio.sleep(.1)", interrupt_when="ready")
    assert a.status == "error"
    assert shell.value("last_run().status") == "interrupted"


def test_below_another_magic(shell):
    """`%%time` above or below works; errors pass through with our frames hidden."""
    [a, b, c, plain] = shell.run(
        [
            "%%time\n%%ai_track inner\nwith span('s'): pass",
            "%%ai_track outer\n%%time\nwith span('u'): pass",
            "%%time\n%%ai_track inner\n1/0",
            "%%time\n1/0",
        ]
    )
    # %%time of IPython 8 shows an error and goes on.
    assert (a.status, b.status, c.status) == ("ok", "ok", plain.status)
    assert "Wall time" in a.text and "Wall time" in b.text
    assert ["ZeroDivisionError"] == [o.ename for o in c.outputs if o.output_type == "error"]
    assert shell.value("[r.name for r in __import__('aimon_nb').runs()]") == ["inner", "outer", "inner"]


def test_nested_run_cell(shell):
    """A tracked cell run from a cell has its own run, and the outer one goes on."""
    [a] = shell.run(
        [
            "%%ai_track outer\nget_ipython().run_cell('%%ai_track inner\\n2+3')\nget_ipython().run_cell('')\n"
            "with span('after'): pass\nget_ai_pipeline_name()"
        ]
    )
    assert a.data()[-1] == "'outer'"
    runs = shell.value("[(r.name, [s.name for s in r._run.spans.values()]) for r in __import__('aimon_nb').runs()]")
    assert runs == [("outer", ["outer", "inner", "after"]), ("inner", ["inner"])] or runs == [
        ("outer", ["outer", "after"]),
        ("inner", ["inner"]),
    ]


def test_bad_option_fails_without_running(shell):
    """A wrong option is one line; the cell fails and its body does not run."""
    [a, b] = shell.run(["%%ai_track demo --bogus\nran = True", "'ran' in globals()"])
    assert a.status == "error" and (a.ename == "UsageError" or "UsageError" in a.text)
    assert b.data() == ["False"]


def test_help(shell):
    """`-h` shows the help and runs nothing."""
    [a, b] = shell.run(["%%ai_track -h\nran = True", "'ran' in globals()"])
    assert "--view" in a.text and b.data() == ["False"]


def test_threads_carry_run_and_pipeline(shell):
    """Threads and pools belong to the cell that made them; the user's own ContextVars stay his."""
    [a] = shell.run(
        [
            "%%ai_track demo\nfrom concurrent.futures import ThreadPoolExecutor\nfrom contextvars import ContextVar\n"
            "mine = ContextVar('mine', default='unset'); mine.set('set')\nseen = []\n"
            "def work(i):\n    with span(f'w{i}'): seen.append((get_ai_pipeline_name(), mine.get()))\n"
            "with span('parent'):\n"
            "    t = threading.Thread(target=work, args=(0,)); t.start(); t.join()\n"
            "    with ThreadPoolExecutor(2) as pool: list(pool.map(work, (1, 2)))\nset(seen)"
        ]
    )
    assert a.data()[-1] == "{('demo', 'unset')}"
    parents = shell.value(
        "(lambda r: sorted((s.name, r.spans[s.parent_id].name) for s in r.spans.values() if s.parent_id))(last_run()._run)"
    )
    assert parents == [("parent", "demo"), ("w0", "parent"), ("w1", "parent"), ("w2", "parent")]


def test_pipeline_magic(shell):
    """`%ai_pipeline` sets, shows and clears the notebook's pipeline; a cell's own name goes first."""
    cells = shell.run(
        [
            "%ai_pipeline my bot",
            "%ai_pipeline",
            "%%ai_track\n# first words\nget_ai_pipeline_name()",
            "%%ai_track named\nget_ai_pipeline_name()",
            "get_ai_pipeline_name()",
            "%ai_pipeline --clear",
            "print(get_ai_pipeline_name())",
        ]
    )
    assert [c.data()[-1:] for c in cells[:5]] == [[], ["'my bot'"], ["'my bot'"], ["'named'"], ["'my bot'"]]
    assert cells[6].text == "None\n"
    assert shell.value("last_run().name") == "named"


def test_unload_and_reload(shell):
    """After `%unload_ext` nothing of ours is left; after `%reload_ext` everything is there once."""
    state = (
        f"import sentry_sdk.{SPANS} as t, sys, concurrent.futures as cf\n"
        "def state():\n    ip = get_ipython()\n    return dict(cb={k: len(v) for k, v in ip.events.callbacks.items()},"
        " tr=len(ip.input_transformers_cleanup), conf=len(ip.configurables),"
        " spans=hasattr(t.Span.__exit__, '__wrapped__'), start=threading.Thread.start.__module__,"
        " submit=cf.thread._WorkItem.run.__module__, meta=len(sys.meta_path),"
        " threads=sum(x.name == 'aimon_nb' for x in threading.enumerate()),"
        " magics=sum('ai_' in n for k in ip.magics_manager.magics.values() for n in k))\nloaded = state()"
    )
    shell.run([state, "%%ai_track one\n1"])
    shell.run(["%reload_ext aimon_nb"])
    loaded, reloaded = shell.value("loaded"), shell.value("state()")
    assert reloaded == {**loaded, "threads": reloaded["threads"]}
    shell.run(["%unload_ext aimon_nb"])
    bare = shell.value("state()")
    assert (True, False) == (loaded["spans"], bare["spans"])
    assert bare["start"] == "threading" and bare["submit"].startswith("concurrent")
    assert bare["threads"] == 0 and bare["magics"] == 0
    assert bare["tr"] == loaded["tr"] - 1 and bare["conf"] == loaded["conf"] - 1
    assert bare["meta"] == loaded["meta"] - 1
    [a] = shell.run(["%load_ext aimon_nb\n", ])
    assert a.text == ""
    [b] = shell.run(["%%ai_track two\n2"])
    assert b.data()[-1] == "2"


def test_guarded_init_of_the_user_runs(shell):
    """`if not sentry_sdk.is_initialized(): sentry_sdk.init(...)` still runs in a tracked cell."""
    [a] = shell.run(
        ["%%ai_track demo\nran = False\nif not sentry_sdk.is_initialized():\n    sentry_sdk.init(); ran = True\nran"]
    )
    assert a.data()[-1] == "True"


def test_empty_cell_says_why(shell):
    """A tracked cell in which nothing was heard says so."""
    shell.run(["%%ai_track quiet\nx = 1"])
    assert shell.value("last_run()._run.notes") == ["no span and no model call was heard in this cell"]


CLEARS = """%%ai_track demo
from IPython.display import clear_output, HTML, display
for i in range(4):
    with span(f's{i}'): time.sleep(.05)
    clear_output(wait={wait})
    {show}
"""


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize("show", ["print('round', i)", "display(HTML(f'round {i}'))"])
def test_clear_output(shell, wait, show):
    """A loop of clear_output leaves the tree once, first, and the user's last output."""
    [a] = shell.run([CLEARS.replace('{wait}', str(wait)).replace('{show}', show)])
    assert a.status == "ok", a.traceback
    [tree, last] = a.outputs
    assert "s3" in tree.data["text/plain"] and "demo" in tree.data["text/plain"]
    assert "round 3" in str(last)


@pytest.mark.parametrize("clear", ["clear_output()", "clear_output(wait=True)"])
def test_clear_output_around_a_run_inside(shell, clear):
    """A run inside a tracked cell, open at the clear or over before it, does not take the cell's tree along."""
    shell.run(["from IPython.display import clear_output"])
    nested, statement = shell.run(
        [f"%%ai_track outer\nfor i in range(3):\n    get_ipython().run_cell('%%ai_track inner\\n1;'); {clear}; print('round', i)",
         f"%%ai_track outer\n%ai_track {clear}\nprint('said')"]
    )
    # The waiting clear comes when the statement is over: what it left goes with the rest.
    inside = [] if "wait" in clear else [clear]
    for cell, runs in ((nested, ["outer"]), (statement, ["outer", *inside])):
        trees = [text for text in cell.data() if " ok  " in text.splitlines()[0]]
        assert [any(name in text.splitlines()[0] for text in trees) for name in runs] == [True] * len(runs), (trees, runs)
        assert len(trees) == len(runs)
    assert nested.stream() == "round 2\n" and statement.stream() == "said\n"
    assert shell.value("'send' in get_ipython().kernel.session.__dict__") is False


@pytest.mark.parametrize("wait", [True, False])
def test_clear_output_in_a_block(shell, wait):
    """Nor does it take away the tree of `with track` in a cell without a magic."""
    cell = CLEARS.replace("%%ai_track demo\n", "").replace("for i in range(4):", "with track('demo'):\n  for i in range(4):").replace("    with", "      with").replace("    clear", "      clear").replace("    {show}", "      print('round', i)")
    [a] = shell.run(["from aimon_nb import track\n" + cell.replace("{wait}", str(wait))])
    assert a.status == "ok", a.traceback
    [tree, last] = a.outputs
    assert "s3" in tree.data["text/plain"] and "round 3" in str(last)
    assert shell.value("'send' in get_ipython().kernel.session.__dict__") is False


def test_clear_output_in_an_output_widget(shell):
    """A clear inside an ipywidgets.Output is its own affair."""
    [a] = shell.run(
        ["%%ai_track demo\nimport ipywidgets\nfrom IPython.display import clear_output\nout = ipywidgets.Output(); display(out)\n"
         "with out:\n    for i in range(3):\n        clear_output(wait=True); print('in', i)\nprint('after')"]
    )
    assert a.status == "ok", a.traceback
    trees = [o for o in a.outputs if "demo" in str(o.get("data", ""))]
    assert len(trees) == 1 and a.stream().strip().endswith("after")
    assert shell.value("'send' in get_ipython().kernel.session.__dict__") is False


def test_interrupt_of_a_waiting_async_cell(shell):
    """An async cell that only waits is interrupted at once."""
    a = shell.cell("%%ai_track stop\nprint('ready')\nawait asyncio.sleep(600)", interrupt_when="ready")
    assert a.status == "error"
    assert shell.value("last_run().status") == "interrupted"


@pytest.mark.own_kernel
def test_no_call_after_an_interrupt(shell, truth):
    """After an interrupt no queued model call is sent any more, and Python's own handler is in place when the cell is over."""
    # Asked by a hook in the cell's own request: ipykernel puts its handler back for each request.
    shell.run(["import signal\nhandlers = []\nget_ipython().events.register('post_run_cell', lambda _: handlers.append(signal.getsignal(2)))"])
    shell.run([f"import openai\nfrom concurrent.futures import ThreadPoolExecutor\nclient = openai.OpenAI(base_url={truth.url!r}, api_key='k', max_retries=0)\n"
               "def ask(i): return client.chat.completions.create(model='gpt-4o', messages=[dict(role='user', content=f'{i} [hold]')])"])
    cell = """%%ai_track stop
with ThreadPoolExecutor(2) as pool:
    jobs = [pool.submit(ask, i) for i in range(12)]
    try:
        [job.result() for job in jobs]
    except KeyboardInterrupt:
        print('stopped')
        raise
"""
    both_are_under_way = lambda _: truth.held == 2
    a = shell.cell(cell, interrupt_when=both_are_under_way, when=[("stopped", truth.release)])
    assert a.ename == "KeyboardInterrupt"
    assert len(truth.settled()) == 2
    refused = shell.value("[s.error_type for s in last_run()._run.spans.values() if s.status == 'error']")
    assert refused == ["RunStopped"] * 10
    assert shell.value("handlers[-1] is signal.default_int_handler") is True


def test_comment_header(shell):
    """A first line `# ai_track: NAME [options]` tracks the cell as plain Python; a wrong option fails it."""
    [a, b, c] = shell.run(
        ["# ai_track: my answer\nx = 1\nget_ai_pipeline_name()", "# ai_track: bad --bogus\nran = True", "'ran' in globals()"]
    )
    assert a.data()[-1] == "'my answer'" and a.status == "ok"
    assert b.status == "error" and c.data() == ["False"]
    assert shell.value("last_run().name") == "my answer"


def test_statement(shell):
    """`%ai_track STATEMENT` runs and tracks one statement, and gives its value."""
    [a, b, c] = shell.run(["%ai_track 20 + 1", "x = %ai_track 2*3", "x"])
    assert a.data()[-1] == "21" and c.data()[-1] == "6"
    assert shell.value("[r.name for r in __import__('aimon_nb').runs()]") == ["20 + 1", "2*3"]


def test_a_semicolon_silences_a_statement(shell):
    """`%ai_track STATEMENT;` shows no value, as `%time` does, and so does a cell below another magic."""
    cells = shell.run(["%ai_track 20 + 1;", "%%time\n%%ai_track below\n20 + 1;", "%time 20 + 1;"])
    assert [c.status for c in cells] == ["ok"] * 3
    assert ["21" in c.data() for c in cells] == [False] * 3


@pytest.mark.parametrize("stream", [pytest.param(False, id="static", marks=sdk.transactions), pytest.param(True, id="stream")])
def test_no_frame_of_ours_around_the_sdk(shell, stream):
    """Where the SDK itself refuses what it is given, the traceback shows the user's and the SDK's frames alone."""
    if stream:
        shell.run(["sentry_sdk.init(traces_sample_rate=1.0, default_integrations=False, trace_lifecycle='stream')"])
    wrong = ["sentry_sdk.start_transaction(5)", "sentry_sdk.start_span(op='x', name='y').finish(end_timestamp=5)"]
    if stream:
        wrong = ["sentry_sdk.traces.start_span('a', 5)", "sentry_sdk.traces.start_span('a').end('now')", "sentry_sdk.traces.start_span('a').set_attributes(5)"]
    inside = "sentry_sdk.get_current_scope().start_span(op='x').__exit__(None, None, None)"
    for source in [*wrong, inside]:
        plain, cell = shell.run([source, f"%%ai_track wrong\n{source}"])
        assert (cell.status, cell.ename, cell.evalue) == (plain.status, plain.ename, plain.evalue), source
        assert "/aimon_nb/" not in "\n".join(cell.traceback), cell.traceback


def test_no_frame_of_ours_around_a_call(shell):
    """A connection that fails, in the cell and in a pool, shows the user's and the client's frames alone."""
    shell.run(
        ["import openai\nfrom concurrent.futures import ThreadPoolExecutor\nfrom aimon_nb import ai_track\n"
         "client = openai.OpenAI(base_url='http://127.0.0.1:9/v1', api_key='k', max_retries=0)\n"
         "@ai_track('step')\ndef ask(): return client.chat.completions.create(model='m', messages=[])"]
    )
    cells = shell.run(["%%ai_track down\nask()", "%%ai_track pool\nwith ThreadPoolExecutor(1) as pool: pool.submit(ask).result()"])
    for cell in cells:
        text = "\n".join(cell.traceback)
        assert "APIConnectionError" in text and "httpx" in text
        assert "/aimon_nb/" not in text, text


def test_a_run_shown_in_its_own_cell(shell):
    """A run that is displayed while it runs is kept as it ended, there too."""
    [a, b] = shell.run(["%%ai_track demo\nfrom aimon_nb import last_run\nwith span('one'): display(last_run())\n1;", "last_run()"])
    assert [set(o.data) for o in a.outputs] == [{"text/html", "text/plain"}] * 2
    assert [text.split()[:3] for text in a.data()] == [["✓", "ok", "demo"]] * 2
    assert "still running" not in str(a.outputs)
    assert [o.output_type for o in b.outputs] == ["execute_result"]
