"""Every kind of cell that people write: tracked, it is what it would have been without us."""

import sys

import pytest

from tests.parts import sdk

SETUP = f"""
%load_ext aimon_nb
import sentry_sdk, asyncio, threading, time, contextvars
from aimon_nb import get_ai_pipeline_name, last_run, runs
{sdk.SPAN_FUNCTION}
def step(name='s'):
    with span(name): pass
def names(run=None):
    run = (run or last_run())._run
    return [s.name for s in run.spans.values() if s.span_id != run.root_id]
def clean():
    return sentry_sdk.get_current_span(), get_ai_pipeline_name()
"""


@pytest.fixture
def shell(kernel):
    """A kernel with the extension loaded."""
    [done] = kernel.run([SETUP])
    assert done.status == "ok" and done.outputs == [], done
    return kernel


def tracked(shell, cell, count=1):
    """The last cell has one tree, and nothing of ours reaches the next cell."""
    trees = [o for o in cell.outputs if "aimon-host" in str(o.get("data", {}).get("text/html"))]
    assert len(trees) == count, cell
    assert shell.value("str(clean())") == "(None, None)"
    assert shell.value("__import__('aimon_nb.capture.internal_errors').capture.internal_errors.internal_errors.count") == 0


def test_magics_inside(shell, tmp_path):
    """`%run`, `!cmd`, `x = !cmd`, `%timeit`, `%time` and `%%` magics below the header work and are heard."""
    (tmp_path / "script.py").write_text("step('in script')\nfrom_script = 1\n")
    for source, says, heard in [
        ("%run -i script.py", "", ["in script"]),
        ("!echo shell words", "shell words", []),
        ("x = !echo kept\nprint(x)", "['kept']", []),
        ("%timeit -n 2 -r 1 step('t')", "loop", ["t", "t"]),
        ("%time step('timed')", "Wall time", ["timed"]),
        ("%%time\nstep('below')", "Wall time", ["below"]),
        ("%%timeit -n 2 -r 1\nstep('tt')", "loop", ["tt", "tt"]),
        ("%%capture out\nprint('hidden'); step('captured')", "", ["captured"]),
        ("%%bash\necho from bash", "from bash", []),
        ("%%writefile made.txt\ntext", "Writing", []),
        ("%%prun -q\nstep('prof')", "", ["prof"]),
    ]:
        cell = shell.cell(f"%%ai_track kind\n{source}")
        assert cell.status == "ok", (source, cell.traceback)
        assert says in cell.text, (source, cell.text)
        assert shell.value("[n for n in names() if not n.startswith(('echo', 'subprocess', 'bash', '/'))]") == heard, source
        tracked(shell, cell)
    assert shell.value("from_script") == 1 and shell.value("out.stdout") == "hidden\n"


def test_above_the_header(shell):
    """A magic above the header tracks what is below, once; `%%capture` keeps it to itself."""
    for source in ["%%time\n%%ai_track in\nstep()", "%%timeit -n 1 -r 1\n%%ai_track in\nstep()"]:
        cell = shell.cell(source)
        assert cell.status == "ok", cell.traceback
        assert shell.value("names()") == ["s"], source
        tracked(shell, cell)
    cell = shell.cell("%%capture out\n%%ai_track in\nprint('hidden'); step()\n7")
    assert cell.status == "ok" and shell.value("names()") == ["s"] and cell.outputs == [], cell
    assert "hidden" in shell.value("out.stdout")


ODD = {
    "header only": ("%%ai_track only", "ok", "only"),
    "header and blank lines": ("%%ai_track only\n\n   \n", "ok", "only"),
    "leading blank lines": ("\n\n%%ai_track late\nstep()", "ok", "late"),
    "indented": ("   %%ai_track in\n   step()\n   x = 1", "ok", "in"),
    "tabs": ("%%ai_track\ttabbed name\t--op\tmy.op\nif 1:\n\tstep()", "ok", "tabbed name"),
    "windows newlines": ("%%ai_track win\r\nstep()\r\nx = 5\r\nx", "ok", "win"),
    "only comments": ("%%ai_track\n# the comment\n# more", "ok", "the comment"),
    "unicode": ("%%ai_track Zusammenfassung – 東京 🎉\nπ = 3; step('é')\nπ", "ok", "Zusammenfassung – 東京 🎉"),
    "unicode comment": ("# ai_track: 東京 --op my.op\nstep()", "ok", "東京"),
    "options first": ("%%ai_track --op my.op first\nstep()", "ok", "first"),
    "options last": ("%%ai_track last one --op my.op --view auto\nstep()", "ok", "last one"),
    "quotes": ("%%ai_track 'a name' \"and more\"\nstep()", "ok", "a name and more"),
    "docstring first": ('%%ai_track doc\n"""words"""', "ok", "doc"),
    "future import": ("%%ai_track fut\nfrom __future__ import annotations\nstep()", "ok", "fut"),
    "a def names it": ("%%ai_track\nasync def plan(x): pass", "ok", "plan"),
    "form feed": ("%%ai_track ff\n\x0cstep()", "ok", "ff"),
    "sys.exit": ("%%ai_track leave\nimport sys; step(); sys.exit(3)", "error", "leave"),
    "raise SystemExit": ("%%ai_track leave\nawait asyncio.sleep(0)\nraise SystemExit", "error", "leave"),
    "recursion": ("%%ai_track deep\ndef f(): return f()\nf()", "error", "deep"),
    "memory": ("%%ai_track mem\nraise MemoryError", "error", "mem"),
    "generator exit": ("%%ai_track gen\nraise GeneratorExit('odd')", "error", "gen"),
    "own base exception": ("%%ai_track own\nclass Own(BaseException): pass\nraise Own('x')", "error", "own"),
    "a broken str": ("%%ai_track bad\nclass E(Exception):\n    def __str__(self): raise RuntimeError\nraise E", "error", "bad"),
    "an error in a function": ("%%ai_track fun\ndef inner():\n    1/0\ninner()", "error", "fun"),
    "exception group": ("%%ai_track grp\nasync def f(): raise ValueError\nawait asyncio.gather(f(), f())", "error", "grp"),
    "autoreload": ("%%ai_track auto\n%load_ext autoreload\n%autoreload 2\nstep()", "ok", "auto"),
    "stdout replaced": ("%%ai_track out\nimport sys, contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()): step()", "ok", "out"),
    "no flush": ("%%ai_track out\nold, sys.stdout = sys.stdout, type('W', (), {'write': print})()\nstep(); sys.stdout = old", "ok", "out"),
    "del get_ipython": ("%%ai_track gone\ngi = get_ipython; del get_ipython; step()", "ok", "gone"),
    "json loads broken": ("%%ai_track brk\nimport random; random.seed(1); a = random.random(); step(); random.seed(1); assert random.random() == a", "ok", "brk"),
    "a thread that fails": ("%%ai_track thr\nt = threading.Thread(target=lambda: 1/0); t.start(); t.join()", "ok", "thr"),
    "a task that goes on": ("%%ai_track task\nasync def on():\n    await asyncio.sleep(.3); step('late')\nt = asyncio.create_task(on())", "ok", "task"),
    "await the late task": ("%%ai_track waits\nawait t; step('own')", "ok", "waits"),
    "nest of cells": ("%%ai_track outer\nget_ipython().run_cell('x = 1\\nstep()'); get_ipython().run_cell('')", "ok", "outer"),
    "nested failing cell": ("%%ai_track outer\nget_ipython().run_cell('1/0'); step()", "ok", "outer"),
    "run_cell_async": ("%%ai_track outer\nip = get_ipython()\nc = 'await asyncio.sleep(0); step()'\nr = await ip.run_cell_async(c, transformed_cell=ip.transform_cell(c))\nr.raise_error()", "ok", "outer"),
    "autoawait off": ("%autoawait False", "ok", None),
    "sync without autoawait": ("%%ai_track sync\nstep()", "ok", "sync"),
    # Python finds these when it compiles the statement: those above it have run by then.
    "await without autoawait": ("%%ai_track none\nawait asyncio.sleep(0)", "error", "none"),
    "autoawait on": ("%autoawait asyncio", "ok", None),
    "break outside a loop": ("%%ai_track none\nx = 1\nbreak", "error", "none"),
    "return outside a function": ("%%ai_track none\nreturn 5", "error", "none"),
    "bad indent": ("%%ai_track none\nif 1:\nx", "error", None),
    # Before 3.12 Python raises ValueError there, for which ipykernel never answers.
    **({"null byte": ("%%ai_track none\nx = '\x00'", "error", None)} if sys.version_info >= (3, 12) else {}),
    "unknown magic": ("%%ai_track um\n%nosuchmagic", None, "um"),
    "help": ("%%ai_track q\nlen?", "ok", "q"),
}


@pytest.mark.own_kernel
def test_odd_cells(shell):
    """Odd cells end as they would, under their name, with one tree; the next cell is clean."""
    trouble = []
    # Asked by a hook in the cell's own request: ipykernel puts its handler back for each request.
    shell.run(["import signal\nhandlers = []\nget_ipython().events.register('post_run_cell', lambda _: handlers.append(signal.getsignal(2)))"])
    for kind, (source, status, name) in ODD.items():
        before = shell.value("len(runs())")
        cell = shell.cell(source)
        if status is not None and cell.status != status:
            trouble.append((kind, "status", cell.status, cell.traceback[-3:]))
        made = shell.value("[(r.name, r.status) for r in runs()][%d:]" % before)
        if [n for n, _ in made] != ([name] if name else []):
            trouble.append((kind, "runs", made))
        if status and made and made[0][1] not in (status, "interrupted"):
            trouble.append((kind, "run status", made))
        trees = [o for o in cell.outputs if "aimon-host" in str(o.get("data", {}).get("text/html"))]
        if len(trees) != len(made):
            trouble.append((kind, "trees", len(trees)))
        if cell.status == "error":
            plain = shell.cell(source.partition("\n")[2])
            said = [[o.ename for o in c.outputs if o.output_type == "error"] for c in (cell, plain)]
            if said[0] != said[1] or cell.ename != plain.ename:
                trouble.append((kind, "errors", said))
        if cell.status == "error" and "/aimon_nb/" in "\n".join(cell.traceback):
            trouble.append((kind, "our frames", cell.traceback))
        if shell.value("(lambda s: str(clean()))(0)") != "(None, None)":
            trouble.append((kind, "not clean", shell.value("str(clean())")))
        # While an async cell runs ipykernel has a handler of its own there.
        if shell.value("(getattr(handlers[-1], '__module__', '') or '').startswith('aimon_nb') or type(handlers[-1]).__module__.startswith('aimon_nb')"):
            trouble.append((kind, "signal handler"))
    assert trouble == []
    assert shell.value("__import__('aimon_nb.capture.internal_errors').capture.internal_errors.internal_errors.count") == 0
    assert shell.value("[(s.name, s.late) for r in runs() if r.name == 'task' for s in r._run.spans.values()][1:]") == [("late", True)]


def test_reset_and_lost_names(shell):
    """`%reset -f` and its like do not break the run or the next cell."""
    cells = shell.run(
        ["%%ai_track reset\nstep()\n%reset -f", "%%ai_track after\n1 + 1", "%%ai_track clear\n%reset_selective -f step", "%%ai_track again\n2 + 2",
         "import aimon_nb\n[(r.name, r.status) for r in aimon_nb.runs()]"]
    )
    assert [c.status for c in cells] == ["ok", "ok", "ok", "ok", "ok"], cells
    assert cells[1].data()[-1] == "2"
    assert "('after', 'ok')" in cells[4].data()[-1]


@pytest.mark.own_kernel
def test_hooks_of_others(shell):
    """With hooks of the user's that fail before and after each cell, tracked cells run and their runs end as ever."""
    cells = shell.run(
        ["def bad(*a): raise ValueError('hook')\nget_ipython().events.register('post_run_cell', bad); get_ipython().events.register('pre_run_cell', bad)",
         "%%ai_track one\nstep()", "%%ai_track two\nawait asyncio.sleep(0)\nstep()"]
    )
    assert [c.status for c in cells] == ["ok"] * 3
    assert all("hook" in [o.evalue for o in c.outputs if o.output_type == "error"] for c in cells), cells
    assert shell.value("[(r.name, r.status) for r in runs()]") == [("one", "ok"), ("two", "ok")]


def test_fork_in_a_cell(shell):
    """A cell may fork: the child shows and sends nothing, the parent's tree is whole."""
    cell = shell.cell(
        "%%ai_track forks\nimport os\nstep('before')\npid = os.fork()\nif pid == 0:\n    step('child'); os._exit(0)\n"
        "assert os.waitpid(pid, 0)[1] == 0\nstep('after')"
    )
    assert cell.status == "ok", cell.traceback
    assert shell.value("names()") == ["before", "after"]
    tracked(shell, cell)


def test_multiprocessing_in_a_cell(shell):
    """A pool of forked processes works in a tracked cell."""
    cell = shell.cell("%%ai_track pool\nimport multiprocessing as mp\nwith mp.get_context('fork').Pool(2) as pool: r = pool.map(abs, [-1, -2])\nr")
    assert cell.status == "ok" and cell.data()[-1] == "[1, 2]", cell
    tracked(shell, cell)


def test_silent_and_without_history(shell):
    """A silent request opens no run; one without history is tracked."""
    shell.cell("%%ai_track silent\nstep()", silent=True)
    assert shell.value("len(runs())") == 0
    shell.cell("%%ai_track quiet\nstep()", store_history=False)
    assert shell.value("[(r.name) for r in runs()]") == ["quiet"]
    cell = shell.cell("%%ai_track\nstep(); x = 1")
    said = [m["content"]["execution_count"] for m in cell.messages if m["msg_type"] == "execute_input"]
    assert shell.value("last_run().name") == f"cell {said[0]}"
    assert shell.value("last_run()._run.execution_count") == said[0]


def test_the_users_context_stays(shell):
    """A ContextVar that a tracked sync cell sets holds in the next cell, as without us."""
    shell.run(["mine = contextvars.ContextVar('mine', default='unset')", "%%ai_track one\nmine.set('set');"])
    [cell] = shell.run(["mine.get()"])
    assert cell.data() == ["'set'"]


def test_exit(shell):
    """`exit` in a tracked cell ends the kernel's cell as ever, with the run closed before."""
    cell = shell.cell("%%ai_track bye\nstep()\nget_ipython().ask_exit = lambda: None\nexit")
    assert cell.status == "ok"
    assert shell.value("last_run().status") == "ok"
    shell.run(["del get_ipython().ask_exit"])


def test_rerun_replaces(shell):
    """Run again and again, a cell has one tree each time and each call is heard once; every execution is in `runs()`."""
    for _ in range(3):
        cell = shell.cell("%%ai_track again\nstep('one'); step('two')")
        tracked(shell, cell)
        assert shell.value("names()") == ["one", "two"]
    assert shell.value("[(r.name, len(names(r))) for r in runs()]") == [("again", 2)] * 3
