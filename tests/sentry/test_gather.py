"""Under asyncio Sentry gets the true parents, too: its scope is shared between the tasks of a `gather`."""

import asyncio

import pytest
import sentry_sdk

from aimon_nb.app import monitor
from tests.parts import sdk



def start(name):
    if sentry_sdk.get_client().options.get("trace_lifecycle") == "stream":
        from sentry_sdk import traces

        return traces.start_span(name)
    return sdk.start_span("step", name)


async def branch(name, depth=2):
    with start(name):
        for _ in range(len(name) % 3):  # branches go on at different turns
            await asyncio.sleep(0)
        if depth:
            await asyncio.gather(*(branch(f"{name}{c}", depth - 1) for c in "xyz"))
        await asyncio.sleep(0)
        with start(f"{name}-end"):
            await asyncio.sleep(0)


async def tasks():
    """Gathers in gathers, a task of its own, a task group's like, a thread, and one left behind by an error."""
    with start("above"):
        await asyncio.gather(*(branch(c) for c in "abc"))
        task = asyncio.create_task(branch("t", 1))
        await asyncio.to_thread(in_thread)
        await task
        await asyncio.gather(failing("f"), branch("g", 1), return_exceptions=True)
    with start("after"):
        pass


async def failing(name):
    with start(name):
        await asyncio.sleep(0)
        raise ValueError(name)


def in_thread():
    with start("thread"):
        pass


def true_parents():
    expected = {"above": "run", "after": "run", "thread": "above", "f": "above"}

    def add(name, parent, depth):
        expected[name], expected[f"{name}-end"] = parent, name
        for c in "xyz" if depth else "":
            add(f"{name}{c}", name, depth - 1)

    for name in "abc":
        add(name, "above", 2)
    for name in "tg":
        add(name, "above", 1)
    return expected


@pytest.mark.parametrize("lifecycle", sdk.LIFECYCLES)
def test_in_a_tracked_run(receiver, lifecycle):
    """Every span of the user's is once at Sentry, below what is above it in his code."""
    receiver.init(**sdk.OPTIONS[lifecycle])
    opened = monitor.open("run", "none")
    try:
        asyncio.run(tasks())
    finally:
        opened.end(None)
    spans = receiver.spans()
    names = {s["span_id"]: s["name"] for s in spans}
    got = {s["name"]: names.get(s["parent_span_id"]) for s in spans}
    assert len(spans) == len(got)
    assert got == {"run": None, **true_parents()}
    ours = opened.run.spans
    assert {s.name: ours[s.parent_id].name for s in ours.values() if s.parent_id} == true_parents()
    assert {s.sent for s in ours.values()} == {"yes"}
