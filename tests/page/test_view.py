"""The view in a real JupyterLab: live while the cell is blocked, whole when it has ended, kept in the file."""

import json
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

SETUP = """%load_ext aimon_nb
import openai, sentry_sdk, time, threading
from concurrent.futures import ThreadPoolExecutor
from aimon_nb import ai_track, pricing
from aimon_nb.testing import truth_server
server = truth_server(latency=.3, chunk_latency=.25).start()
client = openai.OpenAI(base_url=server.url, api_key="sk-none-of-your-business")
pricing.host(server.host, provider="openai")
def ask(q, model="gpt-4o-mini", **more):
    return client.chat.completions.create(model=model, messages=[dict(role="user", content=q)], **more)
"""
WORK = """%%ai_track summarise
@ai_track("retrieve")
def retrieve():
    with ThreadPoolExecutor(3) as pool:
        return list(pool.map(lambda i: ask(f"PROMPT note {i} about tides"), range(3)))
retrieve()
stream = ask("PROMPT why is the tide high", model="gpt-4o", stream=True,
             stream_options={"include_usage": True})
for chunk in stream: pass
ask("PROMPT unpriced", model="my-local-model")
time.sleep(5)
print("DONE")
"""
FAILS = """%%ai_track fails
ask("PROMPT one thing")
ask("PROMPT shorter", model="no-such-model")
"""
STOPS = """%%ai_track stops
ask("PROMPT one thing")
time.sleep(60)
"""
ROOT = ".aimon"
ROW = ".aimon .row"
# `UPDATE_PICTURES=1` renews the README's.
HOME = Path(__file__).parents[2]
SHOTS = HOME / "screenshots"
PICTURES = HOME / "docs" / "images" if os.environ.get("UPDATE_PICTURES") else SHOTS


def started(lab, *cells, app="lab", **options):
    """A notebook with the extension loaded and a model server running."""
    page = lab.open([SETUP, *cells], app=app, **{"width": 1100, "height": 1150, **options})
    page.run(0)
    page.wait_idle()
    assert page.text(0) == ""
    return page


@pytest.fixture
def page(lab):
    return started(lab, WORK, FAILS, STOPS)


def rows(page, index):
    return [" ".join(r.split()) for r in page.output(index).locator(ROW).all_inner_texts()]


@pytest.mark.timeout(400)
def test_live_finished_and_kept(lab, page, tmp_path):
    """Rows appear while the cell is blocked; the full view stays; file and page read the same without a kernel."""
    page.run(1)
    page.output(1).locator(ROW, has_text="streaming").wait_for()
    assert page.prompt(1) == "[*]:" and "DONE" not in page.text(1)
    page.screenshot(PICTURES / "running.png", cell=1)
    first = page.output(1).locator(ROOT).inner_text()
    page.raw.wait_for_timeout(400)
    assert first != page.output(1).locator(ROOT).inner_text(), "the clock does not tick"
    page.screenshot(PICTURES / "running-dark.png", theme="dark", cell=1)
    page.theme("light")
    page.raw.wait_for_function("() => document.querySelectorAll('.aimon .row').length >= 6")
    page.wait_idle()
    assert "DONE" in page.text(1)

    seen = page.output(1).locator(ROOT).inner_text()
    for words in ("summarise", "5 calls", "retrieve", "gpt-4o-mini", "unpriced", "my-local-model"):
        assert words in seen, seen
    page.screenshot(PICTURES / "finished.png", cell=1)
    page.output(1).locator(ROW, has_text="gpt-4o-mini").first.click()
    page.raw.wait_for_timeout(200)
    assert "PROMPT note" in page.output(1).inner_text(), "the prompt is not in the live view"
    page.screenshot(PICTURES / "detail.png", cell=1)
    page.screenshot(PICTURES / "detail-dark.png", theme="dark", cell=1)
    page.raw.set_viewport_size({"width": 540, "height": 1150})
    page.raw.wait_for_timeout(500)
    page.screenshot(PICTURES / "narrow.png", theme="light", cell=1)
    page.raw.set_viewport_size({"width": 1100, "height": 1150})

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
    kept = reopened.text(1)
    for words in ("summarise", "5 calls", "retrieve", "gpt-4o-mini", "unpriced", "DONE"):
        assert words in kept, kept
    reopened.screenshot(PICTURES / "kept.png", cell=1)

    html = tmp_path / "kept.html"
    subprocess.run([sys.executable, "-m", "nbconvert", "--to", "html", str(saved), "--output", str(html)], check=True, capture_output=True)
    plain = re.sub(r"<script.*?</script>|<style.*?</style>", "", html.read_text(), flags=re.DOTALL)
    for words in ("summarise", "5 calls", "retrieve", "gpt-4o-mini", "my-local-model"):
        assert words in plain, words


def test_failed_and_interrupted(page):
    """A failed and an interrupted cell keep their tree, above the traceback, with the words of the error."""
    page.execute("get_ipython().run_line_magic('xmode', 'Minimal')")  # no paths of a machine in the pictures
    page.run(2)
    page.wait_idle()
    shown = page.output(2).locator(ROOT).inner_text()
    assert "error" in shown and "no-such-model" in shown and "does not exist" in shown
    page.screenshot(PICTURES / "failed.png", cell=2)
    page.run(3)
    page.output(3).locator(ROW).nth(0).wait_for()
    page.raw.wait_for_timeout(1000)
    page.output(3).get_by_role("button", name="Stop", exact=True).click()
    page.wait_idle(20)
    shown = page.output(3).locator(ROOT).inner_text()
    assert "interrupted" in shown
    page.screenshot(PICTURES / "interrupted-dark.png", theme="dark", cell=3)


SHORT = """%%ai_track steps
with sentry_sdk.start_span(op="x", name="one"): ask("PROMPT one")
with sentry_sdk.start_span(op="x", name="two"): ask("PROMPT two")
time.sleep(1)
"""


@pytest.fixture(params=["lab", pytest.param("notebook", marks=pytest.mark.matrix)])
def app(request):
    return request.param


def test_the_end_moves_nothing(lab, app):
    """The view keeps its width when the saved form takes its place, and the notebook's styles stay outside."""
    page = started(lab, SHORT, app=app, width=800)
    page.run(1)
    page.output(1).locator(ROW).nth(2).wait_for()
    before = page.output(1).locator(ROOT).bounding_box()
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


def test_folds_when_the_next_cell_runs(lab, app):
    """Ended well and not touched it becomes one line, which holds the whole view; touched it stays."""
    page = started(lab, SHORT, "1 + 1", SHORT, "2 + 2", app=app)
    for index in (1, 2):
        page.run(index)
        page.wait_idle()
    assert not page.output(1).locator(".aimon .tree").is_visible()
    assert "2 calls" in page.output(1).locator(".aimon .head").inner_text()
    page.screenshot(SHOTS / f"closed-{app}.png", cell=1)
    page.output(1).locator(".aimon .fold").click()
    page.output(1).locator(ROW, has_text="gpt-4o-mini").first.click()
    assert "PROMPT one" in page.output(1).inner_text()
    page.run(3)
    page.wait_idle()
    page.output(3).locator(ROW).first.click()
    page.run(4)
    page.wait_idle()
    assert page.output(1).locator(".aimon .tree").is_visible()
    assert page.output(3).locator(".aimon .tree").is_visible()


def test_fold_keeps_the_readers_place(lab, app):
    """What the reader reads below a view that folds above the screen does not move by a pixel."""
    import nbformat as nb

    notes = [nb.v4.new_markdown_cell(f"paragraph {i}\n\n" + "words " * 150) for i in range(12)]
    page = started(lab, SHORT.replace("sleep(1)", "sleep(3)"), *notes, app=app)
    page.run(1)
    page.output(1).locator(ROW).nth(2).wait_for()
    place = "() => document.querySelectorAll('.jp-Notebook .jp-Cell')[8].getBoundingClientRect().top"
    page.raw.evaluate("() => document.querySelectorAll('.jp-Notebook .jp-Cell')[8].scrollIntoView({block: 'center'})")
    page.raw.wait_for_timeout(400)
    before = page.raw.evaluate(place)
    page.wait_idle()
    page.raw.wait_for_timeout(500)
    assert not page.output(1).locator(".aimon .tree").is_visible()
    assert abs(before - page.raw.evaluate(place)) < 2


def test_reload_and_show(lab, app):
    """After a reload the kernel tells the page everything again: `%ai_show`, a run displayed, and the cell itself."""
    page = started(lab, SHORT, "%ai_show steps", "from aimon_nb import last_run; last_run()", app=app)
    page.run(1)
    page.wait_idle()
    page.save()
    page.reload()
    page.wait_ready()
    for index in (2, 3):
        page.run(index)
        page.wait_idle()
        page.output(index).locator(ROW, has_text="gpt-4o-mini").first.click()
        page.output(index).get_by_text("PROMPT one").first.wait_for()
    page.screenshot(SHOTS / f"show-{app}.png", cell=2)
    outputs = [o for c in nbformat.read(page.save(), 4).cells[1:] for o in c.outputs]
    assert all(set(o.data) == {"text/html", "text/plain"} for o in outputs), outputs
    assert "PROMPT" not in json.dumps(outputs)


def test_widget_composes(lab):
    """A run's widget stands in a box with other widgets, twice if wanted; both are whole."""
    box = "from ipywidgets import HBox; from aimon_nb import last_run\nHBox([last_run().widget, last_run().widget])"
    page = started(lab, SHORT, box)
    for index in (1, 2):
        page.run(index)
        page.wait_idle()
    page.output(2).locator(ROOT).nth(1).wait_for()
    assert 8 == page.output(2).locator(ROW).count()
    page.output(2).locator(ROW, has_text="gpt-4o-mini").first.click()
    page.output(2).get_by_text("PROMPT one").first.wait_for()


def test_reload_while_it_runs(lab, app):
    """A page loaded while the cell runs is whole at the latest when the cell ends."""
    page = started(lab, SHORT.replace("sleep(1)", "sleep(8)"), app=app)
    page.run(1)
    page.output(1).locator(ROW).nth(3).wait_for()
    page.save()
    page.reload()
    page.output(1).locator(ROW, has_text="gpt-4o-mini").first.wait_for(timeout=40_000)
    page.wait_ready()
    page.output(1).locator(ROW, has_text="gpt-4o-mini").first.click()
    page.output(1).get_by_text("PROMPT one").first.wait_for()
    assert "✓" in page.output(1).locator(".aimon .head").inner_text()


LATENCY = """%%ai_track latency
import random
for i in range(60):
    t = time.time()
    with sentry_sdk.start_span(op="x", name=f"at {t:.6f}"): pass
    time.sleep(.05 + random.random() / 10)
"""


def test_latency(lab):
    """A row is on screen soon after its span started, while the kernel is blocked."""
    page = lab.open([SETUP, LATENCY], height=1400)
    page.run(0)
    page.wait_idle()
    page.raw.evaluate("""() => {
      const seen = window.seen = {};
      const look = () => { for (const m of document.body.innerText.matchAll(/at (\\d+\\.\\d{6})/g)) seen[m[1]] ??= Date.now() / 1000;
        requestAnimationFrame(look) };
      look() }""")
    page.run(1)
    page.wait_idle()
    seen = page.raw.evaluate("() => window.seen")
    delays = sorted(1000 * (at - float(name)) for name, at in seen.items())
    print(f"span start to painted row: {len(delays)} rows, p50 {statistics.median(delays):.0f} ms, p95 {delays[int(.95 * len(delays))]:.0f} ms")
    assert len(delays) >= 10
