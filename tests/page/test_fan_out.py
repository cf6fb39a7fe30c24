"""Many calls at once, in JupyterLab: one row in every form, that says how they went; late news reaches rows that are there already."""

import json
import re

import nbformat
import pytest

from tests.parts.page import PICTURES, ROOT, ROW, SHOTS

# Each fourth call is answered 429 once, and the client tries again.
GATHER = """%%ai_track gather
import asyncio, openai
from aimon_nb import track
aclient = openai.AsyncOpenAI(base_url=client.base_url, api_key="none", max_retries=2)
async def label(i):
    busy = " [busy once]" if i % 4 == 0 else ""
    await aclient.chat.completions.create(model="gpt-4o-mini", messages=[{{"role": "user", "content": f"PROMPT {{i}}{{busy}}"}}])
_ = await asyncio.gather(*(label(i) for i in range({n})))
{more}
"""
FEW = GATHER.format(n=4, more="")
TWELVE = GATHER.format(n=12, more="")
TELL = """import json, pandas
from aimon_nb import last_run
run = last_run()
frame, text = run.spans(), run.tree()
print(json.dumps([int(frame["retried"].notna().sum()), int((frame["status"] == "error").sum()), len(frame[frame["op"] == "gen_ai.chat"]), text]))"""


@pytest.fixture(params=["lab", pytest.param("notebook", marks=pytest.mark.matrix)])
def app(request):
    return request.param


def test_late_news_of_attempts(notebook, app):
    """Of twelve calls at once, of which each fourth was refused once, the live row says at the end what the saved form, the text and the table say: 12 calls, 3 retried, none failed."""
    page = notebook(TWELVE, TELL, FEW, app=app)
    page.run_cells(1, 2)
    page.open_view(1)
    view = page.output(1).locator(ROOT)
    said = "3 retried · each p50"
    page.output(1).locator(ROW).filter(has_text="× 12").get_by_text(said).wait_for()
    assert 1 == page.output(1).locator(ROW).count()
    assert "15 calls" in view.locator(".head").inner_text() and "failed" not in view.locator(".head").inner_text()
    view.locator(".row.group").click()
    assert 12 == view.locator(".row:not(.group)").count()
    assert 3 == view.locator(".row", has_text="2nd try").count()
    view.locator(".row", has_text="2nd try").first.locator(".twisty").click()
    assert 1 == view.locator(".row", has_text="429, retried").count()
    page.screenshot(PICTURES / "fan-out.png" if app == "lab" else SHOTS / "fan-out-notebook.png", cell=1)
    retried, errors, calls, text = json.loads(page.text(2))
    assert (3, 3, 15) == (retried, errors, calls)
    saved = nbformat.read(page.save(), 4).cells[1].outputs
    [kept] = [output for output in saved if output.output_type == "display_data"]
    for form in (text, kept.data["text/plain"], re.sub("<[^>]*>", "", kept.data["text/html"])):
        assert "× 12" in form and said in form and "429" not in form and "3 retried" in form.partition("span")[0]


def test_few_attempts(notebook, app):
    """What is too little for a group has a row a call in each form, of which one says `2nd try`."""
    page = notebook(FEW, TELL, app=app)
    page.run_cells(1, 2)
    page.open_view(1)
    view = page.output(1).locator(ROOT)
    page.output(1).locator(ROW, has_text="2nd try").wait_for()
    assert 4 == page.output(1).locator(ROW).count()
    *_, text = json.loads(page.text(2))
    assert 1 == text.count("2nd try") and 4 == text.count("label  gpt-4o-mini") and "429" not in text


ASKS = """%%ai_track asks
@ai_track("look", op="gen_ai.execute_tool")
def look(q): return f"RESULT of {q}"
ask("PROMPT one")
_ = look("ARGUMENT")
"""
OFF = "%config AimonMagics.previews = False"
ON = "%config AimonMagics.previews = True"


def test_previews_are_live_alone(notebook, app):
    """Rows say what was asked and what came of it, arguments and results too; the file has none of it, and switched off the page has not got it."""
    page = notebook(ASKS, OFF, ASKS, ON, app=app)
    page.run_cells(1, 2, 3, 4)
    for index in (1, 3):
        page.open_view(index)
        page.output(index).locator(ROW, has_text="look").wait_for()
    said = [row.inner_text() for row in page.output(1).locator(f"{ROW} .preview").all()]
    assert "PROMPT one" in said[0] and "→" in said[0]
    assert "ARGUMENT" in said[1] and "RESULT of ARGUMENT" in said[1]
    assert "PROMPT" not in page.text(3) and "RESULT" not in page.text(3)
    previews = page.raw.evaluate("() => [...storedRuns().values()].map(run => run.previews.size)")
    assert [2, 0] == previews[-2:]
    outputs = str([cell.outputs for cell in nbformat.read(page.save(), 4).cells if cell.cell_type == "code"])
    assert "PROMPT" not in outputs and "RESULT" not in outputs and "look" in outputs
