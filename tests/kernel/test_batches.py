"""Batches in a real kernel: rows, threads, tasks, tqdm, and the tables of them."""

import pytest

SETUP = """
%load_ext aimon_nb
import asyncio, openai, pandas as pd
from concurrent.futures import ThreadPoolExecutor
import aimon_nb
from aimon_nb import last_run, runs
client = openai.OpenAI(base_url={url!r}, api_key="k", max_retries=0)
aclient = openai.AsyncOpenAI(base_url={url!r}, api_key="k", max_retries=0)
def ask(text="x"):
    return client.chat.completions.create(model="gpt-4o-mini", messages=[dict(role="user", content=text)]).choices[0].message.content
async def aask(text="x"):
    return (await aclient.chat.completions.create(model="gpt-4o-mini", messages=[dict(role="user", content=text)])).choices[0].message.content
df = pd.DataFrame({{"text": ["one", "two", "three"]}}, index=[7, 8, 9])
"""
JOINED = "df.join(last_run().usage('item').set_index('item'))[['calls', 'status']].values.tolist()"


def test_rows_of_a_frame(kernel, truth):
    """A loop, threads, a map in threads and one in tasks: each call is of its row, and the table joins the frame."""
    cells = {
        "for row in aimon_nb.progress(df.itertuples(), key='Index'):\n    ask(row.text)": 1,
        "with ThreadPoolExecutor(4) as pool:\n    for row in aimon_nb.progress(df):\n        for _ in range(2): pool.submit(ask, row.text)": 2,
        "df['label'] = aimon_nb.map(ask, df.text, max_workers=3)": 1,
        "df['label'] = await aimon_nb.map(aask, df.text)": 1,
        "async for text in aimon_nb.progress(df.text):\n    await asyncio.gather(aask(text), aask(text))": 2,
    }
    kernel.run([SETUP.format(url=truth.url)])
    for source, calls in cells.items():
        [cell] = kernel.run([f"%%ai_track batch\n{source}"])
        assert cell.status == "ok", cell
        assert kernel.value(JOINED) == [[calls, "ok"]] * 3, source
        assert "3 items" in cell.data()[0], source
        assert kernel.value("last_run()._run.faults") == 0
    assert kernel.value("bool(df.label.notna().all())")


def test_under_tqdm(kernel, truth):
    """The user's own bar is the only one, and the head says how many items there were."""
    kernel.run([SETUP.format(url=truth.url), "from tqdm import tqdm"])
    [cell] = kernel.run(["%%ai_track batch\nfor row in tqdm(aimon_nb.progress(df.text)):\n    ask(row)"])
    assert cell.status == "ok" and "3/3" in cell.stream("stderr") and cell.stream("stderr").count("\n") == 1
    assert "3 items" in cell.data()[0]


def test_the_magic(kernel, truth):
    """`%ai_usage --by item` has a row an item, in the order of the rows."""
    kernel.run([SETUP.format(url=truth.url), "%%ai_track batch\nfor text in aimon_nb.progress(df.text):\n    ask(text)"])
    kernel.run(["usage = %ai_usage --by item", "repeats = %ai_usage --by item,repeat"])
    assert kernel.value("(usage['item'].tolist(), usage['calls'].tolist(), repeats['repeat'].tolist())") == ([7, 8, 9], [1, 1, 1], [1, 1, 1])


def test_the_pilot(kernel, truth):
    """It stops the cell before the eleventh row; the closed line says what the batch was heading for."""
    kernel.run([SETUP.format(url=truth.url), f"aimon_nb.pricing.host({truth.host!r}, provider='openai')\naimon_nb.pricing.set('gpt-4o-mini', input_mtok=1000, output_mtok=0)"])
    rows = "rows = ['word ' * n for n in [10, 13, 11, 12, 14, 10, 12, 11, 13, 12] * 10]"
    [_, cell] = kernel.run([rows, "%%ai_track pilot\nfor text in aimon_nb.progress(rows, pilot=10, budget=0.5): ask(text)"])
    assert cell.ename == "BudgetExceeded" and "heading for $1.18" in cell.evalue and "90 rows were not begun" in cell.evalue
    assert "10 of 100 items" in cell.data()[0] and "heading for $1.18" in cell.data()[0] and len(truth.settled()) == 10
    [tasks] = kernel.run(["%%ai_track tasks\nmade = []\nfor text in aimon_nb.progress(rows, pilot=10):\n    made.append(asyncio.create_task(aask(text)))"])
    assert tasks.ename == "RuntimeError" and "use `async for`" in tasks.evalue


# How a loop and a bar of tqdm's may stand to each other; each asks once for each of the three rows.
WITH_BAR = {
    "around": "for text in tqdm(aimon_nb.progress(df.text)): ask(text)",
    "inside": "for text in aimon_nb.progress(tqdm(df.text)): ask(text)",
    "around named rows": "for row in tqdm(aimon_nb.progress(df.itertuples(), key='Index', total=3)): ask(row.text)",
    "inside named rows": "for row in aimon_nb.progress(tqdm(df.itertuples(), total=3), key='Index'): ask(row.text)",
    "around what is around": "for _, text in tqdm(enumerate(aimon_nb.progress(df.text)), total=3): ask(text)",
    "inside what is inside": "for key, text in aimon_nb.progress(zip(df.index, tqdm(df.text)), key=lambda row: row[0], total=3): ask(text)",
    "by hand": "with tqdm(total=3) as bar:\n    for text in aimon_nb.progress(df.text):\n        ask(text)\n        bar.update()",
    "of map": "aimon_nb.map(ask, tqdm(df.text))",
}
AWAITED = {
    "around": "async for text in tqdm(aimon_nb.progress(df.text)): await aask(text)",
    "inside": "async for text in aimon_nb.progress(tqdm(df.text)): await aask(text)",
    "around async rows": "async def rows():\n    for pair in df.text.items(): yield pair\nasync for key, text in tqdm(aimon_nb.progress(rows(), key=lambda row: row[0], total=3), total=3): await aask(text)",
}
FACTS = "[[(item.key, item.status, item.is_done) for item in last_run()._run.items], [(one.total, one.done, one.is_over, one.has_own_bar) for one in last_run()._run.batches], last_run()._run.faults]"


@pytest.mark.parametrize("kind", ["tqdm", "tqdm.auto", "tqdm.notebook", "tqdm.asyncio"])
def test_bars_of_tqdm(kernel, truth, kind):
    """As text and as a widget, around `progress` and inside of it: one bar, the user's; the items and their number are right."""
    kernel.run([SETUP.format(url=truth.url), f"from {kind} import tqdm"])
    for name, source in {**WITH_BAR, **({} if kind in ("tqdm", "tqdm.notebook") else {f"async {name}": source for name, source in AWAITED.items()})}.items():
        [cell] = kernel.run([f"%%ai_track batch\n{source}"])
        assert cell.status == "ok", (name, cell)
        assert kernel.value(FACTS) == [[(key, "ok", True) for key in (7, 8, 9)], [(3, 3, True, True)], 0], name
        assert "3 items" in cell.data()[0], name
        is_widget = kind in ("tqdm.auto", "tqdm.notebook")
        bars = [one for one in cell.data_of_displays() if "text/html" not in one]
        assert len(bars) == (1 if is_widget else 0) and (cell.stream("stderr") == "") == is_widget, name


def test_bars_that_are_no_tqdms(kernel, truth):
    """A bar of ipywidgets moved by hand, an `Output` widget round the loop, and a bar left over from a cell that failed: items as ever."""
    kernel.run([SETUP.format(url=truth.url), "import ipywidgets\nfrom tqdm import tqdm"])
    cells = {
        "bar": "bar = ipywidgets.IntProgress(max=3)\ndisplay(bar)\nfor text in aimon_nb.progress(df.text):\n    ask(text)\n    bar.value += 1",
        "output": "with ipywidgets.Output():\n    for text in aimon_nb.progress(df.text):\n        ask(text)\n        print(text)",
        "after a failure": "for text in aimon_nb.progress(df.text): ask(text)",
    }
    kernel.run(["for _ in tqdm(range(3)): 1 / 0"])
    for name, source in cells.items():
        [cell] = kernel.run([f"%%ai_track batch\n{source}"])
        assert cell.status == "ok", (name, cell)
        assert kernel.value(FACTS) == [[(key, "ok", True) for key in (7, 8, 9)], [(3, 3, True, False)], 0], name


def test_a_budget_under_tqdm(kernel, truth):
    """Outside of a tracked cell it is one run, that ends with the loop; a widget's bar ends with the refusal."""
    kernel.run([SETUP.format(url=truth.url), f"from tqdm.auto import tqdm\naimon_nb.pricing.host({truth.host!r}, provider='openai')\naimon_nb.pricing.set('gpt-4o-mini', input_mtok=0, output_mtok=1000)"])
    [cell] = kernel.run(["for text in tqdm(aimon_nb.progress(['x'] * 9, budget=0.03)): ask(text)"])
    assert cell.ename == "BudgetExceeded" and len(truth.settled()) == 2
    kernel.run(["from aimon_nb.app import monitor"])
    assert kernel.value("([run.status for run in runs()], len(monitor.recorder.registry.open_runs))") == (["over_budget"], 0)


def test_a_loop_that_swallows_the_interrupt(kernel, truth):
    """After Stop no call starts: the rows whose calls were not sent are `interrupted`, and are no guess of what a row costs."""
    kernel.run([SETUP.format(url=truth.url)])
    truth.hold()
    stop = (lambda _: truth.wait_held(1) or True, lambda: (kernel.interrupt(), truth.release()))
    kernel.cell("%%ai_track batch\nfor text in aimon_nb.progress(['x'] * 20):\n    try: ask(text)\n    except BaseException: pass", when=[stop])
    assert len(truth.settled()) == 1
    assert kernel.value("[item.status for item in last_run()._run.items][1:]") == ["interrupted"] * 19
    assert kernel.value("{item.error_type for item in last_run()._run.items[1:]}") == {"RunStopped"} and kernel.value("last_run()._run.faults") == 0
