"""What comes after the end of a cell, and what is too much for Sentry."""

import pytest

from tests.parts.waiting import eventually

LATE = """%%ai_track first
async def goes_on():
    with sentry_sdk.start_span(op="step", name="open at the end"):
        opened.set()
        await goes.wait()
    with sentry_sdk.start_span(op="step", name="task after"): pass
def thread_goes_on():
    done.wait(20)
    with sentry_sdk.start_span(op="step", name="thread after"): pass
opened, goes = asyncio.Event(), asyncio.Event()
task = asyncio.create_task(goes_on())
thread = threading.Thread(target=thread_goes_on)
thread.start()
with sentry_sdk.start_span(op="step", name="in time"): pass
await opened.wait()
"""
SPANS = "[(s.name, s.late, s.sent, s.status) for s in runs()[{n}]._run.spans.values() if s.op == 'step']"


@pytest.mark.parametrize("options", ["", ", trace_lifecycle='stream'"], ids=["static", "stream"])
def test_late_spans_are_of_their_run_and_say_so(kernel, receiver, options):
    """A task and a thread that outlive their cell record into its run, marked late, and not into the next one."""
    late = LATE
    if options:
        late = LATE.replace("sentry_sdk.start_span(op=\"step\", name=", "step(")
    kernel.run(
        [
            "%load_ext aimon_nb\nimport sentry_sdk, asyncio, threading\nfrom aimon_nb import runs\ndone = threading.Event()",
            "from sentry_sdk import traces\ndef step(name): return traces.start_span(name, {'sentry.op': 'step'})",
            f"sentry_sdk.init({receiver.dsn!r}, traces_sample_rate=1.0, default_integrations=False{options})",
        ]
    )
    span = "step" if options else "lambda name: sentry_sdk.start_span(op='step', name=name)"
    first, second = kernel.run([late, f"%%ai_track second\ngoes.set(); done.set()\nawait task\nthread.join()\nstart = {span}\nwith start('second'): pass"])
    assert first.status == second.status == "ok", (first, second)
    kernel.run(["sentry_sdk.flush(5)"])
    after = {"task after", "thread after"}
    eventually(lambda: after <= {name for name, *_ in kernel.value(SPANS.format(n=0))})
    told = {name: rest for name, *rest in kernel.value(SPANS.format(n=0))}
    assert told["in time"][:2] == [False, "yes"]
    assert told["open at the end"][0] is True or told["open at the end"][2] == "abandoned"
    assert {told[name][0] for name in after} == {True}, told
    if not options:  # there the transaction has left without them
        assert {told[name][1] for name in after} == {"no: late"}, told
    assert [name for name, *_ in kernel.value(SPANS.format(n=1))] == ["second"]
