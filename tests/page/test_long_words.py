"""A word without an end breaks inside the saved form, as it does in the live view: it widens no page."""

import pytest
from tests.views.samples import add, end, make_run

from aimon_nb.views.tables import export
from aimon_nb.views.static import html

WORD = "L" * 100_000


def told(**more):
    """A failed run with one failed span; what it says is `more`."""
    run = make_run(more.pop("run_name", "summarise"), **{"notes": more.pop("notes", [])})
    add(run, "s", status="error", **{"name": "step", "error_type": "ValueError", "error": "short", **more})
    return end(run, "error", 1)


def told_by_the_cell():
    run = end(make_run(), "error", 1)
    run.error_type, run.error = "ValueError", WORD
    return run


RUNS = {
    "error below a row": lambda: told(error=WORD),
    "error type": lambda: told(error_type=WORD),
    "error of the cell": told_by_the_cell,
    "name of a span": lambda: told(name=WORD),
    "model": lambda: told(model=WORD, op="gen_ai.chat"),
    "name of the run": lambda: told(run_name=WORD),
    "note": lambda: told(notes=[WORD, "another"]),
}


@pytest.fixture
def tab(browser):
    made = browser.new_page(viewport={"width": 1200, "height": 900})
    yield made
    made.close()


@pytest.mark.parametrize(("form", "width"), [("tree", 1150), ("tree", 320), ("untrusted", 320), ("summary", 320), ("file", 1150)])
def test_a_long_word_stays_in_the_box(tab, form, width, tmp_path):
    """Errors, names and notes of 100,000 letters without a blank: nothing of the saved form reaches beyond its box."""
    for name, make in RUNS.items():
        if form == "file":
            said = export.export([make()], tmp_path / f"{name}.html").read_text("utf-8")
        else:
            said = html.summary(make()) if form == "summary" else html.static(make())
        if form == "untrusted":  # what JupyterLab's sanitiser leaves of it
            said = said.replace("overflow-wrap:anywhere;", "")
        tab.set_viewport_size({"width": width, "height": 900})
        tab.set_content(said)
        over = tab.evaluate("""() => {
          const beyond = [...document.querySelectorAll('.mathjax_ignore, .mathjax_ignore div')].filter(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== 'hidden');
          return [document.documentElement.scrollWidth - innerWidth, beyond.map(e => e.outerHTML.slice(0, 80))];
        }""")
        assert [0, []] == over, name
