"""Draw every view in a bare page and save pictures: to be looked at.

    python -m tests.views.gallery FOLDER

No notebook is needed: a stand-in for the widget model feeds tree.js. `page()` is
shared with the browser tests of this room.
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path

from aimon_nb.views import bundle, html, rows, text
from tests.views import samples

ARGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
# Lab's own values (light, dark), so that colours are checked against the real theme.
THEMES = {
    "light": "color-scheme:light;--jp-ui-font-color1:rgba(0,0,0,.87);--jp-layout-color1:#fff;--jp-brand-color1:#1976d2",
    "contrast": "color-scheme:dark;--jp-ui-font-color1:#fff;--jp-layout-color1:#111;--jp-brand-color1:#319bf2",
    "dark": "color-scheme:dark;--jp-ui-font-color1:rgba(255,255,255,.87);--jp-layout-color1:#212121;--jp-brand-color1:#2196f3",
}


def fed(run, elapsed=None):
    """What a widget would be sent for this run."""
    now = run.started + timedelta(seconds=elapsed if elapsed is not None else 4.2)
    return {
        "id": run.run_id,
        "header": rows.header(run, now),
        "rows": [rows.packed(s, run) for s in run.spans.values() if s.span_id != run.root_id],
        "details": {s.span_id: rows.detail(s) for s in list(run.spans.values())[:40]},
    }


def packed(row):
    """A row that a test has changed, as a page is told it."""
    return [row[field] for field in rows.FIELDS]


def script(runs):
    data = json.dumps(runs).replace("<", "\\u003c")
    return f"""<script type="module">
const url = URL.createObjectURL(new Blob([document.getElementById('esm').textContent], {{type: 'text/javascript'}}));
const {{default: widget}} = await import(url);
const feed = window.feed = {{}};
for (const [name, run] of Object.entries({data})) {{
  const listeners = {{}}, id = name;
  const model = {{get: k => ({{run_id: id, snapshot: {{header: run.header, rows: [], cut: 0, count: 0}}}})[k], send: m => (window.sent ??= []).push(m), on: (k, f) => (listeners[k] = f),
    widget_manager: {{kernel: {{interrupt: () => (window.stopped = id)}}}}}};
  const w = widget(); w.initialize({{model}});
  feed[name] = listeners['msg:custom'];
  feed[name]({{k: 'rows', run_id: id, header: run.header, rows: run.rows, count: 1}});
  feed[name]({{k: 'details', run_id: id, items: run.details}});
  const el = document.getElementById('live-' + name);
  if (el) w.render({{model, el}});
}}
window.ready = true;
</script>"""


def page(live, static=(), theme="light"):
    """A whole page with live views and static forms, by name of the sample."""
    from aimon_nb.views.widget import RunWidget

    js, css = RunWidget._esm, RunWidget._css
    head = "font:12px system-ui;opacity:.6;margin:24px 0 6px;font-weight:500"
    bodies = [f'<div style="{head}">{name}</div><div id="live-{name}"></div>' for name in live]
    for name in static:
        bodies.append(f'<div style="{head}">{name}, saved</div>{html.static(samples.ALL[name](), None)}')
    back = "#fff" if theme == "light" else "#111"
    ink = "rgba(0,0,0,.87)" if theme == "light" else "rgba(255,255,255,.87)"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>views</title><style>{css}</style>'
        f'<body style="{THEMES[theme]};background:{back};color:{ink};margin:20px;max-width:980px">'
        f'<main>{"".join(bodies)}</main><script type="text/plain" id="esm">{js.replace("</script", "<_script")}</script>'
        f"{script({name: fed(samples.ALL[name]()) for name in live})}</body></html>"
    )


def main(folder):
    from playwright.sync_api import sync_playwright

    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    live = ["running", "finished", "failed", "empty", "interrupted", "many", "hostile"]
    static = ["finished", "failed", "empty", "interrupted", "hostile"]
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path="/usr/bin/chromium", args=ARGS)
        for theme, width in (("light", 1020), ("dark", 1020), ("contrast", 1020), ("light", 420)):
            tab = browser.new_page(viewport={"width": width, "height": 900})
            tab.on("console", lambda m: print("console:", m.text))
            tab.on("pageerror", lambda e: print("error:", e))
            for part, names in (("live", (live, ())), ("static", ((), static))):
                tab.set_content(page(*names, theme=theme), wait_until="load")
                tab.wait_for_function("window.ready")
                if part == "live":
                    tab.locator('#live-running .row[data-id="c1"]').click()
                    tab.locator('#live-failed .row[data-id="c"]').click()
                    tab.locator("#live-interrupted .row[data-id=t]").click()
                tab.wait_for_timeout(300)
                tab.screenshot(path=str(out / f"{part}-{theme}-{width}.png"), full_page=True)
            tab.close()
        browser.close()
    for name in ("finished", "failed", "hostile"):
        print(text.tree(samples.ALL[name]()), "\n")
    print(bundle.in_progress(samples.agentic(running=True)))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "shots")
