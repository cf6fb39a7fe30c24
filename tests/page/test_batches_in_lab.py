"""Batches in JupyterLab: the loop is seen while it runs, stops in time, and its rows can be read."""

import nbformat
import pytest

from tests.parts.page import PICTURES, ROOT, ROW, SHOTS

LOOP = """%%ai_track label reviews --budget 0.05
from aimon_nb import progress
def label(number):
    mark = {7: " [status 400]", 23: " [busy once]", 40: " [hold]"}.get(number, "")
    return ask(f"PROMPT review {number}: the kettle is fine{mark}")
for number in progress(range(60), key="customer-{}".format):
    try:
        label(number)
    except openai.APIStatusError:
        pass
"""
RETRIES = "import openai; client = client.with_options(max_retries=2)"
PILOT = """%%ai_track pilot
from aimon_nb import progress
for number in progress(range(500), pilot=10, budget=0.0001):
    ask(f"PROMPT review {number}")
"""
STOPS = """%%ai_track label all --budget 0.0002
from aimon_nb import progress
for number in progress(range(500)):
    ask(f"PROMPT review {number}: the kettle is fine")
"""


@pytest.fixture(params=["lab", pytest.param("notebook", marks=pytest.mark.matrix)])
def app(request):
    return request.param


def picture(page, app, name, cell):
    page.screenshot(PICTURES / f"{name}.png" if app == "lab" else SHOTS / f"{name}-notebook.png", cell=cell)


def test_a_loop_over_rows(notebook, truth, app):
    """A loop says while it runs how far it is, how fast it goes and what it is heading for; at its end each row has its calls, tokens and cost, what failed first; the file has no key of a row."""
    page = notebook(RETRIES, LOOP, app=app)
    page.run_cells(1)
    page.run(2)
    view = page.output(2).locator(ROOT)
    truth.wait_held()
    view.locator(".head", has_text="40 of 60 items").wait_for()
    page.output(2).locator(ROW, has_text="1 running").wait_for()
    assert "1 failed · 1 retried" in view.locator(".head").inner_text() and "of $0.05" in view.locator(".head").inner_text()
    assert all(words in view.locator(".pace").inner_text() for words in ("left", "heading for $"))
    picture(page, app, "batch-running", 2)
    truth.release()
    page.wait_ready()
    page.open_view(2)
    view.locator(".head", has_text="✓").wait_for()
    assert "60 items" in view.locator(".head").inner_text()
    view.get_by_role("button", name="items", exact=True).click()
    view.locator(".item").first.wait_for()
    assert "customer-7" == view.locator(".item [role=rowheader]").first.inner_text()
    assert "400" in view.locator(".item .state").first.inner_text()
    picture(page, app, "batch-items", 2)
    view.locator(".items .heads").get_by_role("button", name="calls").click()
    view.get_by_role("button", name="customer-23", exact=True).click()
    view.get_by_text("2nd try").wait_for()
    outputs = str(nbformat.read(page.save(), 4).cells[2].outputs)
    assert "customer-" not in outputs and "60 items" in outputs


@pytest.mark.parametrize(
    ("source", "name", "words"),
    [
        (STOPS, "batch-over-budget", ["of 500 items", "of $0.0002", "items were not sent"]),
        (PILOT, "batch-pilot", ["10 of 500 items", "from the first 10 rows"]),
    ],
    ids=["budget", "pilot"],
)
def test_a_budget_stops_it(notebook, app, source, name, words):
    """A loop that has spent its budget, and one whose pilot is heading beyond it, stop as the head says: how far it came, what was spent of what it might or the whole would have cost, what to do."""
    page = notebook(source, app=app)
    page.run_cells(1)
    page.open_view(1)
    head = page.output(1).locator(f"{ROOT} .head")
    head.locator(".mark", has_text="over budget").wait_for()
    picture(page, app, name, 1)
    said = head.inner_text()
    assert all(word in said for word in words), said
