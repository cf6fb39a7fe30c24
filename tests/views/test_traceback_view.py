"""The traceback that stands in a failed row's details."""

import gc
import weakref

import openai
from tests.views.samples import add, make_run

from aimon_nb.capture.exceptions import FRAMES, frames_of
from aimon_nb.model import Frame
from aimon_nb.views.present import detail, rows, traceback_view


def raised(make):
    try:
        make()
    except Exception as error:
        return error


def test_places_and_lines():
    """A frame is told by file, line, function and its source line; a library's file by its package."""

    def own():
        openai.OpenAI(api_key=None, base_url="http://127.0.0.1:1", max_retries="x").chat.completions.create(5)

    told = traceback_view.traceback(frames_of(raised(own)))
    assert told[-1]["library"] and told[-1]["place"].startswith("openai/")
    [mine] = [one for one in told if " in own" in one["place"]]
    assert mine["place"].startswith("test_traceback_view.py, line ") and mine["code"].startswith("openai.OpenAI(") and not mine["library"]


def test_ours_are_left_out():
    """Frames of the extension are nobody's business."""
    frame = Frame(rows.__file__, 3, "detail")
    assert [] == traceback_view.traceback([frame])


def test_no_frame_is_kept_alive():
    """What was local where it failed can go: words are kept, not frames."""

    class Big:
        pass

    alive = []

    def fails():
        big = Big()
        alive.append(weakref.ref(big))
        raise ValueError("no")

    frames = frames_of(raised(fails))
    gc.collect()
    assert alive[0]() is None
    assert "fails" == frames[-1][2]


def test_a_deep_recursion_keeps_its_end():
    """Of a thousand frames the innermost are kept."""

    def deep(n):
        return deep(n + 1)

    frames = frames_of(raised(lambda: deep(0)))
    assert FRAMES == len(frames)


def test_in_the_details_only():
    """Source lines may hold prompts: they are in a span's details, never in its row or the saved form."""
    run = make_run()
    span = add(run, "s", status="error", error_type="ValueError", error="no", frames=(Frame("/x/site-packages/lib/a.py", 7, "go"), Frame("<stdin>", 1, "<module>")))
    frames = detail.detail(span)["frames"]
    assert ["lib/a.py, line 7 in go", "<stdin>, line 1"] == [f["place"] for f in frames]
    assert "lib/a.py" not in str(rows.row_dict(span, run)) + str(rows.snapshot(run))
