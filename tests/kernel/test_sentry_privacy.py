"""What of a cell reaches Sentry: no source, unless its user wants it; one failing line is one issue."""

import json

import pytest

from tests.parts import sdk

OPTIONS = [pytest.param({}, id="static", marks=sdk.transactions), pytest.param({"trace_lifecycle": "stream"}, id="stream")]
CELL = """%%ai_track shop
# a comment that is much longer than forty characters are
question = "a secret prompt that is longer than forty characters" + " and more"
answer = len(question)
"""


def loaded(kernel, receiver, options, *more):
    init = f"sentry_sdk.init({receiver.dsn!r}, traces_sample_rate=1.0, default_integrations=False, auto_enabling_integrations=False, **{options!r})"
    kernel.run(["%load_ext aimon_nb\nimport sentry_sdk", init, *more])


def root_data(receiver):
    return [root["data"] for root in receiver.roots(2)]


@pytest.mark.parametrize("wanted", [False, True])
@pytest.mark.parametrize("options", OPTIONS)
def test_source(kernel, receiver, options, wanted):
    """A cell's source is not sent; with `sentry_source=True` it is, without long strings and comments, and of no cell that is no Python."""
    loaded(kernel, receiver, options, f"%config AimonMagics.sentry_source = {wanted}")
    kernel.run([CELL, "%%ai_track other\n%time x = 'some magic'", "sentry_sdk.flush(5)"])
    receiver.roots(2)
    told = json.dumps(receiver.got, ensure_ascii=False)
    assert "secret prompt" not in told and "some magic" not in told and "much longer" not in told
    sources = [data["notebook.cell.source"] for data in root_data(receiver) if "notebook.cell.source" in data]
    assert sources == (["# …\nquestion = '…'\nanswer = len(question)"] if wanted else [])
    kernel.run(["%config AimonMagics.sentry_source = False"])


FAILING = """%%ai_track shop
def work(n):
    return 1 / n
x = 1
work(0)
"""
OTHER_LINE = """%%ai_track shop
x = 1
int("a")
int("b") if x else int("c")
"""


def error_of(kernel, receiver, cell):
    """The one event of a failing cell, as Sentry stores it."""
    receiver.forget()
    [result] = kernel.run([cell])
    assert result.status == "error"
    kernel.run(["sentry_sdk.flush(5)"])
    [event] = receiver.wait("event")
    receiver.stored("event")
    return event


def frames_of(event):
    [value] = event["exception"]["values"]
    return [(frame["filename"], frame["function"], frame["lineno"]) for frame in value["stacktrace"]["frames"]]


@pytest.mark.parametrize("options", OPTIONS)
def test_frames_of_a_cell(kernel, receiver, options):
    """The event has the cell's own frames at their lines, none of ours and none of IPython's, no source, and pipeline and trace of the run."""
    loaded(kernel, receiver, options)
    event = error_of(kernel, receiver, FAILING)
    [(first, *outer), (second, *inner)] = frames_of(event)
    assert first == second and first.endswith(".py") and "ipykernel" not in first
    assert (outer, inner) == (["<module>", 5], ["work", 3])
    assert all(frame["in_app"] for frame in event["exception"]["values"][0]["stacktrace"]["frames"])
    assert "1 / n" not in json.dumps(event)
    assert event["contexts"]["ai"]["pipeline"] == "shop" == dict(event["tags"])["gen_ai.pipeline.name"]
    assert event["contexts"]["trace"]["trace_id"] == kernel.value("__import__('aimon_nb').last_run()._run.trace_id")


def test_one_failing_line_is_one_issue(kernels, receiver):
    """Again, and in a kernel that was started anew, the same line has the same fingerprint and file; another line, or error, has another."""
    seen = []
    for _ in range(2):
        kernel = kernels(fresh=True)
        loaded(kernel, receiver, {})
        for _ in range(2):
            event = error_of(kernel, receiver, FAILING)
            seen.append((tuple(event["fingerprint"]), *frames_of(event)))
    assert len(set(seen)) == 1
    moved = error_of(kernel, receiver, FAILING.replace("x = 1", "x = 1\ny = 2"))
    assert tuple(moved["fingerprint"]) == seen[0][0]
    others = [error_of(kernel, receiver, cell) for cell in (OTHER_LINE, OTHER_LINE.replace('int("a")', "pass"), FAILING.replace("1 / n", "1 / n.x"))]
    assert len({tuple(event["fingerprint"]) for event in [moved, *others]}) == 4


@pytest.mark.parametrize("cell", [
    "%%ai_track shop\nfrom aimon_nb import ai_track\n@ai_track('step')\ndef step(): raise ValueError('no luck')\nstep()",
    "%%ai_track shop\nimport asyncio\nasync def step(): raise ValueError('no luck')\nawait asyncio.gather(step(), asyncio.sleep(0))",
    "from aimon_nb import track\ndef step(): raise ValueError('no luck')\nwith track('shop', view='none'):\n    step()",
    "%%ai_track shop\ntry:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise ValueError('no luck') from error",
], ids=["decorated", "async", "track", "chained"])
def test_one_event_an_error(kernel, receiver, cell):
    """However it is raised, an error is one event without a frame of ours, and all names of cells are stable."""
    loaded(kernel, receiver, {})
    event = error_of(kernel, receiver, cell)
    assert event["exception"]["values"][-1]["type"] == "ValueError"
    frames = [frame for value in event["exception"]["values"] for frame in value["stacktrace"]["frames"]]
    assert not [frame for frame in frames if (frame["module"] or "").startswith(("aimon_nb", "IPython"))]
    assert "ipykernel_" not in json.dumps(frames)
    assert event["fingerprint"][0] == "aimon_nb"
