"""What comes after the end of a cell, what is too much for Sentry, and a cell of a hundred thousand spans."""

import pytest

LATE = """%%ai_track first
async def goes_on():
    with sentry_sdk.start_span(op="step", name="open at the end"):
        await asyncio.sleep(.2)
    with sentry_sdk.start_span(op="step", name="task after"): pass
def thread_goes_on():
    done.wait(20)
    with sentry_sdk.start_span(op="step", name="thread after"): pass
task = asyncio.create_task(goes_on())
threading.Thread(target=thread_goes_on).start()
with sentry_sdk.start_span(op="step", name="in time"): pass
await asyncio.sleep(.05)
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
    first, second = kernel.run([late, f"%%ai_track second\ndone.set()\nawait task\nstart = {span}\nwith start('second'): pass\nawait asyncio.sleep(.3)"])
    assert first.status == second.status == "ok", (first, second)
    kernel.run(["await asyncio.sleep(.3)\nsentry_sdk.flush(5)"])
    told = {name: rest for name, *rest in kernel.value(SPANS.format(n=0))}
    assert told["in time"][:2] == [False, "yes"]
    assert told["open at the end"][0] is True or told["open at the end"][2] == "abandoned"
    assert {told[name][0] for name in ("task after", "thread after")} == {True}, told
    if not options:  # there the transaction has left without them
        assert {told[name][1] for name in ("task after", "thread after")} == {"no: late"}, told
    assert [name for name, *_ in kernel.value(SPANS.format(n=1))] == ["second"]


@pytest.mark.matrix
@pytest.mark.timeout(600)
def test_a_hundred_thousand_spans(kernel, receiver):
    """The cell ends, its tree stands once and is small, and it says what is folded and what Sentry will not get."""
    kernel.run(
        [
            "%load_ext aimon_nb\nimport sentry_sdk\nfrom aimon_nb import last_run",
            f"sentry_sdk.init({receiver.dsn!r}, traces_sample_rate=1.0, default_integrations=False)",
        ]
    )
    cell = kernel.cell(
        "%%ai_track many\nfor i in range(100_000):\n    with sentry_sdk.start_span(op='step', name=f's{i}'): pass\n'done'", timeout=400
    )
    assert cell.status == "ok" and "'done'" in cell.data()
    [tree] = [o for o in cell.outputs if o.output_type == "display_data"]
    assert len(str(tree)) < 200_000
    assert "80,001 more spans are folded" in tree.data["text/plain"]
    # 100,000 and the root, of which a transaction carries the root and 1,000
    assert "99,000 spans not sent to Sentry" in tree.data["text/plain"]
    assert kernel.value("last_run()._run.faults") == 0
    assert kernel.cell("%%ai_track next\n1").status == "ok"
