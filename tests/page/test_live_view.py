"""What must hold while a cell runs, in JupyterLab and in Notebook 7: nothing lost, whole at once, stopped at once, safe."""

import json

import nbformat
import pytest

from tests.parts.page import ROOT, ROW, SHOTS

NEWEST = "[...storedRuns().values()].at(-1)"


@pytest.fixture(params=["lab", pytest.param("notebook", marks=pytest.mark.matrix)])
def app(request):
    return request.param


# Cells stay blocked in `wait()` until the test has seen what it wants to see.
EARLY = """%%ai_track early
for i in range(300):
    with sentry_sdk.start_span(op="x", name=f"span {i} of {i % 7}"): time.sleep(.005)
ask("PROMPT in the view")
wait()
display(__import__("aimon_nb").runs()[-1].widget)
wait()
"""
UNSHOWN = """%%ai_track unshown --view none
ask("PROMPT in the view")
for i in range(300):
    with sentry_sdk.start_span(op="x", name=f"span {i} of {i % 7}"): pass
display(__import__("aimon_nb").runs()[-1].widget)
for i in range(300, 600):
    with sentry_sdk.start_span(op="x", name=f"span {i} of {i % 7}"): time.sleep(.003)
wait()
"""


def let_end(page, truth, index):
    """The cell is blocked still; now it goes on."""
    truth.wait_held()
    assert page.prompt(index) == "[*]:", "the cell had ended"
    truth.release()


def assert_whole(view, names):
    """Every row of a view stands in it, seen by scrolling through it."""
    seen = view.evaluate("""async el => {
      const body = el.querySelector('.body'), seen = new Set();
      for (let at = 0; ; at += 240) {
        body.scrollTop = at;
        await new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)));
        for (const row of el.querySelectorAll('.row')) seen.add(row.querySelector('.name').textContent.trim());
        if (at > body.scrollHeight) return [...seen];
      } }""")
    missing = [name for name in names if not any(one.startswith(name + " ") or one == name for one in seen)]
    assert [] == missing, f"{len(missing)} of {len(names)} are missing"


@pytest.mark.matrix
def test_nothing_is_lost(notebook, truth, app):
    """300 of 300 spans that came before the page had drawn anything are there; a view made late, when the page has had all of them, is whole at once, while the cell is blocked."""
    page = notebook(EARLY, app=app, height=1400)
    page.run(1)
    page.output(1).locator(ROW).nth(20).wait_for()
    page.raw.wait_for_function(f"() => {NEWEST}?.rows.size >= 301")
    names = [f"span {i} of {i % 7}" for i in range(300)]
    assert_whole(page.output(1).locator(ROOT).first, names)
    let_end(page, truth, 1)
    late = page.output(1).locator(ROOT).nth(1)
    late.locator(".row").nth(20).wait_for()
    assert_whole(late, names)
    late.locator(".row", has_text="gpt-4o-mini").click()
    late.locator(".detail").get_by_text("PROMPT in the view").first.wait_for()
    let_end(page, truth, 1)


def test_a_first_view_late(notebook, truth, app):
    """Where the run had no view before, one made in the middle of the cell is whole and goes on."""
    page = notebook(UNSHOWN, app=app, height=1400)
    page.run(1)
    view = page.output(1).locator(ROOT)
    view.locator(".row").nth(10).wait_for()  # of many rows those in sight are drawn
    page.raw.wait_for_function(f"() => {NEWEST}?.rows.size >= 601")
    assert_whole(view, [f"span {i} of {i % 7}" for i in range(600)])
    view.locator(".body").evaluate("body => (body.scrollTop = 0)")
    view.locator(".row", has_text="gpt-4o-mini").click()
    view.locator(".detail").get_by_text("PROMPT in the view").first.wait_for()
    let_end(page, truth, 1)


@pytest.mark.matrix
def test_a_new_view_of_the_output(notebook, truth):
    """JupyterLab's own second view of an output is whole, beside the first, while the cell runs and after it."""
    cell = '%%ai_track twice\nfor i in range(5):\n    with sentry_sdk.start_span(op="x", name=f"step {i} {i}"): ask(f"PROMPT {i}")\nwait()'
    page = notebook(cell)
    page.run(1)
    page.output(1).locator(ROW).nth(9).wait_for()
    page.raw.evaluate("""async () => {
      const { shell, commands } = window.jupyterapp, book = shell.currentWidget;
      await commands.execute('notebook:create-output-view');
      shell.activateById(book.id); }""")
    second = page.raw.locator(".jp-LinkedOutputView")
    second.locator(ROW).nth(9).wait_for()
    assert page.output(1).locator(ROW).count() == second.locator(ROW).count() == 10
    let_end(page, truth, 1)
    page.wait_idle()
    for view in (page.output(1), second):
        view.locator(".jp-RenderedHTMLCommon .aimon .mark", has_text="✓").wait_for()
    page.wait_frames()
    assert page.output(1).locator(ROW).count() == second.locator(ROW).count() == 10
    second.locator(ROW, has_text="gpt-4o-mini").first.click()
    second.locator(".detail").get_by_text("PROMPT 0").first.wait_for()


# In each, what was sent is counted when nothing is left that could send more.
STOPPED = {
    "pool": """%%ai_track stops
with ThreadPoolExecutor(2) as pool:
    asked = [pool.submit(ask, f"PROMPT {i} {'[hold]' if i > 5 else ''}") for i in range(200)]
    try: [one.result() for one in asked]
    finally: print("the interrupt came")
""",
    "blocked": """%%ai_track stops
ask("PROMPT one")
wait()
ask("PROMPT two")
""",
    "awaiting": """%%ai_track stops
import asyncio
client = openai.AsyncOpenAI(base_url=client.base_url, api_key="k", max_retries=0)
async def go(i):
    for j in range(100): await ask(f"PROMPT {i} {j} {'[hold]' if j > 1 else ''}")
tasks = [asyncio.create_task(go(i)) for i in range(3)]
await asyncio.Event().wait()
""",
}
# What is held at the click was under way, and may end; of what would follow nothing is sent.
HELD = {"pool": (2, 8), "blocked": (1, 1), "awaiting": (3, 9)}
OVER = "if 'tasks' in globals(): print(*[type(e).__name__ for e in await asyncio.gather(*tasks, return_exceptions=True)])"


@pytest.mark.parametrize("kind", STOPPED)
def test_stop(notebook, truth, app, kind):
    """Stop ends the cell at once from the page, blocked or awaiting, and no model call is sent after it."""
    held, sent = HELD[kind]
    page = notebook(STOPPED[kind], OVER, app=app)
    page.run(1)
    truth.wait_held(held)
    page.output(1).locator(ROW).nth(0).wait_for()
    stop = page.output(1).get_by_role("button", name="Stop", exact=True)
    stop.click()
    if kind == "pool":  # Python itself waits for the threads of a pool
        page.output(1).get_by_text("the interrupt came").wait_for()
        truth.release()
    page.wait_idle()
    page.output(1).locator(".aimon .mark", has_text="interrupted").wait_for()
    assert not stop.is_visible()
    truth.release()
    page.run_cells(2)
    assert page.text(2).split() == (["RunStopped"] * 3 if kind == "awaiting" else [])
    assert sent == len(truth.settled()), "calls were sent after Stop"


# In every field that somebody else can fill.
HOSTILE = r'''%%ai_track <img src=x onerror=alert(1)>
bad = "</script><script>alert(2)</script><img src=x onerror=alert(3)><a href='javascript:alert(4)'>x</a>\u202eevil\u2066\x07\x1b[31m\x00\ud800&amp;\"'"
with sentry_sdk.start_span(op="gen_ai.invoke_agent", name=bad) as span:
    span.set_data("gen_ai.agent.name", bad); span.set_data(bad, bad)
    span.set_data("gen_ai.request.model", bad); span.set_data("gen_ai.response.text", bad)
ask(bad.replace("\ud800", "").replace("\x00", ""), model=bad.replace("\ud800", "").replace("\x00", ""))
ask("x" * 5_000_000)
ask("# <b>bold</b> [x](javascript:alert(5))\n" * 200)
with sentry_sdk.start_span(op="gen_ai.execute_tool", name="execute_tool x") as span:
    span.set_data("gen_ai.tool.input", json.dumps({bad: [bad, {"a": bad}]})); span.set_data("gen_ai.tool.name", bad)
    raise ValueError(bad * 50)
'''


@pytest.mark.matrix
def test_hostile(lab, notebook, app):
    """Hostile text in every field runs nothing and breaks no layout: live, in the details, in the saved form, trusted or not."""
    page = notebook("import json\n" + "get_ipython().run_line_magic('xmode', 'Minimal')", HOSTILE, app=app, height=1400)
    page.run_cells(1, 2)
    view = page.output(2).locator(ROOT)
    view.locator(".row").nth(3).wait_for()
    for index in range(view.locator(".row").count()):
        view.locator(".row").nth(index).click()
        view.locator(".row.chosen").wait_for()
        view.locator(".detail .facts").first.wait_for()
        for more in view.locator(".detail details:not([open]) > summary").all():
            if more.is_visible():
                more.click()
    wide = "el => [...el.querySelectorAll('.head > *, .row > *, .detail > *')].filter(e => e.offsetWidth && e.getBoundingClientRect().right > el.getBoundingClientRect().right + 1).length"
    assert 0 == view.evaluate(wide)
    assert 0 == view.locator("img, script, a").count()
    assert not any(c in view.inner_text() for c in "\u202e\u2066\x07\x1b\x00")
    page.screenshot(SHOTS / f"hostile-{app}.png", cell=2)
    saved = page.save()
    [kept] = [o.data for o in nbformat.read(saved, 4).cells[2].outputs if o.output_type == "display_data"]
    assert "xxxxxxxxxx" not in json.dumps(kept)
    assert not any(c in kept["text/html"] + kept["text/plain"] for c in "\u202e\u2066\x07\x1b\x00")
    dialogs = page.dialogs
    for trusted in (False, True):
        again = lab.reopen(saved, trusted=trusted, app=app, height=1400)
        again.cell(2).scroll_into_view_if_needed()
        again.output(2).get_by_text("alert(1)").first.wait_for()
        assert "alert(1)" in again.text(2) and 0 == again.output(2).locator("img, a").count()
        again.wait_frames()
        dialogs += again.dialogs
    assert [] == dialogs


GONE = """%%ai_track goes
ask("PROMPT one")
wait()
import os; os._exit(1)
"""
# No clock of a view is set: without it nothing paints a time again.
STILL = f"() => [...{NEWEST}.views].every(view => !view.timer && !view.frame)"


@pytest.mark.parametrize("end", ["is restarted", pytest.param("dies", marks=pytest.mark.matrix)])
def test_a_kernel_that_goes_away(notebook, truth, app, end):
    """A run whose kernel is restarted or dies is over in the page: its clock stands still, nothing is left to stop."""
    page = notebook(GONE, app=app)
    page.run(1)
    page.output(1).locator(ROW).nth(0).wait_for()
    truth.wait_held()
    if end == "dies":
        truth.release()
    else:
        page.raw.evaluate("() => { const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session; window.restarted = kernel.restart() }")
    page.output(1).locator(".aimon .mark", has_text="✕ killed").wait_for()
    said = page.output(1).locator(".aimon .head").inner_text()
    page.raw.wait_for_function(STILL)
    page.wait_frames()
    assert page.raw.evaluate(STILL)
    assert said == page.output(1).locator(".aimon .head").inner_text()
    assert not page.output(1).locator(".aimon .stop").is_visible()
    if end == "dies":
        told = page.raw.locator(".jp-Dialog")  # Jupyter says that it starts the kernel again, over the whole page
        told.get_by_role("button").last.click()
        told.wait_for(state="detached")
    page.raw.evaluate("() => window.restarted")  # the server is not asked to end a kernel that it still restarts
    page.wait_ready()


CLEARS = """%%ai_track clears
from IPython.display import clear_output
for i in range(40):
    clear_output(); print("line", i)
    with sentry_sdk.start_span(op="x", name=f"step {i} {i}"): time.sleep(.03)
"""


def test_clear_output_never_takes_it_from_sight(notebook, app):
    """In a loop of `clear_output` there is no frame without the view."""
    page = notebook(CLEARS, app=app)
    page.raw.evaluate("""() => { const without = window.without = []; let begun = false;
      const look = () => { const n = document.querySelectorAll('.aimon').length; window.begun = begun ||= n > 0; if (begun && n !== 1) without.push(n);
        if (window.without === without) requestAnimationFrame(look) };
      look() }""")
    page.run_cells(1)
    assert [True, []] == page.raw.evaluate("() => { const { begun, without } = window; window.without = null; return [begun, without] }")
    assert "line 39" in page.text(1) and "line 38" not in page.text(1)


LONG = """%%ai_track a long list
for i in range(60):
    with sentry_sdk.start_span(op="x", name=f"step {i} {i}"): pass
ask("PROMPT in hand")
wait()
"""


def test_the_end_takes_nothing_from_the_hand(notebook, truth, app):
    """What the reader has scrolled to, opened and focused while the cell ran is so when it has ended, and after a new price."""
    page = notebook(LONG, "pricing.set('gpt-4o-mini', input_mtok=1, output_mtok=2)", app=app)
    page.run(1)
    page.output(1).locator(ROW, has_text="gpt-4o-mini").first.click()
    page.output(1).locator(".detail").get_by_text("PROMPT in hand").first.wait_for()
    page.output(1).locator(f".jp-RenderedHTMLCommon {ROOT}").wait_for()  # the widget has left the output
    page.output(1).locator(".aimon .body").evaluate("b => (b.scrollTop = 480)")
    page.output(1).locator(".aimon .row.chosen").focus()
    page.output(1).locator(".aimon .body").evaluate("b => (b.scrollTop = 480)")
    page.wait_frames()
    hand = """() => { const view = document.querySelector('.aimon'); return [view.querySelector('.body').scrollTop,
      view.querySelector('.detail').innerText.includes('PROMPT in hand'), document.activeElement.className.includes('chosen')] }"""
    assert [480, True, True] == page.raw.evaluate(hand)
    let_end(page, truth, 1)
    page.output(1).locator(".aimon .mark", has_text="✓").wait_for()
    page.wait_idle()
    page.wait_frames(6)
    assert [480, True, True] == page.raw.evaluate(hand)
    before = page.output(1).locator(".aimon .cost").first.inner_text()
    page.execute("pricing.set('gpt-4o-mini', input_mtok=1000, output_mtok=2000)")
    page.raw.wait_for_function("before => document.querySelector('.aimon .cost').innerText !== before", arg=before)
    page.wait_frames(6)
    assert [480, True, True] == page.raw.evaluate(hand)


NOTHING = "%%ai_track nothing\ntotal = 1 + 1"
LATER = "%%ai_track later\nask('PROMPT')\n1 / 0"


def test_what_no_row_says(notebook, app):
    """A cell in which nothing was heard says so in its line; one that failed outside of its rows says with what, also from memory."""
    page = notebook(NOTHING, LATER, "%ai_show later", app=app)
    page.run_all()
    line = page.output(1).locator(".aimon .head")
    assert "no span and no model call was heard" in line.inner_text() and not line.locator(".fold").is_visible()
    for index in (2, 3):
        assert "ZeroDivisionError: division by zero" == page.output(index).locator(".aimon .reason").inner_text()
    page.screenshot(SHOTS / f"unsaid-{app}.png")
