"""Budgets: what is sent and what is not, whichever client, thread or task asks; what is said; how it ends."""

import asyncio
import contextlib
import gc
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from multiprocessing.pool import ThreadPool
from pathlib import Path

import numpy as np
import pytest
import sentry_sdk
import tenacity

import aimon_nb
from aimon_nb import BudgetExceeded, RunStopped, pricing
from aimon_nb.app import monitor
from aimon_nb.capture import recorder
from aimon_nb.capture.budget import Amount, Budget
from aimon_nb.model.budget import BudgetLimits, dollars, dollars_of_text
from aimon_nb.model.errors import RefusedInPoolError
from aimon_nb.views.static import text
from aimon_nb.views.tables import frames
from aimon_nb.wire import budget_gate
from tests.batches.conftest import MODEL, price_of_model
from tests.parts import sdk
from tests.wire.conftest import calls

EACH = Decimal("0.012")  # dollars of a call: 12 tokens of output


@pytest.fixture
def cheap(truth):
    """A model with a price of a thousand dollars per million tokens of output, and nothing for input."""
    with price_of_model(truth, input_mtok=0, output_mtok=1000):
        yield


@pytest.fixture(autouse=True)
def clean():
    yield
    monitor.uninstall()


def tracked(**limits):
    return aimon_nb.track("budget", view="none", **limits)


def run_of(view):
    return view._run


def figures(run):
    """(calls, cost) of a run, which its table says, too."""
    usage = frames.usage([run])
    assert int(usage["calls"].sum()) == run.totals.calls
    return run.totals.calls, run.totals.cost


class TestBudget:
    """The sums, without a call."""

    def test_the_first_is_sent(self):
        """Of which nothing is known, if nothing is spent."""
        assert Budget(BudgetLimits(usd=Decimal("0.01")), "b").why_not(Amount()) is None

    def test_what_is_spent_reserved_and_expected_has_to_fit(self):
        """To the cent: what fits exactly is sent."""
        budget = Budget(BudgetLimits(usd=Decimal("0.3")), "b")
        budget.reserve("a", Amount())
        budget.settle("a", "m", Decimal("0.1"), 5)
        assert budget.expected("m", Amount()).usd == Decimal("0.1") and budget.expected("other", Amount(Decimal(7))).usd == 7
        budget.reserve("b", Amount(Decimal("0.1"), 5))
        assert budget.why_not(Amount(Decimal("0.1"))) is None
        refusal = budget.why_not(Amount(Decimal("0.1000001")))
        assert refusal[:5] == ("usd", Decimal("0.3"), Decimal("0.1"), Decimal("0.1"), Decimal("0.1000001"))

    def test_p95(self):
        """What a call is expected to take is the p95 of its model's."""
        budget = Budget(BudgetLimits(usd=Decimal(9)), "b")
        for n in range(100, 0, -1):
            budget.settle(str(n), "m", Decimal(n), n)
        assert budget.expected("m", Amount()) == (95, 95)

    def test_an_answer_without_usage_stays_reserved(self):
        """It may have cost what it was expected to; once it tells its usage, that counts."""
        budget = Budget(BudgetLimits(usd=Decimal(9)), "b")
        budget.reserve("a", Amount(Decimal(2)))
        budget.settle("a", "m", None, None)
        assert (budget.spent.usd, budget.reserved.usd, len(budget.unknown)) == (0, 2, 1)
        budget.settle("a", "m", Decimal(1), 1)
        assert (budget.spent.usd, budget.reserved.usd) == (1, 0)

    def test_what_was_refused_by_its_provider_is_free(self):
        """Nothing is billed for it; but it was sent, and is a call."""
        budget = Budget(BudgetLimits(calls=1), "b")
        budget.reserve("a", Amount(Decimal(2)))
        budget.forget("a")
        assert (budget.reserved.usd, budget.sent) == (0, 1) and budget.why_not(Amount()).unit == "calls"


@pytest.mark.usefixtures("cheap")
def test_many_in_flight(asking, monkeypatch):
    """Before a call is sent the answers that have ended are looked at, and not each that is in flight: 4,000 at once took 28 s."""
    looks, is_read = [], budget_gate._is_read
    monkeypatch.setattr(budget_gate, "_is_read", lambda request: looks.append(request) or is_read(request))

    async def main(ask):
        await asyncio.gather(*[ask() for _ in range(60)])

    with tracked(budget=100) as view:
        asking(main)
        [budget] = [one for one in recorder.sole.budgets]
        assert len(looks) < 60 * 6, len(looks)
    assert (budget.spent.usd, budget.reserved, budget.in_flight, [*budget.ended]) == (60 * EACH, Amount(), {}, [])
    assert figures(run_of(view)) == (60, 60 * EACH)


class TestTheError:
    """How IPython shows it: as a result, with the user's own lines."""

    def shown(self, raising):
        with pytest.raises(BudgetExceeded) as caught:
            raising()
        [text] = caught.value._render_traceback_()
        return text.split("\n")

    def test_notes(self):
        """Whatever somebody has added to it is said, too."""

        def raising():
            error = BudgetExceeded("over")
            error.__notes__ = ["a note"]
            raise error

        assert self.shown(raising)[:2] == ["BudgetExceeded: over", "a note"]

    def test_a_function_that_calls_itself(self):
        """Its line is said once, and how often it came."""

        def raising(depth=50):
            if depth:
                return raising(depth - 1)
            raise BudgetExceeded("over")

        assert [line.partition(", ")[2] for line in self.shown(raising)[2:]] == [
            f"line {(first := raising.__code__.co_firstlineno) + 2}: return raising(depth - 1)  (and 49 more times)",
            f"line {first + 3}: raise BudgetExceeded(\"over\")",
        ]

    def test_where_a_line_stands(self, monkeypatch):
        """Each line has the file that it is in, of the user's home from there on."""
        monkeypatch.setattr(Path, "home", lambda: Path(__file__).parents[1])

        def raising():
            raise BudgetExceeded("over")

        assert self.shown(raising)[-1].startswith("  File ~/batches/test_budget.py, line ")

    @pytest.mark.parametrize("mode", ["Plain", "Context", "Verbose", "Minimal"])
    def test_each_mode_of_ipython(self, mode):
        """Each line is one, also where IPython puts nothing between those of a list."""
        ultratb = pytest.importorskip("IPython.core.ultratb")

        def raising():
            raise BudgetExceeded("over")

        with pytest.raises(BudgetExceeded) as caught:
            raising()
        text = ultratb.FormattedTB(mode=mode).stb2text(caught.value._render_traceback_())
        assert text.split("\n")[0] == "BudgetExceeded: over"


@pytest.mark.usefixtures("cheap")
class TestALoop:
    """A plain loop of calls."""

    def test_it_stops_in_time(self, ask, truth):
        """The call that would not fit in is not sent: the exception says what was spent, the limit and how many rows were not sent."""
        with pytest.raises(BudgetExceeded) as caught, tracked(budget=0.05) as view:
            for _ in aimon_nb.progress(range(100)):
                ask()
        run = run_of(view)
        assert figures(run) == (4, 4 * EACH) and len(truth.settled()) == 4
        assert (run.status, run.error_type, run.faults) == ("over_budget", "BudgetExceeded", 0)
        words = str(caught.value)
        assert words == run.error
        for part in ("the run's budget of $0.0500 reached: $0.0480 spent", "gpt-4o-mini, expected to take $0.0120, was not sent", "96 of 100 items were not sent", "last_run().spans(content=True)"):
            assert part in words
        assert [item.status for item in run.items] == ["ok"] * 4 + ["error"]
        assert (run.batches[0].begun, run.batches[0].done) == (5, 4)  # the row that was refused is none that is done

    def test_what_the_refused_call_is(self, ask):
        """A row with an error, and no call: in no sum and no attempt."""
        with pytest.raises(BudgetExceeded), tracked(max_calls=1) as view:
            ask()
            ask()
        spans = frames.spans([run_of(view)])
        refused = spans[spans["error_type"] == "BudgetExceeded"]
        assert refused["status"].tolist() == ["error"] and refused["attempt"].isna().tolist() in ([True], [False])
        assert refused["cost_usd"].isna().all() and run_of(view).totals.calls == 1 and run_of(view).totals.errors == 0

    def test_who_tries_again_whatever_it_is(self, ask, truth):
        """What gives up `from` a refusal is over budget: tenacity told to catch all there is."""
        again = tenacity.retry(stop=tenacity.stop_after_attempt(4), retry=tenacity.retry_if_exception_type(BaseException), wait=tenacity.wait_none())
        with pytest.raises(tenacity.RetryError), tracked(max_calls=1) as view:
            again(ask)("[status 500]")
        assert run_of(view).status == "over_budget" and len(truth.settled()) == 1

    def test_it_is_no_attempt(self, ask):
        """Where the one before it failed, that is the last attempt: an error of the run, and no row of another's."""
        with pytest.raises(BudgetExceeded), tracked(max_calls=1) as view:
            with contextlib.suppress(Exception):
                ask("[status 400]")
            ask("[status 400]")
        failed, refused = calls(run_of(view))
        assert (refused.not_sent, refused.attempt, refused.retry_group) == (True, 1, None)
        assert failed.retried is None and run_of(view).totals.errors == run_of(view).totals.rejected == 1

    def test_a_group_counts_what_was_sent(self, ask):
        """`× 6` are six calls, as in the head, though more of them were refused; where none was sent it is how many there are."""
        with pytest.raises(BudgetExceeded), tracked(max_calls=6) as view:
            for _ in range(11):
                with contextlib.suppress(BudgetExceeded):
                    ask()
        lines = text.tree(run_of(view), width=140)
        assert "gpt-4o-mini × 6 " in lines and "gpt-4o-mini · refused × 5 " in lines, lines
        with pytest.raises(BudgetExceeded), tracked(budget=1e-6) as view:
            for _ in range(7):
                with contextlib.suppress(BudgetExceeded):
                    ask(model="of-no-price")
        assert "of-no-price × 7 " in text.tree(run_of(view))

    @pytest.mark.parametrize("way", ["except Exception", "tenacity", "the client's own"])
    def test_nobody_swallows_it(self, ask, truth, way):
        """`except Exception` around each row, tenacity, and a client's own retries: the loop ends at the first refusal."""
        openai = pytest.importorskip("openai")
        rows = 0

        def loop():
            nonlocal rows
            with openai.OpenAI(base_url=truth.url, api_key="k", max_retries=5) as client:
                for rows in range(100):
                    if way == "the client's own":
                        client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "x"}])
                    elif way == "tenacity":
                        tenacity.retry(stop=tenacity.stop_after_attempt(5))(ask)()
                    else:
                        try:
                            ask()
                        except Exception:
                            pass

        with pytest.raises(BudgetExceeded), tracked(max_calls=3) as view:
            loop()
        assert rows == 3 and len(truth.settled()) == 3 and run_of(view).status == "over_budget"

    def test_it_is_final(self, ask, truth):
        """Whoever catches it gets it again, in the same words; and the block ends with it."""
        told = []
        with pytest.raises(BudgetExceeded) as caught, tracked(max_calls=1) as view:
            for _ in range(5):
                try:
                    ask()
                except BaseException as error:
                    told.append(str(error))
        assert len(told) == 4 and {*told} == {str(caught.value)} and len(truth.settled()) == 1
        assert run_of(view).status == "over_budget"

    def test_the_users_own_error_stands(self, ask):
        """An error of the code's own that comes after it is the one that leaves the block."""
        with pytest.raises(ZeroDivisionError), tracked(max_calls=1) as view:
            ask()
            try:
                ask()
            except BudgetExceeded:
                1 / 0
        assert run_of(view).error_type == "ZeroDivisionError"

    def test_tokens(self, ask, truth):
        """`max_tokens` counts in and out; the run's p95 of tokens is expected."""
        with pytest.raises(BudgetExceeded, match=r"the run's budget of 50 tokens reached: 42 used, .* expected to take 14 tokens, was not sent"), tracked(max_tokens=50):
            for _ in range(10):
                ask("two words")
        assert len(truth.settled()) == 3

    def test_a_warning(self, ask, truth):
        """`warn` sends all, and says so once."""
        with tracked(budget=0.02, on_budget="warn") as view:
            for _ in range(4):
                ask()
        run = run_of(view)
        assert run.status == "ok" and len(truth.settled()) == 4
        assert [note for note in run.notes if "go on (--on-budget warn)" in note] == ["the run's budget of $0.0200 reached: $0.0120 spent; calls of gpt-4o-mini go on (--on-budget warn)"]
        assert [note for note in run.notes if " over " in note] == ["$0.0480 spent, $0.0280 over the run's budget of $0.0200"]

    def test_an_overshoot_is_said(self, ask):
        """A call that was dearer than expected: how much over."""
        with tracked(budget=0.005) as view:
            ask()
        assert "$0.0120 spent, $0.0070 over the run's budget of $0.0050: a call was dearer than expected" in run_of(view).notes

    def test_calls_of_which_nothing_was_known(self, asking, truth):
        """Where many are sent at once before the first answer, that is why more was spent, and what helps."""

        async def main(ask):
            truth.hold()
            answers = asyncio.gather(*[ask() for _ in range(6)])
            await asyncio.to_thread(truth.wait_held, 6)
            truth.release()
            await answers

        with tracked(budget=0.005) as view:
            asking(main)
        [note] = [one for one in run_of(view).notes if "over the run's budget" in one]
        assert "6 calls were sent before an answer told what one takes (max_tokens in the request, or pilot=" in note

    def test_most_tokens_before_the_first_answer(self, ask, truth):
        """Where nothing is known, `max_tokens` of the request says what a call may cost at most."""
        with pytest.raises(BudgetExceeded, match="expected to take \\$0.1000, was not sent"), tracked(budget=0.05):
            ask(max_tokens=100)
        assert truth.settled() == []

    def test_what_a_provider_refuses_costs_nothing(self, ask, truth):
        """An error of the provider's takes nothing of the budget."""
        with tracked(budget=0.05) as view:
            for _ in range(6):
                with pytest.raises(Exception, match="500"):
                    ask("[status 500]")
            for _ in range(4):
                ask()
        assert run_of(view).status == "ok" and run_of(view).totals.cost == 4 * EACH

    def test_a_stream(self, client, truth):
        """A stream that is open holds what it is expected to take; one that tells no usage goes on holding it."""

        def stream():
            return client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "x"}], stream=True)

        with pytest.raises(BudgetExceeded, match=r"reserved for calls \(1 in flight, 1 that told no usage\)"), tracked(budget=0.04) as view:
            client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "x"}])
            list(stream())
            stream_open = stream()
            next(iter(stream_open))
            stream()
        assert run_of(view).totals.calls == 3


    # One that is dropped is open until it is collected: then its prompt is what is known, which is free here.
    @pytest.mark.parametrize(("way", "limit"), [*[(way, {"budget": 0.05}) for way in ("read", "closed", "async")], *[(way, {"max_tokens": 60}) for way in ("read", "closed", "dropped", "async")]])
    def test_streams_that_tell_no_usage(self, client, asking, truth, way, limit):
        """Of a model that tells none the text of its calls is what is known of them: they stop, and the run says what they stand for."""
        body = {"model": MODEL, "messages": [{"role": "user", "content": "the words of a prompt"}], "stream": True}

        async def main(_):
            import openai

            async with openai.AsyncOpenAI(base_url=truth.url, api_key="none", max_retries=0) as aclient:
                for _ in range(20):
                    stream = await aclient.chat.completions.create(**body)
                    async for _ in stream:
                        pass

        def sync():
            for _ in range(20):
                stream = client.chat.completions.create(**body)
                for at, _ in enumerate(stream):
                    if at == 5 and way != "read":
                        break
                if way == "closed":
                    stream.close()

        with pytest.raises(BudgetExceeded, match="that told no usage" if way != "dropped" else "reserved"), tracked(**limit) as view:
            asking(main) if way == "async" else sync()
        assert 2 <= len(truth.settled()) <= 13 and run_of(view).faults == 0
        [note] = [note for note in run_of(view).notes if "told no usage" in note]
        assert "the run's budget counts" in note and "by other calls or by the text" in note


@pytest.mark.usefixtures("cheap")
class TestAtOnce:
    """Threads, tasks and pools."""

    def test_threads(self, ask, truth):
        """However many threads ask at once, no two take the same money."""
        with pytest.raises(BudgetExceeded), tracked(budget=0.1) as view:
            ask()  # what a call costs is known from here on
            with ThreadPoolExecutor(20) as pool:
                jobs = [pool.submit(ask) for _ in range(50)]
            refused = [job for job in jobs if isinstance(job.exception(), BudgetExceeded)]
        assert figures(run_of(view)) == (8, 8 * EACH) and len(refused) == 43

    def test_gather(self, asking, truth):
        """Under `gather(return_exceptions=True)` the block ends with it all the same."""

        async def main(ask):
            await ask()
            return await asyncio.gather(*[ask() for _ in range(50)], return_exceptions=True)

        results = []
        with pytest.raises(BudgetExceeded), tracked(budget=0.1) as view:
            results += asking(main)
        assert figures(run_of(view)) == (8, 8 * EACH)
        assert sum(isinstance(one, BudgetExceeded) for one in results) == 43 and run_of(view).faults == 0

    @pytest.mark.parametrize("way", ["map", "imap", "apply_async", "starmap"])
    def test_a_pool_of_multiprocessing(self, ask, truth, way):
        """Its jobs end, though it catches no `BaseException`: it does not wait for ever, and the block ends with the refusal."""
        ways = {
            "map": lambda pool: pool.map(ask, ["x"] * 9),
            "imap": lambda pool: list(pool.imap(ask, ["x"] * 9)),
            "starmap": lambda pool: pool.starmap(ask, [("x",)] * 9),
            "apply_async": lambda pool: [job.get() for job in [pool.apply_async(ask) for _ in range(9)]],
        }
        with pytest.raises((BudgetExceeded, RefusedInPoolError)), tracked(max_calls=2) as view, ThreadPool(3) as pool:
            ways[way](pool)
        assert len(truth.settled()) == 2 and run_of(view).faults == 0
        assert run_of(view).status == "over_budget"

    @pytest.mark.skipif(sys.version_info < (3, 11), reason="a newer asyncio")
    def test_a_group_of_tasks(self, asking, truth):
        """What a TaskGroup makes of it is over budget, too."""

        async def main(ask):
            async with asyncio.TaskGroup() as group:
                for _ in range(9):
                    group.create_task(ask())

        with pytest.raises(BaseException) as caught, tracked(max_calls=2) as view:
            asking(main)
        assert any(isinstance(one, BudgetExceeded) for one in caught.value.exceptions)
        assert run_of(view).status == "over_budget" and run_of(view).error_type == "BudgetExceeded"

    def test_map_loses_no_answer(self, ask):
        """What was paid for is in the exception's `results`, in the order of the rows."""
        with pytest.raises(BudgetExceeded) as caught, tracked(max_calls=3):
            aimon_nb.map(ask, ["x"] * 10, max_workers=2)
        results = caught.value.results
        assert len(results) == 10 and sum(one is not None for one in results) == 3

    def test_map_of_more_rows_than_there_is_memory(self, ask):
        """The stop is the budget's, with the answers."""
        with pytest.raises(BudgetExceeded) as caught, tracked(max_calls=2):
            aimon_nb.map(lambda n: ask(), range(2**60), max_workers=1)
        assert len(caught.value.results) == 3 and all(caught.value.results[:2])

    def test_a_loop_loses_no_answer(self, ask):
        """The answers stand by item in the run's spans."""
        with pytest.raises(BudgetExceeded), tracked(max_calls=2):
            for _ in aimon_nb.progress("abc", key=str):
                ask()
        answers = aimon_nb.last_run().spans(content=True).dropna(subset="output_text").set_index("item")["output_text"]
        assert answers.index.tolist() == ["a", "b"]

    def test_fifty_threads_print_nothing(self, ask, capsys):
        """The traceback of each is the run's one: none is printed."""
        with pytest.raises(BudgetExceeded), tracked(max_calls=1):
            ask()
            threads = [threading.Thread(target=ask) for _ in range(50)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert "Traceback" not in capsys.readouterr().err


    def test_tasks_that_nobody_awaits_print_nothing(self, asking, truth, caplog):
        """Nor is one of a task's, which asyncio logs when it is thrown away."""

        async def main(ask):
            tasks = [asyncio.create_task(ask()) for _ in range(20)]
            await asyncio.wait(tasks)

        with pytest.raises(BudgetExceeded), tracked(max_calls=2):
            asking(main)
        gc.collect()
        assert len(truth.settled()) == 2 and "never retrieved" not in caplog.text

    @pytest.mark.parametrize("most", [1, 7, 23])
    def test_never_one_call_more(self, ask, asking, truth, most):
        """Threads and tasks that ask at once send exactly as many calls as `max_calls` says."""

        async def main(aask):
            with ThreadPoolExecutor(20) as pool:
                jobs = [pool.submit(ask) for _ in range(40)]
                await asyncio.gather(*[aask() for _ in range(40)], return_exceptions=True)
                await asyncio.to_thread(lambda: [job.exception() for job in jobs])

        with pytest.raises(BudgetExceeded), tracked(max_calls=most) as view:
            asking(main)
        assert len(truth.settled()) == run_of(view).totals.calls == most


@pytest.mark.parametrize(
    ("value", "wanted"), [(0.1, "0.1"), (2, "2"), (Decimal("0.30"), "0.30"), (np.float64(2.5), "2.5"), (np.float32(0.5), "0.5"), (np.int64(3), "3"), (10**400, "1" + "0" * 400)]
)
def test_numbers(value, wanted):
    """A budget is a number of any type, as it is written; numpy's are what sums of a frame are."""
    assert str(dollars(value)) == wanted


class TestPrices:
    """A model without a price."""

    def test_it_is_refused(self, ask, truth):
        """Under a money budget before its first call, with what to do."""
        with pytest.raises(BudgetExceeded, match=r"the run's budget is \$1.00, and .*was not sent.*aimon_nb.pricing.set"), tracked(budget=1) as view:
            ask()
        assert truth.settled() == [] and run_of(view).status == "over_budget"

    def test_it_is_sent_with_a_warning(self, ask, truth):
        """`warn` sends it and says so."""
        with tracked(budget=1, on_budget="warn") as view:
            ask()
            ask()
        assert len(truth.settled()) == 2 and sum("its calls are sent, and are not in it" in note for note in run_of(view).notes) == 1

    @pytest.mark.parametrize("limits", [{"max_calls": 2}, {"max_tokens": 30}])
    def test_other_limits_hold_for_it(self, ask, truth, limits):
        """Calls and tokens need no price."""
        with pytest.raises(BudgetExceeded), tracked(**limits):
            for _ in range(5):
                ask()
        assert len(truth.settled()) == 2

    def test_a_free_one(self, ask, truth):
        """What is free takes nothing."""
        pricing.free(host=truth.host)
        try:
            with tracked(budget=0.0001) as view:
                for _ in range(5):
                    ask()
        finally:
            pricing.unset(truth.host)
        assert run_of(view).status == "ok"


@pytest.mark.usefixtures("cheap")
class TestScopes:
    """Whose budget it is."""

    def test_a_run_inside(self, ask, truth):
        """The calls of a run inside count in the outer one's budget, and end both."""
        with pytest.raises(BudgetExceeded), tracked(max_calls=3) as outer:
            ask()
            with tracked() as inner:
                for _ in range(5):
                    ask()
        assert (run_of(outer).status, run_of(inner).status) == ("over_budget", "over_budget") and len(truth.settled()) == 3

    def test_an_inner_budget_that_is_caught(self, ask, truth):
        """Whoever catches what an inner block raises goes on: the outer run is not over its own."""
        with tracked() as outer:
            with pytest.raises(BudgetExceeded), tracked(max_calls=1):
                ask()
                ask()
            ask()
        assert run_of(outer).status == "ok" and len(truth.settled()) == 2

    def test_the_kernels(self, ask, truth):
        """`%config AimonMagics.budget` holds for all runs together; another one lets calls pass again."""
        monitor.configure(budget=0.03)
        with tracked():
            ask()
        with pytest.raises(BudgetExceeded, match=r"the kernel's budget of \$0.0300 reached: \$0.0240 spent"), tracked():
            ask()
            ask()
        with pytest.raises(BudgetExceeded), tracked():
            ask()
        monitor.configure(budget=0.05)
        with tracked():
            ask()
        monitor.configure(budget=None)
        with tracked():
            ask()
        assert len(truth.settled()) == 4

    def test_what_does_not_cross_the_wire(self, ask):
        """It counts, and is said not to be stoppable."""
        with tracked(max_calls=1) as view, sdk.start_span("gen_ai.chat", "local") as span:
            aimon_nb.record_token_usage(span, input_tokens=10, output_tokens=5)
        assert "1 call does not cross the wire: counted in the run's budget, and not stoppable" in run_of(view).notes

    def test_an_interrupt_goes_first(self, ask):
        """A run that was interrupted is interrupted, and its calls are refused as such."""
        with pytest.raises(RunStopped), tracked(max_calls=5) as view:
            view_state = monitor.open_sessions[view.run_id].run_state
            view_state.stop = True
            try:
                ask()
            except Exception:
                pytest.fail("an `except Exception` caught it")
        assert run_of(view).status == "interrupted"

    @sdk.transactions
    def test_at_sentry(self, ask):
        """The root has both as numbers, and no key of an item is in what is sent."""
        sent = []
        sentry_sdk.init(dsn="https://k@sentry.invalid/1", traces_sample_rate=1.0, default_integrations=False, before_send_transaction=lambda event, _: sent.append(event))
        with tracked(budget=5):
            for _ in aimon_nb.progress(["jane"], key=str):
                ask()
        data = sent[0]["contexts"]["trace"]["data"]
        assert (data["budget"], data["items"]) == (5.0, 1) and "jane" not in str(sent)
        sentry_sdk.get_client().close(timeout=0)
        sentry_sdk.get_global_scope().set_client(None)

    def test_late_calls(self, ask, truth):
        """A thread that goes on after its run is over is refused as well."""
        go, done = threading.Event(), []

        def late():
            go.wait(10)
            try:
                ask()
            except BudgetExceeded:
                done.append(1)

        with tracked(max_calls=1):
            ask()
            thread = threading.Thread(target=late)
            thread.start()
        go.set()
        thread.join(10)
        assert done == [1] and len(truth.settled()) == 1


@pytest.mark.parametrize("value", [0, -1, float("inf"), float("nan"), "5", True])
def test_a_wrong_budget(value):
    """Each is one clear line."""
    with pytest.raises((ValueError, TypeError), match="budget must be"):
        aimon_nb.track("x", budget=value)
    for name in ("max_calls", "max_tokens"):
        with pytest.raises((ValueError, TypeError), match=f"{name} must be"):
            aimon_nb.track("x", **{name: value})
    with pytest.raises(ValueError, match="on_budget must be one of stop, warn"):
        aimon_nb.track("x", on_budget="go")


@pytest.mark.parametrize("text", ["0", "-1", "inf", "nan", "five", ""])
def test_a_wrong_option(text):
    """So it is on the magic's line."""
    from IPython.core.error import UsageError

    from aimon_nb.notebook import header

    for option in ("--budget", "--max-calls", "--max-tokens"):
        with pytest.raises(UsageError) as caught:
            header.parse(f"x {option} '{text}'")
        assert "\n" not in str(caught.value)
    assert header.parse("x --budget 2.5").budget == header.parse("x --budget '$2.50'").budget == Decimal("2.5")
    assert dollars_of_text("0.1") == Decimal("0.1")


@pytest.mark.parametrize("value", [0, -2, float("inf"), "a"])
def test_a_wrong_config(value):
    """And in `%config`."""
    from traitlets import TraitError

    from aimon_nb.notebook.magics import AimonMagics

    magics = AimonMagics(None, tracker=None, monitor=monitor)
    with pytest.raises(TraitError, match="budget must be"):
        magics.budget = value
    magics.budget = 2
    assert monitor.settings.budget == 2.0


def test_an_error_of_ours(ask, monkeypatch):
    """Where the gate itself fails the call is sent, and the fault is said."""
    from aimon_nb.wire import budget_gate

    monkeypatch.setattr(budget_gate, "settle", lambda *_: 1 / 0)
    with tracked(max_calls=1) as view:
        ask()
        ask()
    assert run_of(view).faults >= 2


@pytest.mark.usefixtures("cheap")
class TestProgress:
    """`progress(budget=…)`."""

    def test_in_a_run(self, ask, truth):
        """It holds for the calls of the loop alone, in threads of its body too, and ends the run."""
        with pytest.raises(BudgetExceeded, match=r"this loop's budget of \$0.0300 reached: \$0.0240 spent"), tracked() as view:
            for _ in range(3):
                ask()
            for _ in aimon_nb.progress(range(9), budget=0.03):
                with ThreadPoolExecutor(1) as pool:
                    pool.submit(ask).result()
        assert run_of(view).status == "over_budget" and len(truth.settled()) == 5

    def test_the_run_inside_of_it(self, ask, truth):
        """A run that is opened in the body has it, too."""
        with pytest.raises(BudgetExceeded), tracked() as view:
            for _ in aimon_nb.progress(range(9), budget=0.03):
                with tracked():
                    ask()
        assert run_of(view).status == "over_budget" and len(truth.settled()) == 2

    def test_one_that_is_caught(self, ask, truth):
        """What follows the loop is not of its budget; but the run is over, and says so."""
        with pytest.raises(BudgetExceeded), tracked() as view:
            with pytest.raises(BudgetExceeded):
                for _ in aimon_nb.progress(range(9), budget=0.03):
                    ask()
            ask()
        assert len(truth.settled()) == 3 and run_of(view).status == "over_budget"

    def test_a_run_of_its_own(self, ask, truth):
        """Outside of tracked code it is a run of its own, with what the loop asks and nothing else."""
        with pytest.raises(BudgetExceeded):
            for _ in aimon_nb.progress(range(9), budget=0.03, desc="label"):
                ask()
        ask()
        run = aimon_nb.last_run()
        assert (run.name, run.status) == ("label", "over_budget") and run._run.totals.calls == 2 and len(truth.settled()) == 3

    @pytest.mark.parametrize("how", ["end", "break", "swallow", "error"])
    def test_how_its_own_run_ends(self, ask, how):
        """With the loop, however that is left; a refusal that was swallowed is raised at its end."""

        def loop():
            for row in aimon_nb.progress(range(3), budget=0.013 if how == "swallow" else 5):
                try:
                    ask()
                except BudgetExceeded:
                    pass
                if row == 1 and how == "break":
                    break
                if row == 1 and how == "error":
                    raise KeyError(row)

        if how in ("swallow", "error"):
            with pytest.raises(BudgetExceeded if how == "swallow" else KeyError):
                loop()
        else:
            loop()
        assert aimon_nb.last_run().status == ("over_budget" if how == "swallow" else "ok")
        assert monitor.recorder.registry.open_runs == []

    def test_what_its_own_run_does_not_wait_for(self, asking, ask):
        """Tasks and jobs that the loop leaves behind: it says that they are not shown, and what has them. Those that are done say nothing."""

        async def main(ask):
            tasks = []
            for _ in aimon_nb.progress(range(3), budget=5):
                tasks.append(asyncio.create_task(ask()))
            await asyncio.gather(*tasks)

        asking(main)
        [note] = [note for note in aimon_nb.last_run()._run.notes if "still at work" in note]
        assert note.startswith("3 items were still at work when the loop ended") and "%%ai_track on the cell" in note
        for _ in aimon_nb.progress(range(3), budget=5):
            ask()
        assert not any("still at work" in note for note in aimon_nb.last_run()._run.notes)

    def test_async(self, asking, truth):
        """`async for` too."""

        async def main(ask):
            async for _ in aimon_nb.progress(range(9), budget=0.03):
                await ask()

        with pytest.raises(BudgetExceeded):
            asking(main)
        assert len(truth.settled()) == 2 and aimon_nb.last_run().status == "over_budget"

    def test_a_wrong_one(self):
        """One clear line, when it is made."""
        for value in (0, -1, "x", float("nan")):
            with pytest.raises((TypeError, ValueError), match="budget must be"):
                aimon_nb.progress([1], budget=value)
