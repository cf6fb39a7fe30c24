"""Which calls belong to which row of a batch, and when a row is done."""

import asyncio
import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime

import numpy as np
import openai
import pandas as pd
import pytest
import tqdm

import aimon_nb
from aimon_nb.app import monitor
from aimon_nb.capture.items import current_item, plain_key
from aimon_nb.views.live.widget.item_news import ItemNews
from aimon_nb.views.present import batches, rows
from aimon_nb.views.present.items import encode_item
from aimon_nb.views.tables import frames
from tests.batches.conftest import items_of, keys_of
from tests.parts.waiting import eventually

FRAME = pd.DataFrame({"text": ["one", "two", "three"]}, index=["a", "b", "c"])


def test_a_loop(track, ask):
    """Each call of the body has its row as item; before and after the loop there is none."""
    with track() as run:
        ask()
        for text in aimon_nb.progress(["one", "two"]):
            ask(text)
            ask(text)
        ask()
    assert keys_of(run) == [None, 0, 0, 1, 1, None]
    assert [(item.key, item.status, item.is_done) for item in run.items] == [(0, "ok", True), (1, "ok", True)]
    assert run.faults == 0


@pytest.mark.parametrize("how", ["break", "error", "kept", "return"])
def test_a_loop_that_is_left_early(track, ask, how):
    """However a loop is left, what comes after it is of no item."""
    rows = aimon_nb.progress([1, 2, 3])

    def loop():
        for row in rows if how == "kept" else aimon_nb.progress([1, 2, 3]):
            ask()
            if row == 2:
                if how == "return":
                    return
                if how == "error":
                    raise KeyError(row)
                break

    with track() as run:
        if how == "error":
            with pytest.raises(KeyError):
                loop()
        else:
            loop()
        ask()
    assert keys_of(run) == [0, 1, None]
    assert all(item.is_done for item in run.items) and run.batches[0].is_over


@pytest.mark.parametrize(
    ("values", "key", "wanted"),
    [
        (FRAME, None, ["a", "b", "c"]),
        (FRAME.text, None, ["a", "b", "c"]),
        (FRAME.index, None, [0, 1, 2]),
        (FRAME.itertuples(), "Index", ["a", "b", "c"]),
        (FRAME.to_dict("records"), "text", ["one", "two", "three"]),
        (FRAME.text.tolist(), len, [3, 3, 5]),
        (iter("xyz"), None, [0, 1, 2]),
        (FRAME.set_index(pd.MultiIndex.from_tuples([(1, "a"), (1, "b"), (2, "a")])), None, [(1, "a"), (1, "b"), (2, "a")]),
        (pd.Series([1, 2, 3], index=np.arange(3) * 10), None, [0, 10, 20]),
    ],
)
def test_keys(track, ask, values, key, wanted):
    """A DataFrame and a Series give their index; else the key is what `key` says, or the place."""
    with track() as run:
        for _ in aimon_nb.progress(values, key=key):
            ask()
    assert keys_of(run) == wanted
    assert [type(one) for one in keys_of(run)] == [type(one) for one in wanted]


def test_rows_of_a_frame():
    """The rows of a DataFrame are those of `itertuples()`, tracked or not."""
    assert [row.text for row in aimon_nb.progress(FRAME)] == ["one", "two", "three"]
    assert list(aimon_nb.progress(FRAME.text)) == ["one", "two", "three"]


class Bad:
    def __str__(self):
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "wanted"),
    [(1, 1), ("x", "x"), (np.int64(3), 3), (np.float64(0.5), 0.5), (np.str_("s"), "s"), (True, True), (Bad(), "#7"), (None, "#7"), (float("nan"), "#7"), (pd.NaT, "#7"), (pd.NA, "#7"),
     (date(2026, 1, 2), date(2026, 1, 2)), ((1, Bad()), (1, "#7")), ([1, 2], "[1, 2]"), (b"x", "b'x'"), ("sk-abcdefghij0123456789xyz", "…")],
)  # fmt: skip
def test_a_key_is_plain(value, wanted):
    """A key is kept in its own type where that is plain; one without a text is the item's number."""
    key = plain_key(value, 7)
    assert (key, type(key)) == (wanted, type(wanted))


def test_a_key_that_comes_again(track, ask):
    """It is another repeat of the same item, also in another loop of the run. Keys that are equal are one, as in a dict and for a join: 1, True and 1.0, and "1" is another. The page's rows and those of both tables are the same ones."""
    with track() as run:
        for _ in range(2):
            for _ in aimon_nb.progress("xxy", key=str):
                ask()
        for key in (1, True, 1.0, "1"):
            with aimon_nb.item(key):
                ask()
    assert items_of(run) == [("x", 1), ("x", 2), ("y", 1), ("x", 3), ("x", 4), ("y", 2), (1, 1), (True, 2), (1.0, 3), ("1", 1)]
    assert [type(item.key) for item in run.items[-4:]] == [int, bool, float, str]
    assert [encode_item(item)[1:] for item in run.items[-4:]] == [["1", "ok"], ["True", "ok", 2], ["1.0", "ok", 3], ["1", "ok"]]
    assert frames.usage([run], ["item"])["calls"].tolist() == [4, 2, 3, 1]
    assert frames.usage([run], ["item", "repeat"])["calls"].tolist() == [1] * 10


@pytest.mark.parametrize(("values", "key"), [([{"name": 1}], "id"), (FRAME.itertuples(), "index"), (["ab"], "title")])
def test_a_row_without_the_field(track, values, key):
    """`key=` that no row has is one clear error, a method's name too, and no item is begun."""
    with track() as run, pytest.raises(ValueError, match=f"a row has no '{key}'"):
        for _ in aimon_nb.progress(values, key=key):
            pass
    assert run.items == []


@pytest.mark.parametrize("key", ["name", "size", "count"])
def test_a_field_with_a_methods_name(track, key):
    """Of a row that has a field of that name the field is the key, though a Series has such an attribute."""
    frame = pd.DataFrame({"name": ["x", "y"], "size": ["x", "y"], "count": ["x", "y"]})
    with track() as run:
        for _ in aimon_nb.progress([row for _, row in frame.iterrows()], key=key):
            pass
        for _ in aimon_nb.progress(frame.itertuples(), key=key):
            pass
    assert [item.key for item in run.items] == ["x", "y"] * 2


@pytest.mark.parametrize("length", [ValueError, OverflowError])
def test_rows_whose_length_fails(track, length):
    """They are rows of which nobody knows how many there are, as in a plain loop."""

    class Strange:
        def __iter__(self):
            return iter("ab")

        def __len__(self):
            raise length("no")

    with track() as run:
        assert list(aimon_nb.progress(Strange())) == ["a", "b"]
    assert [batch.total for batch in run.batches] == [None]


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        (lambda: aimon_nb.progress(5), TypeError, "5 cannot be looped over"),
        (lambda: aimon_nb.progress([1], key=3), TypeError, "key must be"),
        (lambda: aimon_nb.progress([1], total="2"), TypeError, "total must be"),
        (lambda: aimon_nb.progress([1], total=-1), ValueError, "total cannot be negative"),
        (lambda: aimon_nb.progress([1], desc=3), TypeError, "desc must be"),
        (lambda: aimon_nb.map(None, [1]), TypeError, "map needs a function"),
        (lambda: aimon_nb.map(str, [1], max_workers=0), ValueError, "max_workers must be at least 1"),
        (lambda: aimon_nb.map(str, [1], max_workers="8"), TypeError, "max_workers must be a whole number"),
    ],
)
def test_wrong_arguments(wrong, error, words):
    """Each is one clear line, and nothing runs."""
    with pytest.raises(error, match=words):
        wrong()


def test_threads_pools_and_tasks_of_the_body(track, ask):
    """What the body of a loop begins has its item, however late it runs."""
    with track() as run, ThreadPoolExecutor(2) as pool:
        for row in aimon_nb.progress(["a", "b"], key=str):
            thread = threading.Thread(target=ask)
            thread.start()
            jobs = [pool.submit(ask), pool.submit(ask)]
            for job in jobs:
                job.result()
            thread.join()
            asyncio.run(asyncio.wait_for(asyncio.to_thread(ask, row), None))
    assert sorted(keys_of(run)) == ["a"] * 4 + ["b"] * 4


def test_tasks_made_in_the_loop(track, asking):
    """Tasks that the loop merely makes are of their rows; a row is not done before its task is."""
    done = []

    async def main(ask):
        tasks = []
        for row in aimon_nb.progress(["a", "b", "c"], key=str):
            tasks.append(asyncio.create_task(ask(row)))
        done.append([item.is_done for item in run.items])
        await asyncio.gather(*tasks)
        await asyncio.sleep(0)

    with track() as run:
        asking(main)
    assert sorted(keys_of(run)) == ["a", "b", "c"]
    assert done == [[False] * 3]
    assert [item.is_done for item in run.items] == [True] * 3


@pytest.mark.parametrize("wrapped", [False, True])
def test_jobs_made_in_the_loop(track, ask, truth, wrapped, monkeypatch):
    """The bar does not run ahead of jobs that wait in a pool, though a tracing library has wrapped `submit`."""
    if wrapped:
        namespace = {"submit": ThreadPoolExecutor.submit, "__name__": "sentry_sdk.integrations.threading"}
        exec(compile("def wrapper(*args):\n    return submit(*args)", pd.__file__, "exec"), namespace)
        monkeypatch.setattr(ThreadPoolExecutor, "submit", namespace["wrapper"])
    truth.hold()
    with track() as run, ThreadPoolExecutor(1) as pool:
        jobs = [pool.submit(ask) for _ in aimon_nb.progress(range(3))]
        truth.wait_held(1)
        seen = rows.header(run)["progress"], run.batches[0].done, [*batches.words(run)]
        truth.release()
        for job in jobs:
            job.result()
        eventually(lambda: run.batches[0].done == 3)
    assert seen == (None, 0, ["0 of 3 items"])  # the loop is over, and none of its rows is
    assert keys_of(run) == [0, 1, 2]


def test_a_task_that_a_library_begins_for_ever(track, asking, monkeypatch):
    """It does not keep the row open: nobody knows when it ends."""
    from tests.parts import places  # a file of ours: no library's

    monkeypatch.setattr("aimon_nb.capture.items._is_users", lambda file: not file.endswith("places.py"))
    namespace = {"asyncio": asyncio, "__name__": "library"}
    exec(compile("def begin(event):\n    return asyncio.ensure_future(event.wait())", places.__file__, "exec"), namespace)

    async def main(ask):
        event = asyncio.Event()
        for row in aimon_nb.progress(["a"]):
            task = namespace["begin"](event)
            await ask(row)
        assert run.items[0].is_done
        event.set()
        await task

    with track() as run:
        asking(main)
    assert run.faults == 0


def test_coroutines_of_a_comprehension(track, asking):
    """They have left the loop when they are awaited: they are of no item, and the run says what to use."""

    async def main(ask):
        await asyncio.gather(*[ask(row) for row in aimon_nb.progress(["a", "b"])])

    with track() as run:
        asking(main)
    assert keys_of(run) == [None, None]
    assert "2 calls of no item: use aimon_nb.map" in run.notes


def test_async_for(track, asking):
    """`async for` takes async iterables and plain ones, and leaves no item behind when it is left early."""

    async def rows():
        for one in "abc":
            yield one

    async def main(ask):
        async for row in aimon_nb.progress(rows(), key=str):
            await ask(row)
        async for row in aimon_nb.progress(["d", "e"], key=str):
            await ask(row)
            break
        await ask()

    with track() as run:
        asking(main)
    assert keys_of(run) == ["a", "b", "c", "d", None]


def test_a_block(track, ask, asking):
    """`with item(key)`: the innermost holds, and an error of the block is the item's."""
    with track() as run:
        with aimon_nb.item("outer"):
            ask()
            with aimon_nb.item("inner"):
                ask()
            ask()
        with pytest.raises(KeyError), aimon_nb.item("bad"):
            raise KeyError("x")

        async def main(ask):
            async with aimon_nb.item("async"):
                await ask()

        asking(main)
    assert keys_of(run) == ["outer", "inner", "outer", "async"]
    assert [(item.key, item.status, item.error_type) for item in run.items][2] == ("bad", "error", "KeyError")


class TestTheSameTextInTwoRows:
    """Of two rows that ask the same each fails for itself, whatever becomes of the other."""

    def asked(self, ask, text):
        with contextlib.suppress(openai.APIStatusError):
            ask(text)

    def ends(self, run):
        return [status for status in frames.usage([run], ["item", "repeat"])["status"]]

    def test_all_fail(self, track, ask):
        """None of them is another's next attempt."""
        with track() as run:
            for _ in aimon_nb.progress(range(3)):
                self.asked(ask, "[status 400]")
        assert self.ends(run) == ["error"] * 3
        assert (run.totals.errors, run.totals.retries) == (3, 0)

    def test_it_is_tried_again(self, track, ask):
        """In its own row, in a loop inside of it too, and when its key comes again."""
        with track() as run:
            for _ in aimon_nb.progress(["a", "b"]):
                for _ in aimon_nb.progress(range(3)):
                    self.asked(ask, "[status 400]")
            with aimon_nb.item(1):
                self.asked(ask, "[status 400]")
        assert run.totals.errors == 2 and [span.attempt or 1 for span in run.spans.values() if span.call] == [1, 2, 3] * 2 + [4]

    def test_code_of_no_row_asked_before(self, track, ask):
        """What it tried is tried again by the first row that asks the same."""
        with track() as run:
            self.asked(ask, "[status 400]")
            for _ in aimon_nb.progress(range(2)):
                self.asked(ask, "[status 400]")
        assert run.totals.errors == 2


def test_items_past_the_cap(track, ask, priced):
    """Calls that have no rows are in the live view's sums of their items, as they are in the table: one that failed there is no success."""
    monitor.configure(max_spans=2)
    try:
        with track() as run:
            news = ItemNews(run)
            for text in aimon_nb.progress(["one", "two", "[status 400]", "four"]):
                with contextlib.suppress(openai.APIStatusError):
                    ask(text)
            news.fresh()
    finally:
        monitor.configure(max_spans=20_000)
    usage = frames.usage([run], ["item"])
    [two, three, four] = [one for one in news.fresh() if len(one) > 5]
    assert (two[0], three[1:3], four[2]) == (2, ["2", "error"], "ok") and "400" in three[4]
    for packed in (two, three, four):
        row = usage.iloc[packed[0] - 1]
        assert packed[5][:2] == [row["calls"], row["retries"]] and packed[2] == row["status"]
    assert four[5][3:] == [usage["input_tokens"][3], usage["output_tokens"][3], usage["cost_usd"][3], 1]
    assert three[5][5:] == [0, 0] and usage["cost_usd"][2] == 0  # nothing is billed for it, and that is known


def test_a_stream_that_is_left(track, client):
    """Its item is well: that it was left early its code has chosen."""
    with track() as run:
        for text in aimon_nb.progress(["one two three"]):
            for _ in (answer := client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": text}], stream=True)):
                break
            answer.close()
    assert [span.status for span in run.spans.values() if span.call] == ["abandoned"]
    assert frames.usage([run], ["item"])["status"].tolist() == ["ok"]


def test_more_rows_than_total_says(track):
    """Their number is what was counted: not `3 of 2 items`."""
    with track() as run:
        for _ in aimon_nb.progress(iter(range(3)), total=2):
            pass
    assert [*batches.words(run)] == ["3 items"]


@pytest.mark.parametrize("way", ["after each other", "in threads", "one in another", "the first left early", "the last left early"])
def test_the_head_of_several_loops(track, way):
    """When all is over it counts the rows of all loops, as the table of items does; of loops in one another those of the outer one, and of one that was stopped how far that came."""

    def loop(name, most=3):
        for row in aimon_nb.progress(range(3)):
            if way == "one in another" and name == "a":
                loop("b")
            if row == most - 1:
                break

    with track() as run:
        if way == "in threads":
            threads = [threading.Thread(target=loop, args=(name,)) for name in "cd"]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        elif way == "one in another":
            loop("a")
        else:
            loop("c", 1 if "first" in way else 3)
            loop("d", 1 if "last" in way else 3)
    wanted = {"after each other": "6 items", "in threads": "6 items", "one in another": "3 items", "the first left early": "4 of 6 items", "the last left early": "1 of 3 items"}
    assert next(batches.words(run)) == wanted[way]


def test_loops_that_take_turns(track, ask):
    """Two loops in a `zip`: the latter holds, and after them there is none."""
    with track() as run:
        for _ in zip(aimon_nb.progress("ab", key=str), aimon_nb.progress("xy", key=str), strict=True):
            ask()
        ask()
    assert keys_of(run) == ["x", "y", None]


def test_a_row_waits_for_the_items_inside_of_it(track, ask, truth):
    """A job of an inner loop's row keeps the outer row open, too; of loops in a `zip` each row has its own cost."""
    truth.hold()
    with track() as run, ThreadPoolExecutor(1) as pool:
        for _ in aimon_nb.progress("a", key=str):
            for _ in aimon_nb.progress("x", key=str):
                job = pool.submit(ask)
        truth.wait_held(1)
        assert [item.is_done for item in run.items] == [False, False]
        truth.release()
        job.result()
        eventually(lambda: [item.is_done for item in run.items] == [True, True])
        for _ in zip(aimon_nb.progress("bc", key=str), aimon_nb.progress("yz", key=str), strict=True):
            pass
    assert [(item.key, item.inside) for item in run.items] == [("a", None), ("x", 1), ("b", None), ("y", 3), ("c", None), ("z", 5)]


def test_a_run_inside(track, ask):
    """A run inside of an item's body has items of its own, or none."""
    with track() as outer:
        for _ in aimon_nb.progress("a", key=str):
            with track("inner") as inner:
                ask()
            ask()
    assert (keys_of(outer), keys_of(inner)) == (["a"], [None])


def test_outside_of_a_run(ask):
    """There it is the rows' own iterator: nothing is kept, and `len`, `bool` and tqdm's total are theirs."""
    values = [1, 2, 3]
    rows = aimon_nb.progress(values)
    assert type(iter(rows)) is type(iter(values)) and len(rows) == 3 and bool(rows)
    assert tqdm.tqdm(rows, disable=None).total == 3
    with pytest.raises(TypeError, match="nobody knows"):
        len(aimon_nb.progress(iter(values)))
    assert list(aimon_nb.progress(iter(values))) == values and aimon_nb.progress(iter(values))
    assert aimon_nb.map(lambda n: n * 2, values) == [2, 4, 6]
    with aimon_nb.item("x"):
        assert current_item.get() is None


@pytest.mark.parametrize("inside", [True, False])
def test_with_tqdm(track, ask, inside, capsys):
    """It stands around tqdm and inside of it, and draws no second bar: the share that the page draws is unknown."""
    shares = []
    with track() as run:
        loop = aimon_nb.progress(tqdm.tqdm("ab"), key=str) if inside else tqdm.tqdm(aimon_nb.progress("ab", key=str))
        for _ in loop:
            ask()
            shares.append(rows.header(run)["progress"])
    assert keys_of(run) == ["a", "b"] and shares == [None, None]
    assert "2/2" in capsys.readouterr().err


def test_the_share_of_a_loop(track, ask):
    """How much is done, while it is known how many there are."""
    shares, words = [], []
    with track() as run:
        for loop in (aimon_nb.progress("ab", desc="letters"), aimon_nb.progress(iter("ab")), aimon_nb.progress(iter("ab"), total=4)):
            for _ in loop:
                ask()
                shares.append(rows.header(run)["progress"])
                words.append(next(batches.words(run)))
    assert shares == [0.0, 0.5, None, None, 0.0, 0.25]
    assert words == ["letters: 0 of 2 items", "letters: 1 of 2 items", "0 items", "1 item", "0 of 4 items", "1 of 4 items"]


def test_what_the_run_did_not_finish(track, ask):
    """An item that nobody left is said to be abandoned when the run ends."""
    with track() as run:
        loop = iter(aimon_nb.progress("abc", key=str))
        next(loop)
        ask()
        held = loop
    assert [(item.key, item.status) for item in run.items] == [("a", "abandoned")]
    del held


def test_an_open_stream_keeps_its_row_open(track, client, truth):
    """A row is not done before the answer that it streams is."""
    with track() as run:
        for _ in aimon_nb.progress("a"):
            stream = client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "x"}], stream=True)
            next(iter(stream))
        assert not run.items[0].is_done
        list(stream)
        assert run.items[0].is_done


class TestMap:
    """`map` stamps each where a loop cannot."""

    def test_in_threads(self, track, ask):
        """Results stand in the order of the rows; each call is of its row."""
        with track() as run:
            labels = aimon_nb.map(lambda text: ask(text) and text.upper(), FRAME.text, max_workers=3)
        assert labels == ["ONE", "TWO", "THREE"]
        assert sorted(keys_of(run)) == ["a", "b", "c"]
        assert list(batches.words(run)) == ["3 items"] and run.faults == 0

    def test_in_tasks(self, track, asking):
        """An `async def` function is awaited; 50 coroutines have 50 items."""

        async def main(ask):
            async def one(number):
                await asyncio.gather(ask(str(number)), ask(str(number)))
                return number

            return await aimon_nb.map(one, range(50), max_workers=10)

        with track() as run:
            assert asking(main) == list(range(50))
        assert sorted(keys_of(run)) == sorted([*range(50)] * 2)

    def test_never_more_than_so_many_at_once(self, asking):
        """`max_workers` bounds how many run, in tasks and in threads."""
        now, most = 0, 0

        async def one(_):
            nonlocal now, most
            now += 1
            most = max(most, now)
            await asyncio.sleep(0)
            now -= 1

        asking(lambda _: aimon_nb.map(one, range(20), max_workers=3))
        assert most == 3
        barrier = threading.Barrier(3)
        aimon_nb.map(lambda _: barrier.wait(10), range(6), max_workers=3)

    @pytest.mark.parametrize("kind", ["threads", "tasks"])
    def test_a_row_that_fails(self, track, asking, kind):
        """No other begins, and what is there is in `error.results`; the item has the error."""

        def plain(number):
            if number == 2:
                raise KeyError(number)
            return number * 10

        async def coroutine(number):
            return plain(number)

        with track() as run, pytest.raises(KeyError) as caught:
            if kind == "threads":
                aimon_nb.map(plain, range(6), max_workers=1)
            else:
                asking(lambda _: aimon_nb.map(coroutine, range(6), max_workers=1))
        assert caught.value.results == [0, 10, None, None, None, None]
        assert [item.status for item in run.items] == ["ok", "ok", "error"]

    def test_exceptions_as_results(self, track):
        """With `return_exceptions` the others go on."""

        def one(number):
            return 10 // number

        with track() as run:
            zero, *rest = aimon_nb.map(one, range(3), return_exceptions=True)
        assert isinstance(zero, ZeroDivisionError) and rest == [10, 5]
        assert [item.status for item in run.items] == ["error", "ok", "ok"]

    def test_a_base_exception_is_no_result(self):
        """What is no `Exception` stops the batch all the same."""

        class Stop(BaseException):
            pass

        def one(number):
            if number:
                raise Stop
            return number

        with pytest.raises(Stop) as caught:
            aimon_nb.map(one, range(5), max_workers=1, return_exceptions=True)
        assert caught.value.results == [0, None, None, None, None]

    def test_a_function_that_returns_a_coroutine(self):
        """A lambda around an `async def` function is one clear error."""

        async def one(_):
            pass

        with pytest.raises(TypeError, match="give it the `async def` function itself"):
            aimon_nb.map(lambda row: one(row), [1])

    def test_rows_that_cannot_be_made(self):
        """An error of the rows themselves comes as it is, with what there is."""

        def rows():
            yield 1
            raise OSError("gone")

        with pytest.raises(OSError, match="gone") as caught:
            aimon_nb.map(str, rows())
        assert caught.value.results == ["1"]


class TestUsageByItem:
    """`%ai_usage --by item`."""

    def usage(self, run, by="item"):
        from aimon_nb.views.tables import frames

        return frames.usage([run], by.split(","))

    def test_a_row_an_item(self, track, ask, priced):
        """Calls, retries, tokens, cost, status and error of each; an item without a call has a row; NA are the calls of no item."""
        with track() as run:
            ask()
            for row in aimon_nb.progress([10, 20, 30], key=int):
                if row == 20:
                    with pytest.raises(Exception, match="500"):
                        ask("[status 500]")
                elif row == 10:
                    ask("one two three")
        table = self.usage(run)
        assert table["item"].tolist() == [10, 20, 30, pd.NA] and str(table["item"].dtype) == "Int64"
        assert table["calls"].tolist() == [1, 1, 0, 1] and table["errors"].tolist() == [0, 1, 0, 0]
        assert table["status"].tolist() == ["ok", "error", "ok", "ok"]
        assert "500" in table["error"][1] and table["error"].isna().tolist() == [True, False, True, True]
        assert table["input_tokens"][0] == 3 and table["cost_usd"][0] > 0 and pd.isna(table["cost_usd"][2])
        assert table["calls"].sum() == run.totals.calls

    def test_it_joins(self, track, ask):
        """Keys have their own type: the table joins the user's on its index."""
        for index in (["a", "b", "c"], [5, 6, 7], [0.5, 1.5, 2.5], pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-03"]), pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-03"]).tz_localize("UTC"), ["a", 1, 2.5]):
            data = pd.DataFrame({"text": ["x", "y", "z"]}, index=index)
            with track() as run:
                for _ in aimon_nb.progress(data):
                    ask()
            joined = data.join(self.usage(run).set_index("item"))
            assert joined["calls"].tolist() == [1, 1, 1], index

    def test_it_joins_levels(self, track, ask):
        """Of a MultiIndex keys are tuples: the index that is made of them joins."""
        data = pd.DataFrame({"text": list("xyz")}, index=pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)], names=["group", "n"]))
        with track():
            aimon_nb.map(ask, data.text)
        usage = aimon_nb.last_run().usage("item")
        joined = data.join(usage.set_index(pd.MultiIndex.from_tuples(usage["item"], names=data.index.names)))
        assert joined["calls"].tolist() == [1, 1, 1]

    def test_by_repeat(self, track, ask):
        """By item a key that came again is one row; by item and repeat each is one."""
        with track() as run:
            for _ in aimon_nb.progress("xxy", key=str):
                ask()
        assert self.usage(run)[["item", "calls"]].values.tolist() == [["x", 2], ["y", 1]]
        assert self.usage(run, "item,repeat")[["item", "repeat", "calls"]].values.tolist() == [["x", 1, 1], ["x", 2, 1], ["y", 1, 1]]
        assert self.usage(run, "model,item")["calls"].tolist() == [2, 1]

    def test_styled(self, track, ask):
        """The table for people shows keys that are no text."""
        from aimon_nb.views.tables.usage_table import UsageTable

        with track() as run:
            ask()
            for _ in aimon_nb.progress([1], key=lambda _: datetime(2026, 1, 2)):
                ask()
        table = UsageTable(self.usage(run), ["item"])
        assert "2026-01-02" in repr(table) and "2026-01-02" in table._repr_html_() and ">none<" in table._repr_html_()


def test_items_in_spans_and_files(track, ask, tmp_path):
    """`item` and `repeat` stand in the frame of spans and in every file, keys of several types as text in files."""
    import json

    from aimon_nb.views.tables import frames
    from aimon_nb.views.tables.export import export

    with track() as run:
        for key in (1, "x", (1, 2)):
            with aimon_nb.item(key):
                ask()
    data = frames.spans([run])
    assert data["item"].dropna().tolist() == [1, "x", (1, 2)] and data["repeat"].dropna().tolist() == [1, 1, 1]
    export([run], tmp_path / "run.json")
    exported = json.loads((tmp_path / "run.json").read_text())
    assert [span["item"] for span in exported["spans"] if span["item"]] == ["1", "x", "(1, 2)"]
    for suffix in ("csv", "jsonl", "html"):
        export([run], tmp_path / f"run.{suffix}")
        export([run], tmp_path / f"usage.{suffix}", by="item")


def test_where_keys_go(track, ask):
    """A saved form has whole numbers and `#77`, and a text key only where it is to be kept; so has what has no content. A widget's state has numbers alone."""
    from aimon_nb.model import Run
    from aimon_nb.views.live.saved_full import _details
    from aimon_nb.views.static import html, text

    secret = "jane@example.org"
    with track() as run:
        for keep in (False, True):
            with aimon_nb.item(f"{secret} {keep}", keep_items=keep):
                ask()
        with aimon_nb.item(12345):
            ask()
    saved = [str(rows.snapshot(run)), str(_details(run)), html.static(run), text.tree(run), str(run.to_dict())]
    assert not [one for one in saved if f"{secret} False" in one]
    assert f"{secret} True" not in saved[0]
    for one in (saved[1], saved[4]):
        assert f"{secret} True" in one and "12345" in one and "#1" in one
    again = Run.from_dict(run.to_dict())
    assert [item.key for item in again.items] == ["#1", f"{secret} True", 12345]
    assert Run.from_dict(run.to_dict(content=True)).items[0].key == f"{secret} False"


def test_the_users_redaction(track, ask, monkeypatch):
    """`install(redact=…)` is asked for text keys that leave; the loop's own word, too."""
    from aimon_nb.model.redaction import redaction
    from aimon_nb.views.tables import frames

    with track() as run:
        for _ in aimon_nb.progress(["jane", "joe"], key=str, desc="jane's"):
            ask()
    monkeypatch.setattr(redaction, "hook", lambda to, kind, value: value.replace("jane", "J") if kind == "name" else value)
    changed = redaction.run("table", run)
    assert frames.usage([changed], ["item"])["item"].tolist() == ["J", "joe"]
    assert list(batches.words(changed)) == ["J's: 2 items"]
    assert run.items[0].key == "jane"


def test_an_error_of_ours(track, ask, monkeypatch):
    """The loop goes on where we fail."""
    from aimon_nb.capture.items import RunItems

    monkeypatch.setattr(RunItems, "begin", lambda *_, **__: 1 / 0)
    with track() as run:
        assert list(aimon_nb.progress([1, 2])) == [1, 2]
        assert aimon_nb.map(str, [1, 2]) == ["1", "2"]
    assert run.faults == 4


def rows_that_fail(fails, wrapped):
    for row in wrapped(aimon_nb.progress([1, 2, 3], key=int)):
        for _ in aimon_nb.progress("ab", key=str):
            fails(row)


@pytest.mark.parametrize("wrapped", [iter, enumerate, tqdm.tqdm, lambda rows: zip(rows, aimon_nb.progress("xyz", key=str), strict=True)])
def test_which_row_an_error_left(track, wrapped):
    """The row in which the body of a loop failed has failed with it, and so have the rows that it is in; one that was left by `break`, or whose error was caught, has not."""

    def fails(row):
        if row not in (1, (0, 1), (1, "x")):
            raise KeyError("row")

    with pytest.raises(KeyError), aimon_nb.track("rows", view="none") as view:
        for _ in aimon_nb.progress([0], key=int):
            break
        with contextlib.suppress(ValueError):
            for _ in aimon_nb.progress(["caught"], key=str):
                raise ValueError
        rows_that_fail(fails, wrapped)
    run = view._run
    bad = [item.key for item in run.items if item.status == "error"]
    assert bad == ([2, "y", "a"] if len(run.batches) == 6 else [2, "a"]), [(item.key, item.status) for item in run.items]
    assert {(item.error_type, item.error) for item in run.items if item.status == "error"} == {("KeyError", "'row'")}
    assert {item.status for item in run.items} == {"ok", "error"} and run.faults == 0


def test_which_row_an_interrupt_left(track):
    """It is interrupted, in `async for` too; the run's own loops are over."""
    for error, status in ((KeyboardInterrupt, "interrupted"), (asyncio.CancelledError, "interrupted"), (SystemExit, "interrupted"), (ValueError, "error")):

        async def main(error=error):
            async for row in aimon_nb.progress([1, 2], key=int):
                await asyncio.sleep(0)
                if row == 2:
                    raise error

        with pytest.raises(error), aimon_nb.track("rows", view="none") as view:
            coroutine = main()
            while True:
                coroutine.send(None)
        assert [item.status for item in view._run.items if item.key == 2] == [status], error


def test_a_job_that_failed_after_its_row(track, asking):
    """A task or a job that the body began and left behind ends its row as it ends; of one that the body waited for, or that another task began, its code has heard."""

    async def main(ask):
        async def fails(row):
            with contextlib.suppress(ValueError):
                await asyncio.create_task(raises())
            if row == 2:
                raise KeyError("row")
            if row == 3:
                await asyncio.Event().wait()
            await ask()

        async def raises():
            raise ValueError

        tasks = []
        for row in aimon_nb.progress([1, 2, 3], key=int):
            tasks.append(asyncio.create_task(fails(row)))
        asyncio.get_running_loop().call_later(0.05, tasks[2].cancel)
        await asyncio.gather(*tasks, return_exceptions=True)
        async for _ in aimon_nb.progress([4], key=int):
            with contextlib.suppress(KeyError):
                await asyncio.create_task(fails(2))

    with track() as run:
        asking(main)
        over = threading.Event()
        with ThreadPoolExecutor(1) as pool:
            for row in aimon_nb.progress([5, 6], key=int):
                pool.submit(lambda row: over.wait(30) / (row - 5), row)
            over.set()
    assert {item.key: (item.status, item.error_type) for item in run.items} == {
        1: ("ok", None), 2: ("error", "KeyError"), 3: ("interrupted", "CancelledError"), 4: ("ok", None), 5: ("error", "ZeroDivisionError"), 6: ("ok", None)
    }  # fmt: skip
    assert all(item.is_done for item in run.items) and run.faults == 0


def test_an_interrupt_that_is_swallowed(ask):
    """Its code goes on, and its calls do not: the run was interrupted. One that asks no more is well."""
    for more in (1, 0):
        with aimon_nb.track("rows", view="none") as view:
            ask()
            view_state(view).stop = True
            for _ in range(more):
                with contextlib.suppress(BaseException):
                    ask()
        assert view.status == ("interrupted" if more else "ok")


def view_state(view):
    return monitor.recorder.registry.states[view._run.run_id]


@pytest.mark.parametrize("way", ["rows", "map", "async map"])
def test_a_run_of_its_own_that_fails(ask, way):
    """A run that `progress(budget=…)` or `map(budget=…)` opens ends as its loop did: with the error of the rows, or of a row."""

    def rows():
        yield 1
        raise KeyError("rows")

    async def row(_):
        raise KeyError("row")

    with pytest.raises(KeyError):
        if way == "rows":
            for _ in aimon_nb.progress(rows(), budget=1):
                pass
        elif way == "map":
            aimon_nb.map(lambda _: {}["row"], [1], budget=1)
        else:
            asyncio.run(aimon_nb.map(row, [1], budget=1))
    run = aimon_nb.last_run()
    assert (run.status, run._run.error_type) == ("error", "KeyError")
    monitor.uninstall()
