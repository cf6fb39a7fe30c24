"""Budgets in a real kernel: however the code takes a refusal, the cell ends failed, once, and what runs the notebook stops."""

import re
import sys

import pytest

from tests.kernel.test_batches import SETUP
from tests.kernel.test_stops import run, written
from tests.parts.kernel import without_colours

# Each sends three calls at most; where the code swallows the refusal the cell ends with it all the same.
SWALLOWED = {
    "except BaseException": "for _ in range(9):\n    try: ask()\n    except BaseException: pass",
    "gather": "results = await asyncio.gather(*[aask() for _ in range(9)], return_exceptions=True)",
    "tasks": "for task in [asyncio.create_task(aask()) for _ in range(9)]:\n    try: await task\n    except BaseException: pass",
    "threads": "import threading\nthreads = [threading.Thread(target=ask) for _ in range(50)]\nfor t in threads: t.start()\nfor t in threads: t.join()",
    "pool": "with ThreadPoolExecutor(5) as pool:\n    jobs = [pool.submit(ask) for _ in range(50)]",
    "map with exceptions": "aimon_nb.map(ask, df.text.tolist() * 5, return_exceptions=True)",
}
GROUP = "async with asyncio.TaskGroup() as group:\n    for _ in range(50): group.create_task(aask())"
RAISED = {
    "loop": "for _ in range(9):\n    try: ask()\n    except Exception: pass",
    "async loop": "for _ in range(9):\n    await aask()",
    "map": "aimon_nb.map(ask, df.text.tolist() * 5)",
    "async map": "await aimon_nb.map(aask, df.text.tolist() * 5)",
    "tqdm": "from tqdm import tqdm\nfor text in tqdm(aimon_nb.progress(df.text.tolist() * 5)):\n    ask(text)",
    "tenacity": "import tenacity\nfor _ in range(9): tenacity.retry(stop=tenacity.stop_after_attempt(3))(ask)()",
    "retrying client": "client = client.with_options(max_retries=4)\nfor _ in range(9): ask()",
    **({"group of tasks": GROUP, "group in a group": f"async with asyncio.TaskGroup() as outer:\n    async def inner():\n        {GROUP.replace(chr(10), chr(10) + '    ' * 2)}\n    outer.create_task(inner())", "after a group": f"try:\n    {GROUP.replace(chr(10), chr(10) + '    ')}\nexcept BaseException:\n    ask()"} if sys.version_info >= (3, 11) else {}),
    "comment": "for _ in range(9): ask()",
    "streams": "for _ in range(9):\n    list(client.chat.completions.create(model='gpt-4o-mini', messages=[dict(role='user', content='x')], stream=True))",
}


def test_the_cell_ends_failed(kernel, truth):
    """One error output, `BudgetExceeded`, at the user's line; status `over_budget`; three calls, and no fault of ours."""
    kernel.run([SETUP.format(url=truth.url)])
    for name, source in {**SWALLOWED, **RAISED}.items():
        truth.clear()
        head = "# ai_track: b --max-calls 3" if name == "comment" else "%%ai_track b --max-calls 3"
        [cell] = kernel.run([f"{head}\n{source}"])
        assert (cell.status, cell.ename) == ("error", "BudgetExceeded"), (name, cell)
        assert [o.output_type for o in cell.outputs].count("error") == 1, name
        [shown] = ["\n".join(o.traceback).split("\n") for o in cell.outputs if o.output_type == "error"]
        assert shown[0].startswith("BudgetExceeded: ") and all(re.match(r"  Cell In\[\d+\], line \d+: ", line) for line in shown[1:]) and len(shown) < 5, (name, shown)
        assert "Traceback" not in cell.text, (name, cell.text)
        assert "over budget" in cell.data()[0] or "over_budget" in cell.data()[0], (name, cell.data()[0])
        assert kernel.value("(last_run().status, last_run()._run.totals.calls, last_run()._run.faults)") == ("over_budget", 3, 0), name
        # A group of tasks cancels those that wait for an answer.
        assert len(truth.settled()) == 3 or "group" in name, name


def test_where_the_debugger_opens(kernel, truth):
    """After a refusal `%debug` is at the user's own line, and not in the client's or in ours; also if another error was shown before."""
    kernel.run([SETUP.format(url=truth.url), "1 / 0"])
    for source in ("for _ in range(2): ask()", "for _ in range(2): await aask()", "aimon_nb.map(ask, 'ab')", "with contextlib.suppress(BaseException):\n    for _ in range(2): ask()"):
        kernel.run([f"%%ai_track b --max-calls 1\nimport contextlib\n{source}"])
        [cell] = kernel.run(["%debug"])
        said = without_colours(cell.stream())
        assert "client.chat.completions.create" in said.partition("--->" if "--->" in said else ">")[2], (source, said)
        assert "aimon_nb/" not in said and "httpx" not in said, (source, said)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="a newer Python's groups of errors")
def test_a_group_of_tasks_with_an_error_of_the_users(kernel, truth):
    """The user's own error is to be seen: the group stands as Python prints it, and the cell is over budget. One that was handled before is in nobody's way."""
    kernel.run([SETUP.format(url=truth.url), "async def wrong():\n    try: await aask()\n    except BaseException: 1 / 0"])
    [cell] = kernel.run(["%%ai_track b --max-calls 1\nasync with asyncio.TaskGroup() as group:\n    for _ in range(5): group.create_task(aask())\n    group.create_task(wrong())"])
    assert cell.status == "error" and "ZeroDivisionError" in cell.text and kernel.value("last_run().status") == "over_budget"
    [cell] = kernel.run(["%%ai_track b --max-calls 1\ntry: raise ExceptionGroup('of the user', [ValueError()])\nexcept ExceptionGroup:\n    for _ in range(2):\n        try: ask()\n        except BaseException: pass"])
    assert cell.ename == "BudgetExceeded" and "Traceback" not in cell.text, cell.text


def test_the_next_cell(kernel, truth):
    """A budget is of its cell: the next one has none, and calls go out."""
    kernel.run([SETUP.format(url=truth.url), "%%ai_track b --max-calls 1\nask(); ask()"])
    [after] = kernel.run(["%%ai_track c\nask()"])
    assert after.status == "ok" and kernel.value("last_run().status") == "ok"


def test_the_users_own_error(kernel, truth):
    """An error of the code's own, raised because of the refusal, stands alone."""
    kernel.run([SETUP.format(url=truth.url)])
    [cell] = kernel.run(["%%ai_track b --max-calls 1\nask()\ntry: ask()\nexcept BaseException: 1 / 0"])
    assert cell.ename == "ZeroDivisionError" and [o.output_type for o in cell.outputs].count("error") == 1


@pytest.mark.parametrize("options", ["--budget 0", "--budget -1", "--budget five", "--max-calls 0", "--max-tokens x", "--on-budget go"])
def test_a_wrong_option(kernel, options):
    """One clear line, and the cell does not run."""
    [_, cell, ran] = kernel.run(["%load_ext aimon_nb", f"%%ai_track x {options}\nran = 1", "'ran' in globals()"])
    assert cell.ename == "UsageError" and "\n" not in cell.evalue and ran.data() == ["False"]


def test_the_kernels_budget(kernel, truth):
    """`%config AimonMagics.budget` holds for all cells together, and a wrong one is one clear line."""
    kernel.run([SETUP.format(url=truth.url), f"aimon_nb.pricing.host({truth.host!r}, provider='openai')\naimon_nb.pricing.set('gpt-4o-mini', input_mtok=0, output_mtok=1000)", "%config AimonMagics.budget = 0.03"])
    cells = kernel.run(["%%ai_track a\nfor _ in range(2): ask()", "%%ai_track b\nask()"])
    assert [cell.ename for cell in cells] == [None, "BudgetExceeded"] and "the kernel's budget of $0.0300" in cells[1].evalue
    [wrong] = kernel.run(["%config AimonMagics.budget = -1"])
    assert "budget must be more than 0 US dollars" in str(wrong)
    kernel.run(["%config AimonMagics.budget = None"])


def test_statements_and_nested_cells(kernel, truth):
    """`%ai_track STATEMENT` and a nested cell that swallow it end failed, too."""
    kernel.run([SETUP.format(url=truth.url)])
    [cell] = kernel.run(["%%ai_track outer\nget_ipython().run_cell_magic('ai_track', 'inner --max-calls 1', 'import contextlib\\nfor _ in range(2):\\n    with contextlib.suppress(BaseException): ask()')"])
    assert cell.ename == "BudgetExceeded" and len(truth.settled()) == 1


SOURCE = """%%ai_track b --max-calls 1
import openai, asyncio
client = openai.AsyncOpenAI(base_url={url!r}, api_key="k", max_retries=0)
ask = lambda: client.chat.completions.create(model="gpt-4o-mini", messages=[dict(role="user", content="x")])
results = await asyncio.gather(ask(), ask(), return_exceptions=True)"""
# Each starts a process of nbconvert's, and that a kernel.
COMMANDS = {
    "nbconvert": ["nbconvert", "--to", "notebook", "--execute", "in.ipynb", "--output", "out.ipynb"],
    "papermill": ["papermill", "in.ipynb", "out.ipynb", "-k", "python3"],
    "jupyter execute": ["jupyter", "execute", "in.ipynb"],
}


@pytest.mark.parametrize("command", ["nbconvert", *[pytest.param(name, marks=pytest.mark.matrix) for name in ("papermill", "jupyter execute")]])
def test_what_runs_the_notebook_stops(tmp_path, truth, command):
    """nbconvert, papermill and `jupyter execute` end with an error, and do not run the next cell."""
    written(tmp_path, SOURCE.format(url=truth.url))
    done = run(tmp_path, *COMMANDS[command])
    assert done.returncode == 1, done.stderr
    assert not (tmp_path / "next").exists()
