"""What comes after the end of a cell, and what is too much for Sentry."""

import pytest

from tests.parts import sdk
from tests.parts.waiting import eventually

LATE = """%%ai_track first
async def goes_on():
    with step("open at the end"):
        opened.set()
        await goes.wait()
    with step("task after"): pass
def thread_goes_on():
    done.wait(20)
    with step("thread after"): pass
opened, goes = asyncio.Event(), asyncio.Event()
task = asyncio.create_task(goes_on())
thread = threading.Thread(target=thread_goes_on)
thread.start()
with step("in time"): pass
await opened.wait()
"""
START = {False: "op='step', name=name", True: "name, {'sentry.op': 'step'}"}
SPANS = "[(s.name, s.late, s.sent, s.status) for s in runs()[{n}]._run.spans.values() if s.op == 'step']"


@sdk.EACH_LIFECYCLE
def test_late_spans_are_of_their_run_and_say_so(kernel, receiver, options):
    """A task and a thread that outlive their cell record into its run, marked late, and not into the next one."""
    kernel.run(
        [
            "%load_ext aimon_nb\nimport sentry_sdk, asyncio, threading\nfrom aimon_nb import runs\ndone = threading.Event()",
            f"def step(name): return {'traces' if options else 'sentry_sdk'}.start_span({START[bool(options)]})\nfrom sentry_sdk import traces",
            f"sentry_sdk.init({receiver.dsn!r}, traces_sample_rate=1.0, default_integrations=False, **{options!r})",
        ]
    )
    first, second = kernel.run([LATE, "%%ai_track second\ngoes.set(); done.set()\nawait task\nthread.join()\nwith step('second'): pass"])
    assert first.status == second.status == "ok", (first, second)
    kernel.run(["sentry_sdk.flush(5)"])
    after = {"task after", "thread after"}
    eventually(lambda: after <= {name for name, *_ in kernel.value(SPANS.format(n=0))})
    told = {name: rest for name, *rest in kernel.value(SPANS.format(n=0))}
    assert told["in time"][:2] == [False, "yes"]
    assert told["open at the end"][0] is True or told["open at the end"][2] == "abandoned"
    assert {told[name][0] for name in after} == {True}, told
    if not sdk.streams(options):  # there the transaction has left without them
        assert {told[name][1] for name in after} == {"no: late"}, told
    assert [name for name, *_ in kernel.value(SPANS.format(n=1))] == ["second"]
