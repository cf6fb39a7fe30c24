"""What one does with a call in the pane: copy it, and hold it against another; in a bare page and in a real JupyterLab."""

import json

import nbformat
import pytest
from tests.page.test_widget import feed, module_tab, row, settle, show, tab, violations, watch_keys  # noqa: F401 (fixtures)
from tests.parts.page import PICTURES, ROW, SHOTS
from tests.parts.waiting import eventually
from tests.views import samples

from aimon_nb.model import Message
from aimon_nb.views.diff.call_diff import call_diff
from aimon_nb.views.live.widget import call_answers

CODE = 'from openai import OpenAI\n\nclient = OpenAI()\nprint("<img src=x onerror=alert(1)> \\u202e")\n'


def answered(tab, run, **answer):
    """The kernel answers the question that the page has asked last."""
    asked = tab.evaluate("sent.at(-1)")
    feed(tab, run, {**asked, "missing": "", **answer})
    settle(tab)


def bar(tab, run, span):
    row(tab, run, span).click()
    return tab.locator(f"#live-{run} .pane")


def diffs(prompt="Tell me about cats.", now="Tell me about dogs, please.", **more):
    """The kernel's answer for two calls of the sample that differ in a word of the prompt."""
    run = samples.agentic()
    answer = call_answers.answer(run, lambda: [run], {"k": "diff", "id": "c4", "other": None}).message
    old, new = run.spans["c1"], run.spans["c4"]
    old.call.input, new.call.input = ([Message("system", "be brief"), Message("user", text)] for text in (prompt, now))
    old.call.settings, new.call.settings = {"temperature": 0.2}, {"temperature": 0.9, "seed": 4}
    return {**answer, "diff": call_diff(old, new), **more}


def test_copy_as_python(tab):
    """A click asks the kernel, what it answers is on the clipboard, and the bar says so; the messages as well."""
    show(tab, "finished")
    pane = bar(tab, "finished", "c4")
    tab.evaluate("navigator.clipboard.writeText = async text => { window.copied = text; }")
    pane.get_by_role("button", name="copy as Python").click()
    assert {"k": "code", "id": "c4", "form": "python", "run_id": "finished"} == tab.evaluate("sent.at(-1)")
    answered(tab, "finished", text=CODE)
    assert CODE == tab.evaluate("window.copied") and "copied" == pane.get_by_role("status").inner_text()
    assert 0 == pane.locator("textarea").count()
    pane.get_by_role("button", name="copy messages as JSON").click()
    assert "messages" == tab.evaluate("sent.at(-1).form")
    answered(tab, "finished", text="[]")
    assert "[]" == tab.evaluate("window.copied")


def test_where_the_page_may_not_copy(tab):
    """Where neither way to the clipboard is open the text stands in a box, marked, with the keyboard in it; the notebook hears no key of it."""
    show(tab, "finished")
    watch_keys(tab)
    pane = bar(tab, "finished", "c4")
    tab.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); document.execCommand = () => false; }")
    pane.get_by_role("button", name="copy as Python").click()
    answered(tab, "finished", text=CODE)
    box = pane.locator("textarea")
    assert CODE == box.input_value() and "not copied: take it from here" == pane.get_by_role("status").inner_text()
    assert [True, True, len(CODE)] == box.evaluate("e => [document.activeElement === e, e.selectionStart === 0, e.selectionEnd]")
    before = tab.evaluate("heard.length")
    tab.keyboard.press("Control+c")
    tab.keyboard.press("d")
    assert before == tab.evaluate("heard.length")
    assert [] == violations(tab, "#live-finished .detail")


def test_what_is_not_kept_is_said(tab):
    """Where the kernel has no request any more, it says why; without a kernel the bar says that, too."""
    show(tab, "finished")
    pane = bar(tab, "finished", "c4")
    pane.get_by_role("button", name="copy as Python").click()
    answered(tab, "finished", text=None, missing="no longer kept: over the budget of 256 MB")
    assert "no longer kept: over the budget of 256 MB" == pane.get_by_role("status").inner_text()
    tab.evaluate("runOf('finished').detach()")
    pane.get_by_role("button", name="copy as Python").click()
    assert "details are not in this page: %ai_show" in pane.get_by_role("status").inner_text()


def test_a_step_has_no_bar(tab):
    """What is no call can neither be sent again nor be compared."""
    show(tab, "finished")
    assert 0 == bar(tab, "finished", "t").get_by_role("button", name="compare").count()
    assert 1 == bar(tab, "finished", "c1").get_by_role("button", name="compare").count()


def test_compare(tab):
    """Numbers and parameters that differ, on a line what is the same, the prompt by words; another call is picked from the list; a second click shows the messages again."""
    show(tab, "finished")
    pane = bar(tab, "finished", "c4")
    pane.get_by_role("button", name="compare").click()
    assert {"k": "diff", "id": "c4", "other": None, "run_id": "finished"} == tab.evaluate("sent.at(-1)")
    assert "details come when the kernel is idle" in pane.inner_text()
    answered(tab, "finished", **diffs())
    said = pane.inner_text()
    assert "user · changed" in said and "system · the same" in said and "temperature" in said and "not set" in said
    told = pane.locator(".sides").inner_text()
    assert "temperature" in told and "cost" in told and "status" not in told and "model" not in told
    assert "the same: model gpt-4o · status ok\n" in said
    assert ["cats", "dogs, please"] == [pane.locator(f".text {tag}").first.inner_text() for tag in ("del", "ins")]
    assert 1 == tab.evaluate("sent.filter(one => one.k === 'diff').length")
    pane.get_by_role("combobox", name="with").select_option(index=1)
    assert "c1" == tab.evaluate("sent.at(-1).other")
    answered(tab, "finished", **diffs(chosen="c1", other="c1"))
    assert "c1" == pane.get_by_role("combobox").input_value()
    pane.get_by_role("button", name="compare").click()
    assert 0 == pane.locator(".diff").count() and "again" in pane.inner_text()


@pytest.mark.parametrize(("theme", "width"), [("light", 1300), ("dark", 900), ("light", 700), ("dark", 500), ("light", 500), ("light", 360)])
def test_one_bar(tab, theme, width):
    """What one does with a call, where it stands among the others and full screen are one line in a view of 700 px or more, also once something is said; narrower they are two, in which what is said may take a third, and nothing is cut or stands beyond the view."""
    tab.set_viewport_size({"width": width + 40, "height": 900})
    show(tab, "finished", theme=theme)
    tab.add_style_tag(content="body { max-width: none !important; }")
    pane = bar(tab, "finished", "c4")
    tab.evaluate("navigator.clipboard.writeText = async () => {}")
    assert width == pane.evaluate("e => e.parentElement.parentElement.offsetWidth")
    for said in ("", "copied"):
        lines = pane.locator(".bar").evaluate("e => Math.round(e.offsetHeight / 18)")
        assert lines == (1 if width >= 700 else 3 if said and width < 500 else 2), said
        assert [] == pane.locator(".bar").evaluate("e => [...e.querySelectorAll('*')].filter(one => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0 || one.getBoundingClientRect().right > e.getBoundingClientRect().right).map(one => one.className)")
        if not said:
            tab.screenshot(path=str(SHOTS / f"bar-{theme}-{width}.png"))
            pane.get_by_role("button", name="copy as Python").click()
            answered(tab, "finished", text=CODE)
            assert "copied" == pane.get_by_role("status").inner_text()
    assert [] == violations(tab, "#live-finished .bar")


def test_nothing_to_compare_with(tab):
    """Where no other call of the caller is in memory, that is said."""
    show(tab, "finished")
    pane = bar(tab, "finished", "c4")
    pane.get_by_role("button", name="compare").click()
    answered(tab, "finished", others=[], chosen=None, diff=None, missing="no other call of its caller is in memory")
    assert "no other call of its caller is in memory" in pane.inner_text()


def test_another_row_has_a_bar_of_its_own(tab):
    """What was asked for one call is not shown at the next one."""
    show(tab, "finished")
    pane = bar(tab, "finished", "c4")
    pane.get_by_role("button", name="compare").click()
    answered(tab, "finished", **diffs())
    row(tab, "finished", "c1").click()
    assert 0 == pane.locator(".diff").count() and "false" == pane.get_by_role("button", name="compare").get_attribute("aria-pressed")


def test_hostile_differences(tab):
    """Whatever was sent, named or answered is text: nothing runs, nothing is fetched, nothing leaves the pane."""
    show(tab, "finished")
    pane = bar(tab, "finished", "c4")
    pane.get_by_role("button", name="compare").click()
    evil, huge = samples.HOSTILE.replace("\ud800", ""), "x" * 30_000
    answer = diffs(prompt=f"say {evil} $a$ {huge}", now=f"say {evil}{evil} $b$ {huge}y")
    answer["diff"]["parameters"].append([evil, evil, huge])
    answer["others"] = [["c1", evil + huge]]
    answered(tab, "finished", **answer)
    assert 0 == pane.locator("img, script").count()
    assert "\u202e" not in pane.inner_text() and "<img src=x onerror=alert(1)>" in pane.inner_text()
    wide = tab.evaluate("() => { const at = document.querySelector('#live-finished .detail > div'); return at.scrollWidth - at.clientWidth; }")
    assert wide <= 0


@pytest.mark.parametrize(("theme", "width", "forced"), [("light", 1020, None), ("dark", 700, None), ("contrast", 1020, None), ("light", 380, None), ("light", 700, "light"), ("dark", 700, "dark"), ("light", 1020, "dark")])
def test_axe_of_a_comparison(tab, theme, width, forced):
    """No accessibility fault in any theme, narrow and with the system's own colours; what differs is told by signs and lines, not by colour alone."""
    tab.set_viewport_size({"width": width, "height": 1000})
    if forced:
        tab.emulate_media(forced_colors="active", color_scheme=forced)
    show(tab, "finished", theme=theme)
    pane = bar(tab, "finished", "c4")
    pane.get_by_role("button", name="compare").click()
    answered(tab, "finished", **diffs())
    assert [] == violations(tab)
    for tag, sign, decoration in (("del", "−", "line-through"), ("ins", "+", "underline")):
        at = pane.locator(f".text {tag}").first
        assert f'"{sign}"' == at.evaluate("e => getComputedStyle(e, '::before').content")
        assert decoration in at.evaluate("e => getComputedStyle(e).textDecorationLine")
    tab.screenshot(path=str(SHOTS / f"compare-{theme}-{width}{f'-forced-{forced}' if forced else ''}.png"))


TRACKED = """%%ai_track summarise
def summarise(subject):
    return client.chat.completions.create(model="gpt-4o-mini", temperature=temperature, messages=[
        {"role": "system", "content": f"You are {editor}.\\nKeep every number, and say which of them you doubt."},
        {"role": "user", "content": f"Summarise the harbour report on {subject} for a board member."}])
_ = summarise("churn")
"""


def assert_no_shortcut(page, entry):
    """What is typed there does nothing to the notebook: `d d` would delete the cell, `x` cut it, `a` put one above."""
    before = page.cells().count()
    entry.focus()
    for key in "ddxa":
        page.raw.keyboard.press(key)
    page.wait_frames()
    assert before == page.cells().count()
    assert entry.evaluate("e => document.activeElement === e")


FIRST, SECOND = "editor, temperature = 'an editor', 0.2", "editor, temperature = 'a strict editor', 0.7"


def test_against_the_run_before(notebook, truth):
    """In JupyterLab: a cell that is run again with another prompt shows, at a click, what changed since the run before; nothing of it is saved."""
    page = notebook(FIRST, TRACKED, SECOND, height=1000)
    page.run_cells(1, 2, 3, 2)
    page.open_view(2)
    page.output(2).locator(ROW).first.click()
    pane = page.output(2).locator(".pane").first
    pane.get_by_role("button", name="compare").click()
    pane.locator(".diff").wait_for()
    assert ["an", "a strict"] == [pane.locator(f".text {tag}").first.inner_text() for tag in ("del", "ins")]
    assert "harbour" in pane.inner_text() and "temperature" in pane.inner_text()
    page.screenshot(PICTURES / "compare.png", cell=2)
    assert_no_shortcut(page, pane.get_by_role("combobox", name="with"))
    page.screenshot(SHOTS / "compare-dark.png", theme="dark", cell=2)
    page.theme("light")
    saved = str(nbformat.read(page.save(), 4).cells[2].outputs) + str(nbformat.read(page.path, 4).metadata)
    assert "harbour" not in saved and [] == page.errors


ASKS = """%%ai_track ask
_ = client.chat.completions.create(model="gpt-4o-mini", temperature=0.2, messages=[{"role": "system", "content": "Be brief."},
    {"role": "user", "content": "CANARY PROMPT: why is the tide high?\\nAnd why \\"low\\"? <img src=x onerror=alert(1)>"}])
"""
MADE = """from openai import OpenAI

client = OpenAI(
    base_url="{url}",
    api_key=os.environ.get("API_KEY", "none"),
)

response = client.chat.completions.create(
    model="gpt-4o-mini",
    messages=[
        {{"role": "system", "content": "Be brief."}},
        {{
            "role": "user",
            "content": \"\"\"\\
CANARY PROMPT: why is the tide high?
And why "low"? <img src=x onerror=alert(1)>\"\"\",
        }},
    ],
    temperature=0.2,
)
print(response.choices[0].message.content)
"""


@pytest.mark.parametrize("app", ["lab", pytest.param("notebook", marks=pytest.mark.matrix)])
def test_a_call_as_python(notebook, truth, app):
    """In JupyterLab: the call is on the clipboard as code, which runs as it is in the next cell and sends the same; its messages as JSON; no file holds them."""
    page = notebook(ASKS, "", app=app)
    page.run_cells(1)
    page.open_view(1)
    page.raw.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.output(1).locator(ROW).first.click()
    pane = page.output(1).locator(".pane").first
    pane.get_by_role("button", name="copy as Python").click()
    pane.get_by_text("copied").wait_for()
    code = page.raw.evaluate("navigator.clipboard.readText()")
    assert MADE.format(url=truth.url) == code.replace("import os\n\n", "", 1)
    pane.get_by_role("button", name="copy messages as JSON").click()
    eventually(lambda: page.raw.evaluate("navigator.clipboard.readText()").startswith("["), what="the messages are copied")
    [asked] = truth.settled()
    assert asked.body["messages"] == json.loads(page.raw.evaluate("navigator.clipboard.readText()"))
    page.screenshot(SHOTS / f"copied-{app}.png", cell=1)
    saved = nbformat.read(page.save(), 4)
    assert "CANARY" not in str(saved.cells[1].outputs) + str(saved.metadata)
    assert "ok" == page.execute(code)
    assert asked.body == truth.settled()[-1].body and 2 == len(truth.settled())


def test_no_clipboard(notebook):
    """In a page that may not write to the clipboard the code stands in a box, marked; Escape puts the details away."""
    page = notebook(ASKS)
    page.run_cells(1)
    page.open_view(1)
    page.raw.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); document.execCommand = () => false; }")
    page.output(1).locator(ROW).first.click()
    pane = page.output(1).locator(".pane").first
    pane.get_by_role("button", name="copy as Python").click()
    box = pane.locator("textarea")
    box.wait_for()
    assert box.input_value() == page.raw.evaluate("String(document.getSelection()) || document.activeElement.value")
    page.screenshot(SHOTS / "copy-box.png", cell=1)
    assert_no_shortcut(page, box)
    page.raw.keyboard.press("Escape")
    pane.wait_for(state="hidden")
    page.raw.evaluate("() => { delete navigator.clipboard.writeText; delete document.execCommand; }")
