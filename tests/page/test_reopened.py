"""A notebook that is closed and opened again, and an extension that is loaded anew: the reader goes on where he was."""

import base64

import pytest
from tests.page.test_pane import PNG
from tests.parts.page import LOADED, ROW
from tests.parts.waiting import eventually

CALLS = f"""%%ai_track kept
import base64
image = "data:image/png;base64,{base64.b64encode(PNG).decode()}"
def look(text):
    parts = [dict(type="text", text=text), dict(type="image_url", image_url=dict(url=image))]
    return client.chat.completions.create(model="gpt-4o-mini", messages=[dict(role="user", content=parts)])
@ai_track("check")
def check(): return ask("PROMPT check")
for word in ("one", "two"): look(f"PROMPT look {{word}}")
check()
for i in range(20): ask(f"PROMPT row {{i}}")
"""

# Whether what is on screen is of a kernel that answers: until then it is what the page has kept, and is taken away.
TAKEN = "() => [...storedRuns().values()].some(run => run.send && [...run.views].some(view => view.root.isConnected))"


@pytest.fixture(params=["lab", pytest.param("notebook", marks=pytest.mark.matrix)])
def app(request):
    return request.param


def set_up(page, index):
    """Open a group, close a step, and select a call, as a reader does; gives the rows as they then are."""
    page.open_view(index)
    rows = page.output(index).locator(ROW)
    rows.filter(has_text="× 20").locator(".twisty").click()
    rows.filter(has_text="check").first.locator(".twisty").click()
    rows.filter(has_text="gpt-4o-mini").nth(1).click()
    page.output(index).locator(".detail").get_by_text("PROMPT look two").first.wait_for()
    return seen(page, index)


def seen(page, index):
    """Names of rows, the selected one marked, and whether each is open."""
    told = "els => els.map(e => [e.querySelector('.name')?.textContent, e.getAttribute('aria-expanded'), e.getAttribute('aria-selected')].join())"
    return page.output(index).locator(ROW).evaluate_all(told)


def test_the_extension_is_loaded_anew(notebook, app):
    """The kernel's new model shows a run of before in the place of the old one's: rows stay open and closed as the reader had them, and his call selected."""
    page = notebook(CALLS, "%reload_ext aimon_nb", "%ai_show kept", app=app)
    page.run_cells(1)
    before = set_up(page, 1)
    old = page.output(1).locator(".aimon").first.element_handle()
    page.run_cells(2, 3)
    page.raw.wait_for_function("e => !e.isConnected", arg=old)
    pane = page.output(1).locator(".pane").first
    pane.get_by_text("PROMPT look two").first.wait_for()
    eventually(lambda: before == seen(page, 1), 20, "previews come after rows")
    page.output(1).locator(ROW).filter(has_text="gpt-4o-mini").first.click()
    pane.get_by_text("PROMPT look one").first.wait_for()


def test_a_notebook_is_closed_and_opened_again(notebook):
    """The kernel lives on: rows are as the reader had them, the details of all calls come, with their images, and can be compared."""
    page = notebook(CALLS)
    page.run_cells(1)
    before = set_up(page, 1)
    page.save()
    page.raw.evaluate("() => window.jupyterapp.shell.currentWidget.dispose()")
    page.raw.evaluate("path => { window.jupyterapp.commands.execute('docmanager:open', {path}) }", page.path.name)
    page.wait_ready()
    pane = page.output(1).locator(".pane").first
    pane.get_by_text("PROMPT look two").first.wait_for()
    page.raw.wait_for_function(TAKEN)
    eventually(lambda: before == seen(page, 1), 20, "previews come after rows")
    for word in ("one", "two"):
        page.output(1).locator(ROW).filter(has_text=f"PROMPT look {word}").click()
        pane.get_by_text(f"PROMPT look {word}").first.wait_for()
        pane.locator(".media img").wait_for()
    pane.get_by_role("button", name="compare").click()
    pane.locator(".diff select").wait_for()
    assert [] == page.errors


def test_the_kernel_is_restarted(notebook, lab):
    """What the page has stays; what it would have to ask for is gone, and it says so."""
    page = notebook(CALLS)
    page.run_cells(1)
    set_up(page, 1)
    page.raw.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    page.wait_ready()
    page.output(1).get_by_role("button", name="compare").click()
    page.output(1).locator(".detail").get_by_text("details are gone: the kernel was restarted or has ended").wait_for()
    lab.kill_kernel()


SECOND = """%%ai_track kept
ask("PROMPT one")
wait()
ask("PROMPT two")
"""


def test_a_second_tab_stops_the_cell(notebook, truth):
    """Stop in the view of a tab that was opened in mid-run ends the cell, and both tabs say so."""
    page = notebook(SECOND)
    page.run(1)
    truth.wait_held()
    page.raw.locator(".jp-RenderedHTMLCommon .aimon-host").first.wait_for(state="attached")
    page.save()
    with page.second_tab() as second:
        try:
            second.locator(".aimon").get_by_role("button", name="Stop").click(timeout=LOADED)
            for raw in (second, page.raw):
                raw.locator(".aimon .head", has_text="interrupted").first.wait_for(timeout=LOADED)
                assert 1 == raw.locator(ROW, has_text="gpt-4o-mini").count()
        finally:
            truth.release()
            page.wait_idle()
