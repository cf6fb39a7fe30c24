"""What a notebook keeps of its views, as every reader of the file sees it."""

import json
import re
import subprocess
import sys

import nbformat
import pytest

from tests.page.test_view import SLOW_STEPS, STEPS
from tests.parts.page import ROOT, ROW, SHOTS
from tests.parts.waiting import eventually

# Tracebacks show the cell's source: the secret word stands in no line of it.
ANSWER = """%%ai_track answer the question
@ai_track("retrieve")
def retrieve(): return ask("PROM" "PT note", model="gpt-4o")
retrieve()
with sentry_sdk.start_span(op="gen_ai.invoke_agent", name="invoke_agent writer"):
    ask("PROM" "PT outline"); ask("PROM" "PT text", model="my-local-model")
"""
FAILS = """%%ai_track fails
ask("PROM" "PT one thing")
ask("PROM" "PT shorter", model="no-such-model")
"""
STOPS = """%%ai_track stops
ask("PROM" "PT one thing")
wait()
"""
LOOP = """%%ai_track a long loop
for i in range(600):
    if i == 300: ask("PROM" "PT first")
    with sentry_sdk.start_span(op="task", name="score"): pass
"""
KINDS = {"tree": ANSWER, "failed": FAILS, "stopped": STOPS, "loop": LOOP,
         "summary": ANSWER.replace("question", "question --save summary"),
         "none": ANSWER.replace("question", "question --save none"),
         "full": ANSWER.replace("question", "question --save full")}  # fmt: skip
CELL = {name: index + 1 for index, name in enumerate(KINDS)}
SAYS = {
    "tree": ("✓ ok", "answer the question", "3 calls", "retrieve", "writer", "gpt-4o-mini", "my-local-model", "unpriced"),
    "failed": ("✕ error", "fails", "2 calls", "no-such-model", "does not exist"),
    "stopped": ("◼ interrupted", "stops", "1 call"),
    "loop": ("a long loop", "× 600", "each p50"),
    "summary": ("✓ ok", "answer the question", "3 calls"),
    "none": (),
    "full": ("✓", "answer the question", "3 calls", "retrieve", "writer"),
}


def outputs_in_file(page):
    return {name: nbformat.read(page.save(), 4).cells[index].outputs for name, index in CELL.items()}


@pytest.fixture
def page(notebook, truth):
    """Every kind of end, and every `--save`, run once in JupyterLab."""
    page = notebook(*KINDS.values())
    page.execute("get_ipython().run_line_magic('xmode', 'Minimal')")  # the pictures are about the views
    for name, index in CELL.items():
        page.run(index)
        if name == "stopped":
            truth.wait_held()
            page.interrupt()
        page.wait_idle()
    return page


TRUSTED = "index => window.jupyterapp.shell.currentWidget.content.widgets[index].model.trusted"


def assert_reads_right(read):
    """`read` gives the words of a cell's output."""
    for name, index in CELL.items():
        said = " ".join(read(index).split())
        for words in SAYS[name]:
            assert words in said, (name, words, said)
        if name == "none":
            assert "" == said
        if name == "summary":
            assert "retrieve" not in said
        for wrong in ("PROMPT", "Error displaying widget", "Loading widget", "RunWidget"):
            assert wrong not in said, (name, said)
    return True


def words_in(tab, index):
    return tab.locator(".jp-Cell").nth(index).locator(".jp-Cell-outputWrapper, .jp-OutputArea").first.inner_text()


def take_picture(tab, name):
    SHOTS.mkdir(parents=True, exist_ok=True)
    tab.screenshot(path=str(SHOTS / f"saved-{name}.png"), full_page=True)


def test_kept_everywhere(lab, page, browser, tmp_path):
    """Each form reads right in Lab trusted, untrusted and without a kernel, in nbconvert offline, and stripped."""
    saved = page.save()
    outputs = outputs_in_file(page)
    for name, kept in outputs.items():
        views = [o.data for o in kept if o.output_type == "display_data"]
        assert [{"text/html", "text/plain"}] == [set(v) for v in views], name
        assert ("PROMPT" in json.dumps(views)) == (name == "full")
    sizes = {name: len(json.dumps(kept)) for name, kept in outputs.items()}
    print("bytes in the file:", sizes)

    for trusted in (False, True):  # trust goes by the content: once signed, a copy is trusted too
        reopened = lab.reopen(saved, trusted=trusted, height=2600)
        full = reopened.output(CELL["full"])
        (full.locator(ROOT) if trusted else full.get_by_text("answer the question")).first.wait_for()
        reopened.wait_frames()
        assert (trusted, int(trusted)) == (reopened.raw.evaluate(TRUSTED, CELL["full"]), full.locator(ROOT).count())
        eventually(lambda: assert_reads_right(reopened.text))
        reopened.screenshot(SHOTS / f"saved-lab-{'trusted' if trusted else 'untrusted'}.png")
        reopened.screenshot(SHOTS / f"saved-lab-{'trusted' if trusted else 'untrusted'}-dark.png", theme="dark")
        if trusted:
            reopened.output(CELL["full"]).locator(ROW, has_text="my-local-model").click()
            reopened.output(CELL["full"]).get_by_text("PROMPT text", exact=True).wait_for()
            reopened.screenshot(SHOTS / "saved-full-opened.png", cell=CELL["full"])

    html = tmp_path / "kept.html"
    subprocess.run([sys.executable, "-m", "nbconvert", "--to", "html", str(saved), "--output", str(html)], check=True, capture_output=True)
    source = html.read_text("utf-8")
    stripped = re.sub(r"<(script|style|svg)\b.*?</\1>|<link\b[^>]*>", "", source, flags=re.DOTALL)
    stripped = re.sub(r"""\s(aria-[a-z]+|role|tabindex|data-[a-z-]+|on[a-z]+|id)=("[^"]*"|'[^']*'|[^\s>]+)""", "", stripped)
    plainest = re.sub(r"""\sstyle="[^"]*\"""", "", stripped)
    for name, text in (("nbconvert", source), ("stripped", stripped), ("plainest", plainest)):
        path = tmp_path / f"{name}.html"
        path.write_text(text, "utf-8")
        context = browser.new_context(viewport={"width": 1000, "height": 900}, java_script_enabled=name == "nbconvert")
        context.route(re.compile("^(?!file:|blob:|data:)"), lambda route: route.abort())
        tab = context.new_page()
        tab.goto(path.as_uri(), wait_until="load")
        assert_reads_right(lambda index, tab=tab: words_in(tab, index))
        take_picture(tab, name)
        context.close()


@pytest.mark.parametrize("trusted", [pytest.param(True, marks=pytest.mark.matrix), False])
def test_a_killed_kernel(lab, notebook, truth, trusted):
    """A notebook whose kernel died in the middle of a cell says so, trusted or not: no error in place of the view."""
    page = notebook(SLOW_STEPS)
    page.run(1)
    page.output(1).locator(f".jp-RenderedHTMLCommon {ROOT}").wait_for()
    page.output(1).locator(ROW).nth(3).wait_for()  # the view did not go away when the widget did
    truth.wait_held()
    page.save()
    [view] = nbformat.read(page.path, 4).cells[1].outputs
    assert {"text/html", "text/plain"} == set(view.data)
    lab.kill_kernel()
    reopened = lab.reopen(page.path, trusted=trusted, height=500)
    reopened.output(1).get_by_text("steps: started").wait_for()
    said = reopened.text(1)
    assert re.fullmatch(r"steps: started [-:0-9 ]+ UTC, still running when this was saved\. If its kernel died, this run has no end\.", said), said
    reopened.screenshot(SHOTS / f"saved-killed-{trusted}.png", cell=1)


def test_none_in_its_page(notebook):
    """With `--save none` the page where it ran has the whole view, `%ai_show` all of it again, and the file nothing."""
    page = notebook(STEPS.replace("steps", "steps --save none"), "%ai_show steps")
    page.run_cells(1)
    page.open_view(1)
    page.output(1).locator(ROW, has_text="gpt-4o-mini").first.click()
    page.output(1).locator(".detail").get_by_text("PROMPT one").first.wait_for()
    page.run_cells(2)
    page.output(2).locator(ROW).nth(3).wait_for()
    kept = json.dumps([c.outputs for c in nbformat.read(page.save(), 4).cells])
    assert "steps" not in kept and "PROMPT" not in kept


def test_the_setting_is_a_default(notebook):
    """`%config AimonMagics.save = 'summary'` keeps one line in the file of a cell and of a `track()` that do not say what to save; a cell with `--save tree` keeps its tree."""
    track = "from aimon_nb import track\nwith track('by hand'): ask('PROMPT')"
    page = notebook("%config AimonMagics.save = 'summary'", STEPS, track, STEPS.replace("steps", "steps --save tree"))
    page.run_cells(1, 2, 3, 4)
    kept = [c.outputs[0].data["text/plain"] for c in nbformat.read(page.save(), 4).cells[2:]]
    assert [1, 1, 6] == [len(text.splitlines()) for text in kept], kept
    assert "by hand" in kept[1]


KEEP_STATE = "() => window.jupyterapp.commands.execute('@jupyter-widgets/jupyterlab-manager:saveWidgetState')"


def test_no_prompt_in_saved_widget_state(notebook):
    """With 'Save Widget State Automatically' on the file has the widget's state, and no prompt in it."""
    page = notebook(STEPS, "from aimon_nb import last_run; last_run().widget")
    page.raw.evaluate(KEEP_STATE)
    try:
        page.run_cells(1, 2)
        page.output(2).locator(ROW, has_text="gpt-4o-mini").first.click()
        page.output(2).locator(".detail").get_by_text("PROMPT one").first.wait_for()
        book = nbformat.read(page.save(), 4)
    finally:
        page.raw.evaluate(KEEP_STATE)  # on and off are the same command
    assert "widgets" in book.metadata, "the setting was not heard"
    state = json.dumps(book.metadata.widgets)
    assert "steps" in state
    assert "PROMPT" not in state + json.dumps([c.outputs for c in book.cells])


@pytest.fixture(params=["lab", pytest.param("notebook", marks=pytest.mark.matrix)])
def app(request):
    return request.param


HTML_VIEW = """%%ai_track steps --view html
with sentry_sdk.start_span(op="x", name="one"): ask("PROMPT one")
get_ipython().display_pub.clear_output()
with sentry_sdk.start_span(op="x", name="two"): ask("PROMPT two")
wait()
"""


def test_html_view(notebook, truth, app):
    """`--view html` is live without a widget: rows come while the cell is blocked, also after a `clear_output`."""
    page = notebook(HTML_VIEW, app=app)
    page.run(1)
    page.output(1).get_by_text("two").wait_for()
    assert page.prompt(1) == "[*]:" and "… running" in page.text(1)
    page.screenshot(SHOTS / f"view-html-{app}.png", cell=1)
    truth.wait_held()
    truth.release()
    page.wait_idle()
    said = page.text(1)
    assert "✓ ok" in said and "2 calls" in said and said.count("steps") == 1
    assert page.output(1).locator(ROOT).count() == 0
    [view] = nbformat.read(page.save(), 4).cells[1].outputs
    assert "<script" not in view.data["text/html"] and "PROMPT" not in json.dumps(view)
