"""Money is money: JupyterLab, which makes a formula of what stands between two dollars, makes none of ours."""

import pytest

from tests.parts.page import ROOT, SHOTS

SETUP = """%config AimonMagics.estimate = True
import aimon_nb
from IPython.display import HTML
formula = HTML("<p>$a$</p>")
"""
# One call tells its tokens and one does not: the header holds a cost and an estimate.
PAYS = """%%ai_track pay $5 of $6 today --save {save} --view {view}
with sentry_sdk.start_span(op="task", name="a $x$ b"):
    for chunk in ask("one", model="gpt-4o", stream=True): pass
    ask("two", model="gpt-4o")
"""
FAILS = """%%ai_track fails
with sentry_sdk.start_span(op="task", name="pay"): raise ValueError("you have $2, it needs $5")
"""
RUNS = """%%ai_track pay $5 of $6 while it runs
with sentry_sdk.start_span(op="task", name="a $x$ b"):
    wait(); display(formula); wait()
"""
CELLS = {
    "tree": PAYS.format(save="tree", view="auto"),
    "summary": PAYS.format(save="summary", view="auto"),
    "full": PAYS.format(save="full", view="auto"),
    "html": PAYS.format(save="tree", view="html"),
    "fails": FAILS,
    "shown": "%ai_show fails",
    "styled": "aimon_nb.runs()[0].usage(by='run', styled=True)",
    "runs": RUNS,
    "formula": "formula",
}
CELL = {name: index + 2 for index, name in enumerate(CELLS)}
FORMULA = "mjx-container"


def only_formulas_of(page, *names):
    """Wait until these cells hold a formula; then no other one does, for Lab typesets them in order."""
    for name in names:
        page.cell(CELL[name]).scroll_into_view_if_needed()
        page.output(CELL[name]).locator(FORMULA).last.wait_for()
    found = [name for name, index in CELL.items() for _ in range(page.output(index).locator(FORMULA).count())]
    assert list(names) == found


@pytest.mark.timeout(300)
def test_dollars_make_no_formula(lab, notebook, truth):
    """Names, errors and sums with two dollars stay text: live, at the end, from memory, and in the file, trusted or not."""
    page = notebook(SETUP, *CELLS.values(), height=3000)
    page.run_cells(*range(1, CELL["runs"]))
    page.run(CELL["runs"])
    # The widget gives way to HTML after a second: Lab typesets that.
    page.output(CELL["runs"]).locator(f".jp-RenderedHTMLCommon {ROOT}").wait_for()
    truth.wait_held()
    truth.release()
    only_formulas_of(page, "runs")
    page.screenshot(SHOTS / "dollars-running.png", cell=CELL["runs"])
    truth.wait_held()
    truth.release()
    page.wait_idle()
    page.run_cells(CELL["formula"])
    only_formulas_of(page, "runs", "formula")
    assert 2 <= page.output(CELL["tree"]).locator(".aimon .head").inner_text().count("$0.")
    page.screenshot(SHOTS / "dollars-live.png")

    saved = page.save()
    for trusted in (False, True):
        again = lab.reopen(saved, trusted=trusted, height=3000)
        only_formulas_of(again, "runs", "formula")
        for name in ("tree", "summary", "full", "html"):
            assert "pay $5 of $6 today" in again.text(CELL[name]), name
        assert "you have $2, it needs $5" in again.text(CELL["fails"])
        again.screenshot(SHOTS / f"dollars-{'trusted' if trusted else 'untrusted'}.png")
