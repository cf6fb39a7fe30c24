"""The details of calls in a real JupyterLab: what the kernel has of them, and hostile text among what Lab does with pages."""

import base64
import json

import nbformat
import pytest
from tests.page.test_pane import HOSTILE, PNG
from tests.parts.page import ROW, SHOTS

# Markdown that Lab would typeset, run or fetch, in a prompt that is shown rendered.
MARKDOWN = HOSTILE[1] + "\n\nIt costs $5 of $6, $a$ and $$b$$.\n\n" + "\n\n".join(HOSTILE[:1] + HOSTILE[3:])
CALLS = f"""%%ai_track details
import base64
image = "data:image/png;base64,{base64.b64encode(PNG).decode()}"
tool = dict(type="function", function=dict(name="look_up", description="CANARY tool", parameters=dict(type="object", properties=dict(q=dict(type="string")))))
asked = [dict(role="system", content="CANARY rules"), dict(role="user", content={json.dumps(MARKDOWN)}.replace("\\ud800", ""))]
def chat(**more):
    return client.chat.completions.create(model="gpt-4o-mini", messages=asked, temperature=0.2, tools=[tool], **more)
answer = chat()
asked += [answer.choices[0].message, dict(role="user", content=[dict(type="text", text="CANARY look"), dict(type="image_url", image_url=dict(url=image))])]
chat(seed=7)
wait()
"""


@pytest.fixture(params=["lab", pytest.param("notebook", marks=pytest.mark.matrix)])
def app(request):
    return request.param


def test_a_conversation_with_an_image(notebook, truth, app):
    """Settings, tools, what is new, the image and the bodies as sent come from the kernel; Markdown of a prompt is no HTML and no formula; nothing is fetched from elsewhere, and nothing of it is in the file."""
    page = notebook(CALLS, height=1200, app=app)
    fetched = []
    page.raw.on("request", lambda request: fetched.append(request.url))
    page.run(1)
    truth.wait_held()
    truth.release()
    page.wait_idle()
    page.open_view(1)
    rows, pane = page.output(1).locator(ROW), page.output(1).locator(".pane").first
    rows.filter(has_text="gpt-4o-mini").last.click()
    pane.get_by_role("button", name="3 messages as in the call before").click()
    assert ["user · new"] == pane.locator(".turn.new .who > span").all_inner_texts()
    assert {"temperature 0.2", "seed 7"} <= {*pane.locator(".settings").inner_text().splitlines()}
    pane.get_by_text("1 tool offered: look_up").click()
    pane.get_by_text("CANARY tool").wait_for()
    image = pane.locator(".media img")
    image.wait_for()
    page.raw.wait_for_function("image => image.naturalWidth === 10", arg=image.element_handle())
    pane.get_by_text("as sent").click()
    pane.locator(".sent").get_by_text("messages: [4]").wait_for()
    assert "POST " in pane.locator(".sent").inner_text() and "answer 200" in pane.locator(".sent").inner_text()
    assert "sk-none" not in pane.inner_text()
    pane.get_by_role("button", name="raw text of the user message").first.click()
    pane.get_by_role("button", name="show all of user").first.click()
    pane.locator(".turn.in .prose").get_by_text("It costs $5 of $6").wait_for()
    page.wait_frames(6)  # Lab typesets what comes into an output
    assert 0 == page.output(1).locator("mjx-container").count() and "$a$" in pane.inner_text()
    assert 0 == pane.locator("script, iframe, svg, object").count() and 1 == pane.locator("img").count()
    assert [] == page.dialogs
    root = page.raw.evaluate("location.origin")
    assert [] == [url for url in fetched if not url.startswith((root, "blob:", "data:", root.replace("http", "ws")))]
    page.screenshot(SHOTS / "pane-lab.png", cell=1)
    saved = json.dumps(nbformat.read(page.save(), 4).cells[1].outputs)
    assert "gpt-4o-mini" in saved and "CANARY" not in saved
    pane.get_by_role("button", name="raw text of the user message").first.click()


def test_from_call_to_call_and_full_screen(notebook, truth, app):
    """In a notebook j and k lead from call to call, from the pane and in full screen, and move no cell of the notebook."""
    page = notebook("%%ai_track calls\nfor word in ('one', 'two', 'three'): ask(f'PROMPT {word}')\nwait()", "1 + 1", height=1000, app=app)
    page.run(1)
    truth.wait_held()
    truth.release()
    page.wait_idle()
    page.open_view(1)
    active = "() => window.jupyterapp.shell.currentWidget.content.activeCellIndex"
    pane = page.output(1).locator(".pane").first
    page.output(1).locator(ROW, has_text="gpt-4o-mini").first.click()
    pane.get_by_text("PROMPT one").first.wait_for()
    pane.locator(".detail > div").first.focus()
    before = page.raw.evaluate(active)
    page.raw.keyboard.press("j")
    pane.get_by_text("PROMPT two").first.wait_for()
    pane.get_by_role("button", name="full screen").click()
    page.raw.wait_for_function("() => document.fullscreenElement?.className === 'pane'")
    page.raw.keyboard.press("j")
    pane.get_by_text("PROMPT three").first.wait_for()
    assert "call 3 of 3" in pane.locator(".bar").inner_text()
    page.raw.keyboard.press("Alt+ArrowUp")
    pane.get_by_text("PROMPT two").first.wait_for()
    page.raw.keyboard.press("Escape")
    page.raw.wait_for_function("() => !document.fullscreenElement")
    assert pane.is_visible() and before == page.raw.evaluate(active)


FORM = f"""%%ai_track draw
import base64
image = base64.b64decode("{base64.b64encode(PNG).decode()}")
_ = client.images.edit(model="gpt-image-1", prompt="CANARY a lighthouse\\nat high tide", size="1024x1024", image=[("coast.png", image, "image/png"), ("tide.png", image, "image/png")])
"""


def test_a_form_as_sent(notebook, app):
    """What OpenAI's client sent as a form is readable: a line a field, of an image its name, type and size, no bytes; the answer's image is seen."""
    page = notebook(FORM, app=app)
    page.run_cells(1)
    page.open_view(1)
    page.output(1).locator(ROW).first.click()
    pane = page.output(1).locator(".pane").first
    pane.get_by_text("as sent").click()
    pane.locator(".sent").get_by_text(f"image[]: [coast.png, image/png, {len(PNG)} bytes]").wait_for()
    told = pane.locator(".sent").inner_text()
    for words in ("prompt:\nCANARY a lighthouse\nat high tide", "size: 1024x1024", f"image[]: [tide.png, image/png, {len(PNG)} bytes]", "model: gpt-image-1"):
        assert words in told, told
    assert "\ufffd" not in told and "sk-none" not in told
    pane.locator(".media img").wait_for()
    page.screenshot(SHOTS / f"form-{'notebook' if 'notebook' in str(app) else 'lab'}.png", cell=1)
    assert "CANARY" not in json.dumps(nbformat.read(page.save(), 4).cells[1].outputs)
