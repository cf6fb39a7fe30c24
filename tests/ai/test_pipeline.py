"""The pipeline's name: who carries it, whom it reaches, and that it goes again."""

import asyncio
import contextvars
import gc
import threading
import types
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import Pool, ThreadPool

import pytest
import sentry_sdk

from aimon_nb import ai_track, get_ai_pipeline_name, set_ai_pipeline_name, track
from aimon_nb.capture import context

PIPELINE = "gen_ai.pipeline.name"


def names(place):
    return {name: span["data"].get(PIPELINE) for name, span in place.spans().items()}


def test_set_and_get():
    """What is set is what one gets; None clears it; None is what there is at first."""
    assert get_ai_pipeline_name() is None
    set_ai_pipeline_name("a")
    assert "a" == get_ai_pipeline_name()
    set_ai_pipeline_name(None)
    assert get_ai_pipeline_name() is None


def test_a_name_is_text():
    """Something else than text or None is refused, and the name stays."""
    set_ai_pipeline_name("a")
    with pytest.raises(TypeError, match="name must be text or None, not int"):
        set_ai_pipeline_name(3)
    assert "a" == get_ai_pipeline_name()


def test_all_subsequent_operations_carry_it(place):
    """Spans made by hand after set_ai_pipeline_name carry the name; after clearing it none does."""
    with place.root():
        set_ai_pipeline_name("rag")
        with place.span("a"), place.span("chat", op="gen_ai.chat"):
            pass
        set_ai_pipeline_name(None)
        with place.span("b"):
            pass
    if place.sends:
        assert {"root": None, "a": "rag", "chat": "rag", "b": None} == names(place)


def test_a_transaction_opened_by_hand_carries_it(place):
    """Transactions and segments carry the name too."""
    set_ai_pipeline_name("rag")
    with place.root("t"):
        pass
    if place.sends:
        assert {"t": "rag"} == names(place)


def test_spans_of_an_integration_carry_it(place, truth):
    """The spans that an SDK integration makes inside carry the name in what reaches Sentry."""
    import openai
    from sentry_sdk.integrations.openai import OpenAIIntegration
    from tests.ai.conftest import LIFECYCLES

    if not place.client:
        return
    place.receiver.init(traces_sample_rate=place.rate, integrations=[OpenAIIntegration()], **LIFECYCLES[place.name])
    client = openai.OpenAI(base_url=truth.url, api_key="none")

    @ai_track("answer")
    def answer():
        client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "hello"}])

    answer()
    chats = [span for span in place.all() if span["op"] == "gen_ai.chat"]
    assert (["answer"] if place.sends else []) == [span["data"].get(PIPELINE) for span in chats]


@pytest.mark.parametrize("inside", ["other", None])
def test_the_outer_name_is_restored(place, inside):
    """Whatever the body sets, the name from before is back after the call."""
    work = ai_track("work")(lambda: set_ai_pipeline_name(inside))
    work()
    assert get_ai_pipeline_name() is None
    set_ai_pipeline_name("before")
    work()
    assert "before" == get_ai_pipeline_name()
    ai_track("outer")(lambda: (work(), assert_name("before")))()


def assert_name(name):
    assert name == get_ai_pipeline_name()


def test_restored_after_an_error(place):
    """It is back after an error and an interrupt as well."""
    for error in (ValueError, KeyboardInterrupt):

        def fail(error=error):
            set_ai_pipeline_name("other")
            raise error

        with pytest.raises(error):
            ai_track("work")(fail)()
        assert get_ai_pipeline_name() is None


def test_what_the_body_sets_counts_to_its_end(place):
    """A name set in the body counts for the rest of the body."""

    @ai_track("work")
    def work():
        set_ai_pipeline_name("rest")
        with place.span("inner"):
            pass

    work()
    if place.sends:
        assert {"work": "work", "inner": "rest"} == names(place)


def reach(place, name):
    with place.span(name):
        return get_ai_pipeline_name()


async def areach(place, name):
    await asyncio.sleep(0)
    return reach(place, name)


def test_it_reaches_tasks_threads_and_pools(place, run):
    """create_task, gather, to_thread, run_in_executor, Thread and ThreadPoolExecutor run under the name."""
    reused = ThreadPoolExecutor(1)
    reused.submit(get_ai_pipeline_name).result()

    @ai_track("work")
    async def work():
        loop = asyncio.get_running_loop()
        found = {
            "task": await asyncio.create_task(areach(place, "task")),
            "gather": (await asyncio.gather(areach(place, "gather")))[0],
            "to_thread": await asyncio.to_thread(reach, place, "to_thread"),
            "executor": await loop.run_in_executor(None, reach, place, "executor"),
            "reused": reused.submit(reach, place, "reused").result(),
            "map": next(reused.map(lambda _: reach(place, "map"), [1])),
        }
        with ThreadPoolExecutor(1) as pool:
            found["pool"] = pool.submit(reach, place, "pool").result()
        thread = threading.Thread(target=lambda: found.update(thread=reach(place, "thread")))
        thread.start()
        thread.join()
        return found

    set_ai_pipeline_name(None)
    found = asyncio.run(work())
    assert {"work"} == set(found.values()), found
    assert 8 == len(found)
    shown = run.spans()
    assert {"work"} == {shown[name].pipeline for name in found}
    assert {shown["work"].span_id} == {shown[name].parent_id for name in found}
    reused.shutdown()


def test_it_reaches_them_in_what_is_sent(place):
    """What they make carries the name at Sentry."""

    @ai_track("work")
    def work():
        with ThreadPoolExecutor(1) as pool:
            pool.submit(reach, place, "pool").result()
        thread = threading.Thread(target=reach, args=(place, "thread"))
        thread.start()
        thread.join()

    work()
    if place.sends:
        assert {"work": "work", "pool": "work", "thread": "work"} == names(place)


def test_it_never_reaches_a_sibling():
    """A pool job, a task or a thread that starts outside the call is not under its name."""
    pool = ThreadPoolExecutor(1)
    ai_track("work")(lambda: pool.submit(get_ai_pipeline_name).result())()
    assert pool.submit(get_ai_pipeline_name).result() is None
    assert "other" == ai_track("other")(lambda: pool.submit(get_ai_pipeline_name).result())()
    assert pool.submit(get_ai_pipeline_name).result() is None
    pool.shutdown()

    async def main():
        seen = []

        async def sibling():
            for _ in range(3):
                seen.append(get_ai_pipeline_name())
                await asyncio.sleep(0)

        async def work():
            for _ in range(3):
                set_ai_pipeline_name("mine")
                await asyncio.sleep(0)

        await asyncio.gather(ai_track("work")(work)(), sibling())
        return seen

    assert [None] * 3 == asyncio.run(main())


def test_a_pool_job_leaves_nothing_in_its_worker():
    """A job that names a pipeline names it for itself only."""
    pool = ThreadPoolExecutor(1)
    ai_track("work")(lambda: pool.submit(set_ai_pipeline_name, "left behind").result())()
    assert pool.submit(get_ai_pipeline_name).result() is None
    pool.shutdown()


def pool_ways(pool):
    """Every way to have a job done by a `multiprocessing.pool.ThreadPool`."""
    get = lambda *_: get_ai_pipeline_name()
    return [
        pool.apply(get),
        pool.apply_async(func=get, args=()).get(),
        *pool.map(get, [1]),
        *pool.map_async(get, [1]).get(),
        *pool.starmap(get, [(1,)]),
        *pool.imap(get, [1]),
        *pool.imap(func=get, iterable=[1, 2], chunksize=2),
        *pool.imap_unordered(get, [1]),
    ]


def test_it_reaches_the_jobs_of_a_thread_pool_of_multiprocessing(place, run):
    """ThreadPool's jobs run under the name of who gave them, not of who made the pool."""
    pool = ai_track("maker")(lambda: ThreadPool(1))()
    try:
        assert {"cell"} == set(pool_ways(pool))
        set_ai_pipeline_name(None)
        assert {None} == set(pool_ways(pool))
        assert {"work"} == set(ai_track("work")(pool_ways)(pool))
        assert {"other"} == set(ai_track("other")(pool_ways)(pool))
        ai_track("work")(lambda: pool.apply(reach, (place, "job")))()
        assert "work" == run.spans()["job"].pipeline
        assert run.spans()["work"].op == "ai.pipeline"
    finally:
        pool.terminate()


def test_a_pool_of_processes_is_left_alone():
    """Only pools of threads carry it: a job of a pool of processes must stay what can be pickled."""
    assert "apply_async" in vars(ThreadPool)
    for name in ("apply_async", "imap", "imap_unordered", "_map_async"):
        assert not hasattr(getattr(Pool, name), "__wrapped__")


@types.coroutine
def suspended():
    yield


@pytest.mark.parametrize("kind", ["coroutine", "async generator", "track"])
def test_a_coroutine_thrown_away_elsewhere_changes_nothing_there(kind):
    """Python closes a forgotten coroutine wherever it collects it: that code stays in its own pipeline."""

    async def work():
        await suspended()

    async def items():
        await suspended()
        yield

    async def tracked():
        async with track("work"):
            await suspended()

    def forgotten():
        set_ai_pipeline_name("gone")
        made = {"coroutine": ai_track("work")(work), "async generator": lambda: anext(ai_track("work")(items)()), "track": tracked}[kind]()
        made.send(None)
        return made

    made = [contextvars.copy_context().run(forgotten)]
    set_ai_pipeline_name("here")
    scope = sentry_sdk.get_current_scope()
    made.clear()
    gc.collect()
    assert "here" == get_ai_pipeline_name()
    assert context.current_run.get() is None
    assert scope is sentry_sdk.get_current_scope()


def test_a_coroutine_driven_by_hand_leaves_its_driver_where_it_stood():
    """One that stops in the middle, in the context of a tracked call, does not keep that call from ending."""

    async def work():
        await suspended()

    made = []

    def drive():
        made.append(ai_track("inner")(work)())
        made[0].send(None)

    set_ai_pipeline_name("before")
    ai_track("outer")(drive)()
    assert "before" == get_ai_pipeline_name()
    made.pop().close()
    assert "before" == get_ai_pipeline_name()


def test_the_notebooks_own_name_is_joined(place, monkeypatch):
    """Below `%ai_pipeline` a call joins that pipeline."""
    monkeypatch.setattr(context, "default_pipeline", "notebook")
    assert "notebook" == ai_track("work")(get_ai_pipeline_name)()
    monkeypatch.undo()
    if place.sends:
        assert ("ai.run", "notebook") == (place.spans()["work"]["op"], names(place)["work"])
