"""The pilot: the first rows run, and the others only if what all will cost is within the budget."""

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor

import pytest

import aimon_nb
from aimon_nb import BudgetExceeded
from aimon_nb.app import monitor
from tests.batches.conftest import MODEL, keys_of, price_of_model
from tests.batches.test_budget import run_of, tracked


@pytest.fixture(autouse=True)
def by_words(truth):
    """Input costs a thousand dollars per million tokens, output nothing: a word is $0.001."""
    with price_of_model(truth, input_mtok=1000, output_mtok=0):
        yield
    monitor.uninstall()


# Ten to fourteen words each, in no order.
ROWS = ["word " * random.Random(7).choice(range(10, 15)) for _ in range(1)] + ["word " * n for n in random.Random(5).choices(range(10, 15), k=99)]


def pilots(run):
    return [note for note in run.notes if note.startswith("pilot")]


def test_it_only_says_it(ask):
    """Without a budget the run says what the batch is heading for, and all rows run."""
    with tracked() as view:
        for text in aimon_nb.progress(ROWS[:14], pilot=10):
            ask(text)
    [said] = pilots(run_of(view))
    assert "heading for $0." in said and "roughly" in said and "from the first 10 rows: right about 9 times in 10" in said
    assert len(keys_of(run_of(view))) == 14


def test_it_goes_on(ask):
    """Within the budget the others follow."""
    with tracked() as view:
        for text in aimon_nb.progress(ROWS[:14], pilot=10, budget=1):
            ask(text)
    assert len(keys_of(run_of(view))) == 14 and run_of(view).status == "ok"


@pytest.mark.parametrize("own", [False, True])
def test_it_stops_before_the_next(ask, truth, own):
    """Else it stops before the eleventh, in a run and without one: the error says how much, from how many, and what was not begun."""
    seen = []

    def loop():
        for text in aimon_nb.progress(ROWS, pilot=10, budget=0.5):
            seen.append(text)
            ask(text)

    with pytest.raises(BudgetExceeded, match=r"heading for \$1\.\d\d \(roughly .*from the first 10 rows.*more than its budget of \$0\.5000\. 90 rows were not begun"):
        if own:
            loop()
        else:
            with tracked():
                loop()
    assert len(seen) == len(truth.settled()) == 10
    run = run_of(aimon_nb.last_run())
    assert run.status == "over_budget" and "from the first 10 rows" in run.error and not pilots(run)  # it is said once


@pytest.mark.parametrize("budget", [None, 50])
def test_sorted_rows(ask, truth, budget):
    """Rows in an order have no range; with a budget it stops, however large that is."""
    rows = ["word " * n for n in range(1, 41)]

    def loop():
        for text in aimon_nb.progress(rows, pilot=12, budget=budget):
            ask(text)

    if budget is None:
        with tracked() as view:
            loop()
        [said] = pilots(run_of(view))
        assert "heading for about $0.3, from the first 12 rows" in said and "(" not in said
    else:
        with pytest.raises(BudgetExceeded, match="The rows seem sorted, .* shuffle them"), tracked():
            loop()
        assert len(truth.settled()) == 12


def test_jobs_of_a_pool(ask, truth):
    """It waits for jobs that the loop's body put into a pool."""
    with pytest.raises(BudgetExceeded), tracked(), ThreadPoolExecutor(2) as pool:
        for text in aimon_nb.progress(ROWS, pilot=10, budget=0.5):
            pool.submit(ask, text)
    assert len(truth.settled()) == 10


def test_tasks_of_a_plain_loop(asking):
    """It would wait for ever: that is one clear error, and the tasks can go on."""

    async def main(ask):
        tasks = []
        with pytest.raises(RuntimeError, match="pilot= waits until the first 10 rows are done, and tasks that a plain `for` makes"):
            for text in aimon_nb.progress(ROWS, pilot=10):
                tasks.append(asyncio.create_task(ask(text)))
        await asyncio.gather(*tasks)
        return len(tasks)

    with tracked():
        assert asking(main) == 10


def test_async_for(asking, truth):
    """`async for` waits while its tasks go on."""

    async def main(ask):
        tasks = []
        async for text in aimon_nb.progress(ROWS, pilot=10, budget=0.5):
            tasks.append(asyncio.create_task(ask(text)))

    with pytest.raises(BudgetExceeded), tracked():
        asking(main)
    assert len(truth.settled()) == 10


@pytest.mark.parametrize("kind", ["threads", "tasks"])
def test_map(ask, asking, truth, kind):
    """`map`, too: its answers are in the error."""
    with pytest.raises(BudgetExceeded) as caught, tracked():
        if kind == "threads":
            aimon_nb.map(ask, ROWS, pilot=10, budget=0.5)
        else:

            async def main(ask):
                return await aimon_nb.map(ask, ROWS, pilot=10, budget=0.5)

            asking(main)
    assert len(truth.settled()) == 10 and sum(one is not None for one in caught.value.results) == 10 and len(caught.value.results) == 100


def test_map_goes_on(ask):
    """Within its budget all are done."""
    with tracked():
        assert None not in aimon_nb.map(ask, ROWS[:20], pilot=10, budget=5)


def test_a_row_that_fails_in_it(ask):
    """Its own error is raised, not what the pilot would say."""

    def one(text):
        if text is ROWS[3]:
            raise KeyError("x")
        return ask(text)

    with pytest.raises(KeyError), tracked():
        aimon_nb.map(one, ROWS, pilot=10, budget=0.5)


def test_rows_with_rows_of_their_own(ask, truth):
    """What a row costs is what the items inside of it do, too."""
    with pytest.raises(BudgetExceeded, match=r"heading for \$1\.\d\d, .*30 rows were not begun|heading for \$1\.\d\d \(.*30 rows were not begun"), tracked():
        for _ in aimon_nb.progress(range(40), pilot=10, budget=0.5):
            for text in aimon_nb.progress(ROWS[:3]):
                ask(text)
    assert len(truth.settled()) == 30


def test_jobs_of_a_pool_with_loops_of_their_own(asking, ask):
    """Tasks of an event loop in another thread go on while it waits."""

    async def main(_):
        async def one(text):
            await asyncio.gather(asyncio.to_thread(ask, text), asyncio.sleep(0))

        with ThreadPoolExecutor(2) as pool:
            for text in aimon_nb.progress(ROWS[:12], pilot=10):
                pool.submit(lambda text=text: asyncio.run(one(text)))

    with tracked() as view:
        asking(main)
    assert len(keys_of(run_of(view))) == 12 and len(pilots(run_of(view))) == 1


def test_as_many_as_the_rows(client):
    """After the last row nothing is left to judge: no loop that is through fails."""
    with tracked() as view:
        for text in aimon_nb.progress(ROWS[:10], pilot=10, budget=5):
            list(client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": text}], stream=True))
    assert run_of(view).status == "ok" and pilots(run_of(view)) == []


def test_rows_that_told_no_usage(client, truth):
    """What the batch will cost is unknown: with a budget it stops."""
    with pytest.raises(BudgetExceeded, match="unknown amount: 10 items have no price, from the first 10 rows. What it will cost is unknown"), tracked():
        for text in aimon_nb.progress(ROWS, pilot=10, budget=5):
            list(client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": text}], stream=True))
    assert len(truth.settled()) == 10


def test_more_than_the_rows(ask):
    """Then all of them run, and nothing is asked."""
    with tracked() as view:
        for text in aimon_nb.progress(ROWS[:3], pilot=10, budget=5):
            ask(text)
    assert len(keys_of(run_of(view))) == 3 and pilots(run_of(view)) == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"pilot": 0}, "pilot must be at least 1"),
        ({"pilot": "ten"}, "pilot must be a whole number"),
        ({"pilot": 5, "budget": 1}, "with a budget pilot must be at least 10"),
        ({"pilot": 10, "iterable": iter("ab")}, "pilot= needs to know how many rows there are"),
    ],
)
def test_wrong_ones(wrong, words):
    """Each is one clear line, and nothing runs."""
    with pytest.raises((TypeError, ValueError), match=words):
        aimon_nb.progress(**{"iterable": [1, 2], **wrong})


def test_an_error_of_ours(ask, monkeypatch):
    """Where no item can be begun, the pilot does not wait for ever."""
    from aimon_nb.capture.items import RunItems

    monkeypatch.setattr(RunItems, "begin", lambda *_, **__: 1 / 0)
    with tracked() as view:
        assert len(list(aimon_nb.progress(ROWS[:12], pilot=10))) == 12
    assert run_of(view).faults
