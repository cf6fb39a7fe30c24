"""`track`: the magic as a context manager, sync and async."""

import asyncio

import pytest

from aimon_nb import ai_track, get_ai_pipeline_name, track
from tests.tiers import covering


def spans(view):
    view.spans()
    return {span.name: span for span in view._run.spans.values()}


def test_a_run_with_a_root_span_and_a_pipeline(place):
    """It opens a run and its root; spans inside are below it and carry its name."""
    with track("demo", op="ai.demo", sentry_tags={"t": "1"}, sentry_data={"d": 2}, origin="auto.mine") as view:
        assert ("running", "demo") == (view.status, get_ai_pipeline_name())
        with place.span():
            pass
    assert get_ai_pipeline_name() is None
    shown = spans(view)
    assert ("ok", "demo") == (view.status, shown["inner"].pipeline)
    assert shown["demo"].span_id == shown["inner"].parent_id
    if place.sends:
        sent = place.spans()
        assert ("ai.demo", "demo", "demo", 2) == (
            sent["demo"]["op"], sent["demo"]["data"]["gen_ai.pipeline.name"], sent["inner"]["data"]["gen_ai.pipeline.name"], sent["demo"]["data"]["d"])  # fmt: skip
        assert "auto.mine" == (sent["demo"]["origin"] or sent["demo"]["data"].get("sentry.origin"))


def test_async(place):
    """async with does the same; tasks inside belong to the run."""

    async def main():
        async with track("demo") as view:
            await asyncio.gather(*(ai_track(name)(asyncio.sleep)(0.001) for name in "abc"))
        return view

    view = asyncio.run(main())
    shown = spans(view)
    assert {shown["demo"].span_id} == {shown[name].parent_id for name in "abc"}
    if place.sends:
        sent = place.spans()
        assert {sent["demo"]["span_id"]} == {sent[name]["parent_span_id"] for name in "abc"}


def test_two_at_once_in_tasks(place):
    """Two tracked tasks are two runs that do not mix."""

    opened, stepped = [], []

    async def both(seen):
        seen.append(1)
        while len(seen) < 2:
            await asyncio.sleep(0)

    async def one(name):
        async with track(name) as view:
            await both(opened)
            ai_track(f"{name} step")(lambda: None)()
            await both(stepped)
            return view, get_ai_pipeline_name()

    async def main():
        return await asyncio.gather(one("a"), one("b"))

    for (view, pipeline), name in zip(asyncio.run(main()), "ab", strict=True):
        assert {name, f"{name} step"} == set(spans(view))
        assert name == pipeline


@covering(times=3)
@pytest.mark.parametrize(("error", "status"), [(ValueError, "error"), (KeyboardInterrupt, "interrupted"), (asyncio.CancelledError, "interrupted")])
def test_an_error_ends_it_and_goes_on(place, error, status):
    """An error is captured once and raised; an interrupt is none."""
    with pytest.raises(error):
        with track("demo", sentry_tags={"t": "1"}) as view:
            raise error
    assert status == view.status
    assert (1 if place.client and error is ValueError else 0) == len(place.errors())
    for event in place.errors():
        assert ("1", "demo") == (dict(event["tags"])["t"], event["contexts"]["ai"]["pipeline"])


def test_an_event_has_the_tags_of_its_run(place):
    """Captured by a function in the run, an error has the run's tags and its own; of two of one name its own."""
    fails = ai_track("step", sentry_tags={"stage": "inner"})(lambda: int("x"))
    with pytest.raises(ValueError), track("demo", tags={"team": "search", "stage": "outer"}):
        fails()
    assert (1 if place.client else 0) == len(place.errors())
    for event in place.errors():
        assert {"team": "search", "stage": "inner"}.items() <= dict(event["tags"]).items()


def test_again_and_nested(static):
    """One `track` may be used again, also inside itself."""
    again = track("demo")
    with again as first:
        with again as second:
            assert "demo" == get_ai_pipeline_name()
        assert ("running", "ok") == (first.status, second.status)
    assert "ok" == first.status
    with again as third:
        pass
    assert 3 == len({first.run_id, second.run_id, third.run_id})


def test_one_in_several_tasks(static):
    """Tasks and threads may share one `track`: each closes its own run."""
    again = track("demo")

    opened, closed = [], []

    async def one(turn):
        async with again as view:
            opened.append(turn)
            while len(opened) < 3 or len(closed) < turn:
                await asyncio.sleep(0)
            running = view.status
        closed.append(turn)
        return running, view.status

    async def main():  # opened in this order, closed in another
        return await asyncio.gather(one(0), one(2), one(1))

    assert [("running", "ok")] * 3 == asyncio.run(main())


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"nonsense": 1}, TypeError, "unknown option 'nonsense'"),
        ({"view": "loud"}, ValueError, "view must be one of auto, live, html, text, none; not 'loud'"),
        ({"sentry_tags": 3}, TypeError, "sentry_tags must be a mapping"),
    ],
)
def test_wrong_options_are_refused(given, error, message):
    """A wrong option is a clear error before anything opens."""
    with pytest.raises(error, match=message):
        track("demo", **given)


@pytest.mark.kernel
def test_in_a_notebook_it_is_live(kernel):
    """In a kernel it shows the live view under its cell, as the magic does."""
    [first, second] = kernel.run(
        ["from aimon_nb import track, ai_track\nwith track('demo') as run:\n    ai_track('step')(lambda: 0)()", "print(run.status, 'step' in run.tree())"]
    )
    assert "ok" == first.status and "" == first.text
    assert any("demo" in text for text in first.data("text/html"))
    assert "ok True\n" == second.text
