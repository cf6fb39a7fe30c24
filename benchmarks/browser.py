"""How fast the live view is in a real JupyterLab.

    python benchmarks/browser.py [SPANS]

Prints

- latency: from a span's start to its painted row, while the kernel sleeps and while it
  computes, less the painter's period, after the first second of a run (a younger one shows only its line);
- scale, for a cell of SPANS spans (20,000): how long its body and the whole cell take on
  the user's thread without the extension, with `--view none` and with the live view;
  how long after the last span every row is in the page and painted; the longest frame
  meanwhile; frames a second and the longest frame while scrolling;
- a reference in the same browser, after each scrolling: a list of as many rows that does
  nothing but be windowed; what this machine can paint at all;
- Stop: from the click to the end of a cell that sleeps;
- nothing lost: 300 spans, 5 ms apart, from the first moment of a cell;
- repetition: the first and the last of twenty such cells, a tenth as large, and beside
  them, in turn and each in a notebook of its own, twenty with `--view none` and twenty
  without the extension: what those get slower by is not the view's;
- items: 5,000 rows of a batch, each of which asks a local server once, with their table open: how long after the end
  it is whole, the longest frame meanwhile, and its scrolling beside the reference of as many;
- Sentry: from the last of 10,000 spans to "finished" on screen, to all of them on screen,
  and to the end of the cell, where Sentry has serialised them.
"""

import json
import math
import os
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import pytest
from playwright.sync_api import sync_playwright

from aimon_nb.testing import truth_server
from tests.parts import places
from tests.parts.browser import FLAGS, find_browser
from tests.parts.lab import Lab

# The hooks stand around ours: they see what a cell costs its user, all told.
BARE = """import json, random, time, sentry_sdk
now = lambda: (time.time(), time.process_time())
begins, ends = [], [now()]
hear = get_ipython().events.register
hear("pre_run_cell", lambda info: begins.append(now()))
"""
END = 'hear("post_run_cell", lambda result: ends.append(now()))'
LOAD = f"%load_ext aimon_nb\n{END}"
SENTRY = """class Nowhere(sentry_sdk.transport.Transport):
    def capture_envelope(self, envelope): pass
sentry_sdk.init("http://k@127.0.0.1:9/1", traces_sample_rate=1.0, default_integrations=False, auto_enabling_integrations=False, transport=Nowhere)
"""
TOLD = "print(json.dumps([begins[-2][0], body, last, ends[-1][0], ends[-1][1] - begins[-2][1]]))"
LOOP = """body = time.time()
for i in range({spans} // 8):
    with sentry_sdk.start_span(op="ai.run", name=f"item {{i}}"):
        for j in range(7):
            with sentry_sdk.start_span(op="gen_ai.chat", name=f"chat {{i}} {{j}}") as span:
                span.set_data("gen_ai.request.model", f"model-{{j}}")
                span.set_data("gen_ai.usage.input_tokens", 1200)
                span.set_data("gen_ai.usage.output_tokens", 80)
                span.set_data("gen_ai.request.messages", "a prompt of some length, " * 20)
last = time.time()
"""
EARLY = """%%ai_track early
for i in range(300):
    with sentry_sdk.start_span(op="x", name=f"at {i}"): time.sleep(.005)
time.sleep(1)
"""
STOPS = """%%ai_track stops
with sentry_sdk.start_span(op="x", name="sleeps"): time.sleep(600)
"""
ASKS = """%load_ext aimon_nb
import openai, time
from aimon_nb import progress
client = openai.OpenAI(base_url="{url}", api_key="none")
"""
ITEMS = """%%ai_track items
for number in progress(range({items})):
    client.chat.completions.create(model="gpt-4o-mini", messages=[{{"role": "user", "content": f"review {{number}}"}}])
last = time.time()
"""
LAST_CALL = "print(last)"
ENDS = 20  # runs with Sentry
PERIOD = 100  # ms between two paintings of the painter
DELAY = {"sleeping": "time.sleep(wait)", "computing": "while time.time() < t + wait: pass"}
LATENCY = """%%ai_track latency
time.sleep(1.2)
for i in range(100):
    t = time.time()
    with sentry_sdk.start_span(op="x", name=f"at {{t:.6f}}"): pass
    wait = .05 + random.random() / 10
    {delay}
"""
# The longest frame since it was asked last.
FRAMES = """() => { window.longest = 0; let last = performance.now(); clearInterval(window.frames_);
  const token = window.frames_ = {};
  const step = now => { window.longest = Math.max(window.longest, now - last); last = now; if (window.frames_ === token) requestAnimationFrame(step); };
  requestAnimationFrame(step); }"""
# When the last run of the page shows that it is over, and when it is whole as well; each a frame later.
LAST = """([spans, after]) => { const runs = [...(storedRuns().values())], run = runs.at(-1);
  if (runs.length <= after || %s || ![...run.views].some(v => v.root.isConnected && v.root.querySelector('.mark')?.textContent === '✓')) return null;
  return new Promise(r => requestAnimationFrame(() => requestAnimationFrame(() => r(Date.now() / 1000)))); }"""
OVER, WHOLE = LAST % "run.running", LAST % "run.running || run.header.counting || run.rows.size < spans"
SCROLL = """async selector => {
  let body = document.querySelector(selector ?? '#body');
  if (!body) {
    const view = [...[...storedRuns().values()].at(-1).views].find(v => v.root.isConnected);
    view.fold = false; view.stale = true; view.paint(); body = view.list.body; }
  await new Promise(r => setTimeout(r, 300));
  const frames = []; let last = performance.now(); const start = last;
  await new Promise(done => { const step = now => { frames.push(now - last); last = now;
    body.scrollTop = (now - start) / 3000 * body.scrollHeight;
    now - start < 3000 ? requestAnimationFrame(step) : done(); }; requestAnimationFrame(step); });
  return [1000 * (frames.length - 1) / (last - start), Math.max(...frames.slice(1))]; }"""
# Rows of one text each, the elements used again: the least that a windowed list can be.
REFERENCE = """<!doctype html><body style="margin:20px"><div id="body" style="height:288px;overflow:auto"><div id="pad" style="position:relative"></div></div><script>
const body = document.getElementById('body'), pad = document.getElementById('pad'), pool = [], N = %d;
pad.style.height = 24 * N + 'px'; let raf = 0;
const draw = () => { raf = 0; const from = Math.max(0, Math.floor(body.scrollTop / 24) - 10), to = Math.min(N, from + 32);
  while (pool.length < to - from) { const d = document.createElement('div'); d.style.cssText = 'position:absolute;left:0;right:0;height:24px'; pad.append(d); pool.push(d); }
  pool.forEach((d, i) => { d.style.top = 24 * (from + i) + 'px'; d.textContent = 'row ' + (from + i); }); };
body.addEventListener('scroll', () => { raf ||= requestAnimationFrame(draw); }, {passive: true}); draw();
</script>"""
SEEN = """() => { const seen = window.seen = {}, begun = Date.now() / 1000;
  const look = () => { for (const row of document.querySelectorAll('.aimon .row .name')) for (const m of row.textContent.matchAll(/at (\\d+\\.\\d{6})/g)) if (m[1] > begun) seen[m[1]] ??= Date.now() / 1000;
    if (window.seen === seen) requestAnimationFrame(look); };
  look(); }"""
HEARD = "() => [...[...storedRuns().values()].at(-1).rows.values()].filter(r => r.name.startsWith('at ')).length"
RUNS = "() => storedRuns().size"


def ms(seconds):
    return f"{1000 * seconds:,.0f} ms"


class Bench:
    """One notebook of cells that are run one after the other."""

    def __init__(self, lab, cells):
        self.page = lab.open(cells, height=1400, fresh=True)
        self.next = 0

    def run(self, wait=True):
        self.page.run(self.next)
        self.next += 1
        if wait:
            self.page.wait_idle(180)

    def clock(self):
        """When the cell before began, its body, its last span, and its end; the kernel's CPU time in it."""
        self.run()
        return json.loads(self.page.text(self.next - 1).strip())

    def plain(self, spans=0):
        """Run a cell without a view and the one that tells its times."""
        self.run()
        begun, body, last, ended, cpu = self.clock()
        return {"body": last - body, "cell": max(ended, last) - begun, "CPU": cpu}

    def cost(self, what):
        got = self.plain()
        print(f"{what}: body {ms(got['body'])}, cell {ms(got['cell'])}", flush=True)

    def live(self, spans):
        """Run a cell with the live view: its times, and when all of it was painted."""
        raw = self.page.raw
        raw.evaluate(FRAMES)
        before = raw.evaluate(RUNS)
        self.run(wait=False)
        over, painted = (
            raw.wait_for_function(when, arg=[spans, before], timeout=180_000, polling="raf").json_value()
            for when in (OVER, WHOLE)
        )
        self.page.wait_idle(180)
        longest = raw.evaluate("window.longest")
        begun, body, last, ended, cpu = self.clock()
        return {
            "body": last - body, "cell": ended - begun, "CPU": cpu,
            "over": over - last, "painted": painted - last, "ended": ended - last, "longest": longest,
        }

    def scale(self, spans, what):
        got = self.live(spans)
        print(f"{what}: body {ms(got['body'])}, cell {ms(got['cell'])}; whole and painted {ms(got['painted'])} after the last span, "
              f"longest frame {got['longest']:.0f} ms; {self.scrolled(spans)}", flush=True)  # fmt: skip

    def scrolled(self, rows, selector=None):
        """How a list of the page scrolls, beside the least that one of so many rows can be."""
        fps, worst = self.page.raw.evaluate(SCROLL, selector)
        reference = self.page.raw.context.new_page()
        reference.set_content(REFERENCE % rows)
        most, least = reference.evaluate(SCROLL)
        reference.close()
        return (f"scrolling {fps:.0f} fps, longest frame {worst:.0f} ms; "
                f"the reference {most:.0f} fps, {least:.0f} ms: {fps / most:.2f} of its frames")  # fmt: skip

    def items(self, items):
        """Run a batch with the table of its items open."""
        raw = self.page.raw
        before = raw.evaluate(RUNS)
        self.run(wait=False)
        raw.get_by_role("button", name="items", exact=True).click()
        raw.evaluate(FRAMES)
        painted = raw.wait_for_function(WHOLE, arg=[items, before], timeout=600_000, polling="raf").json_value()
        longest = raw.evaluate("window.longest")
        self.page.wait_idle(180)
        self.run()
        last = float(self.page.text(self.next - 1))
        print(f"{items:,} items with a call each, their table open: whole and painted {ms(painted - last)} after the last, "
              f"longest frame {longest:.0f} ms", flush=True)  # fmt: skip
        for what in ("items", "the same again"):
            print(f"{what}: {self.scrolled(items, '.items .body')}", flush=True)

    def latency(self, what):
        self.page.raw.evaluate(SEEN)
        self.run()
        delays = sorted(1000 * (at - float(name)) for name, at in self.page.raw.evaluate("window.seen").items())
        p95 = delays[int(0.95 * len(delays))]
        print(f"latency, {what}: {len(delays)} of 100 rows, p50 {statistics.median(delays):.0f} ms, p95 {p95:.0f} ms; "
              f"beyond the painter's {PERIOD} ms: p95 {max(0, p95 - PERIOD):.0f} ms", flush=True)  # fmt: skip

    def stop(self):
        self.run(wait=False)
        stop = self.page.output(self.next - 1).get_by_role("button", name="Stop", exact=True)
        stop.wait_for()
        begun = self.page.raw.evaluate("() => Date.now()")
        stop.click()
        self.page.wait_idle()
        print(f"Stop: the cell was over {self.page.raw.evaluate('() => Date.now()') - begun} ms after the click", flush=True)

    def early(self):
        self.run()
        print(f"nothing lost: {self.page.raw.evaluate(HEARD)} of 300 spans", flush=True)


def main(spans):
    loop, few = LOOP.format(spans=spans), LOOP.format(spans=spans // 10)
    slow = [LATENCY.format(delay=delay) for delay in DELAY.values()]
    cells = [BARE, loop, TOLD, LOAD, EARLY, *slow, STOPS, f"%%ai_track none --view none\n{loop}", TOLD]
    cells += [f"%%ai_track first\n{loop}", TOLD, f"%%ai_track second\n{loop}", TOLD]
    sent = [BARE, LOAD, SENTRY, *["%%ai_track sent\n" + LOOP.format(spans=10_000), TOLD] * ENDS]
    with opened() as lab:
        bench = Bench(lab, cells)
        print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
        bench.run()
        bench.cost(f"{spans:,} spans without the extension")
        bench.run()
        bench.early()
        for what in DELAY:
            bench.latency(what)
        bench.stop()
        bench.cost(f"{spans:,} spans, --view none")
        bench.scale(spans, f"{spans:,} spans live")
        bench.scale(spans, "the same again")
        with truth_server(latency=0) as server:
            batch = Bench(lab, [ASKS.format(url=server.url), ITEMS.format(items=5_000), LAST_CALL])
            batch.run()
            batch.items(5_000)
        repetition(lab, few, spans // 10)
        finished(Bench(lab, sent))


def repetition(lab, few, spans):
    kinds = {
        "without the extension": ("", END, Bench.plain),
        "--view none": ("%%ai_track few --view none\n", LOAD, Bench.plain),
        "live": ("%%ai_track few\n", LOAD, Bench.live),
    }
    benches = {what: Bench(lab, [BARE, load, *[head + few, TOLD] * 20]) for what, (head, load, _) in kinds.items()}
    got = {what: [] for what in kinds}
    for bench in benches.values():
        bench.run()
        bench.run()
    for _ in range(20):
        for what, (_, _, run) in kinds.items():
            got[what].append(run(benches[what], spans))
    for what, times in got.items():
        said = []
        for part in times[0].keys() & {"body", "cell", "CPU", "painted"}:
            early, late = (statistics.median(one[part] for one in some) for some in (times[1:6], times[-5:]))
            said.append(f"{part} {ms(early)}, then {ms(late)} ({late / early:.2f})")
        print(f"20 cells of {spans:,} spans, {what}, median of 2-6 and of 16-20: {'; '.join(sorted(said))}", flush=True)


def finished(bench):
    for _ in range(3):
        bench.run()
    got = [bench.live(10_000) for _ in range(ENDS)]
    for what, said in (("over", "'finished' painted"), ("painted", "whole and painted"), ("ended", "the cell ended")):
        took = sorted(one[what] for one in got)
        p95 = took[math.ceil(0.95 * len(took)) - 1]
        print(f"to Sentry, 10,000 spans: {said} after median {ms(statistics.median(took))}, p95 {ms(p95)}", flush=True)


class opened:
    """A JupyterLab in a browser, in a home of its own."""

    def __enter__(self):
        self.patch, self.home = pytest.MonkeyPatch(), tempfile.TemporaryDirectory()
        home = Path(self.home.name)
        places.clean(self.patch)
        places.move(self.patch, home)
        self.playwright = sync_playwright().start()
        self.lab = Lab(home, self.playwright.chromium.launch(executable_path=find_browser(), args=FLAGS))
        return self.lab.start()

    def __exit__(self, *_):
        self.lab.stop()
        self.playwright.stop()
        self.patch.undo()
        self.home.cleanup()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
