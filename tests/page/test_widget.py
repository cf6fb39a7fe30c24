"""The live view in a bare page, fed by a stand-in for the widget model."""

import json
import os
import shutil

import pytest
from tests.views import samples
from tests.views.gallery import ARGS, fed, packed, page

from aimon_nb.views import bundle, html, rows

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
    settle(tab, 50)


def settle(tab, at_least=60):
    """Wait some milliseconds, and until what was asked of the page before is painted."""
    tab.wait_for_timeout(at_least)
    tab.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))")


def feed(tab, name, message):
    tab.evaluate(f"m => feed[{json.dumps(name)}]({{...m, run_id: {json.dumps(name)}}})", message)
    settle(tab)


def row(tab, run, span):
    return tab.locator(f'#live-{run} .row[data-id="{span}"]')


def violations(tab, context=".aimon"):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(tab, context=context).response["violations"]
    return [(v["id"], [n["html"][:90] for n in v["nodes"][:3]]) for v in found]


NARROW = [pytest.param(theme, 380, marks=pytest.mark.matrix) for theme in ("dark", "contrast")]


@pytest.mark.parametrize(("theme", "width"), [("light", 1020), ("dark", 1020), ("contrast", 1020), ("light", 380), *NARROW])
def test_axe(tab, theme, width):
    """No accessibility fault in any state: details, groups, the finder, the models, one closed line; in each theme, wide and narrow."""
    tab.set_viewport_size({"width": width, "height": 900})
    show(tab, "running", "finished", "failed", "empty", "interrupted", "hostile", "many", theme=theme)
    for run, span in (("running", "c1"), ("failed", "c"), ("interrupted", "t")):
        row(tab, run, span).click()
    tab.locator("#live-many .row.group").first.click()
    tab.locator("#live-many .head button", has_text="find").click()
    tab.locator("#live-many .toggle").click()
    tab.locator("#live-finished .head button", has_text="models").click()
    tab.locator("#live-hostile .fold").click()
    assert [] == violations(tab)


@pytest.mark.parametrize("theme", ["light", "dark", "contrast"])
def test_axe_of_the_saved_form(tab, theme):
    """Nor is there one in what is saved: ended well, failed, interrupted, empty, and one that goes beyond 500 rows."""
    tab.set_content(page((), ("finished", "failed", "empty", "interrupted", "hostile", "many"), theme=theme))
    assert [] == violations(tab, "main > div:nth-child(even)")


def test_forced_colours(tab):
    """With the system's own colours bars, icons and the selected row are still told apart, and axe finds nothing."""
    tab.emulate_media(forced_colors="active")
    show(tab, "running", "failed")
    row(tab, "running", "c1").click()
    colour = "e => getComputedStyle(e).backgroundColor"
    back = tab.locator("#live-running .aimon").evaluate(colour)
    for part in (".row[data-id=c1] .line i", ".row[data-id=c1] .kind"):
        assert back != tab.locator(f"#live-running {part}").evaluate(colour), part
    assert "solid" == row(tab, "running", "c1").evaluate("e => getComputedStyle(e).outlineStyle")
    assert "✕" in row(tab, "failed", "c").inner_text()
    ink = "e => getComputedStyle(e).color"
    assert tab.locator("#live-failed .title").evaluate(ink) == row(tab, "failed", "c").locator(".kind").evaluate(ink)
    assert [] == violations(tab)


def test_reduced_motion(tab):
    """Who asked for less motion sees none; the clocks go on."""
    show(tab, "running")
    moving = "() => document.getAnimations().filter(a => a.playState === 'running').length"
    assert tab.evaluate(moving) > 0
    tab.emulate_media(reduced_motion="reduce")
    settle(tab, 100)
    assert 0 == tab.evaluate(moving)
    before = tab.locator("#live-running .clock").inner_text()
    settle(tab, 300)
    assert before != tab.locator("#live-running .clock").inner_text()


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
    for key, at in (("PageDown", "c5"), ("PageUp", "r"), ("ArrowDown", "a")):
        tab.keyboard.press(key)
        assert at == tab.evaluate("document.activeElement.dataset.id")
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
      const run = globalThis[Symbol.for('aimon_nb')].runs.get('finished'), [view] = run.views; let n = 0;
      const paint = view.paint.bind(view); view.paint = () => { n++; paint(); };
      const row = run.rows.get('c1');
      for (let i = 0; i < 1000; i++) feed.finished({k: 'rows', run_id: 'finished', rows: [Object.values({...row, id: 'n' + i, name: 'n' + i})]});
      await new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r))); return n; }""")
    assert 1 == frames
    assert 1009 == tab.evaluate(f"{view_of('finished')}.entries.length")


def test_running_clocks_tick(tab):
    """While a run runs its clocks tick; when it ends they stand still."""
    show(tab, "running")
    clock = tab.locator("#live-running .clock")
    before = clock.inner_text()
    settle(tab, 400)
    assert before != clock.inner_text()
    run = samples.agentic()
    feed(tab, "running", {"k": "rows", **{k: v for k, v in fed(run).items() if k in ("header", "rows")}})
    assert "5.30 s" == clock.inner_text()
    settle(tab, 300)
    assert "5.30 s" == clock.inner_text()


def test_over_before_its_sums(tab):
    """A cell that is over says so at once; `…` stands at its sums until they are known, and they alone are read out."""
    show(tab, "running")
    sums, mark, spoken = (tab.locator(f"#live-running .head {part}") for part in (".sums", ".mark", "+ * ~ .said"))
    over = {**fed(samples.agentic(running=True))["header"], "status": "ok", "dur": 5.3, "counting": True}
    feed(tab, "running", {"header": over})
    assert ("✓", "…", "") == (mark.inner_text(), sums.inner_text()[-1], spoken.inner_text())
    feed(tab, "running", {k: v for k, v in fed(samples.agentic()).items() if k in ("header", "rows")})
    assert "…" not in sums.inner_text()
    assert spoken.inner_text().startswith("summarise: ok, ")


def test_over_before_its_first_row(tab):
    """A cell that is over before anything of it was told is not called empty: that it is, its sums tell."""
    show(tab, "empty")
    header, mark, clock = fed(samples.empty())["header"], tab.locator("#live-empty .mark"), tab.locator("#live-empty .clock")
    feed(tab, "empty", {"header": {**header, "counting": True}})
    assert "✓" == mark.inner_text() and clock.is_visible()
    feed(tab, "empty", {"header": header})
    assert "○" == mark.inner_text() and not clock.is_visible()


def test_rows_that_keep_coming_are_laid_out_now_and_then(tab):
    """Of a large run that is over, rows still on their way do not lay the tree out again each time; the last do."""
    show(tab, "many")
    laid = tab.evaluate("""async () => {
      const run = globalThis[Symbol.for('aimon_nb')].runs.get('many'), [view] = run.views; let n = 0;
      const layOut = view.layOut.bind(view); view.layOut = () => { n++; layOut(); }; view.laidAt = performance.now(); view.layTime = 1000;
      const seen = [], frame = () => new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r))), row = [...run.rows.values()][0];
      for (const counting of [true, true, false]) {
        feed.many({k: 'rows', run_id: 'many', header: {...run.header, counting}, rows: [Object.values({...row, id: 'n' + seen.length})]});
        await frame(); seen.push(n); }
      return seen; }""")
    assert [0, 0, 1] == laid


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
    tab.evaluate("() => { const v = globalThis[Symbol.for('aimon_nb')].runs.get('running'); v.interrupt = null; for (const view of v.views) view.request(); }")
    settle(tab, 60)
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
    """The saved form's script moves the view that lost its place over it: selection kept, no second copy."""
    show(tab, "finished")
    row(tab, "finished", "c1").click()
    run = samples.agentic()
    run.run_id = "finished"
    saved = bundle.final(run, "m1")["text/html"]
    tab.evaluate("""markup => { const box = document.createElement('div'); box.id = 'saved'; document.body.append(box);
      document.getElementById('live-finished').replaceChildren();
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


@pytest.mark.parametrize("width", [250, 320, 420, 640, 1020])
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


def test_details_are_asked_for(tab):
    """Details that were not told are asked for when their row is opened, once, and shown when they come."""
    show(tab, "many")
    tab.evaluate("window.sent = []")
    row(tab, "many", "a0").focus()
    tab.keyboard.press("End")
    tab.keyboard.press("Enter")
    settle(tab, 60)
    assert [{"k": "want", "ids": ["s9999"]}] == tab.evaluate("sent")
    assert "details come when" in tab.locator("#live-many .detail").inner_text()
    item = rows.detail(samples.many(8).spans["s7"])
    feed(tab, "many", {"items": {"s9999": item}})
    assert "the secret prompt" in tab.locator("#live-many .detail").inner_text()


def test_asks_for_rows_it_missed(tab):
    """A page that missed a message of rows asks for all of them when the snapshot says so; a whole one asks nothing."""
    show(tab, "finished")
    tab.evaluate("""() => { window.sent = []; const run = globalThis[Symbol.for('aimon_nb')].runs.get('finished'), header = run.header;
      run.recall({header, rows: [], cut: 0, count: 1}); window.first = sent.length;
      run.hear({header, rows: [], count: 3}); run.recall({header, rows: [], cut: 0, count: 3}); window.second = sent.length;
      run.hear({header, rows: [], cut: 0, whole: 4}); run.recall({header, rows: [], cut: 5, count: 4}); }""")
    assert [0, 1, 1, 0] == tab.evaluate("() => [first, second, sent.length, globalThis[Symbol.for('aimon_nb')].runs.get('finished').cut]")


def test_focus_survives_scrolling(tab):
    """The row with the focus keeps it wherever the list is scrolled to, and the keys go on from it."""
    show(tab, "many")
    row(tab, "many", "a0").focus()
    tab.locator("#live-many .body").evaluate("b => (b.scrollTop = 30000)")
    settle(tab, 80)
    assert "a0" == tab.evaluate("document.activeElement.dataset.id")
    assert tab.locator("#live-many .body").evaluate("b => b.scrollTop") == 30000
    tab.keyboard.press("ArrowDown")
    assert "a0" != tab.evaluate("document.activeElement.dataset.id")
    assert tab.locator("#live-many .body").evaluate("b => b.scrollTop") < 1000


def view_of(run):
    return f"[...globalThis[Symbol.for('aimon_nb')].runs.get('{run}').views][0]"


def test_two_places_two_views(tab):
    """A run shown twice is whole in both places, each with a selection of its own."""
    show(tab, "finished")
    tab.evaluate("""() => { const el = document.createElement('div'); el.id = 'second'; document.body.append(el);
      globalThis[Symbol.for('aimon_nb')].runs.get('finished').mount(el, {open: 1}); }""")
    tab.locator('#second .row[data-id="c1"]').click()
    assert "Revenue rose" in tab.locator("#second .detail").inner_text()
    assert not tab.locator("#live-finished .detail").is_visible()
    assert 9 == tab.locator("#second .row[data-id]").count() == tab.locator("#live-finished .row[data-id]").count()


def test_one_output_shown_twice(tab):
    """Where a notebook shows one output in two places, its script shows the view in both."""
    show(tab, "finished")
    run = samples.agentic()
    run.run_id = "finished"
    saved = bundle.final(run, "m1", opened=True)["text/html"]
    tab.evaluate("""markup => { document.getElementById('live-finished').replaceChildren();
      for (const name of ['first', 'second']) { const box = document.createElement('div'); box.id = name; box.innerHTML = markup; document.body.append(box);
        const fresh = document.createElement('script'); fresh.textContent = box.querySelector('script').textContent; document.body.append(fresh); } }""", saved)
    assert 9 == tab.locator("#first .row[data-id]").count() == tab.locator("#second .row[data-id]").count()


def test_a_saved_output_waits_for_its_run(tab):
    """The script of a saved output may run before the page knows the run: it is mounted when it comes."""
    show(tab, "empty")
    saved = bundle.final(samples.agentic(), "early", opened=True)["text/html"]
    assert len(saved.split("<script>")[1]) <= 300
    tab.evaluate("""markup => { const box = document.createElement('div'); box.innerHTML = markup; document.body.append(box);
      const s = document.createElement('script'); s.textContent = box.querySelector('script').textContent; document.body.append(s); }""", saved)
    assert 0 == tab.locator("#early .aimon").count()
    tab.evaluate("""async m => { const {default: widget} = await import(URL.createObjectURL(new Blob([document.getElementById('esm').textContent], {type: 'text/javascript'})));
      widget().initialize({model: {get: k => ({run_id: '01JRUN', snapshot: m})[k], send: m => (window.hello = m.k), on: () => {}}}); }""",
      {"header": fed(samples.agentic())["header"], "rows": fed(samples.agentic())["rows"], "cut": 0})
    assert 9 == tab.locator("#early .row[data-id]").count()
    assert "hello" == tab.evaluate("window.hello")


def test_young_run_is_one_line(tab):
    """A run younger than a second shows its line only; over at once, it stays closed; failed, it opens."""
    show(tab, "running")
    run = samples.agentic(running=True)
    tab.evaluate("""async m => { const {default: widget} = await import(URL.createObjectURL(new Blob([document.getElementById('esm').textContent], {type: 'text/javascript'})));
      for (const id of ['young', 'bad']) { const heard = {}, model = {get: k => ({run_id: id, snapshot: {}})[k], on: (k, f) => (heard[k] = f)};
        const el = document.createElement('div'); el.id = 'live-' + id; document.body.append(el);
        const w = widget(); w.initialize({model}); w.render({model, el}); feed[id] = heard['msg:custom']; feed[id]({...m, run_id: id}); } }""",
      {"header": {**fed(run)["header"], "elapsed": 0.2}, "rows": fed(run)["rows"]})
    settle(tab, 50)
    assert not tab.locator("#live-young .tree").is_visible()
    header = {**fed(samples.agentic())["header"], "dur": 0.4}
    feed(tab, "young", {"header": header})
    feed(tab, "bad", {"header": {**header, "status": "error"}})
    assert not tab.locator("#live-young .tree").is_visible()
    assert tab.locator("#live-bad .tree").is_visible()


def end_out_of_sight(tab, **header):
    show(tab, "running")
    tab.evaluate("""() => { const far = document.createElement('div'); far.id = 'far'; far.style.height = '3000px'; document.body.append(far);
      far.scrollIntoView({block: 'end'}); }""")
    feed(tab, "running", {"header": {**fed(samples.agentic())["header"], **header}})
    settle(tab, 100)
    return tab.locator("#live-running .tree").is_visible()


def test_folds_out_of_sight(tab):
    """Ended well and out of the reader's sight, it folds to one line."""
    assert not end_out_of_sight(tab)


def test_stays_in_sight(tab):
    """Ended well in the reader's sight, it stays open: nothing jumps."""
    show(tab, "running")
    feed(tab, "running", {"header": fed(samples.agentic())["header"]})
    settle(tab, 100)
    assert tab.locator("#live-running .tree").is_visible()


@pytest.mark.parametrize(("run", "stays"), [("running", False), ("many", True)])
def test_a_wheel_over_it_is_no_touch(tab, run, stays):
    """Who scrolls the notebook across the view has not touched it; who scrolls inside its list has."""
    show(tab, "running", "many")
    tab.evaluate("addEventListener('wheel', () => (window.wheeled = true), { capture: true, passive: true })")
    tab.locator(f"#live-{run} .body").hover()
    tab.mouse.wheel(0, 10)
    tab.wait_for_function("window.wheeled")
    settle(tab, 100)
    assert stays == tab.evaluate(f"{view_of(run)}.touched")


@pytest.mark.parametrize("status", ["error", "interrupted"])
def test_stays_when_it_went_wrong(tab, status):
    """Failed or interrupted, it stays as it is, also out of sight."""
    assert end_out_of_sight(tab, status=status)


def test_stays_when_touched(tab):
    """What the reader has touched stays as it is."""
    show(tab, "running")
    row(tab, "running", "c1").click()
    tab.evaluate(f"{view_of('running')}.root.scrollIntoView()")
    tab.evaluate("() => { const far = document.createElement('div'); far.style.height = '3000px'; document.body.append(far); far.scrollIntoView({block: 'end'}); }")
    feed(tab, "running", {"header": fed(samples.agentic())["header"]})
    settle(tab, 100)
    assert tab.locator("#live-running .tree").is_visible()


def test_answers_grow(tab):
    """A streaming answer grows in place, with its speed in the row."""
    show(tab, "running")
    row(tab, "running", "c5").click()
    before = rows_of(samples.agentic(running=True), "c5")
    tab.evaluate("() => (window.box = document.querySelector('#live-running .turn:last-child .block > .text'))")
    feed(tab, "running", {"rows": [packed({**before, "streaming": True, "ttft": 0.1, "heard": 400})]})
    for text in (" and more", " <b>and</b> more"):
        feed(tab, "running", {"grown": {"c5": text}})
    assert tab.evaluate("box.isConnected && box.textContent").endswith("and more <b>and</b> more")
    settle(tab, 150)
    assert "tok/s" in row(tab, "running", "c5").inner_text()


def rows_of(run, span_id):
    return rows.row(run.spans[span_id], run)


def test_groups_open_and_close(tab):
    """Identical siblings are one row with their spread; it opens by click and by key."""
    show(tab, "many")
    first = tab.locator("#live-many .row.group").first
    assert "× 7" in first.inner_text() and "p95" in first.inner_text()
    before = tab.evaluate(f"{view_of('many')}.entries.length")
    first.click()
    assert before + 7 == tab.evaluate(f"{view_of('many')}.entries.length")
    tab.keyboard.press("ArrowLeft")
    assert before == tab.evaluate(f"{view_of('many')}.entries.length")


def test_find(tab):
    """Find looks in names, models, errors and messages; errors only; slow or expensive first."""
    show(tab, "finished", "many")
    tab.evaluate("document.addEventListener('keydown', e => (window.heard ??= []).push(e.key))")
    tab.locator("#live-finished .head button", has_text="find").click()
    shown = "#live-finished .row[data-id]"
    ids = lambda: tab.eval_on_selector_all(shown, "rows => rows.map(r => r.dataset.id)")
    tab.keyboard.type("revenue rose")
    assert ["a", "c1"] == ids()
    tab.locator("#live-finished input").fill("")
    tab.locator("#live-finished .toggle").click()
    assert ["a", "c2"] == ids()
    tab.locator("#live-finished .toggle").click()
    tab.locator("#live-finished select").select_option("dear")
    assert "c1" == ids()[0]
    tab.locator("#live-finished select").select_option("slow")
    assert "c1" == ids()[0] and "a" not in ids()
    tab.locator("#live-finished input").press("Escape")
    assert 9 == len(ids())
    assert tab.evaluate("window.heard") is None
    tab.locator("#live-many .head button", has_text="find").click()
    tab.locator("#live-many .toggle").click()
    assert "91 found" in tab.locator("#live-many .finder").inner_text()
    tab.locator("#live-many .toggle").click()
    tab.locator("#live-many input").fill("the secret prompt")
    said = tab.locator("#live-many .finder").inner_text()
    assert "35 found; messages of 8,715 calls are in the kernel, not searched" in said, said


def test_models(tab):
    """The models pane sums calls, tokens and cost a model, with bars."""
    show(tab, "finished")
    tab.locator("#live-finished .head button", has_text="models").click()
    said = tab.locator("#live-finished .models").inner_text()
    for words in ("gpt-4o", "my-local-model", "unpriced", "11,330 → 1,114", "$0.0244"):
        assert words in said, said
    assert not tab.locator("#live-finished .tree").is_visible()


HEARD = "document.addEventListener('keydown', e => (window.heard ??= []).push(e.key))"
FOCUS = "document.activeElement.className"


def test_keys_outside_the_tree(tab):
    """Who scrolls details or chooses an order by keys does so alone, not with the notebook's cells; Escape leads back."""
    show(tab, "finished")
    tab.evaluate(HEARD)
    row(tab, "finished", "c1").click()
    tab.locator("#live-finished .detail > div").first.focus()
    for key in ("ArrowDown", "PageDown", "End", "Home", "ArrowLeft", "Escape"):
        tab.keyboard.press(key)
    assert not tab.locator("#live-finished .detail").is_visible()
    assert "c1" == tab.evaluate("document.activeElement.dataset.id")
    tab.locator("#live-finished .find").click()
    tab.locator("#live-finished select").focus()
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("a")
    tab.keyboard.press("Escape")
    assert not tab.locator("#live-finished .finder").is_visible()
    assert "find" in tab.evaluate(FOCUS)
    assert tab.evaluate("window.heard") is None


def test_folds_whatever_is_marked(tab):
    """Words marked in an answer do not hold the fold button; who marks those of the header does not fold it."""
    show(tab, "finished")
    row(tab, "finished", "c1").click()
    mark = "part => getSelection().selectAllChildren(document.querySelector(`#live-finished ${part}`))"
    tab.evaluate(mark, ".detail .text")
    tab.locator("#live-finished .fold").press("Enter")
    assert not tab.locator("#live-finished .tree").is_visible()
    tab.evaluate(mark, ".title")
    tab.locator("#live-finished .head").dispatch_event("click")
    assert not tab.locator("#live-finished .tree").is_visible()


def test_stop_may_be_pressed_again(tab):
    """A cell that survives its interrupt can be stopped once more; the keyboard stays in the view when it is over."""
    show(tab, "running")
    tab.evaluate("() => { const wait = setTimeout; window.setTimeout = (f, ms, ...more) => (ms >= 3000 ? (window.later = () => f(...more)) : wait(f, ms, ...more)) }")
    stop = tab.locator("#live-running .stop")
    stop.press("Enter")
    assert "stopping…" == stop.inner_text()
    tab.evaluate("later()")
    assert "Stop" == stop.inner_text()
    stop.press("Enter")
    feed(tab, "running", {"header": {**fed(samples.agentic())["header"], "status": "interrupted"}})
    assert "fold" == tab.evaluate(FOCUS)


def test_the_end_is_said_once(tab):
    """However many places show a run, one says how it ended, with numbers in words that fit."""
    show(tab, "running")
    tab.evaluate("""() => { const el = document.createElement('div'); el.id = 'second'; document.body.append(el);
      globalThis[Symbol.for('aimon_nb')].runs.get('running').mount(el, {open: 1}); }""")
    feed(tab, "running", {"header": {**fed(samples.agentic())["header"], "calls": 1, "errors": 0, "cost": "", "cost_note": ""}})
    assert ["summarise: ok, 1 call"] == [said for said in tab.locator(".aimon > .said").all_inner_texts() if said]


def test_a_cell_out_of_the_page_waits_too(tab):
    """A saved output whose cell the notebook has taken out of the page, for it is out of sight, is mounted there all the same."""
    show(tab, "empty")
    tab.evaluate("""m => { const area = document.createElement('div'), el = document.createElement('div'); area.className = 'jp-OutputArea'; area.append(el);
      globalThis[Symbol.for('aimon_nb')].waiting.push(['far', el, {open: 1}]); window.far = area;
      return import(URL.createObjectURL(new Blob([document.getElementById('esm').textContent], {type: 'text/javascript'}))).then(({default: widget}) =>
        widget().initialize({model: {get: k => ({run_id: 'far', snapshot: m})[k], on: () => {}}})); }""",
      {"header": fed(samples.agentic())["header"], "rows": fed(samples.agentic())["rows"], "cut": 0})
    tab.evaluate("document.body.append(far)")
    assert 9 == tab.locator(".jp-OutputArea .row[data-id]").count()


def test_what_is_on_its_way_keeps_its_time(tab):
    """Between the end of a cell and its last rows, a row that ran keeps its bar and its time."""
    show(tab, "running")
    last = row(tab, "running", "c5")
    bar = "e => e.querySelector('.line i').getBoundingClientRect().width"
    wide = last.evaluate(bar)
    feed(tab, "running", {"header": {**fed(samples.agentic(running=True))["header"], "status": "ok", "dur": 5.3, "counting": True}})
    assert " s" in last.locator(".time").inner_text() and last.evaluate(bar) > wide / 2
    feed(tab, "running", {"header": {**fed(samples.agentic(running=True))["header"], "status": "ok", "dur": 5.3}})
    assert "open" == last.locator(".time").inner_text()


def test_the_row_in_hand_stays_in_sight(tab):
    """A call that is looked at while it runs does not vanish when it becomes one of a group; closed, the group stays closed."""
    show(tab, "running")
    run = samples.loop_of(9)
    one = rows_of(run, "c0")
    for at in range(4):
        feed(tab, "running", {"rows": [packed({**one, "id": f"n{at}"})]})
    feed(tab, "running", {"rows": [packed({**one, "id": "n4", "status": "running", "dur": None})]})
    row(tab, "running", "n4").click()
    for at in range(4, 9):
        feed(tab, "running", {"rows": [packed({**one, "id": f"n{at}"})]})
    assert "chosen" in row(tab, "running", "n4").get_attribute("class")
    group = tab.locator("#live-running .row.group")
    group.locator(".twisty").click()
    feed(tab, "running", {"rows": [packed({**one, "id": "n9"})]})
    assert "false" == group.get_attribute("aria-expanded") and 0 == row(tab, "running", "n4").count()


def test_odd_numbers(tab):
    """A row without a start, or one that ends before it starts, has a short bar inside its column and breaks no other."""
    show(tab, "running")
    one = rows_of(samples.agentic(), "c1")
    for name, odd in (("none", {"start": None, "dur": None}), ("back", {"start": 3.0, "dur": -2.0}), ("early", {"start": -9.0, "dur": 1.0})):
        feed(tab, "running", {"rows": [packed({**one, "id": name, "parent": None})]})
        feed(tab, "running", {"rows": [packed({**one, "id": name, "parent": None, **odd})]})
        assert row(tab, "running", name).evaluate("e => e.querySelector('.line i').offsetWidth") <= 60, name


def test_the_error_of_the_cell_itself(tab):
    """An error that no row says stands in the header; one that a row says does not stand there again."""
    show(tab, "finished", "failed")
    feed(tab, "finished", {"header": {**fed(samples.agentic())["header"], "status": "error", "error": "ZeroDivisionError: division by zero"}})
    reason = tab.locator("#live-finished .head .reason")
    assert "ZeroDivisionError: division by zero" == reason.inner_text()
    assert "" == tab.locator("#live-failed .head .reason").inner_text()
    assert [] == violations(tab)


def moved(tab, run):
    """The view's place is taken away and another one given to it, as at the end of a cell."""
    tab.evaluate("""name => { document.getElementById('live-' + name).replaceChildren();
      const el = document.createElement('div'); el.id = 'moved'; document.body.append(el);
      globalThis[Symbol.for('aimon_nb')].runs.get(name).mount(el, {}); }""", run)
    settle(tab)


def test_a_move_keeps_scroll_and_focus(tab):
    """Moved to another place, the view is scrolled as it was, the details too, and the keyboard is where it was."""
    show(tab, "many")
    tab.locator("#live-many .body").evaluate("b => (b.scrollTop = 30000)")
    settle(tab)
    at = tab.locator("#live-many .row.other:not(.group)").nth(2)
    at.click()
    item = rows.detail(samples.many(8).spans["s7"])
    item["messages"][0]["text"] = "line\n" * 500
    feed(tab, "many", {"items": {at.get_attribute("data-id"): item}})
    tab.locator("#live-many .detail > div").first.evaluate("d => (d.scrollTop = 100)")
    settle(tab)
    focused, top = tab.evaluate("document.activeElement.dataset.id"), tab.locator("#live-many .body").evaluate("b => b.scrollTop")
    moved(tab, "many")
    assert top == tab.locator("#moved .body").evaluate("b => b.scrollTop")
    assert 100 == tab.locator("#moved .detail > div").first.evaluate("d => d.scrollTop")
    assert focused and focused == tab.evaluate("document.activeElement.dataset.id")


def test_a_move_goes_on_following(tab):
    """A list that follows its newest row does so after a move, with the rows that came meanwhile and those that come."""
    show(tab, "running")
    one = rows_of(samples.agentic(), "c1")
    more = lambda n: {"rows": [packed({**one, "id": f"{n} {i}", "name": f"{n} {i}", "parent": None}) for i in range(30)]}
    for n in range(3):
        if n == 2:
            tab.evaluate("m => { feed.running({...m, run_id: 'running'}); }", more("meanwhile"))
            moved(tab, "running")
        feed(tab, "running", more(n))
    settle(tab, 150)
    assert tab.locator("#moved .body").evaluate("b => b.scrollTop + b.clientHeight >= b.scrollHeight - 1")


def test_a_move_leaves_the_readers_focus(tab):
    """Who has gone elsewhere by then stays there."""
    show(tab, "finished")
    row(tab, "finished", "c1").focus()
    tab.evaluate("() => { const b = document.createElement('button'); b.id = 'else'; document.body.append(b); b.focus(); }")
    moved(tab, "finished")
    assert "else" == tab.evaluate("document.activeElement.id")
    row_ = tab.locator("#moved .row[data-id=c1]")
    row_.focus()
    row_.evaluate("e => e.blur()")
    settle(tab)
    tab.evaluate("document.getElementById('moved').id = 'live-finished'")
    moved(tab, "finished")
    assert "BODY" == tab.evaluate("document.activeElement.tagName")


def test_nothing_heard(tab):
    """A run that only has rows which are not shown says in its line that nothing was heard."""
    show(tab, "empty")
    hidden = {**rows_of(samples.agentic(), "r"), "id": "root", "hidden": True}
    feed(tab, "empty", {"rows": [packed(hidden)]})
    head = tab.locator("#live-empty .head")
    assert "no model call crossed" in head.inner_text()
    assert not head.locator(".fold").is_visible()
