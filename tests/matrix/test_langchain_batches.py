"""LangChain's own batches in a real kernel: whose row each call is, and what a budget stops."""

import pytest

from tests.matrix import environments
from tests.matrix.structure.process import SWITCHES

pytestmark = [pytest.mark.matrix, pytest.mark.timeout(600)]

SETUP = """
%load_ext aimon_nb
import aimon_nb, pandas as pd
from aimon_nb import last_run
from langchain_core.runnables import RunnableLambda
from langchain_openai import ChatOpenAI
model = ChatOpenAI(model="gpt-4o-mini", base_url={url!r}, api_key="k", max_retries=3)
df = pd.DataFrame({{"text": [f"row {{n}}" for n in range(12)]}}, index=range(100, 112))
chunks = [df.text.iloc[n : n + 4].tolist() for n in range(0, 12, 4)]
def ask(row):
    with aimon_nb.item(row[0]):
        return model.invoke(row[1])
async def aask(row):
    async with aimon_nb.item(row[0]):
        return await model.ainvoke(row[1])
rows = list(df.text.items())
"""
KEYS = [*range(100, 112)]
BY_CHUNK = [key for key in range(3) for _ in range(4)]
# By whom each of the twelve calls was made.
STAMPED = {
    "batch of a chunk": ("for chunk in aimon_nb.progress(chunks): model.batch(chunk, config={'max_concurrency': 3})", BY_CHUNK),
    "abatch of a chunk": ("for chunk in aimon_nb.progress(chunks): await model.abatch(chunk, config={'max_concurrency': 3})", BY_CHUNK),
    "with exceptions": ("for chunk in aimon_nb.progress(chunks): model.batch(chunk, return_exceptions=True)", BY_CHUNK),
    "as completed": ("for chunk in aimon_nb.progress(chunks): list(model.batch_as_completed(chunk))", BY_CHUNK),
    "a row in batch": ("RunnableLambda(ask).batch(rows, config={'max_concurrency': 3})", KEYS),
    "a row in abatch": ("await RunnableLambda(ask, afunc=aask).abatch(rows, config={'max_concurrency': 3})", KEYS),
    "map": ("df['answer'] = aimon_nb.map(model.invoke, df.text)", KEYS),
    "async map": ("df['answer'] = await aimon_nb.map(model.ainvoke, df.text)", KEYS),
    "a chain": ("chain = RunnableLambda(str.upper) | model\nfor text in aimon_nb.progress(df.text): chain.invoke(text)", KEYS),
    "streams": ("for text in aimon_nb.progress(df.text): list(model.stream(text))", KEYS),
}
STOPPED = {
    "batch": "model.batch(df.text.tolist(), config={'max_concurrency': 3})",
    "batch with exceptions": "model.batch(df.text.tolist(), config={'max_concurrency': 3}, return_exceptions=True)",
    "abatch": "await model.abatch(df.text.tolist(), config={'max_concurrency': 3})",
    "abatch with exceptions": "await model.abatch(df.text.tolist(), config={'max_concurrency': 3}, return_exceptions=True)",
    "as completed": "list(model.batch_as_completed(df.text.tolist(), config={'max_concurrency': 3}, return_exceptions=True))",
    "in a loop": "for chunk in aimon_nb.progress(chunks): model.batch(chunk, return_exceptions=True)",
    "with retries": "model.with_retry(stop_after_attempt=4).batch(df.text.tolist(), return_exceptions=True)",
    "with fallbacks": "model.with_fallbacks([model]).batch(df.text.tolist(), return_exceptions=True)",
    "a row in batch": "RunnableLambda(ask).batch(rows, config={'max_concurrency': 3}, return_exceptions=True)",
    "gather": "import asyncio\nawait asyncio.gather(*map(model.ainvoke, df.text), return_exceptions=True)",
    "async chain": "for text in df.text: await (RunnableLambda(str.upper) | model).ainvoke(text)",
    "map": "df['answer'] = aimon_nb.map(model.invoke, df.text, return_exceptions=True)",
    "async map": "df['answer'] = await aimon_nb.map(model.ainvoke, df.text)",
}


@pytest.fixture
def kernel(kernels, truth):
    kernel = kernels(env={**SWITCHES, "PYTHONPATH": str(environments.ROOT)}, python=environments.make("structure"))
    [setup] = kernel.run([SETUP.format(url=truth.url)], timeout=300)
    assert setup.status == "ok", setup
    return kernel


def test_each_call_has_its_row(kernel, truth):
    """In `batch`, `abatch`, chains and streams a call is of the row whose code asked it; all are done, none is of no item."""
    for name, (source, keys) in STAMPED.items():
        truth.clear()
        [cell] = kernel.run([f"%%ai_track batch\n{source}"])
        assert cell.status == "ok", (name, cell)
        calls = kernel.value("sorted(span.item.key if span.item else -1 for span in last_run()._run.spans.values() if span.is_call and not span.is_duplicate)")
        assert calls == keys and len(truth.settled()) == 12, name
        assert kernel.value("({(item.status, item.is_done) for item in last_run()._run.items}, last_run()._run.totals.calls, last_run()._run.faults)") == ({("ok", True)}, 12, 0), name
        if keys is KEYS:
            assert kernel.value("df.join(last_run().usage('item').set_index('item'))['calls'].tolist()") == [1] * 12, name


def test_a_budget_stops_it(kernel, truth):
    """Five calls of twelve are sent; each other that was tried was refused once, and the cell ends `over_budget`, with one error."""
    for name, source in STOPPED.items():
        truth.clear()
        [cell] = kernel.run([f"%%ai_track batch --max-calls 5\n{source}"])
        assert (cell.status, cell.ename) == ("error", "BudgetExceeded"), (name, cell)
        assert [one.output_type for one in cell.outputs].count("error") == 1 and "Traceback" not in cell.text, (name, cell.text)
        assert "Error in" not in cell.text and "aimon_nb" not in cell.stream("stderr"), (name, cell.text)
        assert len(truth.settled()) == 5, name
        assert kernel.value("(last_run().status, last_run()._run.totals.calls, last_run()._run.faults)") == ("over_budget", 5, 0), name
        refused = kernel.value("[span.attempt for span in last_run()._run.spans.values() if span.is_call and span.error_type == 'BudgetExceeded' and not span.is_duplicate]")
        assert 1 <= len(refused) <= 7 and {*refused} <= {None, 1}, (name, refused)


def test_a_money_budget(kernel, truth):
    """$0.05 at $0.012 a call: four are sent, the fifth row is the one refused, and the four answers stand by item."""
    kernel.run([f"aimon_nb.pricing.host({truth.host!r}, provider='openai')\naimon_nb.pricing.set('gpt-4o-mini', input_mtok=0, output_mtok=1000)"])
    [cell] = kernel.run(["%%ai_track batch --budget 0.05\nfor text in aimon_nb.progress(df.text):\n    try: model.invoke(text)\n    except Exception: pass"])
    assert cell.ename == "BudgetExceeded" and "8 of 12 items were not sent" in cell.evalue, cell.evalue
    answers = "last_run().spans(content=True).dropna(subset='output_text').set_index('item')['output_text']"
    assert kernel.value(f"({answers}.index.tolist(), [item.status for item in last_run()._run.items])") == ([100, 101, 102, 103], ["ok"] * 4 + ["error"])
