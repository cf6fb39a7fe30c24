"""Batches in a real kernel: rows, threads, tasks, tqdm, and the tables of them."""

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
    assert cell.status == "ok" and "3/3" in cell.stream("stderr") and cell.stream("stderr").count("100%") == 1
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
