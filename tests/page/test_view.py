"""The view in a real JupyterLab: live while the cell is blocked, whole when it has ended, kept in the file."""

import json
import re
import subprocess
import sys

import nbformat
import pytest

from tests.parts.page import LOADED, PICTURES, ROOT, ROW, SHOTS

WORK = """%%ai_track summarise
@ai_track("retrieve")
def retrieve():
    with ThreadPoolExecutor(3) as pool:
        return list(pool.map(lambda i: ask(f"PROMPT note {i} about tides"), range(3)))
retrieve()
stream = ask("PROMPT why is the tide high [hold after 6]", model="gpt-4o", stream=True,
             stream_options={"include_usage": True})
for chunk in stream: pass
ask("PROMPT unpriced", model="my-local-model")
print("DONE")
"""
FAILS = """%%ai_track fails
ask("PROMPT one thing")
ask("PROMPT shorter", model="no-such-model")
"""
STOPS = """%%ai_track stops
ask("PROMPT one thing")
wait()
"""
# What runs for less than a second shows only its line: a test that reads the rows while it
# runs has them when it is a second old, and lets it go on by `truth.release()`.
STEPS = """%%ai_track steps
with sentry_sdk.start_span(op="x", name="one"): ask("PROMPT one")
with sentry_sdk.start_span(op="x", name="two"): ask("PROMPT two")
"""
SLOW_STEPS = f"{STEPS}wait()\n"


@pytest.fixture(params=["lab", pytest.param("notebook", marks=pytest.mark.matrix)])
def app(request):
    return request.param


def test_live_finished_and_kept(lab, notebook, truth, tmp_path):
    """The view is live while its cell is blocked and whole at the end; saved it is small and holds no prompt, answer or key, and the reopened notebook and its HTML still show calls and models."""
    page = notebook(WORK)
    page.run(1)
    truth.wait_held()
    page.output(1).locator(ROW, has_text="streaming").wait_for()
    assert page.prompt(1) == "[*]:" and "DONE" not in page.text(1)
    page.screenshot(PICTURES / "running.png", cell=1)
    before = page.output(1).locator(".aimon .clock").inner_text()
    page.raw.wait_for_function("before => document.querySelector('.aimon .clock').innerText !== before", arg=before)
    page.screenshot(SHOTS / "running-dark.png", theme="dark", cell=1)
    page.theme("light")
    truth.release()
    page.output(1).locator(ROW).nth(5).wait_for()
    page.wait_idle()
    assert "DONE" in page.text(1)

    seen = page.output(1).locator(ROOT).inner_text()
    for words in ("summarise", "5 calls", "retrieve", "gpt-4o-mini", "unpriced", "my-local-model"):
        assert words in seen, seen
    page.screenshot(PICTURES / "finished.png", cell=1)
    page.output(1).locator(f"{ROW}.model").first.click()
    page.output(1).locator(".detail").get_by_text("PROMPT note").first.wait_for()
    page.screenshot(PICTURES / "detail.png", cell=1)
    page.screenshot(PICTURES / "detail-dark.png", theme="dark", cell=1)
    page.raw.set_viewport_size({"width": 540, "height": 1150})
    page.screenshot(PICTURES / "narrow.png", theme="light", cell=1)

    saved = page.save()
    outputs = nbformat.read(saved, 4).cells[1].outputs
    for secret in ("In short", "PROMPT", "sk-none", "widget-view"):
        assert secret not in json.dumps(outputs), secret
    [view] = [o for o in outputs if o.output_type == "display_data"]
    assert set(view.data) == {"text/html", "text/plain"}
    size = len(json.dumps(view.data))
    print(f"saved output: {size} bytes")
    assert size < 20_000

    reopened = lab.reopen(saved)
    reopened.output(1).get_by_text("DONE").wait_for()
    kept = reopened.text(1)
    for words in ("summarise", "5 calls", "retrieve", "gpt-4o-mini", "unpriced", "DONE"):
        assert words in kept, kept
    reopened.screenshot(PICTURES / "kept.png", cell=1)

    html = tmp_path / "kept.html"
    subprocess.run([sys.executable, "-m", "nbconvert", "--to", "html", str(saved), "--output", str(html)], check=True, capture_output=True)
    view_in_html = html.read_text().partition('class="aimon')[2]  # the cell's own source, above it, has some of the words
    plain = re.sub(r"<script.*?</script>|<style.*?</style>", "", view_in_html, flags=re.DOTALL)
    for words in ("summarise", "5 calls", "retrieve", "gpt-4o-mini", "unpriced"):
        assert words in plain, words


def test_failed_and_interrupted(notebook, truth):
    """A failed and an interrupted cell keep their tree, above the traceback, with the words of the error."""
    page = notebook(FAILS, STOPS)
    page.execute("get_ipython().run_line_magic('xmode', 'Minimal')")  # no paths of a machine in the pictures
    page.run_cells(1)
    shown = page.output(1).locator(ROOT).inner_text()
    assert "error" in shown and "no-such-model" in shown and "does not exist" in shown
    assert page.text(1).index("no-such-model") < page.text(1).index("NotFoundError: Error code")
    page.screenshot(PICTURES / "failed.png", cell=1)
    page.run(2)
    truth.wait_held()
    page.output(2).locator(ROW).nth(0).wait_for()
    page.output(2).get_by_role("button", name="Stop", exact=True).click()
    page.wait_idle()
    shown = page.output(2).locator(ROOT).inner_text()
    assert "interrupted" in shown
    page.screenshot(PICTURES / "interrupted-dark.png", theme="dark", cell=2)


def test_the_end_moves_nothing(notebook, truth, app):
    """The view keeps its width when the saved form takes its place, and the notebook's styles stay outside."""
    page = notebook(SLOW_STEPS, app=app, width=800)
    page.run(1)
    page.output(1).locator(ROW).nth(2).wait_for()
    before = page.output(1).locator(ROOT).bounding_box()
    truth.wait_held()
    truth.release()
    page.wait_idle()
    page.output(1).locator(f".jp-RenderedHTMLCommon {ROOT}").wait_for()
    after = page.output(1).locator(ROOT).bounding_box()
    assert (before["x"], before["width"]) == (after["x"], after["width"])
    page.output(1).locator(ROW, has_text="gpt-4o-mini").first.click()
    table = page.output(1).locator(".aimon .facts").first
    assert page.raw.evaluate("e => [...e.querySelectorAll('*')].every(x => getComputedStyle(x).textAlign === 'left' && getComputedStyle(x).backgroundColor === 'rgba(0, 0, 0, 0)')", table.element_handle())
    title = page.output(1).locator(".aimon .title")
    assert title.evaluate("e => e.scrollWidth <= e.clientWidth"), "the name is cut"
    page.screenshot(SHOTS / f"detail-{app}.png", cell=1)


def test_folds_when_the_next_cell_runs(notebook, truth, app):
    """Ended well and not touched it becomes one line, which holds the whole view; touched it stays."""
    page = notebook(SLOW_STEPS, "1 + 1", SLOW_STEPS, "2 + 2", app=app)
    page.run(1)
    page.output(1).locator(ROW).nth(2).wait_for()
    truth.wait_held()
    truth.release()
    page.wait_idle()
    assert page.output(1).locator(".aimon .tree").is_visible(), "it folds by itself"
    page.run_cells(2)
    page.output(1).locator(".aimon .tree").wait_for(state="hidden")
    assert "2 calls" in page.output(1).locator(".aimon .head").inner_text()
    page.screenshot(SHOTS / f"closed-{app}.png", cell=1)
    page.output(1).locator(".aimon .fold").click()
    page.output(1).locator(ROW, has_text="gpt-4o-mini").first.click()
    page.output(1).locator(".detail").get_by_text("PROMPT one").first.wait_for()
    page.run(3)
    page.output(3).locator(ROW).first.click()
    truth.wait_held()
    truth.release()
    page.wait_idle()
    page.run_cells(4)
    page.wait_frames()
    assert page.output(1).locator(".aimon .tree").is_visible()
    assert page.output(3).locator(".aimon .tree").is_visible()


def test_fold_keeps_the_readers_place(notebook, truth, app):
    """What the reader reads below a view that folds above the screen does not move by a pixel."""
    notes = [nbformat.v4.new_markdown_cell(f"paragraph {i}\n\n" + "words " * 150) for i in range(12)]
    page = notebook(SLOW_STEPS, *notes, app=app)
    page.run(1)
    page.output(1).locator(ROW).nth(3).wait_for()  # the last: one more would move what is below
    place = "() => document.querySelectorAll('.jp-Notebook .jp-Cell')[8].getBoundingClientRect().top"
    page.raw.evaluate("() => document.querySelectorAll('.jp-Notebook .jp-Cell')[8].scrollIntoView({block: 'center'})")
    before = page.when_still(place)  # the notebook lays out the cells that come into sight
    truth.wait_held()
    truth.release()
    page.wait_idle()
    page.output(1).locator(".aimon .tree").wait_for(state="hidden")
    page.wait_frames(12)  # twice as many as the view itself looks after the place
    assert abs(before - page.raw.evaluate(place)) < 2


def test_reload_and_show(notebook, app):
    """After a reload the kernel tells the page everything again: `%ai_show`, a run displayed, and the cell itself."""
    page = notebook(STEPS, "%ai_show steps", "from aimon_nb import last_run; last_run()", app=app)
    page.run_cells(1)
    page.save()
    page.reload()
    page.wait_ready()
    for index in (2, 3):
        page.run_cells(index)
        page.output(index).locator(ROW, has_text="gpt-4o-mini").first.click()
        page.output(index).locator(".detail").get_by_text("PROMPT one").first.wait_for()
    page.screenshot(SHOTS / f"show-{app}.png", cell=2)
    outputs = [o for c in nbformat.read(page.save(), 4).cells[1:] for o in c.outputs]
    assert all(set(o.data) == {"text/html", "text/plain"} for o in outputs), outputs
    assert "PROMPT" not in json.dumps(outputs)


def test_shown_after_the_extension_was_loaded_anew(notebook, app):
    """A run of before a `%reload_ext` is shown by the kernel's new model, in its own cell too: a price that comes later reaches both."""
    page = notebook(STEPS, "%reload_ext aimon_nb", "%ai_show steps", app=app)
    page.run_cells(1, 2, 3)
    for index in (1, 3):
        page.open_view(index)
        page.output(index).locator(ROW, has_text="gpt-4o-mini").first.click()
        page.output(index).locator(".detail").get_by_text("PROMPT one").first.wait_for()
    page.execute("from aimon_nb import pricing; pricing.set('gpt-4o-mini', input_mtok=1000, output_mtok=2000)")
    for index in (1, 3):
        page.output(index).locator(".aimon .head .cost", has_text="$0.0").wait_for()
    shown = [page.output(index).locator(".aimon .head .cost").inner_text() for index in (1, 3)]
    assert shown[0] == shown[1]
    page.execute("pricing.unset('gpt-4o-mini')")


def test_widget_composes(notebook, app):
    """A run's widget stands in a box beside other widgets, in Lab and in Notebook 7, twice if wanted; both are whole, and each is as wide as its layout says later."""
    box = "from ipywidgets import HBox, Label; from aimon_nb import last_run\nHBox([last_run().widget, last_run().widget, Label('beside')])"
    page = notebook(STEPS, box, "last_run().widget.layout.width = '400px'", app=app)
    page.run_cells(1, 2)
    both = page.output(2).locator(".widget-hbox .aimon, .jupyter-widgets .aimon")
    both.nth(1).locator(".row").nth(3).wait_for()
    assert [4, 4] == [both.nth(i).locator(".row").count() for i in range(both.count())]
    both.nth(0).locator(".row", has_text="gpt-4o-mini").first.click()
    page.output(2).locator(".detail").get_by_text("PROMPT one").first.wait_for()
    assert "beside" in page.text(2)
    host = page.output(2).locator(".widget-hbox > .aimon-host, .widget-hbox > :has(> .aimon-host)").first
    assert 400 != host.evaluate("e => e.offsetWidth")
    page.run_cells(3)
    page.raw.wait_for_function("e => e.offsetWidth === 400", arg=host.element_handle())
    page.screenshot(SHOTS / f"hbox-{app}.png", cell=2)


def test_reload_while_it_runs(notebook, truth, app):
    """A page loaded while the cell runs is whole at the latest when the cell ends."""
    page = notebook(SLOW_STEPS, app=app)
    page.run(1)
    page.output(1).locator(ROW).nth(3).wait_for()
    page.save()
    page.reload()
    truth.wait_held()
    truth.release()
    page.output(1).locator(ROW, has_text="gpt-4o-mini").first.wait_for(timeout=40_000)
    page.wait_ready()
    page.output(1).locator(ROW, has_text="gpt-4o-mini").first.click()
    page.output(1).locator(".detail").get_by_text("PROMPT one").first.wait_for()
    assert "✓" in page.output(1).locator(".aimon .head").inner_text()


def test_reload_in_mid_run(notebook, truth, app):
    """Where the file was saved since the cell began, a page loaded in mid-run and a second tab have the live view while the kernel is at work. A row that is opened there says when its details come, stays open, and has them when the cell has ended."""
    page = notebook(SLOW_STEPS, app=app)
    page.run(1)
    page.output(1).locator(ROW).nth(3).wait_for()
    truth.wait_held()
    page.raw.locator(".aimon-host script, .jp-RenderedHTMLCommon .aimon-host").first.wait_for(state="attached")
    page.save()
    with page.second_tab() as second:
        page.reload()
        for raw in (page.raw, second):
            raw.locator(ROW).nth(3).wait_for(timeout=LOADED)
            raw.locator(ROW, has_text="gpt-4o-mini").first.click(timeout=LOADED)
            raw.locator(".detail").get_by_text("details come when the cell has ended").wait_for(timeout=LOADED)
        assert "✓" not in second.locator(".aimon .head").first.inner_text()
        truth.release()
        for raw in (page.raw, second):
            raw.locator(".aimon .head", has_text="✓").first.wait_for(timeout=LOADED)
            raw.locator(".detail").get_by_text("PROMPT one").first.wait_for(timeout=LOADED)
        page.wait_ready()
