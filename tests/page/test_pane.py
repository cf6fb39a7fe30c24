"""The details of a call in a bare page: rendered answers, settings and tools, media, what is new, from call to call, hostile text."""

import base64
import json

import pytest
from tests.page.test_widget import ANSWERED, FORCED, PRICED, SIZE, feed, focused, long_call, lines, module_tab, row, settle, show, tab, violations, watch_keys  # noqa: F401
from tests.parts.page import PICTURES, SHOTS
from tests.parts.waiting import eventually
from tests.views import pane_samples as told

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAYAAACNMs+9AAAAFUlEQVR42mNk+M9Qz0AEYBxVSF+FAAhKDveksOjmAAAAAElFTkSuQmCC")
SECOND = PRICED  # the second chat of `told.agent()`


def pane_of(tab, items=None, span=SECOND, theme="light"):
    """The details of a call of "finished", which is told these items."""
    show(tab, "finished", theme=theme)
    feed(tab, "finished", {"k": "details", "items": items or told.agent()})
    row(tab, "finished", span).click()
    settle(tab)
    return tab.locator("#live-finished .pane")


def message(tab, *messages, **more):
    """The details of a call that has these messages."""
    return pane_of(tab, {SECOND: told.item(SECOND, list(messages), **more)})


def test_answers_are_rendered(tab):
    """An answer in Markdown has its headings, tables, lists and code; no element of its own HTML, and its image is words."""
    pane = pane_of(tab)
    answer = pane.locator(".turn.out")
    assert ["Why the retry budget ran out"] == answer.locator(".head-of").all_inner_texts()
    assert ["setting", "today", "proposed", "max_retries", "5", "8", "base_delay", "0.2 s", "1.0 s"] == answer.get_by_role("cell").all_inner_texts()
    assert "right" == answer.get_by_role("cell").nth(4).evaluate("e => getComputedStyle(e).textAlign")
    assert "retries five times" == answer.locator("strong").inner_text() and "max_retries" == answer.locator(".code").nth(1).inner_text()
    assert 4 == answer.get_by_role("listitem").count() and "python" in answer.locator(".codes").inner_text()
    assert "[image: a diagram] https://example.com/diagram.png" in answer.inner_text() and 0 == answer.locator("img").count()
    pane.screenshot(path=str(PICTURES / "answer.png"))


def test_raw_and_rendered(tab):
    """`raw` shows a text as it is written; so do all answers from then on, also in a page that is loaded later. A prompt is raw until it is asked for otherwise."""
    pane = pane_of(tab)
    raw = pane.get_by_role("button", name="raw text of the assistant message")
    assert "false" == raw.get_attribute("aria-pressed")
    assert "true" == pane.get_by_role("button", name="raw text of the user message").get_attribute("aria-pressed")
    raw.click()
    assert told.ANSWER.splitlines()[0] in pane.locator(".turn.out").inner_text() and 0 == pane.locator(".turn.out .prose").count()
    pane.get_by_role("button", name="3 messages as in the call before").click()
    pane.get_by_role("button", name="raw text of the system message").click()
    assert ["Rules"] == pane.locator(".turn.in .head-of").all_inner_texts()
    pane = pane_of(tab)
    assert 0 == pane.locator(".turn.out .prose").count()
    pane.get_by_role("button", name="raw text of the assistant message").click()
    pane.get_by_role("button", name="3 messages as in the call before").click()
    pane.get_by_role("button", name="raw text of the system message").click()
    assert {"in": True, "out": False, "json": False} == json.loads(tab.evaluate("localStorage.getItem('aimon_nb raw')"))


def test_a_plain_text_has_no_other_form(tab):
    """Where a text looks the same rendered, there is nothing to choose."""
    pane = message(tab, told.turn("in", "user", "Why?"), told.turn("out", "assistant", "Because it rained; 3 of 4 days."))
    assert 0 == pane.get_by_role("button", name="raw text").count() and 2 == pane.get_by_role("button", name="copy the").count()


def test_links_lead_where_they_say(tab):
    """A link says where it leads when it is clicked, and can be followed only then, into a tab that knows nothing of this one; what is no web address or letter leads nowhere."""
    links = "[bank](https://evil.example/x) [run](javascript:alert(1)) [data](data:text/html,<script>alert(1)</script>) [me](mailto:a@b.c) [рау](https://рауpal.com)"
    pane = message(tab, told.turn("out", "assistant", links))
    assert 0 == pane.locator("a").count()
    for name in ("bank", "run", "data", "me", "рау"):
        pane.get_by_role("button", name=name, exact=True).click()
    assert ["https://evil.example/x", "mailto:a@b.c", "https://xn--pal-5cd3fta.com/"] == pane.locator(".prose a").evaluate_all("all => all.map(a => a.href)")
    assert {("_blank", "noopener noreferrer")} == {(a.get_attribute("target"), a.get_attribute("rel")) for a in pane.locator(".prose a").all()}
    assert all(a.get_attribute("href") == a.inner_text() for a in pane.locator(".prose a").all())
    assert "javascript:alert(1)" in pane.inner_text()


def test_json_has_its_types(tab):
    """A value of JSON shows what is text and what is a number, as it was written; raw it is as it came."""
    text = '{"n": 1.0, "id": 12345678901234567890, "name": "7", "none": null, "list": [1.50, "a"], "deep": {"text": "one\\ntwo"}}'
    pane = message(tab, told.turn("out", "assistant", text))
    shown = pane.locator(".turn.out").inner_text()
    for line in ("n: 1.0", "id: 12345678901234567890", 'name: "7"', "none: null", 'list: [1.50, "a"]', 'text: "one\ntwo"'):
        assert line in shown, shown
    pane.get_by_role("button", name="raw text of the assistant message").click()
    assert text in pane.locator(".turn.out").inner_text()
    pane.get_by_role("button", name="raw text of the assistant message").click()


def test_settings_and_tools(tab):
    """Words and numbers that the request set stand beside the model, what is long folds below it; each tool has its description and its schema."""
    pane = pane_of(tab)
    settings = pane.locator(".settings")
    assert "gpt-4o temperature 0.2 max_tokens 900 tool_choice auto" in " ".join(settings.inner_text().split())
    settings.get_by_text("response_format").click()
    settings.get_by_text('name: "Answer"').wait_for()
    pane.get_by_text("2 tools offered: search_docs, measure").click()
    pane.get_by_text("q: {type, description}").click()
    offered = pane.locator(".tools-of")
    offered.get_by_text('description: "what to look for"').wait_for()
    assert "Look for passages in the handbook." in offered.inner_text() and "measure" in offered.inner_text()


def test_as_sent(tab):
    """The request and the answer as they crossed the wire are asked for when they are opened, once; what is gone says why."""
    pane = pane_of(tab)
    asked = lambda: [one for one in tab.evaluate("sent") if one["k"] == "raw"]
    assert [] == asked()
    pane.get_by_text("as sent").click()
    settle(tab)
    assert [{"k": "raw", "id": SECOND, "run_id": "finished"}] == asked()
    raw = {"method": "POST", "url": "https://api.openai.com/v1/chat/completions", "sent": [["content-type", "application/json"]], "body": '{"model": "gpt-4o"}',
           "status": 200, "received": [["x-request-id", "req_1"]], "answer": "data: {<b>}\n\n", "notes": ["keys are left out"]}  # fmt: skip
    feed(tab, "finished", {"k": "raw", "id": SECOND, "raw": raw, "missing": ""})
    shown = pane.locator(".sent").inner_text()
    for words in ("POST https://api.openai.com/v1/chat/completions", "content-type", 'model: "gpt-4o"', "answer 200", "req_1", "data: {<b>}", "keys are left out"):
        assert words in shown
    assert 1 == len(asked())
    row(tab, "finished", ANSWERED).click()
    pane.get_by_text("as sent").click()
    feed(tab, "finished", {"k": "raw", "id": ANSWERED, "raw": None, "missing": "no longer kept"})
    assert "no longer kept" in pane.locator(".sent").inner_text()
    feed(tab, "finished", {"k": "details", "items": {ANSWERED: {**told.agent()[ANSWERED], "raw": "not kept"}}})
    assert "as sent: not kept" in pane.inner_text() and 0 == pane.locator(".sent").count()


def tell_media(tab, one, bytes_=None, **more):
    """The kernel answers with the bytes of an image, a sound or a file."""
    tab.evaluate("""([id, one, list, more]) => { runOf('finished').receive({k: 'media', id, media: one.id, type: one.type, text: null, missing: '', ...more},
      list ? [new DataView(new Uint8Array(list).buffer)] : []); return painted(); }""", [SECOND, one, list(bytes_) if bytes_ else None, more])


def test_media(tab):
    """A small image comes when it is in sight, and opens to its size; a sound is played, a file saved, SVG is source; each says type and size. The page keeps none of the bytes once nobody looks."""
    image, sound, svg, file, far = (
        told.media("m1", "image", "image/png", len(PNG), "diagram.png", "high"), told.media("m2", "audio", "audio/wav", 41_000),
        told.media("m3", "image", "image/svg+xml", 60), told.media("m4", "file", "application/pdf", 1_500_000, "../../a <b>.pdf"),
        told.media("m5", "image", "", 0, missing="only an address: https://example.com/x.png"),
    )  # fmt: skip
    pane = message(tab, told.turn("in", "user", "Look", (), [image, sound, svg, file, far, told.media("m6", "image", "image/png", 5)]), told.turn("out", "assistant", "ok"))
    boxes = pane.locator(".media")
    assert ["m1", "m3", "m6"] == [one["media"] for one in tab.evaluate("sent") if one["k"] == "media"]
    tell_media(tab, image, PNG)
    assert "diagram.png · image/png · 78 bytes · detail high" in boxes.nth(0).inner_text()
    eventually(lambda: 10 == boxes.nth(0).locator("img").evaluate("e => e.naturalWidth"))
    url = boxes.nth(0).locator("img").get_attribute("src")
    assert url.startswith("blob:") and "image/png" == tab.evaluate("async url => (await fetch(url)).headers.get('content-type')", url)
    boxes.nth(0).get_by_role("button", name="diagram.png, larger").click()
    assert boxes.nth(0).locator("img.large").count()
    tell_media(tab, told.media("m6", "image", "image/png", 5), b"<html>")
    boxes.nth(5).get_by_text("it is no image that this browser can show").wait_for()
    boxes.nth(1).get_by_role("button", name="show").click()
    tell_media(tab, sound, data=base64.b64encode(b"RIFF").decode())
    assert boxes.nth(1).locator("audio[controls]").is_visible() and "41 kB" in boxes.nth(1).inner_text()
    tell_media(tab, svg, text='<svg onload="alert(1)"><script>alert(2)</script></svg>')
    assert 0 == boxes.nth(2).locator("img, svg").count() and '<svg onload="alert(1)">' in boxes.nth(2).inner_text()
    boxes.nth(3).get_by_role("button", name="show").click()
    tell_media(tab, file, b"%PDF")
    save = boxes.nth(3).locator("a")
    assert "a_b_.pdf" == save.get_attribute("download") and 0 == boxes.nth(3).locator("img, iframe, embed, object").count()
    kind = "async url => (await fetch(url)).headers.get('content-type')"
    assert "application/octet-stream" == tab.evaluate(kind, save.get_attribute("href"))
    assert "only an address: https://example.com/x.png" in boxes.nth(4).inner_text() and 0 == boxes.nth(4).locator("button").count()
    assert [] == violations(tab)
    tab.screenshot(path=str(SHOTS / "pane-media.png"))
    row(tab, "finished", SECOND).click()
    assert not pane.is_visible() and 0 == tab.evaluate("runOf('finished').answers.size")
    assert tab.evaluate("url => fetch(url).then(() => false, () => true)", url), "the bytes are still there"


def test_what_is_new_since_the_call_before(tab):
    """Of a call that repeats the one before it, only what is new is shown; the rest is a line that says how much it is, and is dim when it is opened."""
    pane = pane_of(tab, span=ANSWERED)
    assert ["system", "user", "assistant"] == [who.split(" · ")[0] for who in pane.locator(".who > span").all_inner_texts()]
    assert 0 == pane.locator(".turn.new").count()
    row(tab, "finished", SECOND).click()
    assert ["tool · new", "user · new"] == pane.locator(".turn.in .who > span").all_inner_texts()
    pane.get_by_role("button", name="3 messages as in the call before").click()
    assert ["system", "user", "assistant", "tool · new", "user · new"] == pane.locator(".turn.in .who > span").all_inner_texts()
    assert 3 == pane.locator(".turn.old").count()
    dim, plain = (pane.locator(part).first.evaluate("e => getComputedStyle(e).color") for part in (".turn.old .text", ".turn.new .text"))
    assert dim != plain


def test_the_messages_of_the_call_before_are_asked_for(tab):
    """Where the page does not have them, the kernel is asked; what is new is marked when they come."""
    show(tab, "finished")
    tab.evaluate("() => runOf('finished').details.clear()")
    feed(tab, "finished", {"k": "details", "items": {SECOND: told.agent()[SECOND]}})
    row(tab, "finished", SECOND).click()
    settle(tab)
    [asked] = [one["ids"] for one in tab.evaluate("sent") if one["k"] == "want"]
    pane = tab.locator("#live-finished .pane")
    assert 0 == pane.locator(".turn.new").count()
    feed(tab, "finished", {"k": "details", "items": {asked[0]: {**told.agent()[ANSWERED], "id": asked[0]}}})
    assert 2 == pane.locator(".turn.new").count()


def test_from_call_to_call(tab):
    """`j`, `k`, Alt and the arrows lead from call to call without leaving the details, past tools and steps, also to an attempt that is folded into the one that succeeded; so they do on the row whose details are shown; the row goes along, and the notebook hears none of it. The bar says where one is."""
    pane = pane_of(tab, span=ANSWERED)
    watch_keys(tab)
    chosen = lambda: tab.locator("#live-finished .row.chosen").get_attribute("data-id")
    part = lambda: tab.evaluate("[...document.querySelectorAll('#live-finished .detail > div')].indexOf(document.activeElement)")
    pane.locator(".detail > div").first.focus()
    assert "call 2 of 6" in pane.locator(".bar").inner_text()
    for key, at in (("j", "c4"), ("j", "c2"), ("j", "c3"), ("Alt+ArrowDown", "c5"), ("k", "c3"), ("k", "c2"), ("Alt+ArrowUp", "c4"), ("k", ANSWERED), ("k", "e"), ("k", "e")):
        tab.keyboard.press(key)
        assert (at, 0) == (chosen(), part()), key
    assert "embed, text-embedding-3-small, call 1 of 6" == focused(tab, "ariaLabel")
    pane.locator(".detail > div").nth(1).focus()
    tab.keyboard.press("j")
    assert (ANSWERED, 1) == (chosen(), part()) and "facts of chat, gpt-4o, call 2 of 6" == focused(tab, "ariaLabel")
    pane.get_by_role("button", name="next call").click()
    assert "c4" == chosen()
    tab.keyboard.press("Escape")
    assert not pane.is_visible() and "c4" == focused(tab)
    row(tab, "finished", "c4").click()
    for key, at in (("j", "c2"), ("Alt+ArrowUp", "c4"), ("k", ANSWERED)):
        tab.keyboard.press(key)
        assert (at, at) == (chosen(), focused(tab)), key
    assert {"Alt"} == {*tab.evaluate("heard")}


def test_a_key_opens_what_hides_the_next_call(tab):
    """The next call may be in a closed group or below a closed row: it is opened, and the row is in sight."""
    show(tab, "many")
    row(tab, "many", "a0").locator(".twisty").click()
    row(tab, "many", "a0").click()
    assert 0 == row(tab, "many", "s1").count()
    tab.locator("#live-many .detail > div").first.focus()
    tab.keyboard.press("j")
    chosen = tab.locator("#live-many .row.chosen")
    first = chosen.get_attribute("data-id")
    assert first.startswith("s") and chosen.is_visible() and "true" == row(tab, "many", "a0").get_attribute("aria-expanded")
    tab.keyboard.press("j")
    assert first != chosen.get_attribute("data-id") and "call 2 of 8,750" in tab.locator("#live-many .bar").inner_text()


def test_full_screen_uses_the_room_that_is_left(tab):
    """In full screen a long message is cut only as far as the screen is full; j and k work there too, and the title says which call it is."""
    show(tab, "finished")
    pane = long_call(tab, system=lines("system", 26), user="short", answer="short")
    assert "20 more lines" in pane.inner_text()
    tab.get_by_role("button", name="full screen").click()
    tab.wait_for_function("document.fullscreenElement?.className === 'pane'")
    eventually(lambda: "more lines" not in pane.inner_text())
    first = pane.locator("> div").first
    assert first.evaluate("e => e.scrollHeight <= e.clientHeight")
    assert "chat gpt-4o" in tab.locator("#live-finished .bar .what").inner_text()
    first.focus()
    tab.keyboard.press("j")
    tab.keyboard.press("k")
    long_call(tab, system=lines("system", 200), user="short", answer="short")
    eventually(lambda: first.evaluate("e => e.scrollHeight <= e.clientHeight && e.querySelector('.turn.out').getBoundingClientRect().bottom > 0.6 * innerHeight"))
    assert "more lines" in pane.inner_text()
    tab.keyboard.press("Escape")
    tab.wait_for_function("!document.fullscreenElement")
    eventually(lambda: "194 more lines" in pane.inner_text())


HOSTILE = (
    "</script><img src=https://evil.example/x onerror=alert(1)>\u202e\x07\x1b[31m\ud800&amp;\"' $a$ $$b$$ \\(c\\) ",
    "# <script>alert(1)</script>\n![x](https://evil.example/x.png) <iframe src=javascript:alert(1)></iframe>\n\n| <b onclick=alert(1)>a | b |\n|-|-|\n| `<svg/onload=alert(1)>` | [x](javascript:alert(1)) |\n\n```\"><script>\n</div></script>\n```\n\n> - " + "w" * 3_000,
    json.dumps({"<img src=x onerror=alert(1)>": "<script>alert(1)</script>", "__proto__": {"polluted": True}, "constructor": "x", "w" * 500: "w" * 3_000, "n": 1}),
    "**" * 500 + "[" * 500 + "`" * 501 + "> " * 500,
)  # fmt: skip


@pytest.mark.parametrize("theme", ["light", "dark", "contrast"])
def test_hostile_texts(tab, theme):
    """Names, Markdown, JSON, media names and tools with HTML, scripts, direction marks, formulas and huge words: nothing runs, nothing is fetched, nothing leaves its box; axe finds no fault."""
    turns = [told.turn(side, role + name, text, [(name, text)], [told.media("m" + name, "file", name, 5, name, name), told.media("i" + name, "image", name, 5, name, name, name)])
             for text in HOSTILE for side, role, name in (("in", "user", text[:200]), ("out", "assistant", text[:200]))]  # fmt: skip
    hostile = HOSTILE[0]
    items = {SECOND: told.item(SECOND, turns, tools=[{"name": text, "description": text, "schema": text} for text in HOSTILE],
             parameters=[[text, text] for text in HOSTILE], facts=[[hostile, hostile * 9]], ending=hostile, error=None)}  # fmt: skip
    show(tab, "finished", theme=theme)
    feed(tab, "finished", {"k": "details", "items": items})
    row(tab, "finished", SECOND).click()
    pane = tab.locator("#live-finished .pane")
    pane.get_by_role("button", name="earlier message").click()
    tab.evaluate("() => document.querySelectorAll('.detail details').forEach(one => (one.open = true))")
    settle(tab)
    pane.locator(".media button", has_text="show").first.click()
    for one in turns[:2]:
        tell_media(tab, one["media"][0], b"<script>alert(1)</script>")
        tell_media(tab, one["media"][0], text="<script>alert(1)</script>")
    assert 0 == pane.locator("img, script, iframe, svg, object, embed, form").count()
    assert 0 == pane.locator("[onerror], [onclick], [onload], a:not([download])").count()
    assert not tab.evaluate("({}).polluted")
    assert "\u202e" not in pane.text_content() and "\x1b" not in pane.text_content()
    wide = pane.evaluate("""pane => { const right = pane.getBoundingClientRect().right + 1;
      return [...pane.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > right).map(e => e.parentElement.className + ' > ' + e.className + e.getBoundingClientRect().right).concat(
        [...pane.querySelectorAll('.detail > div')].filter(e => e.scrollWidth > e.clientWidth).map(() => 'a side scrolls sideways')); }""")
    assert [] == wide
    assert [] == violations(tab, "#live-finished .pane", colours=None if theme == "light" else True)


@pytest.mark.parametrize(("theme", "width"), [("light", 1020), ("dark", 1020), ("contrast", 1020), ("light", 380)])
def test_axe(tab, theme, width):
    """No accessibility fault in an open pane with all its parts, in each theme and narrow."""
    tab.set_viewport_size({"width": width, "height": 1000})
    show(tab, "finished", theme=theme)
    feed(tab, "finished", {"k": "details", "items": told.agent()})
    row(tab, "finished", SECOND).click()
    pane = tab.locator("#live-finished .pane")
    pane.get_by_role("button", name="3 messages as in the call before").click()
    pane.get_by_role("button", name="the handbook").click()
    tab.evaluate("() => document.querySelectorAll('.detail details').forEach(one => (one.open = true))")
    settle(tab)
    assert [] == violations(tab, colours=True if theme in ("dark", "contrast") else None)
    tab.screenshot(path=str(SHOTS / f"pane-{theme}-{width}.png"), full_page=True)


@pytest.mark.parametrize(("scheme", "theme"), FORCED)
def test_forced_colours(tab, scheme, theme):
    """With the system's own colours, light or dark, what is pressed, new or quoted is told apart by more than its colour, and axe finds nothing."""
    tab.emulate_media(forced_colors="active", color_scheme=scheme)
    pane = pane_of(tab, theme=theme)
    tab.screenshot(path=str(SHOTS / f"pane-forced-{scheme}-{theme}.png"), full_page=True)
    assert [] == violations(tab, "#live-finished .pane")
    pressed, other = (pane.locator(f'.who [aria-pressed="{is_on}"]').first.evaluate("e => getComputedStyle(e).outlineStyle") for is_on in ("true", "false"))
    assert "solid" == pressed != other
    assert 2 == pane.get_by_text("new", exact=True).count()
    grip = pane.locator(".grip").evaluate("e => [getComputedStyle(e, '::before').backgroundColor, getComputedStyle(e).color]")
    assert grip[0] == grip[1]
    assert "3px" == pane.locator(".quote").evaluate("e => getComputedStyle(e).borderLeftWidth")


def test_by_the_keyboard_alone(tab):
    """Tab leads from the row through the bar, the messages and what is in them, to the facts; each shows where it is."""
    pane = pane_of(tab)
    watch_keys(tab)
    row(tab, "finished", SECOND).focus()
    seen = []
    while "grip" not in (name := focused(tab, "className") or focused(tab, "tagName")) and len(seen) < 40:
        tab.keyboard.press("Tab")
        seen.append(focused(tab, "ariaLabel") or focused(tab, "textContent"))
        assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", name
    for name in ("previous call", "next call", "full screen", "chat, gpt-4o, call 3 of 6", "3 messages as in the call before", "raw text of the assistant message",
                 "the handbook", "facts of chat, gpt-4o, call 3 of 6", "height of the details"):  # fmt: skip
        assert name in seen, seen
    assert pane.is_visible()
