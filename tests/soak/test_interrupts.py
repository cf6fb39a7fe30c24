"""Interrupts at random moments of a tracked cell."""

import random

import pytest

from tests.kernel.test_interrupt import SETUP

BUSY = {
    "sync": """%%ai_track busy
for i in range(2000):
    with sentry_sdk.start_span(op="x", name="outer"):
        for j in range(20):
            with sentry_sdk.start_span(op="x", name="inner"): sum(range(200))
    if i % 10 == 0:
        client.chat.completions.create(model="gpt-4o", messages=[dict(role="user", content="hi")])
""",
    "async": """%%ai_track busy
async def one(i):
    for _ in range(300):
        with sentry_sdk.start_span(op="x", name=f"t{i}"):
            await asyncio.sleep(0.002)
    await aclient.chat.completions.create(model="gpt-4o", messages=[dict(role="user", content="hi")])
await asyncio.gather(*(one(i) for i in range(5)))
""",
}


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", BUSY)
def test_random_moments(kernel, truth, kind):
    """At random moments the status matches the reply, nothing stays running, the next cell is clean.

    In soak for its moments are random: what it finds once in 200 it need not find the next time.
    """
    kernel.run([SETUP.format(url=truth.url), "%%ai_track first\n1"])
    seed = random.randrange(1000)
    print('seed', seed)
    chance = random.Random(seed)
    seen = set()
    last = kernel.value("state()")[0]
    for _ in range(200):
        cell = kernel.cell(BUSY[kind], interrupt_after=chance.uniform(0.0, 0.35))
        run, status, running, faults = kernel.value("state()")
        if cell.status == "lost":
            assert run == last, "an interrupt that ipykernel caught before IPython had the cell makes no run"
        else:
            seen.add((cell.status, status))
            assert run != last and (cell.status, status) in (("error", "interrupted"), ("ok", "ok")), (cell, status)
        assert running == [] and faults == 0
        after = kernel.cell("print(sentry_sdk.get_current_span(), __import__('aimon_nb').get_ai_pipeline_name())")
        assert after.text == "None None\n", after
        last = run
    assert ("error", "interrupted") in seen


@pytest.mark.parametrize("source", ["%ai_track time.sleep(3)", "%%time\n%%ai_track below\ntime.sleep(3)", "%%ai_track cell\ntime.sleep(3)"])
def test_the_first_milliseconds(kernel, truth, source):
    """An interrupt while a run opens ends the cell at once; no run stays open, and the next cell is clean.

    A bare kernel swallows one at the very start, and one just before a `sleep` waits for its
    end (three of 120 measured): those are not ours to mend, and may be a fourth of ours. In
    soak for that count is a matter of chance.
    """
    moments = range(24)
    kernel.run([SETUP.format(url=truth.url), "import time", "%%time\n%%ai_track first\n1"])
    missed = 0
    for moment in moments:
        cell = kernel.cell(source, interrupt_after=moment / 1000)
        _, status, running, faults = kernel.value("state()")
        assert cell.status == "lost" or cell.ename == "KeyboardInterrupt" or (cell.status, status) == ("ok", "ok"), cell
        missed += cell.seconds > 3
        assert running == [] and faults == 0 and status != "running", (moment, status)
        after = kernel.cell("print(sentry_sdk.get_current_span(), __import__('aimon_nb').get_ai_pipeline_name())")
        assert after.text == "None None\n", (moment, after)
    assert missed <= len(moments) / 4
