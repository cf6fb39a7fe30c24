"""Twenty tracked cells in one page leave no more behind than one; how long they take is the benchmark's business."""

import pytest

from tests.parts.page import ROW

# Ten thousand spans in the end, in groups of which a view draws a window.
MANY = """%%ai_track many
for i in range(60):
    with sentry_sdk.start_span(op="x", name=f"item {i} {i}"):
        for j in range(10):
            with sentry_sdk.start_span(op="x", name=f"{i} {j}"): pass
"""
# How often the page lays out and paints for one cell, and what stays in it, a cell.
COUNT = """() => {
  const runs = [...storedRuns().values()], views = runs.flatMap(run => [...run.views]);
  const elements = views.at(-1).root.querySelectorAll('*').length;
  return {runs: runs.length, views: views.length, elements, timers: views.filter(view => view.timer).length};
}"""
# Widgets, comms, threads and hooks of the kernel.
KEPT = """import threading
from ipywidgets.widgets import widget
print(len(widget._instances), threading.active_count(), sum(map(len, get_ipython().events.callbacks.values())))"""


@pytest.mark.timeout(400)
def test_twenty_cells_do_not_slow_down(notebook):
    """The last of twenty tracked cells leaves as much in the page and in the kernel as the second, and no clock runs on.

    In soak for it opens forty cells in a page.
    """
    page = notebook(*[cell for _ in range(20) for cell in (MANY, KEPT)], height=1400)
    grown = []
    for index in range(1, 41, 2):
        page.run_cells(index, index + 1)
        page.output(index).locator(".aimon .mark", has_text="✓").wait_for(state="attached")
        page.wait_frames()
        in_page = page.raw.evaluate(COUNT)
        grown.append({**in_page, "kernel": page.text(index + 1).split()})
    page.open_view(39)
    page.output(39).locator(ROW).nth(10).wait_for()
    print(*grown, sep="\n")
    assert [1] * 19 == [b["runs"] - a["runs"] for a, b in zip(grown, grown[1:])]
    assert [1] * 19 == [b["views"] - a["views"] for a, b in zip(grown, grown[1:])]
    assert [0] * 20 == [one["timers"] for one in grown]
    assert {grown[1]["elements"]} == {one["elements"] for one in grown[1:]}
    widgets, threads, hooks = zip(*[map(int, one["kernel"]) for one in grown])
    assert len({b - a for a, b in zip(widgets[1:], widgets[2:])}) == 1
    assert max(threads[1:]) <= threads[1] and max(hooks[1:]) <= hooks[1]
