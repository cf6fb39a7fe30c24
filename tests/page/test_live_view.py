"""What must hold while a cell runs, in JupyterLab and in Notebook 7: nothing lost, whole at once, stopped at once, safe."""

import json

import nbformat
import pytest

from tests.page.test_view import SHOTS, ROOT, ROW, started

STORE = "globalThis[Symbol.for('aimon_nb')]"
NEWEST = f"[...{STORE}.runs.values()].at(-1)"


@pytest.fixture(params=["lab", pytest.param("notebook", marks=pytest.mark.matrix)])
def app(request):
    return request.param


# The cell stays blocked until the test has seen what it wants to see.
GATE = """import pathlib
def wait(name, until=90):
    until += time.monotonic()
    while not pathlib.Path(name).exists() and time.monotonic() < until: time.sleep(.05)
"""
EARLY = """%%ai_track early
for i in range(300):
    with sentry_sdk.start_span(op="x", name=f"span {i} of {i % 7}"): time.sleep(.005)
ask("PROMPT in the view")
time.sleep(30)
display(__import__("aimon_nb").runs()[-1].widget)
wait("seen-{app}")
"""
UNSHOWN = """%%ai_track unshown --view none
ask("PROMPT in the view")
for i in range(300):
    with sentry_sdk.start_span(op="x", name=f"span {i} of {i % 7}"): time.sleep(.005)
display(__import__("aimon_nb").runs()[-1].widget)
for i in range(300, 600):
    with sentry_sdk.start_span(op="x", name=f"span {i} of {i % 7}"): time.sleep(.005)
wait("unshown-{app}")
"""


def still(page, index, gate):
    """The cell is blocked still; now it may end."""
    assert page.prompt(index) == "[*]:", "the cell had ended"
    (page.path.parent / gate).touch()


def gated(lab, *cells, **options):
    page = started(lab, *cells, **options)
    page.execute(GATE)
    return page


def whole(view, names):
    """Every row of a view in order, by scrolling through it."""
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
@pytest.mark.timeout(400)
def test_nothing_is_lost(lab, app):
    """300 of 300 spans that came before the page had drawn anything are there; a view made 30 s late is whole at once, while the cell is blocked."""
    page = gated(lab, EARLY.replace("{app}", app), app=app, height=1400)
    page.run(1)
    page.output(1).locator(ROW).nth(20).wait_for()
    page.raw.wait_for_function(f"() => {NEWEST}?.rows.size >= 301", timeout=20_000)
    names = [f"span {i} of {i % 7}" for i in range(300)]
    whole(page.output(1).locator(ROOT).first, names)
    page.output(1).locator(ROOT).nth(1).wait_for(timeout=60_000)
    late = page.output(1).locator(ROOT).nth(1)
    late.locator(".row").nth(20).wait_for()
    whole(late, names)
    late.locator(".row", has_text="gpt-4o-mini").click()
    late.get_by_text("PROMPT in the view").first.wait_for()
    still(page, 1, f"seen-{app}")


def test_a_first_view_late(lab, app):
    """Where the run had no view before, one made in the middle of the cell is whole and goes on."""
    page = gated(lab, UNSHOWN.replace("{app}", app), app=app, height=1400)
    page.run(1)
    view = page.output(1).locator(ROOT)
    view.locator(".row").nth(20).wait_for(timeout=30_000)
    page.raw.wait_for_function(f"() => {NEWEST}?.rows.size >= 601", timeout=30_000)
    whole(view, [f"span {i} of {i % 7}" for i in range(600)])
    view.locator(".body").evaluate("body => (body.scrollTop = 0)")
    view.locator(".row", has_text="gpt-4o-mini").click()
    view.get_by_text("PROMPT in the view").first.wait_for()
    still(page, 1, f"unshown-{app}")


@pytest.mark.matrix
def test_a_new_view_of_the_output(lab):
    """JupyterLab's own second view of an output is whole, beside the first, while the cell runs and after it."""
    cell = '%%ai_track twice\nfor i in range(5):\n    with sentry_sdk.start_span(op="x", name=f"step {i} {i}"): ask(f"PROMPT {i}")\nwait("twice")'
    page = gated(lab, cell)
    page.run(1)
    page.output(1).locator(ROW).nth(9).wait_for()
    page.raw.evaluate("""async () => {
      const { shell, commands } = window.jupyterapp, book = shell.currentWidget;
      await commands.execute('notebook:create-output-view');
      shell.activateById(book.id); }""")
    second = page.raw.locator(".jp-LinkedOutputView")
    second.locator(ROW).nth(9).wait_for()
    assert page.output(1).locator(ROW).count() == second.locator(ROW).count() == 10
    still(page, 1, "twice")
    page.wait_idle()
    page.raw.wait_for_timeout(300)
    assert page.output(1).locator(ROW).count() == second.locator(ROW).count() == 10
    second.locator(ROW, has_text="gpt-4o-mini").first.click()
    second.get_by_text("PROMPT 0").first.wait_for()


STOPPED = {
    "sync": """%%ai_track stops
with ThreadPoolExecutor(2) as pool:
    list(pool.map(lambda i: ask(f"PROMPT {i}"), range(200)))
""",
    "sleeping": """%%ai_track stops
ask("PROMPT one")
time.sleep(60)
ask("PROMPT two")
""",
    "async": """%%ai_track stops
import asyncio
aclient = openai.AsyncOpenAI(base_url=server.url, api_key="k", max_retries=0)
async def go(i):
    for j in range(100): await aclient.chat.completions.create(model="gpt-4o-mini", messages=[dict(role="user", content=f"PROMPT {i} {j}")])
tasks = [asyncio.create_task(go(i)) for i in range(3)]
await asyncio.sleep(60)
""",
}
# What was under way at the click may end; of what begins after it nothing does.
COUNT = "print(len(server.calls)); time.sleep(2); print(len(server.calls), sum(c.outcome == 'running' for c in server.calls))"


@pytest.mark.parametrize("kind", STOPPED)
def test_stop(lab, app, kind):
    """Stop ends the cell at once from the page, blocked or awaiting, and no model call is sent after it."""
    page = started(lab, STOPPED[kind], COUNT, app=app)
    page.run(1)
    page.output(1).locator(ROW).nth(0).wait_for()
    page.raw.wait_for_timeout(1_200)
    stop = page.output(1).get_by_role("button", name="Stop", exact=True)
    stop.click()
    took = page.raw.evaluate("() => performance.now()")
    page.wait_idle(30)
    took = page.raw.evaluate("() => performance.now()") - took
    page.output(1).locator(".aimon .mark", has_text="interrupted").wait_for()
    assert not stop.is_visible()
    page.run(2)
    page.wait_idle()
    before, after, running = map(int, page.text(2).split())
    assert before == after < 60, "calls were sent after Stop"
    print(f"{app}, {kind}: the cell was over {took:.0f} ms after the click")
    assert took < 10_000


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
def test_hostile(lab, app):
    """Hostile text in every field runs nothing and breaks no layout: live, in the details, in the saved form, trusted or not."""
    page = started(lab, "import json\n" + "get_ipython().run_line_magic('xmode', 'Minimal')", HOSTILE, app=app, height=1400)
    dialogs = []
    page.raw.on("dialog", lambda d: (dialogs.append(d.message), d.dismiss()))
    page.run(1)
    page.wait_idle()
    page.run(2)
    page.wait_idle()
    view = page.output(2).locator(ROOT)
    view.locator(".row").nth(3).wait_for()
    for index in range(view.locator(".row").count()):
        view.locator(".row").nth(index).click()
        page.raw.wait_for_timeout(100)
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
    for trusted in (False, True):
        again = lab.reopen(saved, trusted=trusted, app=app, height=1400)
        again.raw.on("dialog", lambda d: (dialogs.append(d.message), d.dismiss()))
        again.cell(2).scroll_into_view_if_needed()
        assert "alert(1)" in again.text(2) and 0 == again.output(2).locator("img, a").count()
    assert [] == dialogs


MANY = """%%ai_track many
for i in range(60):
    with sentry_sdk.start_span(op="x", name=f"item {i} {i}"):
        for j in range(10):
            with sentry_sdk.start_span(op="x", name=f"{i} {j}"): pass
"""
TIMED = "import time\n" + MANY.replace("%%ai_track many\n", "%%ai_track many\nbegun = time.thread_time()\n") + "took.append(time.thread_time() - begun)"


@pytest.mark.matrix
def test_twenty_cells_do_not_slow_down(lab):
    """Twenty tracked cells one after another: the last are as fast as the first, in the kernel and in the page."""
    cell = TIMED.replace("import time\n", "")
    page = started(lab, "took = []", *[cell] * 20, "print(*took)")
    page.run(1)
    page.wait_idle()
    waits = []
    for index in range(2, 22):
        begun = page.raw.evaluate("() => performance.now()")
        page.run(index)
        page.wait_idle()
        waits.append(page.raw.evaluate("() => performance.now()") - begun)
    page.run(22)
    page.wait_idle()
    body = [float(x) for x in page.text(22).split()]
    for what, times in (("body", body), ("wait", waits)):
        early, late = min(times[1:7]), min(times[-6:])  # what other tests on the machine add is none of ours
        print(f"{what}: least of 2-7 {early:.4f}, of 15-20 {late:.4f}")
        assert late < 1.8 * early, times


GONE = """%%ai_track goes
ask("PROMPT one")
time.sleep(1.5)
{end}
"""


@pytest.mark.parametrize("end", ["time.sleep(60)", pytest.param("import os; os._exit(1)", marks=pytest.mark.matrix)])
def test_a_kernel_that_goes_away(lab, app, end):
    """A run whose kernel is restarted or dies is over in the page: its clock stands still, nothing is left to stop."""
    page = started(lab, GONE.replace("{end}", end), app=app)
    page.run(1)
    page.output(1).locator(ROW).nth(0).wait_for()
    page.raw.wait_for_timeout(1_500)
    if "exit" not in end:
        page.raw.evaluate("() => { const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session; window.restarted = kernel.restart() }")
    page.output(1).locator(".aimon .mark", has_text="✕ killed").wait_for()
    said = page.output(1).locator(".aimon .head").inner_text()
    page.raw.wait_for_timeout(400)
    assert said == page.output(1).locator(".aimon .head").inner_text()
    assert not page.output(1).locator(".aimon .stop").is_visible()
    page.raw.evaluate("() => window.restarted")  # the server is not asked to end a kernel that it still restarts
    page.wait_ready()


CLEARS = """%%ai_track clears
from IPython.display import clear_output
for i in range(40):
    clear_output(); print("line", i)
    with sentry_sdk.start_span(op="x", name=f"step {i} {i}"): time.sleep(.03)
"""


def test_clear_output_never_takes_it_from_sight(lab, app):
    """In a loop of `clear_output` there is no frame without the view."""
    page = started(lab, CLEARS, app=app)
    page.raw.evaluate("""() => { window.without = []; let begun = false;
      const look = () => { const n = document.querySelectorAll('.aimon').length; begun ||= n > 0; if (begun && n !== 1) without.push(n); requestAnimationFrame(look) };
      look() }""")
    page.run(1)
    page.wait_idle()
    assert [] == page.raw.evaluate("window.without")
    assert "line 39" in page.text(1) and "line 38" not in page.text(1)


LONG = """%%ai_track a long list
for i in range(60):
    with sentry_sdk.start_span(op="x", name=f"step {i} {i}"): pass
ask("PROMPT in hand")
wait("scrolled-{app}")
"""


def test_the_end_takes_nothing_from_the_hand(lab, app):
    """What the reader has scrolled to, opened and focused while the cell ran is so when it has ended, and after a new price."""
    page = gated(lab, LONG.replace("{app}", app), "pricing.set('gpt-4o-mini', input_mtok=1, output_mtok=2)", app=app)
    page.run(1)
    page.output(1).locator(ROW, has_text="gpt-4o-mini").first.click()
    page.output(1).get_by_text("PROMPT in hand").first.wait_for()
    page.raw.wait_for_timeout(1_500)
    page.output(1).locator(".aimon .body").evaluate("b => (b.scrollTop = 480)")
    page.output(1).locator(".aimon .row.chosen").focus()
    page.output(1).locator(".aimon .body").evaluate("b => (b.scrollTop = 480)")
    page.raw.wait_for_timeout(200)
    hand = """() => { const view = document.querySelector('.aimon'); return [view.querySelector('.body').scrollTop,
      view.querySelector('.detail').innerText.includes('PROMPT in hand'), document.activeElement.className.includes('chosen')] }"""
    assert [480, True, True] == page.raw.evaluate(hand)
    still(page, 1, f"scrolled-{app}")
    page.output(1).locator(".aimon .mark", has_text="✓").wait_for()
    page.raw.wait_for_timeout(500)
    assert [480, True, True] == page.raw.evaluate(hand)
    before = page.output(1).locator(".aimon .cost").first.inner_text()
    page.execute("pricing.set('gpt-4o-mini', input_mtok=1000, output_mtok=2000)")
    page.raw.wait_for_function("before => document.querySelector('.aimon .cost').innerText !== before", arg=before)
    page.raw.wait_for_timeout(500)
    assert [480, True, True] == page.raw.evaluate(hand)


NOTHING = "%%ai_track nothing\ntotal = 1 + 1"
LATER = "%%ai_track later\nask('PROMPT')\n1 / 0"


def test_what_no_row_says(lab, app):
    """A cell in which nothing was heard says so in its line; one that failed outside of its rows says with what, also from memory."""
    page = started(lab, NOTHING, LATER, "%ai_show later", app=app)
    page.run_all()
    line = page.output(1).locator(".aimon .head")
    assert "no span and no model call was heard" in line.inner_text() and not line.locator(".fold").is_visible()
    for index in (2, 3):
        assert "ZeroDivisionError: division by zero" == page.output(index).locator(".aimon .reason").inner_text()
    page.screenshot(SHOTS / f"unsaid-{app}.png")
