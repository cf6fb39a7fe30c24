"""Generators: the span's life, send and throw, and no context held across a yield."""

import asyncio
import contextlib
import functools
import gc
import sys
import types
import weakref

import pytest
import sentry_sdk

from aimon_nb import ai_track, get_ai_pipeline_name, set_ai_pipeline_name
from tests.tiers import covering


@pytest.fixture
def counting(place):
    @ai_track("count")
    def count(n):
        for i in range(n):
            with place.span(f"step {i}"):
                set_ai_pipeline_name(get_ai_pipeline_name() + "+")
            yield get_ai_pipeline_name()
        return "done"

    return count


@pytest.fixture
def acounting(place):
    @ai_track("count")
    async def count(n):
        for i in range(n):
            await asyncio.sleep(0)
            with place.span(f"step {i}"):
                set_ai_pipeline_name(get_ai_pipeline_name() + "+")
            yield get_ai_pipeline_name()

    return count


def standing():
    return get_ai_pipeline_name(), sentry_sdk.get_current_scope()._span


def test_nothing_is_held_across_a_yield(place, counting):
    """Between two items the caller's pipeline and current span are its own."""
    set_ai_pipeline_name("caller")
    with place.span("mine"):
        before = standing()
        for item in counting(2):
            assert item.startswith("caller+")
            assert before == standing()
        assert before == standing()


def test_each_step_goes_on_where_the_last_one_stood(place, counting, run):
    """The body finds its own pipeline again, and all its spans below its own."""
    assert ["cell+", "cell++"] == list(counting(2))
    spans = run.spans()
    assert {spans["count"].span_id} == {spans["step 0"].parent_id, spans["step 1"].parent_id}
    assert ("ok", "cell+") == (spans["count"].status, spans["step 1"].pipeline)


def test_the_span_starts_at_the_first_item_and_ends_with_the_last(place, counting, run):
    """Making the generator opens nothing; exhaustion ends the span and gives the return value."""
    made = counting(1)
    assert "count" not in run.spans()
    next(made)
    assert "running" == run.spans()["count"].status
    with pytest.raises(StopIteration) as stop:
        next(made)
    assert ("done", "ok") == (stop.value.value, run.spans()["count"].status)


def test_sent_whole(place, counting):
    """What reaches Sentry is one call with all its steps."""
    list(counting(2))
    if place.sends:
        assert ["count", "step 0", "step 1"] == sorted(place.spans())


def test_leaving_early_with_a_return(place, run):
    """A body that answers the closing with a return was left early all the same."""

    @ai_track("work")
    def work():
        try:
            yield 1
        except GeneratorExit:
            return

    made = work()
    next(made)
    made.close()
    assert ("abandoned", []) == (run.spans()["work"].status, place.errors())


@covering(times=3)
@pytest.mark.parametrize("leave", ["close", "collect", "break"])
def test_leaving_early_ends_the_span(place, counting, run, leave):
    """close(), collection and a broken loop end the span; it is no error."""
    made = counting(5)
    if leave == "break":
        for _ in made:
            break
    else:
        next(made)
    if leave == "close":
        made.close()
    del made
    gc.collect()
    assert "abandoned" == run.spans()["count"].status
    assert [] == place.errors()


def test_leaving_early_is_no_failure_at_sentry(place, counting):
    """Sentry gets the span of a generator left early, as cancelled."""
    made = counting(5)
    next(made)
    made.close()
    if place.sends:
        span = place.spans()["count"]
        told = span["data"]["sentry.status.message"] if place.stream else span["status"]
        assert ("cancelled", []) == (told, place.errors())
    if place.stream and place.sends:
        assert "ok" == span["status"]


def test_send_throw_and_return(place):
    """send and throw reach the body, and its return value comes back."""

    @ai_track("talk")
    def talk():
        said = [(yield "first")]
        try:
            yield "second"
        except ValueError as error:
            said.append(str(error))
        said.append((yield "third"))
        return said

    made = talk()
    assert "first" == next(made)
    assert "second" == made.send("a")
    assert "third" == made.throw(ValueError("b"))
    with pytest.raises(StopIteration) as stop:
        made.send("c")
    assert ["a", "b", "c"] == stop.value.value


def test_yield_from_and_its_result(static):
    """A tracked generator can be delegated to."""

    @ai_track("inner")
    def inner():
        got = yield 1
        return got

    def outer():
        return (yield from inner())

    made = outer()
    next(made)
    with pytest.raises(StopIteration) as stop:
        made.send("x")
    assert "x" == stop.value.value


def test_an_error_in_the_body(place, run):
    """An error ends the span and is captured once with the pipeline's name."""

    @ai_track("work")
    def work():
        yield 1
        raise ValueError("no")

    with pytest.raises(ValueError):
        list(work())
    assert "error" == run.spans()["work"].status
    assert (1 if place.client else 0) == len(place.errors())


def test_a_generator_that_refuses_to_close(place, run):
    """A body that yields again when it is closed raises as ever, and the span ends."""

    @ai_track("stubborn")
    def stubborn():
        while True:
            try:
                yield 1
            except GeneratorExit:
                yield 2

    made = stubborn()
    next(made)
    with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
        made.close()
    assert "error" == run.spans()["stubborn"].status


def test_an_error_while_closing(place, run):
    """An error raised by the clean-up of a closed generator is its error."""

    @ai_track("work")
    def work():
        try:
            yield 1
        finally:
            raise KeyError("cleanup")

    made = work()
    next(made)
    with pytest.raises(KeyError):
        made.close()
    assert ("error", "KeyError") == (run.spans()["work"].status, run.spans()["work"].error_type)


def test_under_a_context_manager(place, run):
    """As a context manager it hands a GeneratorExit back, so that a generator that stands in it can be closed."""

    @contextlib.contextmanager
    @ai_track("resource")
    def resource():
        yield 1

    after = []

    def user():
        with resource():
            yield 1
        after.append("still here")

    made = user()
    next(made)
    made.close()
    assert [] == after
    assert "abandoned" == run.spans()["resource"].status


def test_closing_as_python_does_it(static):
    """A body that catches GeneratorExit and returns ends the generator with that value."""

    @ai_track("work")
    def work():
        try:
            yield 1
        except GeneratorExit:
            return "left"

    made = work()
    next(made)
    with pytest.raises(StopIteration) as stop:
        made.throw(GeneratorExit())
    assert "left" == stop.value.value


def test_an_old_coroutine_that_is_wrapped_in_itself(static):
    """A generator under `types.coroutine` can be awaited, even if `__wrapped__` goes round."""

    @types.coroutine
    def old():
        yield
        return 1

    old.__wrapped__ = old
    tracked = ai_track("old")(old)

    async def main():
        return await tracked()

    assert 1 == asyncio.run(main())


def test_nothing_is_kept_alive():
    """Items and errors that went through are not held by the generator, nor by a cycle."""

    class Item: ...

    @ai_track("work")
    def work():
        yield Item()
        yield gone[0]()

    made = work()
    gone = [weakref.ref(next(made))]
    assert next(made) is None
    gc.collect()
    gc.disable()
    try:
        with pytest.raises(ValueError):
            made.throw(ValueError())
        thrown = ai_track("work")(lambda: (yield))()
        next(thrown)
        gone.append(throw_into(thrown))
        assert gone[1]() is None
    finally:
        gc.enable()


def throw_into(generator):
    class Held: ...

    held = Held()

    def fail(held):
        raise ValueError

    try:
        try:
            fail(held)
        except ValueError as error:
            generator.throw(error)
    except ValueError:
        return weakref.ref(held)


def test_one_decorated_before(place, run):
    """Under another decorator, which makes it a plain function, its span lasts as long and holds what it does."""

    def body():
        yield 1
        with place.span("step"):
            yield get_ai_pipeline_name()

    async def abody():
        for item in body():
            yield item

    def decorated(function):
        return functools.wraps(function)(lambda: function())

    assert [1, "cell"] == list(ai_track("sync")(decorated(body))())

    async def main():
        return [item async for item in ai_track("async")(decorated(abody))()]

    assert "sync" == next(s.name for s in run.spans().values() if s.span_id == run.spans()["step"].parent_id)
    assert [1, "cell"] == asyncio.run(main())
    assert run.spans()["async"].span_id == run.spans()["step"].parent_id
    assert {"ok"} == {run.spans()[name].status for name in ("sync", "async", "step")}


def test_a_generator_that_a_function_only_hands_on_is_left_alone(static, run):
    """One that was made elsewhere belongs to its maker: it is not closed with the first who drops it."""

    async def items():
        yield 1

    shared = iter(range(3)), (i for i in range(3)), items()
    for made in shared:
        assert made is ai_track("get")(lambda made=made: made)()
    assert "ok" == run.spans()["get"].status


def test_two_at_once(place, counting, run):
    """Two generators consumed in turns do not mix."""
    a, b = counting(2), counting(2)
    assert ["cell+", "cell+", "cell++", "cell++"] == [next(a), next(b), next(a), next(b)]
    assert "cell" == get_ai_pipeline_name()


def test_consumed_in_another_thread(place, counting):
    """A generator may go on in another thread."""
    from concurrent.futures import ThreadPoolExecutor

    made = counting(2)
    assert "count+" == next(made)
    with ThreadPoolExecutor(1) as pool:
        assert "count++" == pool.submit(next, made).result()
        assert pool.submit(get_ai_pipeline_name).result() is None
    made.close()


def test_steps_inside_a_generators_own_span(place, run):
    """A span that the body holds open across a yield is current for the body only."""

    @ai_track("work")
    def work():
        with place.span("held"):
            yield 1
            with place.span("below"):
                pass

    with place.span("mine"):
        before = standing()
        for _ in work():
            assert before == standing()
            with place.span("between"):
                pass
    spans = run.spans()
    assert spans["held"].span_id == spans["below"].parent_id
    assert spans["mine"].span_id == spans["between"].parent_id == spans["work"].parent_id


class TestAsync:
    def test_leaving_early_with_a_return(self, place, run):
        """A body that answers the closing with a return was left early all the same."""

        @ai_track("work")
        async def work():
            try:
                yield 1
            except GeneratorExit:
                return

        async def main():
            made = work()
            await anext(made)
            await made.aclose()
            return run.spans()["work"].status

        assert ("abandoned", []) == (asyncio.run(main()), place.errors())

    def test_the_loops_hooks_stay(self, static, acounting):
        """Between two items the event loop's hooks for async generators are its own."""

        async def main():
            before = sys.get_asyncgen_hooks()
            async for _ in acounting(2):
                assert before == sys.get_asyncgen_hooks()
            assert before == sys.get_asyncgen_hooks() and before.firstiter is not None

        asyncio.run(main())

    def test_nothing_is_held_across_a_yield(self, place, acounting):
        """Between two items the caller's pipeline and current span are its own."""

        async def main():
            set_ai_pipeline_name("caller")
            with place.span("mine"):
                before = standing()
                async for item in acounting(2):
                    assert item.startswith("caller+")
                    assert before == standing()
                assert before == standing()

        asyncio.run(main())

    def test_leaving_early_ends_the_span(self, place, acounting, run):
        """aclose(), a broken loop and the end of the event loop end the span."""

        async def main(leave):
            made = acounting(5)
            await anext(made)
            if leave == "close":
                await made.aclose()
            elif leave == "collect":
                del made
                gc.collect()
                while "running" == run.spans()["count"].status:  # the loop closes what was collected
                    await asyncio.sleep(0)

        for leave in ("close", "collect", "loop"):
            asyncio.run(main(leave))
            # asyncio.run cancels the clean-up that the end of main() asked for
            left = {"abandoned", "cancelled"} if leave == "loop" else {"abandoned"}
            assert run.spans()["count"].status in left
        assert [] == place.errors()

    def test_left_at_the_end_of_the_loop(self, place, run, caplog):
        """The loop closes it like any other: its clean-up may wait, and nothing is reported."""
        kept = []

        @ai_track("work")
        async def work():
            try:
                yield 1
            finally:
                await asyncio.sleep(0)
                kept.append(get_ai_pipeline_name())

        async def main():
            made = work()
            kept.append(made)
            await anext(made)

        asyncio.run(main())
        assert "cell" == kept[1]
        assert "abandoned" == run.spans()["work"].status
        assert [] == [r for r in caplog.records if r.name == "asyncio"]
        assert [] == place.errors()

    def test_under_a_context_manager(self, place, run):
        """As an async context manager it hands a GeneratorExit back, and ends."""

        @contextlib.asynccontextmanager
        @ai_track("resource")
        async def resource():
            yield 1

        after = []

        async def user():
            async with resource():
                yield 1
            after.append("still here")

        async def main():
            made = user()
            await anext(made)
            await made.aclose()

        asyncio.run(main())
        assert [] == after
        assert "abandoned" == run.spans()["resource"].status

    def test_closing_as_python_does_it(self, static):
        """A body that catches GeneratorExit and returns just ends; one that yields again is an error."""

        @ai_track("work")
        async def work(again):
            try:
                yield 1
            except GeneratorExit:
                if again:
                    yield 2

        async def main():
            made = work(False)
            await anext(made)
            with pytest.raises(StopAsyncIteration):
                await made.athrow(GeneratorExit())
            made = work(True)
            await anext(made)
            with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
                await made.aclose()

        asyncio.run(main())

    def test_nothing_is_kept_alive(self, static):
        """Items and errors that went through are not held."""

        class Item: ...

        @ai_track("work")
        async def work():
            yield Item()
            yield gone()

        async def main():
            nonlocal gone
            made = work()
            gone = weakref.ref(await anext(made))
            assert await anext(made) is None

        gone = None
        asyncio.run(main())

    def test_asend_and_athrow(self, place):
        """asend and athrow reach the body."""

        @ai_track("talk")
        async def talk():
            said = [(yield "first")]
            try:
                yield "second"
            except ValueError as error:
                said.append(str(error))
            yield said

        async def main():
            made = talk()
            assert "first" == await anext(made)
            assert "second" == await made.asend("a")
            assert ["a", "b"] == await made.athrow(ValueError("b"))
            with pytest.raises(StopAsyncIteration):
                await anext(made)

        asyncio.run(main())

    def test_an_error_in_the_body(self, place, run):
        """An error ends the span and is captured once."""

        @ai_track("work")
        async def work():
            yield 1
            raise ValueError("no")

        async def main():
            with pytest.raises(ValueError):
                async for _ in work():
                    pass

        asyncio.run(main())
        assert "error" == run.spans()["work"].status
        assert (1 if place.client else 0) == len(place.errors())

    def test_a_cancelled_step(self, place, run):
        """A consumer cancelled in the middle of a step cancels the span."""

        begun = []

        @ai_track("work")
        async def work():
            begun[0].set()
            await asyncio.Event().wait()
            yield 1

        async def main():
            begun.append(asyncio.Event())

            async def consume():
                async for _ in work():
                    pass

            task = asyncio.create_task(consume())
            await begun[0].wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())
        assert "cancelled" == run.spans()["work"].status
        assert [] == place.errors()

    def test_aclose_waits_for_the_clean_up(self, place):
        """What the body does in its finally is done when aclose() returns, under the pipeline."""
        done = []

        @ai_track("work")
        async def work():
            try:
                yield 1
            finally:
                await asyncio.sleep(0)
                done.append(get_ai_pipeline_name())

        async def main():
            made = work()
            await anext(made)
            await made.aclose()
            assert ["work"] == done

        asyncio.run(main())
