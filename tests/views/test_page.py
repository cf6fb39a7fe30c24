"""The live view in a bare page, fed by a stand-in for the widget model."""

import json
import os
import shutil

import pytest
import samples
from gallery import ARGS, fed, page

from aimon_nb.views import html

pytestmark = pytest.mark.browser
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture
def tab(browser):
    made = browser.new_page(viewport={"width": 1020, "height": 900})
    made.faults = []
    made.on("pageerror", lambda e: made.faults.append(str(e)))
    made.on("dialog", lambda d: made.faults.append("dialog"))
    made.on("request", lambda r: made.faults.append(r.url) if r.url.startswith("http") else None)
    yield made
    assert [] == made.faults
    made.close()


def show(tab, *live, theme="light"):
    tab.set_content(page(live, theme=theme), wait_until="load")
    tab.wait_for_function("window.ready")
    tab.wait_for_timeout(50)


def feed(tab, name, message):
    tab.evaluate(f"m => feed[{json.dumps(name)}]({{...m, run_id: {json.dumps(name)}}})", message)
    tab.wait_for_timeout(60)


def row(tab, run, span):
    return tab.locator(f'#live-{run} .row[data-id="{span}"]')


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe(tab, theme):
    """No accessibility fault in any state, with details open, in light and dark."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    show(tab, "running", "finished", "failed", "empty", "interrupted", "hostile", theme=theme)
    for run, span in (("running", "c1"), ("failed", "c"), ("interrupted", "t")):
        row(tab, run, span).click()
    found = axe.run(tab, context=".aimon").response["violations"]
    assert [] == [(v["id"], [n["html"][:90] for n in v["nodes"][:3]]) for v in found]


def test_rows_tell_the_tree(tab):
    """Rows stand in the order of the tree, with level, state and numbers."""
    show(tab, "finished")
    ids = tab.eval_on_selector_all("#live-finished .row[data-id]", "rows => rows.map(r => r.dataset.id)")
    assert ["r", "e", "a", "c1", "t", "c2", "c3", "c4", "c5"] == ids
    assert "2" == row(tab, "finished", "c1").get_attribute("aria-level")
    assert "true" == row(tab, "finished", "a").get_attribute("aria-expanded")
    assert "12,345 → 1,514" in row(tab, "finished", "a").inner_text()
    assert "429, retried" in row(tab, "finished", "c2").inner_text()


def test_error_in_words(tab):
    """A failed row is followed by its error in words."""
    show(tab, "failed")
    assert "ModelTimeoutError: no answer in 0.6 s" in row(tab, "failed", "c").inner_text()
    assert "ModelTimeoutError" not in row(tab, "failed", "p").inner_text()
    assert "✕ error" in tab.locator("#live-failed .head").inner_text()


def test_keyboard(tab):
    """The tree is worked by keys, with one row in the tab order; the notebook hears none of them."""
    show(tab, "finished")
    tab.evaluate("document.addEventListener('keydown', e => (window.heard ??= []).push(e.key))")
    row(tab, "finished", "r").focus()
    seen = []
    for key in ("ArrowDown", "End", "Home", "ArrowLeft", "ArrowDown", "ArrowRight", "ArrowLeft"):
        tab.keyboard.press(key)
        seen.append(tab.evaluate("document.activeElement.dataset.id"))
    assert ["e", "c5", "r", "r", "a", "c1", "a"] == seen
    assert 1 == tab.locator('#live-finished .row[tabindex="0"]').count()
    tab.keyboard.press("Enter")
    assert tab.locator("#live-finished .detail").is_visible()
    tab.keyboard.press("Escape")
    assert not tab.locator("#live-finished .detail").is_visible()
    assert tab.evaluate("window.heard") is None


def test_details(tab):
    """A selected row shows its conversation and the arithmetic of its cost."""
    show(tab, "finished")
    row(tab, "finished", "c1").click()
    said = tab.locator("#live-finished .detail").inner_text()
    for words in ("Summarise the three reports", "Revenue rose", "stop · first token 0.31 s", "1,876 × $2.50", "$0.02416"):
        assert words in said


def test_long_text_is_cut(tab):
    """Five megabytes on one line are cut, and shown whole when asked for."""
    show(tab, "hostile")
    row(tab, "hostile", "h1").click()
    assert tab.locator("#live-hostile .detail").evaluate("e => e.textContent.length") < 20_000
    tab.get_by_text("show all 5,000,0").click()
    assert tab.locator("#live-hostile .detail").evaluate("e => e.textContent.length") > 5_000_000


def test_hostile_text_stays_text(tab):
    """Nothing a model writes becomes an element or runs."""
    show(tab, "hostile")
    row(tab, "hostile", "h1").click()
    assert 0 == tab.locator("#live-hostile img, #live-hostile script").count()
    assert "\u202e" not in tab.locator("#live-hostile").inner_text()


def test_ten_thousand_rows(tab):
    """10,000 rows are windowed: few elements, and the last can be reached by a key."""
    show(tab, "many")
    assert tab.locator("#live-many .row[data-id]").count() < 60
    tab.locator("#live-many .row[data-id]").first.focus()
    tab.keyboard.press("End")
    assert "s9999" == tab.evaluate("document.activeElement.dataset.id")
    assert tab.locator("#live-many .body").evaluate("b => b.clientHeight") <= 12 * 24


def test_repaints_are_batched(tab):
    """A thousand messages cost one repaint a frame."""
    show(tab, "finished")
    frames = tab.evaluate("""async () => {
      const view = globalThis[Symbol.for('aimon_nb')].runs.get('finished'); let n = 0;
      const paint = view.paint.bind(view); view.paint = () => { n++; paint(); };
      const row = view.rows.get('c1');
      for (let i = 0; i < 1000; i++) feed.finished({k: 'rows', run_id: 'finished', rows: [{...row, id: 'n' + i}]});
      await new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r))); return n; }""")
    assert 1 == frames
    assert 1009 == tab.locator("#live-finished .row[data-id]").count()


def test_running_clocks_tick(tab):
    """While a run runs its clocks tick; when it ends they stand still."""
    show(tab, "running")
    clock = tab.locator("#live-running .clock")
    before = clock.inner_text()
    tab.wait_for_timeout(400)
    assert before != clock.inner_text()
    run = samples.agentic()
    feed(tab, "running", {"k": "rows", **{k: v for k, v in fed(run).items() if k in ("header", "rows")}})
    assert "5.30 s" == clock.inner_text()
    tab.wait_for_timeout(300)
    assert "5.30 s" == clock.inner_text()


def test_does_not_jump(tab):
    """The view's height does not change when the run ends."""
    show(tab, "running")
    height = tab.locator("#live-running").bounding_box()["height"]
    feed(tab, "running", {"k": "rows", **{k: v for k, v in fed(samples.agentic()).items() if k in ("header", "rows")}})
    assert abs(height - tab.locator("#live-running").bounding_box()["height"]) < 1


def test_stop(tab):
    """Stop is there only while running, and interrupts the kernel."""
    show(tab, "running", "finished")
    assert not tab.locator("#live-finished .stop").is_visible()
    tab.locator("#live-running .stop").click()
    assert "running" == tab.evaluate("window.stopped")
    assert "stopping…" == tab.locator("#live-running .stop").inner_text()


def test_no_stop_without_a_kernel(tab):
    """Where the front-end cannot interrupt there is no Stop button."""
    show(tab, "running")
    tab.evaluate("() => { const v = globalThis[Symbol.for('aimon_nb')].runs.get('running'); v.interrupt = null; v.request(); }")
    tab.wait_for_timeout(60)
    assert not tab.locator("#live-running .stop").is_visible()


def test_fold(tab):
    """A click on the header folds to one line and back."""
    show(tab, "finished")
    head = tab.locator("#live-finished .head")
    head.click(position={"x": 400, "y": 10})
    assert not tab.locator("#live-finished .tree").is_visible()
    assert tab.locator("#live-finished .aimon").bounding_box()["height"] < 45
    tab.locator("#live-finished .fold").press("Enter")
    assert tab.locator("#live-finished .tree").is_visible()


def test_mount_keeps_state_and_may_run_twice(tab):
    """The saved form's script moves the one root over it: selection kept, no second copy."""
    show(tab, "finished")
    row(tab, "finished", "c1").click()
    run = samples.agentic()
    run.run_id = "finished"
    saved = html.static(run, "m1")
    tab.evaluate("""markup => { const box = document.createElement('div'); box.id = 'saved'; document.body.append(box);
      for (let i = 0; i < 2; i++) { if (!i) box.innerHTML = markup;
        const old = box.querySelector('script'), fresh = document.createElement('script');
        fresh.textContent = old.textContent; document.body.append(fresh); } }""", saved)
    assert 1 == tab.locator("#saved .aimon").count()
    assert 0 == tab.locator("#live-finished .aimon").count()
    assert 0 == tab.locator("#saved samp").count()
    assert "Revenue rose" in tab.locator("#saved .detail").inner_text()


def test_ghost_holds_cleared_output(tab):
    """After a waiting clear the user's old output stays for the frame until the new one comes."""
    show(tab, "running")
    said = tab.evaluate("""async () => {
      const area = document.createElement('div'); area.className = 'jp-OutputArea'; document.body.append(area);
      const view = globalThis[Symbol.for('aimon_nb')].runs.get('running');
      const host = () => { const d = document.createElement('div'), e = document.createElement('div'); e.className = 'aimon-host'; d.append(e); return [d, e]; };
      let [d, e] = host(); area.append(d); view.mount(e);
      const user = document.createElement('p'); user.textContent = 'picture'; area.append(user);
      await 0; area.replaceChildren(); [d, e] = host(); area.append(d); view.mount(e, {wait: 1}); view.mount(e, {wait: 1});
      const held = area.textContent.includes('picture');
      const next = document.createElement('p'); next.textContent = 'next'; area.append(next);
      await new Promise(r => setTimeout(r, 20));
      return [held, area.textContent.includes('picture'), area.querySelectorAll('.aimon').length]; }""")
    assert [True, False, 1] == said


@pytest.mark.parametrize("width", [320, 420, 640, 1020])
def test_nothing_is_cut_off(tab, width):
    """At any width header buttons and columns stay inside the view."""
    tab.set_viewport_size({"width": width, "height": 900})
    show(tab, "running", "failed", "many")
    out = tab.evaluate("""() => [...document.querySelectorAll('.aimon')].flatMap(view => {
      const box = view.getBoundingClientRect();
      return [...view.querySelectorAll('.head > :not([hidden]):not(.space), .row > *, .heads > *')].filter(e => e.offsetWidth)
        .filter(e => { const r = e.getBoundingClientRect(); return r.right > box.right + 0.5 || r.left < box.left - 0.5; })
        .map(e => e.className + ': ' + e.textContent); })""")
    assert [] == out
    shown = tab.locator("#live-running .heads").inner_text()
    assert ("tokens" in shown) == (width > 520)


def test_snapshot_rebuilds_a_reloaded_page(tab):
    """A page that only has the trait shows the rows, and where the rest is."""
    show(tab, "empty")
    from aimon_nb.views import rows

    tab.evaluate("""async kept => {
      const {default: widget} = await import(URL.createObjectURL(new Blob([document.getElementById('esm').textContent], {type: 'text/javascript'})));
      const model = {get: k => ({run_id: 'kept', snapshot: kept})[k], on: () => {}}, el = document.createElement('div');
      el.id = 'live-kept'; document.body.append(el);
      const w = widget(); w.initialize({model}); w.render({model, el}); }""", rows.snapshot(samples.many(1000), 30_000))
    said = tab.locator("#live-kept").inner_text()
    assert "item 0" in said
    assert "more rows are kept in the kernel" in said
    row(tab, "kept", "s1").click()
    assert "%ai_show" in tab.locator("#live-kept .detail").inner_text()
