"""A run holds what its cell began: threads, jobs and tasks of earlier cells are of no later run, and it is said."""

import pytest

from tests.parts import sdk

SETUP = """
%load_ext aimon_nb
import asyncio, json, openai, queue, sentry_sdk, threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import ThreadPool
import aimon_nb
from aimon_nb import last_run, runs, track
from aimon_nb.views.present import formatting
client = openai.OpenAI(base_url={url!r}, api_key="k", max_retries=0)
aclient = openai.AsyncOpenAI(base_url={url!r}, api_key="k", max_retries=0)
def ask(text="hi"): return client.chat.completions.create(model="gpt-4o", messages=[dict(role="user", content=text)])
async def aask(text="hi"): return await aclient.chat.completions.create(model="gpt-4o", messages=[dict(role="user", content=text)])
jobs, answers = queue.Queue(), queue.Queue()
def serve():
    while (text := jobs.get()) is not None: answers.put(ask(text))
def heard(run=None):
    run = run or last_run()
    return sorted(s.call.input[-1].text for s in run._run.spans.values() if s.call), formatting.all_notes(run._run), run._run.foreign_calls
"""
END = """
for _ in range(3): jobs.put(None)
if "loop" in globals(): loop.call_soon_threadsafe(loop.stop); at_loop.join(20)
if "pool" in globals(): pool.close() if isinstance(pool, ThreadPool) else pool.shutdown()
if "portal" in globals(): portal.__exit__(None, None, None)
served.join(20) if "served" in globals() else None
"""


def one(n):
    return "1 call of a thread that this cell did not start is not counted" if n == 1 else f"{n} calls of threads that this cell did not start are not counted"


@pytest.fixture
def shell(kernel, truth):
    [done] = kernel.run([SETUP.format(url=truth.url)])
    assert done.status == "ok" and done.text == "", done
    yield kernel
    assert kernel.cell(END).status == "ok"


def run(shell, *sources):
    cells = shell.run(list(sources))
    assert [cell.status for cell in cells] == ["ok"] * len(sources), cells
    return cells


FOREIGN = {
    "a thread": ("served = threading.Thread(target=serve, daemon=True); served.start()", "jobs.put('theirs'); answers.get(timeout=20)"),
    "a thread of a thread": (
        "served = threading.Thread(target=serve, daemon=True)\nt = threading.Thread(target=served.start); t.start(); t.join()", "jobs.put('theirs'); answers.get(timeout=20)"),
    "a job of a pool": ("pool = ThreadPoolExecutor(1); f = pool.submit(serve)", "jobs.put('theirs'); answers.get(timeout=20)"),
    "a job of multiprocessing's pool": ("pool = ThreadPool(1); f = pool.apply_async(serve)", "jobs.put('theirs'); answers.get(timeout=20)"),
    "a task": (
        "goes = asyncio.Event()\nasync def later():\n    await goes.wait()\n    await aask('theirs')\ntask = asyncio.create_task(later())",
        "goes.set(); await task"),
    "tasks of a task": pytest.param(
        "goes = asyncio.Event()\nasync def later():\n    await goes.wait()\n    await asyncio.gather(aask('theirs'))\n    await asyncio.to_thread(ask, 'theirs')\n"
        "await asyncio.sleep(0)\ntask = asyncio.create_task(later())",
        "goes.set(); await task", marks=pytest.mark.own_kernel),
}  # fmt: skip


@pytest.mark.parametrize(("before", "during"), FOREIGN.values(), ids=FOREIGN)
def test_calls_of_what_an_earlier_cell_began(shell, before, during):
    """They are in no run, and one line beside the sum counts them; those of the cell itself are in its run."""
    count = 2 if "to_thread" in before else 1
    [_, cell, after] = run(shell, before, f"%%ai_track demo\nask('mine')\n{during}", "%%ai_track clean\nask('mine')")
    assert shell.value("heard(runs()[-2])") == (["mine"], [one(count)], count)
    assert one(count) in cell.data()[0] and "1 call " in cell.data()[0]
    assert shell.value("heard()") == (["mine"], [], 0)
    assert shell.value("last_run()._run.faults") == 0


def test_spans_and_calls_without_a_request(shell):
    """Steps of such a thread are in no run either; a call that crosses no wire is counted among those of others."""
    work = (
        f"{sdk.SPAN_FUNCTION}\n"
        "def work():\n    while jobs.get() is not None:\n        with span('theirs', 'step'), span('chat m', 'gen_ai.chat'): pass\n"
        "        answers.put(1)\nserved = threading.Thread(target=work, daemon=True); served.start()"
    )
    run(shell, work, "%%ai_track demo\njobs.put(1); answers.get(timeout=20)")
    assert shell.value("[s.name for s in last_run()._run.spans.values()], last_run()._run.foreign_calls") == (["demo"], 1)


def test_a_run_that_waits_for_others_alone(shell):
    """It says that nothing was heard in it, and what was heard beside it."""
    [_, cell] = run(shell, FOREIGN["a thread"][0], "%%ai_track demo\njobs.put('theirs'); answers.get(timeout=20);")
    assert one(1) in cell.data()[-1] and "no model call was heard in this cell" in cell.data()[-1]


OWN = {
    "a thread that it starts": ("", "t = threading.Thread(target=ask, args=('mine',)); t.start(); t.join()"),
    "a job that it gives to an older pool": ("pool = ThreadPoolExecutor(1); pool.submit(int).result()", "pool.submit(ask, 'mine').result()"),
    "a map of an older pool": ("pool = ThreadPool(1); pool.map(int, '1')", "pool.map(ask, ['mine'])"),
    "what it hands to an older loop": (
        "loop = asyncio.new_event_loop(); at_loop = threading.Thread(target=loop.run_forever, daemon=True); at_loop.start()",
        "asyncio.run_coroutine_threadsafe(aask('mine'), loop).result(20)"),
    "a portal of anyio": (
        "from anyio.from_thread import start_blocking_portal\nportal = start_blocking_portal()\np = portal.__enter__()", "p.call(aask, 'mine')"),
    "a task that it starts": ("", "await asyncio.create_task(aask('mine'))"),
    "a thread of its task": pytest.param("", "await asyncio.to_thread(ask, 'mine')", marks=pytest.mark.own_kernel),
    "a callback of its own": ("", "done = asyncio.Event()\nasyncio.get_running_loop().call_soon(lambda: (ask('mine'), done.set()))\nawait done.wait()"),
}  # fmt: skip


@pytest.mark.parametrize(("before", "during"), OWN.values(), ids=OWN)
def test_what_the_cell_asks_for_is_its_own(shell, before, during):
    """Whoever carries it out: threads, pools and loops of an earlier cell too."""
    run(shell, before or "1", f"%%ai_track demo\n{during}")
    assert shell.value("heard()") == (["mine"], [], 0)


UNCLEAR = {
    "begun before we were loaded": ("%unload_ext aimon_nb\nserved = threading.Thread(target=serve, daemon=True); served.start()", "%load_ext aimon_nb"),
    "begun beside our hooks": ("import _thread; _thread.start_new_thread(serve, ())", "1"),
}


@pytest.mark.parametrize(("before", "loaded"), UNCLEAR.values(), ids=UNCLEAR)
def test_where_nobody_knows_who_began_it(shell, before, loaded):
    """The only open run takes it."""
    run(shell, before, loaded, "%%ai_track demo\njobs.put('whose'); answers.get(timeout=20);")
    assert shell.value("heard()") == (["whose"], [], 0)


def test_a_block_of_the_same_cell(shell):
    """A thread that a cell starts before its own block of `track` serves that block, in one cell or over several."""
    run(shell, "served = threading.Thread(target=serve, daemon=True); served.start()\nwith track('block'):\n    jobs.put('mine'); answers.get(timeout=20)")
    assert shell.value("heard()") == (["mine"], [], 0)
    run(shell, "block = track('several'); await asyncio.sleep(0); block.__enter__()", "await aask('next'); t = threading.Thread(target=ask, args=('thread',)); t.start(); t.join()", "block.__exit__(None, None, None)")
    assert shell.value("heard()") == (["next", "thread"], [], 0)


def test_a_statement_of_the_same_cell(shell):
    """So it does for a statement, and for a cell below another magic."""
    run(shell, "served = threading.Thread(target=serve, daemon=True); served.start()\ndef both(): jobs.put('mine'); answers.get(timeout=20)\n%ai_track both()")
    assert shell.value("heard()") == (["mine"], [], 0)


def test_the_run_around_is_the_last_one(shell):
    """After a tracked cell with blocks in it `last_run()`, `%ai_show` and the tables are about the cell; `runs()` go by their start."""
    run(shell, "%%ai_track outer\nask('outer')\nwith track('inner'): ask('inner')\nwithin = last_run().name, [r.name for r in runs()]\nwith track('inner 2'): ask('inner')")
    assert shell.value("within") == ("inner", ["outer", "inner"])
    assert shell.value("last_run().name, [r.name for r in runs()]") == ("outer", ["outer", "inner", "inner 2"])
    cells = run(shell, "%ai_show", "u = %ai_usage\nu.attrs['run_id'] == last_run().run_id")
    assert "outer" in cells[0].data()[0] and cells[1].data() == ["True"]
    run(shell, "with track('a'):\n    with track('b'): pass\nwith track('c'): pass")
    assert shell.value("last_run().name") == "c"
    run(shell, "%%ai_track outer\nget_ipython().run_cell('%%ai_track inner\\n2+3')")
    assert shell.value("last_run().name") == "outer"
