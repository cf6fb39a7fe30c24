"""Exceptions: captured once, with what they happened in, and on their way unchanged."""

import asyncio
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sentry_sdk

from aimon_nb import ai_track, set_ai_pipeline_name, track
from tests.tiers import covering

if sys.version_info < (3, 11):  # pytest brings it
    from exceptiongroup import ExceptionGroup

ERROR = ValueError("no luck")


def fail():
    raise ERROR


def ai(event):
    return {k: v for k, v in event["contexts"]["ai"].items() if k != "type"}


def test_captured_once_with_pipeline_op_and_span_and_raised_unchanged(place):
    """The event says pipeline, op, operation and span; the very same exception goes on."""
    work = ai_track("work", op="ai.analysis", sentry_tags={"model": "gpt-4"})(fail)
    with pytest.raises(ValueError) as caught:
        work()
    assert ERROR is caught.value
    assert (("no luck",), None, None) == (ERROR.args, ERROR.__cause__, ERROR.__context__)
    events = place.errors()
    assert (1 if place.client else 0) == len(events)
    for event in events:
        assert {"pipeline": "work", "op": "ai.analysis", "operation": "work"} == ai(event)
        tags = dict(event["tags"])
        assert ("work", "gpt-4") == (tags["gen_ai.pipeline.name"], tags["model"])
        [value] = event["exception"]["values"]
        assert {"type": "ai_monitoring", "handled": False}.items() <= value["mechanism"].items()
    if place.sends:
        [event], span = events, place.spans()["work"]
        trace = event["contexts"]["trace"]
        assert (span["trace_id"], span["span_id"], "ai.analysis") == (trace["trace_id"], trace["span_id"], trace["op"])
    ERROR.__dict__.clear()


def test_the_span_is_an_error(place, run):
    """The span says the error's type and message, and Sentry's says that it failed."""
    with pytest.raises(ValueError):
        ai_track("work")(lambda: int("x"))()
    span = run.spans()["work"]
    assert ("error", "ValueError") == (span.status, span.error_type)
    assert "invalid literal" in span.error


def test_at_sentry_the_span_failed(place):
    """Sentry's status of the span is an error."""
    with pytest.raises(ValueError):
        ai_track("work")(lambda: int("x"))()
    if place.sends:
        assert ("error" if place.stream else "internal_error") == place.spans()["work"]["status"]


def test_nested_calls_capture_it_once(place):
    """Through three tracked functions it is one event, of the outermost."""

    @ai_track("outer")
    def outer():
        return middle()

    @ai_track("middle")
    def middle():
        return inner()

    inner = ai_track("inner")(lambda: int("x"))
    with pytest.raises(ValueError):
        outer()
    assert (["outer"] if place.client else []) == [ai(event)["operation"] for event in place.errors()]


def test_below_a_pipeline_set_by_hand(place):
    """The outermost tracked call captures also where the pipeline was named by hand."""
    set_ai_pipeline_name("by hand")
    with pytest.raises(ValueError):
        ai_track("work")(lambda: int("x"))()
    for event in place.errors():
        assert {"pipeline": "by hand", "op": "ai.run", "operation": "work"} == ai(event)
    assert (1 if place.client else 0) == len(place.errors())


def test_one_that_an_outer_function_handles_is_no_event(place, run):
    """An error that an outer tracked function handles is on its span and not an event."""

    @ai_track("outer")
    def outer():
        try:
            inner()
        except ValueError:
            return "handled"

    inner = ai_track("inner")(lambda: int("x"))
    assert "handled" == outer()
    assert [] == place.errors()
    assert ("ok", "error") == (run.spans()["outer"].status, run.spans()["inner"].status)


@covering(times=3)
@pytest.mark.parametrize("how", ["pool", "task", "to_thread"])
def test_one_handled_across_a_pool_or_a_task(place, how):
    """So it is where the inner call ran in a pool or a task of the outer one."""
    inner = ai_track("inner")(lambda: int("x"))

    async def ainner():
        return inner()

    @ai_track("outer")
    async def outer():
        with pytest.raises(ValueError):
            if how == "pool":
                with ThreadPoolExecutor(1) as pool:
                    pool.submit(inner).result()
            elif how == "task":
                await asyncio.create_task(ainner())
            else:
                await asyncio.to_thread(inner)

    asyncio.run(outer())
    assert [] == place.errors()


def test_in_a_bare_thread_nobody_above_sees_it(place, monkeypatch):
    """In a thread of its own the inner call captures: once, though the SDK hears of it again."""
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    inner = ai_track("inner")(lambda: int("x"))

    @ai_track("outer")
    def outer():
        thread = threading.Thread(target=inner)
        thread.start()
        thread.join()

    outer()
    assert ([("outer", "inner")] if place.client else []) == [(ai(e)["pipeline"], ai(e)["operation"]) for e in place.errors()]


def test_a_task_that_outlives_its_maker_captures(place):
    """A task whose tracked maker is over has nobody above: its error is an event."""

    async def main():
        go = asyncio.Event()

        async def late():
            await go.wait()
            return ai_track("late")(lambda: int("x"))()

        @ai_track("maker")
        async def maker():
            return asyncio.create_task(ai_track("between")(late)())

        task = await maker()
        go.set()
        with pytest.raises(ValueError):
            await task

    asyncio.run(main())
    assert (["between"] if place.client else []) == [ai(event)["operation"] for event in place.errors()]


def test_the_grandparent_still_sees_it(static):
    """Where the maker is over but its own maker is not, that one captures."""

    async def main():
        is_made = asyncio.Event()

        @ai_track("maker")
        async def maker():
            async def late():
                await is_made.wait()
                return ai_track("late")(lambda: int("x"))()

            return asyncio.create_task(late())

        @ai_track("grandparent")
        async def grandparent():
            task = await maker()
            is_made.set()
            await task

        with pytest.raises(ValueError):
            await grandparent()

    asyncio.run(main())
    assert ["grandparent"] == [ai(event)["operation"] for event in static.errors()]


def test_uncaught_and_without_dedupe(receiver):
    """What the SDK's hooks see again on its way out is not sent again, DedupeIntegration or not."""
    import sys

    from sentry_sdk.integrations.excepthook import ExcepthookIntegration

    before = sys.excepthook
    receiver.init(integrations=[ExcepthookIntegration(always_run=True)])
    sys.excepthook, hook = lambda *_: None, sys.excepthook
    try:
        ai_track("work")(lambda: int("x"))()
    except ValueError:
        if hook is not before:
            hook(*sys.exc_info())
    finally:
        sys.excepthook = before
    [event] = receiver.stored("event")
    assert "work" == ai(event)["pipeline"]


def test_a_capture_by_hand_is_the_users(static):
    """What the user captures by hand is sent, and so is another error caused by ours."""
    with pytest.raises(ValueError) as caught:
        ai_track("work")(lambda: int("x"))()
    sentry_sdk.capture_exception(caught.value)
    try:
        raise KeyError("next") from caught.value
    except KeyError as error:
        sentry_sdk.capture_exception(error)
    assert 3 == len(static.errors())


def test_the_same_exception_is_not_sent_again(static):
    """A second outermost call that the very same exception leaves sends nothing more."""
    work = ai_track("work")(lambda: fail())
    for _ in range(2):
        with pytest.raises(ValueError):
            work()
    assert 1 == len(static.errors())
    ERROR.__dict__.clear()


def test_in_a_run_it_is_captured_once_by_the_decorated_call(place):
    """In a tracked run the decorated call captures, and the run does not again."""
    with pytest.raises(ValueError), track("cell"):
        ai_track("work")(lambda: int("x"))()
    for event in place.errors():
        assert {"pipeline": "cell", "op": "ai.run", "operation": "work"} == ai(event)
    assert (1 if place.client else 0) == len(place.errors())


LEAVING = [
    (KeyboardInterrupt(), "interrupted", "aborted"),
    (SystemExit(), "interrupted", "ok"),
    (SystemExit(0), "interrupted", "ok"),
    (SystemExit(3), "interrupted", "aborted"),
    (asyncio.CancelledError(), "cancelled", "cancelled"),
    (GeneratorExit(), "abandoned", "cancelled"),
]
LEAVING_IDS = [f"{type(e).__name__}{e.args}" for e, *_ in LEAVING]


@covering(times=5)
@pytest.mark.parametrize(("error", "ours", "theirs"), LEAVING, ids=LEAVING_IDS)
def test_interrupts_pass_and_are_no_errors(place, error, ours, theirs):
    """Interrupts, exits and cancellations pass, end the span with their own status, make no event."""

    def leave():
        raise error

    with track("cell") as view:
        with pytest.raises(type(error)) as caught:
            ai_track("work")(leave)()
        assert error is caught.value
        view.spans()
        [span] = [s for s in view._run.spans.values() if s.name == "work"]
        assert ours == span.status
    with pytest.raises(type(error)):
        ai_track("alone")(leave)()
    assert [] == place.errors()
    if place.sends:
        sent = place.spans()["alone"]
        if place.stream:
            assert ("error" if theirs == "aborted" else "ok") == sent["status"]
            assert (None if theirs == "ok" else theirs) == sent["data"].get("sentry.status.message")
        else:
            assert theirs == sent["status"]


def test_a_cancelled_task(place, run):
    """A task cancelled in the middle passes the cancellation on; its span is cancelled."""

    async def main():
        never, begun = asyncio.Event(), asyncio.Event()

        async def work():
            begun.set()
            await never.wait()

        task = asyncio.create_task(ai_track("work")(work)())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert "cancelled" == run.spans()["work"].status
    assert [] == place.errors()


def test_a_group_of_errors(place):
    """An ExceptionGroup goes on as the same object and is one error event at Sentry, which names its members where Python knows groups."""
    group = ExceptionGroup("both", [ValueError("a"), KeyError("b")])

    def boom():
        raise group

    with pytest.raises(ExceptionGroup) as caught:
        ai_track("work")(boom)()
    assert group is caught.value
    events = place.errors()
    assert int(place.client) == len(events)
    for event in events:
        members = {"ValueError", "KeyError"} if sys.version_info >= (3, 11) else set()
        assert {"ExceptionGroup"} | members == {value["type"] for value in event["exception"]["values"]}


def test_an_exception_that_cannot_be_shown(place, run):
    """An exception whose str raises is captured and raised all the same."""

    class Nasty(Exception):
        def __str__(self):
            raise RuntimeError

    def boom():
        raise Nasty

    with pytest.raises(Nasty):
        ai_track("work")(boom)()
    assert "error" == run.spans()["work"].status


def test_tags_that_sentry_would_refuse(place):
    """Tags of any value go out as Sentry takes them, one line of 200 characters; the error's context keeps the whole name."""
    name = "long name\n" * 50
    with pytest.raises(ValueError):
        ai_track(name, sentry_tags={"n": 3, "long": "x" * 500})(lambda: int("x"))()
    events = place.errors()
    assert int(place.client) == len(events)
    for event in events:
        tags = dict(event["tags"])
        assert ("3", "x" * 200) == (tags["n"], tags["long"])
        assert tags["gen_ai.pipeline.name"].startswith("long name long name")
        assert name == event["contexts"]["ai"]["pipeline"]


def test_the_event_belongs_to_the_span(place, run):
    """Where errors are sent, sampled or not, the event names the span of the failed call as our view does, so that Sentry links them."""
    with pytest.raises(ValueError):
        ai_track("work")(lambda: int("x"))()
    named = [event["contexts"]["trace"]["span_id"] for event in place.errors()]
    assert [run.spans()["work"].span_id] * place.client == named


def test_an_interrupt_while_the_span_opens(static, monkeypatch):
    """An interrupt between two lines of ours leaves the caller where it stood."""
    from aimon_nb import get_ai_pipeline_name
    from aimon_nb.sentry import own_spans

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(own_spans, "start", interrupt)
    before = own_spans.snapshot_context()
    with pytest.raises(KeyboardInterrupt):
        ai_track("work")(lambda: None)()
    assert get_ai_pipeline_name() is None
    assert before == own_spans.snapshot_context()
