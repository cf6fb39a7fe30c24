"""Every view in a bare page: pictures to be looked at, and the page of the browser tests.

    python -m tests.views.gallery FOLDER

No notebook is needed: a stand-in for the widget model feeds the script.
"""

from __future__ import annotations

import json
import sys
import tempfile
from datetime import timedelta
from functools import cache
from pathlib import Path

from aimon_nb.views.live import mimebundle
from aimon_nb.views.live.widget.item_news import ItemNews
from aimon_nb.views.live.widget.previews import Previews
from aimon_nb.views.static import html, text
from aimon_nb.views.present import detail, rows
from tests.parts.store import HOOK, RUNS
from tests.views import samples

# Lab's own values (light, dark), so that colours are checked against the real theme.
THEMES = {
    "light": "color-scheme:light;--jp-ui-font-color1:rgba(0,0,0,.87);--jp-layout-color1:#fff;--jp-brand-color1:#1976d2",
    "contrast": "color-scheme:dark;--jp-ui-font-color1:#fff;--jp-layout-color1:#111;--jp-brand-color1:#319bf2",
    "dark": "color-scheme:dark;--jp-ui-font-color1:rgba(255,255,255,.87);--jp-layout-color1:#212121;--jp-brand-color1:#2196f3",
}

# `feed[run](message)` is the kernel telling the page, `sent` what the page told the kernel.
SCRIPT = """
const feed = (window.feed = {});
window.sent = [];
/** The store of the page, where every run it has heard of is. */
window.runOf = name => storedRuns().get(name);
window.viewOf = name => [...runOf(name).views][0];
/** Two frames: what was asked of the page before is painted. */
window.painted = () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))));
window.add = (tag, id, into = document.body) => { const el = document.createElement(tag); if (id) el.id = id; into.append(el); return el; };
/** A widget of this run comes to the page, and is shown in `el` or when `render` is called; as in a notebook, each imports the module anew. */
window.addWidget = async (id, snapshot, { el = null, ...more } = {}) => {
  const code = new Blob([document.getElementById('esm').textContent], { type: 'text/javascript' });
  const { default: widget } = await import(URL.createObjectURL(code));
  const listeners = {}, made = widget();
  const model = { get: key => ({ run_id: id, snapshot })[key], on: (event, hear) => (listeners[event] = hear), ...more };
  made.initialize({ model });
  feed[id] = message => listeners['msg:custom']({ ...message, run_id: id });
  const render = el => made.render({ model, el });
  if (el) render(el);
  return { render };
};
for (const [id, { header, rows, details, previews, new_items }] of Object.entries(samples)) {
  const { render } = await addWidget(id, { header, rows: [], cut: 0, count: 0 }, {
    send: message => sent.push(message), widget_manager: { kernel: { interrupt: () => (window.stopped = id) } } });
  feed[id]({ k: 'rows', header, rows, count: 1, previews, new_items });
  feed[id]({ k: 'details', items: details });
  render(document.getElementById('live-' + id));
}
await painted();
window.ready = true;
"""


def fed(run, elapsed=None):
    """What a widget would be sent for this run."""
    now = run.started + timedelta(seconds=elapsed if elapsed is not None else 4.2)
    return {
        "id": run.run_id,
        "header": rows.header(run, now),
        "rows": [rows.encode_row(s, run) for s in run.spans.values() if s.span_id != run.root_id],
        "details": {s.span_id: detail.detail(s) for s in list(run.spans.values())[:40]},
        "previews": Previews(run).fresh(run.spans.values()),
        "new_items": ItemNews(run).fresh(),
    }


def packed(row):
    """A row that a test has changed, as a page is told it."""
    return [row[field] for field in rows.FIELDS]


@cache
def sample_script(name):
    """What a page is told of this sample, as a script: made once, for some have megabytes."""
    return f"samples[{json.dumps(name)}] = {json.dumps(fed(samples.ALL[name]()))};"


@cache
def saved(name):
    """The saved form of this sample."""
    return html.static(samples.ALL[name](), None)


def write(folder, live, static=(), theme="light") -> Path:
    """Write a page with live views and saved forms, by name of the sample; it is whole when `ready` is true.

    The samples are files of their own beside it, which the pages of a folder share.
    """
    from aimon_nb.views.live.widget import script

    folder = Path(folder)
    for name in live:
        if not (file := folder / f"{name}.js").exists():
            file.write_text(sample_script(name), "utf-8")
    head = "font:12px system-ui;opacity:.6;margin:24px 0 6px;font-weight:500"
    bodies = [f'<div style="{head}">{name}</div><div id="live-{name}"></div>' for name in live]
    bodies += [f'<div style="{head}">{name}, saved</div>{saved(name)}' for name in static]
    back = "#fff" if theme == "light" else "#111"
    ink = "rgba(0,0,0,.87)" if theme == "light" else "rgba(255,255,255,.87)"
    # A page that is gone to again would else be scrolled as it was left.
    begin = "<script>history.scrollRestoration = 'manual'; window.samples = {};" + RUNS + "</script>"
    files = "".join(f'<script src="{name}.js"></script>' for name in live)
    page = folder / f"{'+'.join((*live, *(f'{name}-saved' for name in static)))}.{theme}.html"
    page.write_text(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>views</title><style>{script.style()}</style>{begin}'
        f'<body style="{THEMES[theme]};background:{back};color:{ink};margin:20px;max-width:980px"><main>{"".join(bodies)}</main>'
        f'<script type="text/plain" id="esm">{(script.joined_script() + HOOK).replace("</script", "<_script")}</script>'
        f'{files}<script type="module">{SCRIPT}</script></body></html>',
        "utf-8",
    )
    return page


def main(folder):
    from playwright.sync_api import sync_playwright

    from tests.parts.browser import FLAGS, find_browser

    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    live = ["running", "finished", "failed", "empty", "interrupted", "many", "hostile"]
    static = ["finished", "failed", "empty", "interrupted", "hostile"]
    with tempfile.TemporaryDirectory() as pages, sync_playwright() as p:
        browser = p.chromium.launch(executable_path=find_browser(), args=FLAGS)
        for theme, width in (("light", 1020), ("dark", 1020), ("contrast", 1020), ("light", 420)):
            tab = browser.new_page(viewport={"width": width, "height": 900})
            tab.on("console", lambda m: print("console:", m.text))
            tab.on("pageerror", lambda e: print("error:", e))
            for part, names in (("live", (live, ())), ("static", ((), static))):
                tab.goto(write(pages, *names, theme=theme).as_uri())
                tab.wait_for_function("window.ready")
                if part == "live":
                    tab.locator('#live-running .row[data-id="c1"]').click()
                    tab.locator('#live-failed .row[data-id="c"]').click()
                    tab.locator("#live-interrupted .row[data-id=t]").click()
                tab.evaluate("painted()")
                tab.screenshot(path=str(out / f"{part}-{theme}-{width}.png"), full_page=True)
            tab.close()
        browser.close()
    for name in ("finished", "failed", "hostile"):
        print(text.tree(samples.ALL[name]()), "\n")
    print(mimebundle.in_progress(samples.agentic(running=True)))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "shots")
