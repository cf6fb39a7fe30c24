"""The live view in a bare page, fed by a stand-in for the widget model."""

import pytest
from tests.parts.page import SHOTS
from tests.parts.waiting import eventually
from tests.views import samples
from tests.views.gallery import fed, packed, write

from aimon_nb.views.live import mimebundle
from aimon_nb.views.live.widget import script
from aimon_nb.views.present import detail, rows

# A page shows the samples of `tests.views.samples.ALL` by name, `show(tab, "finished")`.
# The rows of the samples "running", "finished" and "interrupted", in their order:
AGENTIC = RETRIEVAL, EMBEDDING, AGENT, ANSWERED, TOOL, PRICED, UNPRICED, STREAMED = (
    "r", "e", "a", "c1", "t", "c4", "c3", "c5",
)  # fmt: skip
# The first attempt at the request of `PRICED`, which is shown with it.
RATE_LIMITED = "c2"
# Of "failed": a step, and the call in it that failed the step.
FAILED_STEP, FAILED_CALL = "p", "c"
# Of "hostile": a call whose answer has five million characters.
HOSTILE_CALL = "h1"
# Of "many", which has 10,000: the first row, the first call, and the last.
FIRST_ROW, LAST_ROW = "a0", "s9999"

SIZE = {"width": 1020, "height": 900}


@pytest.fixture(scope="module")
def module_tab(browser, tmp_path_factory):
    """The one browser page of this module, and the folder of what it shows."""
    made = browser.new_page(viewport=SIZE)
    made.folder = tmp_path_factory.mktemp("pages")
    made.faults = []
    made.on("pageerror", lambda e: made.faults.append(str(e)))
    made.on("request", lambda r: made.faults.append(r.url) if r.url.startswith("http") else None)

    def refuse(dialog):
        made.faults.append("dialog")
        dialog.dismiss()

    made.on("dialog", refuse)
    yield made
    made.close()


@pytest.fixture
def tab(module_tab):
    """The page as it was when it was new; `show` loads a document, so nothing of another test is in it."""
    module_tab.set_viewport_size(SIZE)
    module_tab.emulate_media(forced_colors="null", reduced_motion="null", color_scheme="null")
    module_tab.mouse.move(0, 0)
    yield module_tab
    faults, module_tab.faults = module_tab.faults, []
    assert [] == faults


def show(tab, *live, saved=(), theme="light"):
    """Load a document with these samples as live views, and as saved forms; come back when it is painted."""
    tab.goto(write(tab.folder, live, saved, theme).as_uri())
    tab.wait_for_function("window.ready")


def settle(tab):
    """Wait until what was asked of the page before is painted: two frames."""
    tab.evaluate("painted()")


def feed(tab, name, message):
    """The kernel tells this run's widget a message; come back when it is painted."""
    tab.evaluate("([name, message]) => { feed[name](message); return painted(); }", [name, message])


def ended(**changes):
    """The message that ends "running" well, perhaps with a header of other values."""
    return {"header": {**fed(samples.agentic())["header"], **changes}}


def still_running(**changes):
    """The message of a header of "running" that has not ended, with other values."""
    return {"header": {**fed(samples.agentic(running=True))["header"], **changes}}


def ended_with_rows():
    """The message that ends "running" and tells all its rows as they ended."""
    told = fed(samples.agentic())
    return {"header": told["header"], "rows": told["rows"]}


def stop_clock(tab, ahead=0):
    """The page's clock jumps ahead by some seconds and stands still: no slow machine lets time pass."""
    tab.evaluate("ahead => { const now = performance.now() + 1000 * ahead; performance.now = () => now; }", ahead)


def watch_keys(tab):
    """What the notebook around a view hears of keys goes to `window.heard`."""
    tab.evaluate("() => { window.heard = []; document.addEventListener('keydown', event => heard.push(event.key)); }")


def focused(tab, what="dataset.id"):
    """The row, or another property of the element, that has the focus."""
    return tab.evaluate(f"document.activeElement.{what}")


def row(tab, run, span):
    return tab.locator(f'#live-{run} .row[data-id="{span}"]')


# The rules of axe that look at colours take most of its time, for they look behind each word.
COLOURS = ("color-contrast", "link-in-text-block")


def violations(tab, context=".aimon", colours=None):
    """The faults that axe finds: by all its rules, or by those of colours alone (True), or by all others (False)."""
    tab.evaluate(pytest.importorskip("axe_playwright_python.base").AXE_SCRIPT)
    options = {"resultTypes": ["violations"]}
    if colours:
        options["runOnly"] = {"type": "rule", "values": COLOURS}
    elif colours is False:
        options["rules"] = {rule: {"enabled": False} for rule in COLOURS}
    run = "([context, options]) => axe.run(context, options).then(({ violations }) => violations)"
    found = tab.evaluate(run, [context, options])
    return [(v["id"], [n["html"][:90] for n in v["nodes"][:3]]) for v in found]


# A theme changes colours and nothing else, a width all else: the default run has each theme and each width.
COVERING = [("light", 1020, None), ("dark", 1020, True), ("contrast", 1020, True), ("light", 380, False)]
WHOLE = [("dark", 1020), ("contrast", 1020), ("light", 380), ("dark", 380), ("contrast", 380)]


@pytest.mark.parametrize(
    ("theme", "width", "colours"),
    [
        *(pytest.param(*case, id=f"{case[0]}-{case[1]}") for case in COVERING),
        *(pytest.param(*case, None, marks=pytest.mark.matrix, id=f"{case[0]}-{case[1]}-whole") for case in WHOLE),
    ],
)
def test_axe(tab, theme, width, colours):
    """No accessibility fault in any state: details, groups, the finder, the models, one closed line; in each theme, wide and narrow."""
    tab.set_viewport_size({"width": width, "height": 900})
    show(tab, "running", "finished", "failed", "empty", "interrupted", "hostile", "many", theme=theme)
    for run, span in (("running", ANSWERED), ("failed", FAILED_CALL), ("interrupted", TOOL)):
        row(tab, run, span).click()
    tab.locator("#live-many .row.group").first.click()
    tab.locator("#live-many .head button", has_text="find").click()
    tab.locator("#live-many .toggle").click()
    tab.locator("#live-finished .head button", has_text="models").click()
    tab.locator("#live-hostile .fold").click()
    assert [] == violations(tab, colours=colours)


# "many" apart: 500 rows that look like those of the others take longer than all of these.
SMALL = ("finished", "failed", "empty", "interrupted", "hostile")


@pytest.mark.parametrize(
    ("saved", "theme", "colours"),
    [
        pytest.param(SMALL, "light", None, id="light"),
        pytest.param(SMALL, "dark", True, id="dark"),
        pytest.param(SMALL, "contrast", True, id="contrast"),
        pytest.param(["many"], "light", False, id="many"),
        *(pytest.param(["many"], theme, None, marks=pytest.mark.matrix, id=f"many-{theme}") for theme in ("light", "dark", "contrast")),
    ],
)
def test_axe_of_the_saved_form(tab, saved, theme, colours):
    """Nor is there one in what is saved: ended well, failed, interrupted, empty, and one that goes beyond 500 rows."""
    show(tab, saved=saved, theme=theme)
    assert [] == violations(tab, "main > div:nth-child(even)", colours=colours)


# The system's own colours, light and dark, under a notebook's theme, which need not be of the same kind.
FORCED = [("light", "light"), ("dark", "dark"), ("dark", "light")]


@pytest.mark.parametrize(("scheme", "theme"), FORCED)
def test_forced_colours(tab, scheme, theme):
    """With the system's own colours, light or dark, bars, icons and the selected row are still told apart, and axe finds nothing."""
    tab.emulate_media(forced_colors="active", color_scheme=scheme)
    show(tab, "running", "failed", "many", theme=theme)
    row(tab, "running", ANSWERED).click()
    colour = "e => getComputedStyle(e).backgroundColor"
    back = tab.locator("#live-running .aimon").evaluate(colour)
    for part in (".line i", ".kind"):
        assert back != row(tab, "running", ANSWERED).locator(part).evaluate(colour), part
    assert "solid" == row(tab, "running", ANSWERED).evaluate("e => getComputedStyle(e).outlineStyle")
    assert "✕" in row(tab, "failed", FAILED_CALL).inner_text()
    ink = "e => getComputedStyle(e).color"
    assert tab.locator("#live-failed .title").evaluate(ink) == row(tab, "failed", FAILED_CALL).locator(".kind").evaluate(ink)
    tab.screenshot(path=str(SHOTS / f"forced-{scheme}-{theme}.png"), full_page=True)
    assert [] == violations(tab)


@pytest.mark.parametrize(("scheme", "theme"), FORCED)
def test_the_strip_in_forced_colours(tab, scheme, theme):
    """How the calls of a group went is seen in a strip there as well: its cells are of several colours."""
    tab.emulate_media(forced_colors="active", color_scheme=scheme)
    show(tab, "many", theme=theme)
    strip = tab.locator('#live-many .row.group:has-text("1 failed") .strip').first
    assert "gradient" in strip.evaluate("e => getComputedStyle(e).backgroundImage")
    colour = "(e, name) => { e.style.color = `var(--${name})`; const seen = getComputedStyle(e).color; e.style.color = ''; return seen; }"
    assert 4 == len({strip.evaluate(colour, name) for name in ("ok", "open", "retried", "err")})


def test_reduced_motion(tab):
    """Who asked for less motion sees none; the clocks go on."""
    show(tab, "running")
    moving = "() => document.getAnimations().filter(a => a.playState === 'running').length"
    assert tab.evaluate(moving) > 0
    tab.emulate_media(reduced_motion="reduce")
    eventually(lambda: 0 == tab.evaluate(moving))
    clock = tab.locator("#live-running .clock")
    before = clock.inner_text()
    eventually(lambda: before != clock.inner_text(), what="the clock ticks")
    assert 0 == tab.evaluate(moving)


def test_rows_tell_the_tree(tab):
    """Rows stand in the order of the tree, with level, state and numbers."""
    show(tab, "finished")
    ids = tab.eval_on_selector_all("#live-finished .row[data-id]", "rows => rows.map(r => r.dataset.id)")
    assert list(AGENTIC) == ids
    assert "2" == row(tab, "finished", ANSWERED).get_attribute("aria-level")
    assert "true" == row(tab, "finished", AGENT).get_attribute("aria-expanded")
    assert "12,345 → 1,514" in row(tab, "finished", AGENT).inner_text()


def test_error_in_words(tab):
    """A failed row is followed by its error in words."""
    show(tab, "failed")
    assert "ModelTimeoutError: no answer in 0.6 s" in row(tab, "failed", FAILED_CALL).inner_text()
    assert "ModelTimeoutError" not in row(tab, "failed", FAILED_STEP).inner_text()
    assert "✕ error" in tab.locator("#live-failed .head").inner_text()


def test_keyboard(tab):
    """The tree is worked by keys, with one row in the tab order; the notebook hears none of them."""
    show(tab, "finished")
    watch_keys(tab)
    row(tab, "finished", RETRIEVAL).focus()
    for key, at in (
        ("ArrowDown", EMBEDDING),
        ("End", STREAMED),
        ("Home", RETRIEVAL),
        ("ArrowLeft", RETRIEVAL),  # closes it
        ("ArrowDown", AGENT),  # so the embedding in it is passed over
        ("ArrowRight", ANSWERED),  # the agent is open: into it
        ("ArrowLeft", AGENT),
    ):
        tab.keyboard.press(key)
        assert at == focused(tab), key
    assert 1 == tab.locator('#live-finished .row[tabindex="0"]').count()
    for key, at in (("PageDown", STREAMED), ("PageUp", RETRIEVAL), ("ArrowDown", AGENT)):
        tab.keyboard.press(key)
        assert at == focused(tab), key
    tab.keyboard.press("Enter")
    assert tab.locator("#live-finished .detail").is_visible()
    tab.keyboard.press("Escape")
    assert not tab.locator("#live-finished .detail").is_visible()
    assert [] == tab.evaluate("heard")


def test_details(tab):
    """A selected row shows its conversation and the arithmetic of its cost."""
    show(tab, "finished")
    row(tab, "finished", ANSWERED).click()
    said = tab.locator("#live-finished .detail").inner_text()
    for words in ("Summarise the three reports", "Revenue rose", "stop · first token 0.31 s", "1,876 × $2.50", "$0.02416"):
        assert words in said


def test_long_text_is_cut(tab):
    """Five megabytes on one line are cut, and shown whole when asked for."""
    show(tab, "hostile")
    row(tab, "hostile", HOSTILE_CALL).click()
    assert tab.locator("#live-hostile .detail").evaluate("e => e.textContent.length") < 20_000
    tab.get_by_text("show all 5,000,0").click()
    assert tab.locator("#live-hostile .detail").evaluate("e => e.textContent.length") > 5_000_000


def test_what_went_into_a_step(tab):
    """A step shows its arguments by name, a line each, and its result; what is long leaves room for the result and opens; copy gives JSON."""
    show(tab, "told")
    pane = tab.locator("#live-told .detail")
    row(tab, "told", "plan").click()
    lines = pane.inner_text().splitlines()
    assert ["input", 'city: "Paris"', "days: 3"] == [line for line in lines if line in ("input", 'city: "Paris"', "days: 3")]
    assert "api_key: [filtered]" in lines and "output" in lines and 'plan: ["Louvre", "Seine", "Montmartre", … 4 more]' in lines
    row(tab, "told", "agent").click()
    assert "Day 1: the Louvre" in pane.inner_text() and pane.inner_text().count("Plan three days") < 20
    pane.get_by_role("button", name="show all of input").click()
    assert 60 == pane.inner_text().count("Plan three days")
    row(tab, "told", "frame").click()
    assert {"table: <DataFrame 1,000 × 4: city, date, price, rating>", "None"} <= {*pane.inner_text().splitlines()}
    row(tab, "told", "gone").click()
    assert "no longer kept: over the budget of 256 MB" in pane.inner_text()
    row(tab, "told", "tool").click()
    tab.evaluate("navigator.clipboard.writeText = text => { window.copied = text; }")
    pane.get_by_role("button", name="copy the input message").click()
    assert '{"city": "Paris", "day": "2026-03-05"}' == tab.evaluate("window.copied")


def test_long_and_hostile_values_of_a_step(tab):
    """A long text among the arguments opens where it stands; a value is text, whatever is in it."""
    show(tab, "told")
    item = detail.detail(samples.told().spans["tool"])
    item["messages"][0]["text"] = '{"question": "' + "why? " * 5_000 + '", "<img src=x onerror=alert(1)>": "<script>alert(2)</script>\\u202e"}'
    tab.evaluate("item => feed.told({k: 'details', items: {tool: item}})", item)
    row(tab, "told", "tool").click()
    pane = tab.locator("#live-told .detail")
    assert 0 == pane.locator("img, script").count() and "\u202e" not in pane.inner_text()
    assert pane.inner_text().count("why?") < 5_000
    pane.get_by_role("button", name="show all of question").click()
    said = pane.text_content()
    assert 5_000 == said.count("why?") and "<script>alert(2)</script>" in said


def test_hostile_text_stays_text(tab):
    """Nothing a model writes becomes an element or runs."""
    show(tab, "hostile")
    row(tab, "hostile", HOSTILE_CALL).click()
    assert 0 == tab.locator("#live-hostile img, #live-hostile script").count()
    assert "\u202e" not in tab.locator("#live-hostile").inner_text()


def test_ten_thousand_rows(tab):
    """10,000 rows are windowed: few elements, and the last can be reached by a key."""
    show(tab, "many")
    assert tab.locator("#live-many .row[data-id]").count() < 60
    tab.locator("#live-many .row[data-id]").first.focus()
    tab.keyboard.press("End")
    tab.keyboard.press("Enter")
    tab.keyboard.press("End")
    assert LAST_ROW == focused(tab)
    assert tab.locator("#live-many .body").evaluate("b => b.clientHeight") <= 12 * 24


def test_repaints_are_batched(tab):
    """A thousand messages cost one repaint a frame."""
    show(tab, "finished")
    repaints = tab.evaluate("""async like => {
      const view = viewOf('finished'), paint = view.paint.bind(view), row = runOf('finished').rows.get(like); let n = 0;
      view.paint = () => { n++; paint(); };
      for (let i = 0; i < 1000; i++) feed.finished({rows: [Object.values({...row, id: 'n' + i, name: 'n' + i})]});
      await painted(); return n; }""", ANSWERED)
    assert 1 == repaints
    assert len(AGENTIC) + 1000 == tab.evaluate("viewOf('finished').list.entries.length")


def test_running_clocks_tick(tab):
    """While a run runs its clocks tick; when it ends they stand still."""
    show(tab, "running")
    clocks = [tab.locator("#live-running .clock"), row(tab, "running", STREAMED).locator(".time")]
    for clock in clocks:
        before = clock.inner_text()
        eventually(lambda: before != clock.inner_text(), what="the clock ticks")
    feed(tab, "running", ended_with_rows())
    eventually(lambda: tab.evaluate("viewOf('running').timer === 0"), what="the last tick")
    stop_clock(tab, ahead=60)
    tab.evaluate("() => { viewOf('running').request(); return painted(); }")
    assert ["5.30 s", "1.02 s"] == [clock.inner_text() for clock in clocks]
    assert tab.evaluate("viewOf('running').timer === 0")


def test_over_before_its_sums(tab):
    """A cell that is over says so at once; `…` stands at its sums until they are known, and they alone are read out."""
    show(tab, "running")
    sums, mark, spoken = (tab.locator(f"#live-running {part}") for part in (".head .sums", ".head .mark", ".aimon > .said"))
    feed(tab, "running", still_running(status="ok", dur=5.3, counting=True))
    assert ("✓", "…", "") == (mark.inner_text(), sums.inner_text()[-1], spoken.inner_text())
    feed(tab, "running", ended_with_rows())
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
      const run = runOf('many'), view = viewOf('many'), layOut = view.layOut.bind(view), [row] = run.rows.values(), seen = []; let n = 0;
      view.layOut = () => { n++; layOut(); };
      view.list.layTime = Infinity; // so long did it take: time to lay out again never comes
      for (const counting of [true, true, false]) {
        feed.many({header: {...run.header, counting}, rows: [Object.values({...row, id: 'n' + seen.length})]});
        await painted(); seen.push(n); }
      return seen; }""")
    assert [0, 0, 1] == laid


def test_does_not_jump(tab):
    """The view's height does not change when the run ends."""
    show(tab, "running")
    height = tab.locator("#live-running").bounding_box()["height"]
    feed(tab, "running", ended_with_rows())
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
    assert tab.locator("#live-running .stop").is_visible()
    tab.evaluate("() => { runOf('running').interrupt = null; viewOf('running').request(); return painted(); }")
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


# The places of saved outputs, each with the script that a notebook runs once it has drawn them.
OUTPUT = """(id, markup, times = 1) => { const place = add('div', id); place.innerHTML = markup;
  const { textContent } = place.querySelector('script');
  while (times--) add('script').textContent = textContent; }"""


def test_mount_keeps_state_and_may_run_twice(tab):
    """The saved form's script moves the view that lost its place over it: selection kept, no second copy."""
    show(tab, "finished")
    row(tab, "finished", ANSWERED).click()
    tab.evaluate(f"""markup => {{ document.getElementById('live-finished').replaceChildren();
      ({OUTPUT})('saved', markup, 2); }}""", saved_output("finished"))
    assert 1 == tab.locator("#saved .aimon").count()
    assert 0 == tab.locator("#live-finished .aimon").count()
    assert 0 == tab.locator("#saved samp").count()
    assert "Revenue rose" in tab.locator("#saved .detail").inner_text()


def saved_output(run_id, **more):
    """What a notebook keeps of the sample "finished", as that of a run of this id."""
    run = samples.agentic()
    run.run_id = run_id
    return mimebundle.final(run, "m1", **more)["text/html"]


def test_ghost_holds_cleared_output(tab):
    """After a waiting clear the user's old output stays for the frame until the new one comes."""
    show(tab, "running")
    said = tab.evaluate("""async () => {
      const area = add('div'), view = runOf('running');
      area.className = 'jp-OutputArea';
      const output = () => { const host = add('div', '', add('div', '', area)); host.className = 'aimon-host'; return host; };
      const say = word => { add('p', '', area).textContent = word; };
      view.mount(output());
      say('picture');
      await 0; // what watches the output area has its turn
      area.replaceChildren();
      const again = output();
      view.mount(again, {wait: 1}); view.mount(again, {wait: 1});
      const held = area.textContent.includes('picture');
      say('next');
      await 0;
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
    kept = rows.snapshot(samples.many(1000), 30_000)
    tab.evaluate("kept => addWidget('kept', kept, {el: add('div', 'live-kept')})", kept)
    said = tab.locator("#live-kept").inner_text()
    assert "item 0" in said
    assert "more rows are kept in the kernel" in said
    tab.locator("#live-kept .row.group").first.click()
    row(tab, "kept", "s1").click()
    assert "%ai_show" in tab.locator("#live-kept .detail").inner_text()


def test_details_are_asked_for(tab):
    """Details that were not told are asked for when their row is opened, once, and shown when they come."""
    show(tab, "many")
    row(tab, "many", FIRST_ROW).focus()
    for key in ("End", "Enter", "End", "Enter"):  # the last is one of a group
        tab.keyboard.press(key)
    settle(tab)
    assert [{"k": "want", "ids": [LAST_ROW], "run_id": "many"}] == tab.evaluate("sent")
    assert "details come when" in tab.locator("#live-many .detail").inner_text()
    item = detail.detail(samples.many(8).spans["s7"])
    feed(tab, "many", {"items": {LAST_ROW: item}})
    assert "the secret prompt" in tab.locator("#live-many .detail").inner_text()
    assert 1 == len(tab.evaluate("sent"))


def test_asks_for_rows_it_missed(tab):
    """A page that missed a message of rows asks for all of them when the snapshot says so; a whole one asks nothing."""
    show(tab, "finished")
    # `show` told one message of rows; a snapshot says by `count` how many there were, the answer to an asking page by `whole`.
    asked = tab.evaluate("""() => { const run = runOf('finished'), {header} = run, asked = [];
      const recall = (count, cut = 0) => { run.restore({header, rows: [], cut, count}); asked.push(sent.map(message => message.k).join()); };
      recall(1);
      run.take({header, rows: [], count: 3}); // the second never came
      recall(3);
      run.take({header, rows: [], cut: 0, whole: 4});
      recall(4, 5);
      return asked; }""")
    assert ["", "hello", "hello"] == asked
    assert 0 == tab.evaluate("runOf('finished').cut")


def test_focus_survives_scrolling(tab):
    """The row with the focus keeps it wherever the list is scrolled to, and the keys go on from it."""
    show(tab, "many")
    row(tab, "many", FIRST_ROW).focus()
    body = tab.locator("#live-many .body")
    body.evaluate("b => { b.scrollTop = 30000; return painted(); }")
    assert FIRST_ROW == focused(tab)
    assert 30000 == body.evaluate("b => b.scrollTop")
    tab.keyboard.press("ArrowDown")
    assert FIRST_ROW != focused(tab)
    assert body.evaluate("b => b.scrollTop") < 1000


def test_two_places_two_views(tab):
    """A run shown twice is whole in both places, each with a selection of its own."""
    show(tab, "finished")
    tab.evaluate("runOf('finished').mount(add('div', 'second'), {open: 1})")
    tab.locator(f'#second .row[data-id="{ANSWERED}"]').click()
    assert "Revenue rose" in tab.locator("#second .detail").inner_text()
    assert not tab.locator("#live-finished .detail").is_visible()
    assert len(AGENTIC) == tab.locator("#second .row[data-id]").count() == tab.locator("#live-finished .row[data-id]").count()


def test_one_output_shown_twice(tab):
    """Where a notebook shows one output in two places, its script shows the view in both."""
    show(tab, "finished")
    tab.evaluate(f"""markup => {{ document.getElementById('live-finished').replaceChildren();
      for (const id of ['first', 'second']) ({OUTPUT})(id, markup); }}""", saved_output("finished", opened=True))
    assert len(AGENTIC) == tab.locator("#first .row[data-id]").count() == tab.locator("#second .row[data-id]").count()


def test_a_saved_output_waits_for_its_run(tab):
    """The script of a saved output may run before the page knows the run: it is mounted when it comes."""
    show(tab, "empty")
    markup = saved_output("later", opened=True)
    assert len(markup.split("<script>")[1]) <= 300
    tab.evaluate(f"markup => ({OUTPUT})('early', markup)", markup)
    assert 0 == tab.locator("#early .aimon").count()
    # The snapshot lacks a count of messages, as one of which rows were missed.
    tab.evaluate("kept => addWidget('later', {...kept, cut: 0}, {send: message => (window.hello = message.k)})", ended_with_rows())
    assert len(AGENTIC) == tab.locator("#early .row[data-id]").count()
    assert "hello" == tab.evaluate("window.hello")


def test_young_run_is_one_line(tab):
    """A run younger than a second shows its line only; over at once, it stays closed; failed, it opens."""
    show(tab, "running")
    stop_clock(tab)
    young = {**still_running(elapsed=0.2), "rows": fed(samples.agentic(running=True))["rows"]}
    for run in ("brief", "bad", "long"):
        tab.evaluate("run => addWidget(run, {}, {el: add('div', 'live-' + run)})", run)
        feed(tab, run, young)
        assert not tab.locator(f"#live-{run} .tree").is_visible()
    feed(tab, "brief", ended(dur=0.4))
    feed(tab, "bad", ended(dur=0.4, status="error"))
    assert not tab.locator("#live-brief .tree").is_visible()
    assert tab.locator("#live-bad .tree").is_visible()
    stop_clock(tab, ahead=1)
    eventually(lambda: tab.locator("#live-long .tree").is_visible())
    assert not tab.locator("#live-brief .tree").is_visible()


def go_far_below(tab):
    """The reader scrolls until no view is in sight."""
    tab.evaluate("() => { const far = add('div'); far.style.height = '3000px'; far.scrollIntoView({block: 'end'}); }")


def looked(tab):
    """Wait until the page has seen whether the view of "running" is in sight, and what follows from it is painted."""
    tab.evaluate("new Promise(done => new IntersectionObserver(done).observe(viewOf('running').root)).then(painted)")


def test_folds_out_of_sight(tab):
    """Ended well and out of the reader's sight, it folds to one line."""
    show(tab, "running")
    go_far_below(tab)
    feed(tab, "running", ended())
    looked(tab)
    assert not tab.locator("#live-running .tree").is_visible()


def test_stays_in_sight(tab):
    """Ended well in the reader's sight, it stays open: nothing jumps."""
    show(tab, "running")
    feed(tab, "running", ended())
    looked(tab)
    assert tab.locator("#live-running .tree").is_visible()


@pytest.mark.parametrize(("run", "scrolls_inside"), [("running", False), ("many", True)])
def test_a_wheel_over_it_is_no_touch(tab, run, scrolls_inside):
    """Who scrolls the notebook across the view has not touched it; who scrolls inside its list has."""
    show(tab, run)
    tab.evaluate("addEventListener('wheel', () => (window.wheeled = true), { capture: true, passive: true })")
    tab.locator(f"#live-{run} .body").hover()
    tab.mouse.wheel(0, 10)
    tab.wait_for_function("window.wheeled")
    settle(tab)
    assert scrolls_inside == tab.evaluate("run => viewOf(run).touched", run)


@pytest.mark.parametrize("status", ["error", "interrupted"])
def test_stays_when_it_went_wrong(tab, status):
    """Failed or interrupted, it stays as it is, also out of sight."""
    show(tab, "running")
    go_far_below(tab)
    feed(tab, "running", ended(status=status))
    looked(tab)
    assert tab.locator("#live-running .tree").is_visible()


def test_stays_when_touched(tab):
    """What the reader has touched stays as it is."""
    show(tab, "running")
    row(tab, "running", ANSWERED).click()
    go_far_below(tab)
    feed(tab, "running", ended())
    looked(tab)
    assert tab.locator("#live-running .tree").is_visible()


def test_answers_grow(tab):
    """A streaming answer grows in place, with its speed in the row."""
    show(tab, "running")
    row(tab, "running", STREAMED).click()
    before = rows_of(samples.agentic(running=True), STREAMED)
    tab.evaluate("() => (window.box = document.querySelector('#live-running .turn:last-child .block > .text'))")
    feed(tab, "running", {"rows": [packed({**before, "streaming": True, "ttft": 0.1, "heard": 400})]})
    for text in (" and more", " <b>and</b> more"):
        feed(tab, "running", {"grown": {STREAMED: text}})
    assert tab.evaluate("box.isConnected && box.textContent").endswith("and more <b>and</b> more")
    eventually(lambda: "tok/s" in row(tab, "running", STREAMED).inner_text())


def rows_of(run, span_id):
    return rows.row_dict(run.spans[span_id], run)


def test_groups_open_and_close(tab):
    """Identical siblings are one row with their spread; it opens by click and by key."""
    show(tab, "many")
    first = tab.locator("#live-many .row.group").first
    assert "× 7" in first.inner_text() and "p95" in first.inner_text()
    rows_shown = lambda: tab.evaluate("viewOf('many').list.entries.length")
    before = rows_shown()
    first.click()
    assert before + 7 == rows_shown()
    tab.keyboard.press("ArrowLeft")
    assert before == rows_shown()


@pytest.mark.parametrize("width", [1900, 1020, 760, 640, 500, 340])
def test_previews(tab, width):
    """A row says what was asked and what came of it, on its line; where room is short that gives way, and name and model are whole."""
    show(tab, "finished")
    tab.set_viewport_size({"width": width, "height": 900})
    settle(tab)
    line = row(tab, "finished", ANSWERED)
    preview = line.locator(".preview")
    assert preview.text_content().startswith("Summarise the three reports below") and "→ Revenue rose" in preview.text_content()
    tab.screenshot(path=str(SHOTS / f"previews-{width}.png"))
    scraps = "all => all.filter(e => e.offsetWidth > 1 && e.offsetWidth < 85 && e.scrollWidth > e.clientWidth + 1).map(e => [e.offsetWidth, e.parentElement.offsetWidth, e.parentElement.textContent])"
    assert [] == tab.eval_on_selector_all("#live-finished .preview > bdi", scraps), "what is cut to a few letters tells nothing"
    alone = "all => all.filter(e => e.offsetWidth > 1 && e.nextElementSibling.offsetWidth < 1 && e.previousElementSibling?.offsetWidth < 1).length"
    assert 0 == tab.eval_on_selector_all("#live-finished .preview > span", alone), "an arrow leads somewhere"
    names = "rows => rows.map(row => row.querySelector('.kind + span')).filter(e => e.scrollWidth > e.clientWidth && e.nextElementSibling.offsetWidth > 20).map(e => [e.textContent, e.getBoundingClientRect().width, e.scrollWidth, e.nextElementSibling.offsetWidth])"
    assert [] == tab.eval_on_selector_all("#live-finished .row[data-id]", names), "the label gives way before the name"
    cut = """rows => rows.filter(row => row.querySelector('.preview').offsetWidth > 1)
      .flatMap(row => [...row.querySelectorAll('.name > .kind ~ :not(.preview)')]).filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent)"""
    assert [] == tab.eval_on_selector_all("#live-finished .row[data-id]", cut)
    if width != 500:  # there as many pixels decide as a font is wide
        assert (width > 340) == (preview.evaluate("e => e.offsetWidth") > 90)
    assert 24 == line.evaluate("e => e.offsetHeight")


def test_previews_of_their_own(tab):
    """Previews that come after the rows, as those of a large run do, stand in them at once, and are found by who looks for them."""
    show(tab, "many")
    tab.locator("#live-many .head button", has_text="find").click()
    finder = tab.locator("#live-many .finder")
    finder.locator("input").first.fill("zebra crossing")
    tab.wait_for_function("() => document.querySelector('#live-many .finder').textContent.includes('none found')")
    rows = tab.evaluate("() => [...storedRuns().get('many').rows.values()].filter(row => row.counts).map(row => row.id)")
    feed(tab, "many", {"k": "previews", "previews": {rows[3]: ["a zebra crossing", "seen"]}})
    line = row(tab, "many", rows[3])
    line.wait_for()
    assert "a zebra crossing → seen" in line.locator(".preview").text_content()


def test_hostile_previews(tab):
    """A preview is text, whatever a model wrote, and does not turn the direction of what is beside it."""
    show(tab, "hostile")
    for text in ("<img src=x onerror=alert(1)>", "\u05d0\u05d1\u05d2 \u202e\u2066", "<script>alert(1)</script>", "$x$ $$y$$", "W" * 120):
        feed(tab, "hostile", {"header": fed(samples.hostile())["header"], "rows": [], "previews": {HOSTILE_CALL: [text, text]}})
        sides = row(tab, "hostile", HOSTILE_CALL).locator(".preview > bdi")
        for side in (sides.first, sides.last):
            assert 0 == side.locator("*").count() and text[:2] in side.text_content() and "\u202e" not in side.text_content()
            assert "isolate" == side.evaluate("e => getComputedStyle(e).unicodeBidi")
        assert [] == tab.eval_on_selector_all("#live-hostile .row, #live-hostile .preview", "all => all.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.className)")


def test_attempts_open(tab):
    """A call that was answered at its second attempt is one row that says so; opened, by its sign or by key, it shows the first, which was refused."""
    show(tab, "finished")
    call = row(tab, "finished", PRICED)
    assert "2nd try" in call.inner_text() and "false" == call.get_attribute("aria-expanded")
    call.locator(".twisty").click()
    assert "429, retried" in row(tab, "finished", RATE_LIMITED).inner_text()
    assert "3" == row(tab, "finished", RATE_LIMITED).get_attribute("aria-level")
    call.focus()
    tab.keyboard.press("ArrowLeft")
    assert 0 == row(tab, "finished", RATE_LIMITED).count()


def test_the_order_in_a_group(tab):
    """An opened group says in which order its rows stand, and a click or a key changes that: what failed stands first."""
    show(tab, "many")
    group = tab.locator('#live-many .row.group:has-text("1 failed")').first
    group.click()
    opened = group.get_attribute("data-id")
    order = tab.locator(f'#live-many .row[data-id="{opened}"] .order')
    assert "earliest first" == order.inner_text()
    below = lambda: tab.evaluate("id => { const { entries } = viewOf('many').list, at = entries.findIndex(one => one.id === id); return entries.slice(at + 1, at + 8).map(one => one.id); }", opened)
    began = below()
    assert "error" in tab.evaluate("id => runOf('many').rows.get(id).status", began[0])
    order.click()
    assert "slow first" == order.inner_text()
    watch_keys(tab)
    order.focus()
    tab.keyboard.press("Enter")
    assert "expensive first" == order.inner_text() and began[0] == below()[0]
    order.click()
    assert "earliest first" == order.inner_text() and began == below()
    assert "true" == group.get_attribute("aria-expanded") and [] == tab.evaluate("heard")


def test_the_readers_place_holds(tab):
    """While rows come and become groups above them, the rows in the reader's sight stay where they are."""
    show(tab, "running")
    one = rows_of(samples.loop_of(1), "c0")
    told = lambda at, **more: packed({**one, "id": f"n{at}", "name": f"name {at}", "start": 10 + at, **more})
    feed(tab, "running", {"rows": [told(at) for at in range(80)]})
    tab.locator("#live-running .body").evaluate("b => { b.scrollTop = 960; return painted(); }")
    place = "id => document.querySelector(`#live-running .row[data-id=${id}]`).getBoundingClientRect().top"
    before = tab.evaluate(place, "n40")
    feed(tab, "running", {"rows": [packed({**one, "id": f"like{at}", "start": 9}) for at in range(12)]})
    assert before == tab.evaluate(place, "n40")
    feed(tab, "running", {"rows": [told(at, name="alike") for at in range(20)]})
    assert before == tab.evaluate(place, "n40")
    assert tab.locator("#live-running .body").evaluate("b => b.scrollTop") < 960


def test_find(tab):
    """Find looks in names, models, errors and messages; errors only; slow or expensive first."""
    show(tab, "finished", "many")
    watch_keys(tab)
    finder = tab.locator("#live-finished .finder")
    words, errors_only, order = finder.locator("input"), finder.locator(".toggle"), finder.locator("select")
    ids = lambda: tab.eval_on_selector_all("#live-finished .row[data-id]", "rows => rows.map(r => r.dataset.id)")
    tab.locator("#live-finished .head button", has_text="find").click()
    tab.keyboard.type("board member. name")
    assert [AGENT, ANSWERED] == ids()
    words.fill("revenue rose")
    assert [AGENT, ANSWERED] == ids()
    words.fill("")
    errors_only.click()
    assert "none found" in finder.inner_text()
    errors_only.click()
    words.fill("429")
    assert [AGENT, PRICED, RATE_LIMITED] == ids()
    words.fill("")
    order.select_option("dear")
    assert ANSWERED == ids()[0]
    order.select_option("slow")
    assert ANSWERED == ids()[0] and AGENT not in ids()
    words.press("Escape")
    assert len(AGENTIC) == len(ids())
    assert [] == tab.evaluate("heard")


def test_find_in_a_large_run(tab):
    """Find says how many rows it found, by their previews too, and of how many calls the page does not have the messages."""
    show(tab, "many")
    finder = tab.locator("#live-many .finder")
    tab.locator("#live-many .head button", has_text="find").click()
    finder.locator(".toggle").click()
    assert "91 found" in finder.inner_text()
    finder.locator(".toggle").click()
    finder.locator("input").fill("the secret prompt")
    said = finder.inner_text()
    assert "8,750 found; messages of 8,715 calls are in the kernel, not searched" in said, said


def test_models(tab):
    """The models pane sums calls, tokens and cost a model, with bars."""
    show(tab, "finished")
    tab.locator("#live-finished .head button", has_text="models").click()
    said = tab.locator("#live-finished .models").inner_text()
    for words in ("gpt-4o", "my-local-model", "unpriced", "11,330 → 1,114", "$0.0244", "p50", "1.30 s", "1.62 s", "tokens/s", "382", "519"):
        assert words in said, said
    assert not tab.locator("#live-finished .tree").is_visible()


def test_keys_outside_the_tree(tab):
    """Who scrolls details or chooses an order by keys does so alone, not with the notebook's cells; Escape leads back."""
    show(tab, "finished")
    watch_keys(tab)
    row(tab, "finished", ANSWERED).click()
    tab.locator("#live-finished .detail > div").first.focus()
    for key in ("ArrowDown", "PageDown", "End", "Home", "ArrowLeft", "Escape"):
        tab.keyboard.press(key)
    assert not tab.locator("#live-finished .detail").is_visible()
    assert ANSWERED == focused(tab)
    tab.locator("#live-finished .find").click()
    tab.locator("#live-finished select").focus()
    for key in ("ArrowDown", "a", "Escape"):
        tab.keyboard.press(key)
    assert not tab.locator("#live-finished .finder").is_visible()
    assert "find" in focused(tab, "className")
    assert [] == tab.evaluate("heard")


def test_folds_whatever_is_marked(tab):
    """Words marked in an answer do not hold the fold button; who marks those of the header does not fold it."""
    show(tab, "finished")
    row(tab, "finished", ANSWERED).click()
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
    # What is to be done in seconds, not in milliseconds, is done when `later()` is called.
    tab.evaluate("""() => { const wait = setTimeout;
      window.setTimeout = (f, ms, ...more) => (ms >= 1000 ? (window.later = () => f(...more)) : wait(f, ms, ...more)) }""")
    stop = tab.locator("#live-running .stop")
    stop.press("Enter")
    assert "stopping…" == stop.inner_text()
    tab.evaluate("later()")
    assert "Stop" == stop.inner_text()
    stop.press("Enter")
    feed(tab, "running", ended(status="interrupted"))
    assert "fold" == focused(tab, "className")


def test_the_end_is_said_once(tab):
    """However many places show a run, one says how it ended, with numbers in words that fit."""
    show(tab, "running")
    tab.evaluate("runOf('running').mount(add('div', 'second'), {open: 1})")
    feed(tab, "running", ended(calls=1, errors=0, retries=0, cost="", cost_note=""))
    assert ["summarise: ok, 1 call"] == [said for said in tab.locator(".aimon > .said").all_inner_texts() if said]


def test_a_cell_out_of_the_page_waits_too(tab):
    """A saved output whose cell the notebook has taken out of the page, for it is out of sight, is mounted there all the same."""
    show(tab, "empty")
    tab.evaluate("""kept => { const area = (window.far = add('div')); area.className = 'jp-OutputArea'; area.remove();
      const far = add('div', '', area), ask = () => dispatchEvent(new CustomEvent('aimon_nb:far', {cancelable: true, detail: [far, {open: 1}]}));
      ask() && addEventListener('aimon_nb:far!', ask, {once: true});
      return addWidget('far', {...kept, cut: 0}); }""", ended_with_rows())
    tab.evaluate("document.body.append(far)")
    assert len(AGENTIC) == tab.locator(".jp-OutputArea .row[data-id]").count()


def test_what_is_on_its_way_keeps_its_time(tab):
    """Between the end of a cell and its last rows, a row that ran keeps its bar and its time."""
    show(tab, "running")
    stop_clock(tab)
    last = row(tab, "running", STREAMED)
    bar = "e => e.querySelector('.line i').getBoundingClientRect().width"
    wide = last.evaluate(bar)
    over = {"status": "ok", "dur": 5.3}
    feed(tab, "running", still_running(**over, counting=True))
    assert " s" in last.locator(".time").inner_text() and last.evaluate(bar) > wide / 2
    feed(tab, "running", still_running(**over))
    assert "open" == last.locator(".time").inner_text()


def test_the_row_in_hand_stays_in_sight(tab):
    """A call that is looked at while it runs does not vanish when it becomes one of a group; closed, the group stays closed."""
    show(tab, "running")
    run = samples.loop_of(9)
    one = rows_of(run, "c0")
    for at in range(3):
        feed(tab, "running", {"rows": [packed({**one, "id": f"n{at}"})]})
    feed(tab, "running", {"rows": [packed({**one, "id": "n4", "status": "running", "dur": None})]})
    row(tab, "running", "n4").click()
    for at in range(3, 9):
        feed(tab, "running", {"rows": [packed({**one, "id": f"n{at}"})]})
    assert "chosen" in row(tab, "running", "n4").get_attribute("class")
    group = tab.locator("#live-running .row.group")
    group.locator(".twisty").click()
    feed(tab, "running", {"rows": [packed({**one, "id": "n9"})]})
    assert "false" == group.get_attribute("aria-expanded") and 0 == row(tab, "running", "n4").count()


def test_odd_numbers(tab):
    """A row without a start, or one that ends before it starts, has a short bar inside its column and breaks no other."""
    show(tab, "running")
    one = rows_of(samples.agentic(), ANSWERED)
    for name, odd in (("none", {"start": None, "dur": None}), ("back", {"start": 3.0, "dur": -2.0}), ("early", {"start": -9.0, "dur": 1.0})):
        feed(tab, "running", {"rows": [packed({**one, "id": name, "parent": None})]})
        feed(tab, "running", {"rows": [packed({**one, "id": name, "parent": None, **odd})]})
        assert row(tab, "running", name).evaluate("e => e.querySelector('.line i').offsetWidth") <= 60, name


def test_the_error_of_the_cell_itself(tab):
    """An error that no row says stands in the header; one that a row says does not stand there again."""
    show(tab, "finished", "failed")
    feed(tab, "finished", ended(status="error", error="ZeroDivisionError: division by zero"))
    reason = tab.locator("#live-finished .head .reason")
    assert "ZeroDivisionError: division by zero" == reason.inner_text()
    assert "" == tab.locator("#live-failed .head .reason").inner_text()
    assert [] == violations(tab, "#live-finished .head")


def move(tab, run, old="live-{}", new="moved"):
    """The view's place is taken away and another one given to it, as at the end of a cell."""
    tab.evaluate("""([run, old, fresh]) => { document.getElementById(old).replaceChildren();
      runOf(run).mount(add('div', fresh), {}); return painted(); }""", [run, old.format(run), new])


def test_a_move_keeps_scroll_and_focus(tab):
    """Moved to another place, the view is scrolled as it was, the details too, and the keyboard is where it was."""
    show(tab, "many")
    tab.locator("#live-many .body").evaluate("b => { b.scrollTop = 30000; return painted(); }")
    seen = tab.locator("#live-many .row.other").evaluate_all("(all, top) => all.find(e => e.offsetTop > top).dataset.id", 30000)
    at = row(tab, "many", seen)
    at.click()
    item = detail.detail(samples.many(8).spans["s7"])
    item["messages"][0]["text"] = "line\n" * 500
    feed(tab, "many", {"items": {at.get_attribute("data-id"): item}})
    tab.locator("#live-many .detail .more").first.click()
    at.focus()
    tab.locator("#live-many .detail > div").first.evaluate("d => { d.scrollTop = 100; return painted(); }")
    row_before, top_before = focused(tab), tab.locator("#live-many .body").evaluate("b => b.scrollTop")
    move(tab, "many")
    assert top_before == tab.locator("#moved .body").evaluate("b => b.scrollTop")
    assert 100 == tab.locator("#moved .detail > div").first.evaluate("d => d.scrollTop")
    assert row_before and row_before == focused(tab)


def thirty(name="more"):
    """Thirty rows more."""
    one = rows_of(samples.agentic(), ANSWERED)
    return {"rows": [packed({**one, "id": f"{name} {i}", "name": f"{name} {i}", "parent": None}) for i in range(30)]}


def test_a_move_goes_on_following(tab):
    """A list that follows its newest row does so after a move, with the rows that came meanwhile and those that come."""
    show(tab, "running")
    at_end = lambda place: tab.locator(f"{place} .body").evaluate("b => b.scrollTop > 0 && b.scrollTop + b.clientHeight >= b.scrollHeight - 1")
    feed(tab, "running", thirty("before"))
    assert at_end("#live-running")
    tab.evaluate("message => feed.running(message)", thirty("meanwhile"))
    move(tab, "running")
    assert at_end("#moved")
    feed(tab, "running", thirty("after"))
    assert at_end("#moved")


def test_the_end_leads_back_to_the_top(tab):
    """A list that followed its newest row stands at its top when the run has ended, also where its place is taken away at that moment."""
    at_top = lambda place: tab.locator(f"{place} .body").evaluate("b => b.scrollHeight > b.clientHeight && b.scrollTop === 0")
    for moves in (False, True):
        show(tab, "running")
        feed(tab, "running", thirty())
        assert not at_top("#live-running")
        if moves:
            tab.evaluate("message => feed.running(message)", ended())
            move(tab, "running")
        else:
            feed(tab, "running", ended())
        assert at_top("#moved" if moves else "#live-running")


@pytest.mark.parametrize("hand", ["wheel", "row", "key"])
def test_the_end_leaves_the_reader_where_he_is(tab, hand):
    """Who has scrolled the list, opened a row or gone to one by keys stays there."""
    show(tab, "running")
    feed(tab, "running", thirty())
    body = tab.locator("#live-running .body")
    last = body.locator(".row").last
    if hand == "wheel":
        body.hover()
        tab.mouse.wheel(0, -60)
        tab.wait_for_function("() => !viewOf('running').list.follow")
    elif hand == "row":
        last.click()
    else:
        last.focus()
        tab.keyboard.press("End")
        tab.keyboard.press("ArrowUp")
    settle(tab)
    before = body.evaluate("b => b.scrollTop")
    feed(tab, "running", ended())
    assert before == body.evaluate("b => b.scrollTop") > 0


def test_a_shadow_says_that_there_is_more(tab):
    """Where rows lie beyond an edge of the list, that edge has a shadow."""
    show(tab, "many")
    body = tab.locator("#live-many .body")

    def edge(bottom):
        box = body.bounding_box()
        return tab.screenshot(clip={"x": box["x"] + 2, "y": box["y"] + (box["height"] - 5 if bottom else 1), "width": 6, "height": 4}, animations="disabled")

    plain = edge(bottom=False)
    assert plain != edge(bottom=True)
    body.evaluate("b => { b.scrollTop = 240; return painted(); }")
    assert plain != edge(bottom=False) and plain != edge(bottom=True)
    body.evaluate("b => { b.scrollTop = b.scrollHeight; return painted(); }")
    assert plain != edge(bottom=False) and plain == edge(bottom=True)


def test_the_page_gives_nothing_away(tab):
    """No name of the page's own world leads to a run: a script must know its id, and then gets a view, no data."""
    show(tab, "empty")
    names, given = tab.evaluate("""async code => {
      const before = new Set(Reflect.ownKeys(globalThis));
      const made = (await import(URL.createObjectURL(new Blob([code], {type: 'text/javascript'})))).default(), listeners = {};
      made.initialize({model: {get: () => undefined, on: (event, hear) => (listeners[event] = hear), send: () => {}}});
      listeners['msg:custom']({k: 'rows', run_id: 'secret', header: samples.empty.header, rows: []});
      const el = add('div', 'shown'), event = new CustomEvent('aimon_nb:secret', {cancelable: true, detail: [el, {}]});
      const taken = !dispatchEvent(event);
      await painted();
      const held = Object.getOwnPropertyNames(el.firstElementChild), asked = dispatchEvent(new CustomEvent('aimon_nb:guess', {cancelable: true, detail: [el, {}]}));
      return [Reflect.ownKeys(globalThis).filter(key => !before.has(key)).map(String), [taken, held, asked, event.detail.length]];
    }""", script.joined_script())
    assert [] == names and [True, [], True, 2] == given
    # Nor does an element: what Preact notes on one are the functions that hear its events.
    show(tab, "finished")
    row(tab, "finished", ANSWERED).click()
    noted = tab.evaluate("""() => { const values = what => Object.getOwnPropertyNames(what).map(name => what[name]);
      return [...document.querySelectorAll('#live-finished, #live-finished *')].flatMap(values).flatMap(one => typeof one === 'object' && one ? values(one) : [one])
        .filter(one => one !== null && !['function', 'number', 'undefined', 'string'].includes(typeof one)).length }""")
    assert 0 == noted


def test_a_view_goes_to_the_kernel_that_lives(tab):
    """A run that a file has brought into the page is shown by the kernel's own model once that tells of it, open as it was."""
    show(tab, "finished")
    tab.evaluate("""async () => { const {header} = samples.finished, rows = [];
      viewOf('finished').run.send = null; // as a file's, which no kernel feeds
      const listeners = {}, module = await import(URL.createObjectURL(new Blob([document.getElementById('esm').textContent], {type: 'text/javascript'})));
      module.default().initialize({model: {get: () => undefined, on: (event, hear) => (listeners[event] = hear), send: () => {}}});
      listeners['msg:custom']({k: 'rows', run_id: 'finished', header: {...header, name: 'of the kernel'}, rows});
      return painted(); }""")
    assert "of the kernel" in tab.locator("#live-finished .title").inner_text()
    assert 1 == tab.locator("#live-finished .aimon").count()


def test_a_move_leaves_the_readers_focus(tab):
    """Who has gone elsewhere by then stays there."""
    show(tab, "finished")
    row(tab, "finished", ANSWERED).focus()
    tab.evaluate("add('button', 'elsewhere').focus()")
    move(tab, "finished")
    assert "elsewhere" == focused(tab, "id")
    chosen = tab.locator(f"#moved .row[data-id={ANSWERED}]")
    chosen.focus()
    chosen.evaluate("e => { e.blur(); return painted(); }")
    move(tab, "finished", old="moved", new="moved-again")
    assert "BODY" == focused(tab, "tagName")
    # The focus went with its place, and the reader elsewhere before there was another one.
    tab.locator(f"#moved-again .row[data-id={ANSWERED}]").focus()
    tab.evaluate("() => { document.getElementById('moved-again').replaceChildren(); document.getElementById('elsewhere').focus(); return painted(); }")
    tab.evaluate("() => { runOf('finished').mount(add('div', 'at-last'), {}); return painted(); }")
    assert "elsewhere" == focused(tab, "id")


def test_nothing_heard(tab):
    """A run that only has rows which are not shown says in its line that nothing was heard."""
    show(tab, "empty")
    hidden = {**rows_of(samples.agentic(), RETRIEVAL), "id": "root", "hidden": True}
    feed(tab, "empty", {"rows": [packed(hidden)]})
    head = tab.locator("#live-empty .head")
    assert "no model call crossed" in head.inner_text()
    assert not head.locator(".fold").is_visible()


def long_call(tab, **texts):
    """A call of "finished" is told with a system prompt, a question and an answer of these texts."""
    item = detail.detail(samples.agentic().spans[ANSWERED])
    turn = lambda side, role, text: {"side": side, "role": role, "text": text, "calls": []}
    item["messages"] = [turn("in", "system", texts["system"]), turn("in", "user", texts["user"]), turn("out", "assistant", texts["answer"])]
    feed(tab, "finished", {"items": {ANSWERED: item}})
    if not tab.locator("#live-finished .row.chosen").count():
        row(tab, "finished", ANSWERED).click()
    settle(tab)
    return tab.locator("#live-finished .detail")


def lines(name, count):
    return "\n".join(f"{name} line {i} of it" for i in range(count))


def test_system_question_and_answer_are_seen_at_once(tab):
    """Long messages are cut to a few lines, with how many more there are; one click shows a message whole; a line or two more are no reason to cut."""
    show(tab, "finished")
    pane = long_call(tab, system=lines("system", 200), user=lines("user", 8), answer=lines("answer", 9))
    sides = pane.locator(".turn")
    height = pane.locator("> div").first.evaluate("e => [e.scrollHeight, e.clientHeight]")
    assert height[0] == height[1], "it scrolls"
    assert "194 more lines" in sides.nth(0).inner_text() and "system line 5 of it" in sides.nth(0).inner_text() and "system line 6" not in sides.nth(0).inner_text()
    assert "user line 7" in sides.nth(1).inner_text() and "answer line 8" in sides.nth(2).inner_text()
    assert 1 == pane.locator(".more").count()
    pane.get_by_role("button", name="show all of system").click()
    assert "system line 199" in sides.nth(0).inner_text()
    feed(tab, "finished", {"items": {ANSWERED: {**detail.detail(samples.agentic().spans[ANSWERED]), "messages": None}}})
    assert "system line 199" in sides.nth(0).inner_text(), "a new price folds what the reader has opened"


@pytest.mark.parametrize("width", [1020, 640, 460])
def test_the_costs_of_cheap_calls_fit(tab, width):
    """A cost below a tenth of a cent has two digits, and room for them in its column, also as a lower bound or an estimate."""
    tab.set_viewport_size({"width": width, "height": 900})
    show(tab, "finished")
    fits = """texts => {
      const cell = document.querySelector('#live-finished .row .cost'), range = document.createRange();
      return texts.filter(text => { cell.textContent = text; range.selectNodeContents(cell); return range.getBoundingClientRect().width > cell.clientWidth; });
    }"""
    assert [] == tab.evaluate(fits, ["< $0.00001", "$0.000043", "≥ $0.000043", "~$0.000043", "≥ $1,234.50"])


def test_a_long_line_leaves_room_for_the_answer(tab):
    """What was asked may be one line of many thousand characters: it is cut, too, and the answer is in sight below it."""
    show(tab, "finished")
    pane = long_call(tab, system="short", user="a passage of a document " * 2_000, answer=lines("answer", 9))
    side = pane.locator("> div").first
    assert "show all 48,000 characters" in pane.locator(".turn").nth(1).inner_text()
    assert side.evaluate("e => e.scrollHeight == e.clientHeight"), "it scrolls"
    pane.get_by_role("button", name="show all of user").click()
    assert side.evaluate("e => e.scrollHeight > 2 * e.clientHeight")


def test_the_pane_is_as_high_as_it_needs(tab):
    """It is no higher than its content, and 60 % of the window at most; there it scrolls."""
    show(tab, "finished")
    side = long_call(tab, system="short", user="short", answer="short").locator("> div").first
    assert side.evaluate("e => e.offsetHeight") < 400
    long_call(tab, system="short", user="short", answer=lines("answer", 31))
    assert 0.6 * SIZE["height"] == pytest.approx(side.evaluate("e => e.offsetHeight"), abs=2)
    assert side.evaluate("e => e.scrollHeight > e.clientHeight")


def test_the_grip(tab):
    """The pane is drawn to another height by its grip, with the mouse and by keys, and so are the next ones, also in a page that is loaded later; twice on the grip: as before."""
    show(tab, "finished")
    watch_keys(tab)
    side = long_call(tab, system="short", user="short", answer=lines("answer", 60)).locator("> div").first
    high, grip = lambda: side.evaluate("e => e.offsetHeight"), tab.locator("#live-finished .grip")
    grip.scroll_into_view_if_needed()
    before, box = high(), grip.bounding_box()
    tab.mouse.move(box["x"] + 50, box["y"] + 5)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 50, box["y"] - 195, steps=4)
    tab.mouse.up()
    assert before - 200 == pytest.approx(high(), abs=6)
    grip.press("ArrowUp")
    grip.press("ArrowUp")
    assert before - 248 == pytest.approx(high(), abs=6)
    assert str(high()) == grip.get_attribute("aria-valuenow")
    drawn = high()
    assert [] == violations(tab, "#live-finished .pane") and [] == tab.evaluate("heard")
    show(tab, "finished")
    side = long_call(tab, system="short", user="short", answer=lines("answer", 60)).locator("> div").first
    assert drawn == high()
    grip.dblclick()
    assert before == high()


def test_full_screen(tab):
    """The pane fills the screen; Escape leads back, to the open pane."""
    show(tab, "finished")
    watch_keys(tab)
    pane = long_call(tab, system="short", user="short", answer=lines("answer", 60))
    tab.get_by_role("button", name="full screen").click()
    tab.wait_for_function("document.fullscreenElement?.className === 'pane'")
    # The browser grows the page a while after it has said that it is full.
    eventually(lambda: pane.locator("> div").first.evaluate("e => e.offsetHeight") > 0.9 * SIZE["height"] - 40)
    settle(tab)
    tab.screenshot(path=str(SHOTS / "pane-full.png"))
    pane.locator("> div").first.focus()
    tab.keyboard.press("Escape")
    tab.wait_for_function("!document.fullscreenElement")
    # The page hears of it after that, with its next frame.
    eventually(lambda: "full screen" == tab.locator("#live-finished .full").inner_text())
    assert pane.is_visible()
    assert [] == tab.evaluate("heard")
