"""How fast the live view is in a real JupyterLab.

    python benchmarks/browser.py [SPANS]

Prints, for a cell of SPANS spans (20,000): how long after the last span every row
is in the page and painted, the longest frame meanwhile, frames a second and the
longest frame while scrolling, then the same for a second cell; and the latency from a span's start to its painted row, while the kernel
sleeps and while it computes.
"""

import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import pytest
from playwright.sync_api import sync_playwright

from tests.real import places
from tests.real.browser import FLAGS, find_browser
from tests.real.lab import Lab

SETUP = """%load_ext aimon_nb
import sentry_sdk, time
"""
MANY = """%%ai_track batch
for i in range({spans} // 8):
    with sentry_sdk.start_span(op="ai.run", name=f"item {{i}}"):
        for j in range(7):
            with sentry_sdk.start_span(op="gen_ai.chat", name=f"chat {{i}} {{j}}") as span:
                span.set_data("gen_ai.request.model", f"model-{{j}}")
                span.set_data("gen_ai.usage.input_tokens", 1200)
                span.set_data("gen_ai.usage.output_tokens", 80)
                span.set_data("gen_ai.request.messages", "a prompt of some length, " * 20)
print("AT", time.time())
"""
DELAY = {"sleeping": "time.sleep({wait})", "computing": "while time.time() < t + {wait}: pass"}
LATENCY = """%%ai_track latency
import random
time.sleep(1.2)
for i in range(60):
    t = time.time()
    with sentry_sdk.start_span(op="x", name=f"at {{t:.6f}}"): pass
    wait = .05 + random.random() / 10
    {delay}
"""
# The longest frame since it was asked last.
FRAMES = """() => { window.longest = 0; let last = performance.now();
  const step = (now) => { window.longest = Math.max(window.longest, now - last); last = now; requestAnimationFrame(step); };
  requestAnimationFrame(step); }"""
WHOLE = """([spans, after]) => { const runs = [...(globalThis[Symbol.for('aimon_nb')]?.runs.values() ?? [])], run = runs.at(-1);
  if (runs.length <= after || run.running || run.rows.size < spans || ![...run.views].some(v => v.root.isConnected)) return null;
  return new Promise(r => requestAnimationFrame(() => requestAnimationFrame(() => r(Date.now() / 1000)))); }"""
SCROLL = """async () => {
  const view = [...[...globalThis[Symbol.for('aimon_nb')].runs.values()].at(-1).views].find(v => v.root.isConnected), { body } = view;
  view.fold = false; view.stale = true; view.paint();
  const frames = []; let last = performance.now(); const start = last;
  await new Promise(done => { const step = now => { frames.push(now - last); last = now;
    body.scrollTop = (now - start) / 3000 * body.scrollHeight;
    now - start < 3000 ? requestAnimationFrame(step) : done(); }; requestAnimationFrame(step); });
  return [1000 * (frames.length - 1) / (last - start), Math.max(...frames.slice(1))]; }"""
SEEN = """() => { const seen = window.seen = {}, begun = Date.now() / 1000;
  const look = () => { for (const row of document.querySelectorAll('.aimon .row .name')) for (const m of row.textContent.matchAll(/at (\\d+\\.\\d{6})/g)) if (m[1] > begun) seen[m[1]] ??= Date.now() / 1000;
    if (window.seen === seen) requestAnimationFrame(look); };
  look(); }"""


def scale(page, cell, spans, what):
    page.raw.evaluate(FRAMES)
    before = page.raw.evaluate("() => globalThis[Symbol.for('aimon_nb')]?.runs.size ?? 0")
    page.run(cell)
    painted = page.raw.wait_for_function(WHOLE, arg=[spans, before], timeout=180_000).json_value()
    page.wait_idle(180)
    longest = page.raw.evaluate("window.longest")
    ended = page.text(cell).partition("AT ")[2].split()
    after = f"whole {1000 * (painted - float(ended[0])):.0f} ms after the last span, " if ended else ""
    fps, worst = page.raw.evaluate(SCROLL)
    print(f"{what}: {after}longest frame {longest:.0f} ms; scrolling {fps:.0f} fps, longest frame {worst:.0f} ms", flush=True)


def latency(page, cell, what):
    page.raw.evaluate(SEEN)
    page.run(cell)
    page.wait_idle(60)
    delays = sorted(1000 * (at - float(name)) for name, at in page.raw.evaluate("window.seen").items())
    p95 = delays[int(0.95 * len(delays))]
    print(f"latency, {what}: {len(delays)} of 60 rows, p50 {statistics.median(delays):.0f} ms, p95 {p95:.0f} ms", flush=True)


def main(spans):
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as home:
        places.clean(patch)
        places.move(patch, Path(home))
        playwright = sync_playwright().start()
        lab = Lab(Path(home), playwright.chromium.launch(executable_path=find_browser(), args=FLAGS))
        try:
            lab.start()
            many = MANY.format(spans=spans)
            slow = [LATENCY.format(delay=delay.format(wait="wait")) for delay in DELAY.values()]
            page = lab.open([SETUP, *slow, many, many], height=1400)
            page.run(0)
            page.wait_idle()
            for cell, what in enumerate(DELAY, 1):
                latency(page, cell, what)
            scale(page, 3, spans, f"{spans:,} spans")
            scale(page, 4, spans, "the same again")
        finally:
            lab.stop()
            playwright.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
