"""What a prompt engineer asks of the view in JupyterLab: where it is answered at once."""

import pytest

from tests.parts.page import ROOT, ROW, SHOTS

AGENT = """%%ai_track support
import json
TOOL = dict(type="function", function=dict(name="stock", parameters=dict(type="object", properties=dict(sku=dict(type="string")))))
@ai_track("stock", op="gen_ai.execute_tool")
def stock(sku): raise KeyError("no such shelf")
@ai_track("support", op="gen_ai.invoke_agent")
def support(question):
    messages = [dict(role="user", content=question)]
    def chat(): return client.chat.completions.create(model="gpt-4o-mini", messages=messages, tools=[TOOL]).choices[0].message
    messages.append(chat())
    [call] = messages[-1].tool_calls
    try: stock(**json.loads(call.function.arguments))
    except KeyError as error: messages.append(dict(role="tool", tool_call_id=call.id, content="nothing known, assume 30 days"))
    return chat().content
_ = support("PROMPT is it there? [call stock]")
"""
FAR = "\n".join(["# a long cell"] * 24)
ITEMS = """%%ai_track rows
from aimon_nb import progress
for number in progress(range(3), key="customer-{}".format):
    ask(f"PROMPT review {number}")
ask("PROMPT without a row")
"""


@pytest.fixture(params=["lab", pytest.param("notebook", marks=pytest.mark.matrix)])
def app(request):
    return request.param


def is_in_sight(page, element) -> bool:
    """Whether all of its height is in the window, below the notebook's tool bar; a page is scrolled by parts of a pixel."""
    box = element.bounding_box()
    return box is not None and 60 < box["y"] and box["y"] + box["height"] < page.raw.viewport_size["height"] + 1


def test_why_an_agent_went_wrong(notebook, app):
    """A quick run that ended well stays open where a tool failed in it, and its head says so; a click shows the details whole below a row at the window's end, which name the tool of each result."""
    page = notebook(f"{AGENT}{FAR}", app=app, height=900)
    page.run_cells(1)
    view, rows = page.output(1).locator(ROOT), page.output(1).locator(ROW)
    view.locator(".head", has_text="2 calls 1 step failed").wait_for()
    rows.filter(has_text="KeyError").wait_for()
    last = rows.filter(has_text="gpt-4o-mini").last
    last.evaluate("row => row.scrollIntoView({ block: 'end' })")
    last.click()
    view.locator(".pane .who", has_text="tool · stock").wait_for()
    page.raw.wait_for_function("pane => pane.getBoundingClientRect().bottom < innerHeight + 1", arg=view.locator(".pane").element_handle())
    assert is_in_sight(page, last) and is_in_sight(page, view.locator(".pane"))
    page.screenshot(SHOTS / f"why-{'notebook' if app == 'notebook' else 'lab'}.png")


def test_what_a_row_got(notebook, app):
    """A click on an item of one call shows that call's details."""
    page = notebook(ITEMS, app=app)
    page.run_cells(1)
    page.open_view(1)
    view = page.output(1).locator(ROOT)
    view.get_by_role("button", name="items", exact=True).click()
    view.get_by_role("button", name="customer-1", exact=True).click()
    view.locator(".pane").get_by_text("PROMPT review 1", exact=True).wait_for()
    assert 1 == page.output(1).locator(ROW).count()
