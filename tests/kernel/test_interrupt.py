"""An interrupt ends a tracked cell as it ends any other, and the traceback is the user's."""

import pytest

SETUP = """
%load_ext aimon_nb
import sentry_sdk, asyncio, openai
from aimon_nb import runs
client = openai.OpenAI(base_url={url!r}, api_key="k", max_retries=0)
aclient = openai.AsyncOpenAI(base_url={url!r}, api_key="k", max_retries=0)
def state():
    run = runs()[-1]._run
    return run.run_id, run.status, [s.name for s in run.spans.values() if s.status == "running"], run.faults
"""


def test_a_cell_that_ipython_never_ended(kernel):
    """What begins a cell and never ends it (a task, an interrupt in IPython's hooks) does not make the next ones nested."""
    late = "ip = get_ipython()\nt = asyncio.create_task(ip.run_cell_async('await asyncio.sleep(0)', transformed_cell='await asyncio.sleep(0)'))"
    kernel.run(["%load_ext aimon_nb\nimport asyncio\nfrom aimon_nb import runs", late, "await t"])
    below, auto = kernel.run(["%%ai_track below\nawait asyncio.sleep(0)\n40 + 2", "%ai_auto"])
    assert below.status == "ok" and below.data()[-1] == "42", below
    assert kernel.value("[(r.name, r.status) for r in runs()]") == [("below", "ok")]


@pytest.mark.parametrize("mode", ["Context", "Verbose", "Plain"])
def test_its_traceback_is_the_users(kernel, mode):
    """The traceback of an interrupt ends in the user's line: no frame of ours, also for %debug and `sys.last_traceback`."""
    kernel.run(["%load_ext aimon_nb", f"%xmode {mode}"])
    cell = kernel.cell("%%ai_track x\nimport time\ndef slow():\n    print('ready')\n    time.sleep(600)\nslow()", interrupt_when="ready")
    said = "\n".join(cell.traceback)
    assert cell.ename == "KeyboardInterrupt" and "aimon_nb" not in said and "hidden" not in said
    assert "time.sleep(600)" in said.partition("slow")[2]
    names = "[f.name for f in __import__('traceback').extract_tb(__import__('sys').last_traceback)]"
    assert ["<module>", "slow"] == kernel.value(names)[-2:]


def test_of_a_block(kernel, truth):
    """An interrupt of `with track` in a cell without a magic wakes its waiting loop, and no queued call is sent after it."""
    kernel.run([SETUP.format(url=truth.url) + "import time, signal\nfrom concurrent.futures import ThreadPoolExecutor\nfrom aimon_nb import track"])
    handler = kernel.value("repr(signal.getsignal(signal.SIGINT))")
    cell = kernel.cell("async with track('waits'):\n    print('ready')\n    await asyncio.sleep(600)", interrupt_when="ready")
    assert cell.status == "error"
    assert "interrupted" == kernel.value("runs()[-1].status")
    ask = "client.chat.completions.create(model='gpt-4o', messages=[dict(role='user', content='[hold]')])"
    pool = f"with track('pool'), ThreadPoolExecutor(2) as pool:\n    jobs = [pool.submit(lambda: {ask}) for i in range(300)]"
    cell = kernel.cell(pool, interrupt_when=lambda _: truth.held == 2)
    assert cell.status == "error" and "interrupted" == kernel.value("runs()[-1].status")
    truth.release()
    kernel.read_until(lambda: kernel.value("all(job.done() for job in jobs)"))
    assert 2 == len(truth.settled())
    assert handler == kernel.value("repr(signal.getsignal(signal.SIGINT))")


def test_blocks_that_overlap(kernel):
    """Blocks of several tasks end in any order; the handler of the interrupt is then as it was."""
    kernel.run(["import asyncio, signal\nfrom aimon_nb import track, runs"])
    cell = """before = signal.getsignal(signal.SIGINT)
begins, ends = ([asyncio.Event() for _ in range(4)] for _ in range(2))
async def one(i):
    await begins[i].wait()
    async with track(f"block {i}"): await ends[i].wait()
tasks = [asyncio.create_task(one(i)) for i in range(4)]
for event in [begins[0], begins[1], ends[0], begins[2], begins[3], ends[3], ends[1], ends[2]]:
    event.set()
    for _ in range(20): await asyncio.sleep(0)
await asyncio.gather(*tasks)
print(signal.getsignal(signal.SIGINT) is before)"""
    [said] = kernel.run([cell])
    assert said.text == "True\n"
    assert ["ok"] * 4 == kernel.value("[run.status for run in runs()]")
