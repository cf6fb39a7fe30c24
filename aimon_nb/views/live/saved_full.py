"""The one saved form that holds what was said: `--save full`.

Its script carries the renderer and the run's rows and details, so that the whole
view opens where scripts run, with the kernel and the network dead. Where they do
not run, the static tree it stands on is all there is.
"""

from __future__ import annotations

import json
from typing import Any

from aimon_nb.model import Run
from aimon_nb.views.present import detail, formatting, rows
from aimon_nb.views.static import html

ROWS_LIMIT = 1_000_000  # bytes of rows; those beyond are counted in the view
DETAILS_LIMIT = 2_000_000  # bytes of prompts, answers and facts
TEXT_LIMIT = 20_000  # characters of one message

# A page that knows the run has it whole, and folds it as it does. Scripts may run twice.
_OPEN = """\
(async () => {
const kept = %s, places = document.querySelectorAll(%s), opened = %s;
const page = globalThis[Symbol.for('aimon_nb')] ??= {};
if (!places.length) return;
const known = page.runs?.get(kept.run_id);
if (!known) {
  if (!page.style) {
    page.style = document.head.appendChild(document.createElement('style'));
    page.style.textContent = kept.css;
  }
  const heard = {}, model = {get: (key) => kept[key], on: (kind, hear) => (heard[kind] = hear)};
  const url = URL.createObjectURL(new Blob([kept.esm], {type: 'text/javascript'}));
  (await import(url)).default().initialize({model});
  heard['msg:custom']({k: 'details', run_id: kept.run_id, items: kept.items});
}
for (const el of places) page.runs.get(kept.run_id).mount(el, {open: opened || !known});
})()"""


def script(run: Run, mount_id: str, *, opened: bool = False) -> str:
    """Write the script that opens the whole view over the element of this id."""
    from aimon_nb.views.live.widget import RunWidget

    snapshot = rows.snapshot(run, ROWS_LIMIT)
    items, left = _details(run)
    if left:
        said = f"{formatting.count(left, 'prompt')} not in this file: over {DETAILS_LIMIT:,} bytes"
        snapshot["header"]["notes"].append(said)
    kept = {"run_id": run.run_id, "snapshot": snapshot, "items": items}
    kept |= {"esm": RunWidget._esm, "css": RunWidget._css}
    body = _OPEN % (_literal(kept), html.places(mount_id), _literal(opened))
    return f"<script>{body}</script>"


def _details(run: Run) -> tuple[dict[str, Any], int]:
    """List details by span id, in reading order, as far as they fit; and how many did not."""
    items: dict[str, Any] = {}
    room, left = DETAILS_LIMIT, 0
    for _, span in run.walk():
        item = detail.detail(span)
        item["messages"] = [_cut(turn) for turn in item["messages"]]
        size = len(_literal(item))
        if size > room:
            left += 1
            continue
        room -= size
        items[span.span_id] = item
    return items, left


def _cut(turn: dict[str, Any]) -> dict[str, Any]:
    calls = [[name, _short(text)] for name, text in turn["calls"]]
    return {**turn, "text": _short(turn["text"]), "calls": calls}


def _short(text: str) -> str:
    left = len(text) - TEXT_LIMIT
    return text if left <= 0 else f"{text[:TEXT_LIMIT]}… ({left:,} more characters are not kept)"


def _literal(value: Any) -> str:
    """Write a JavaScript value that cannot end the script it stands in."""
    return json.dumps(value).replace("<", "\\u003c").replace("&", "\\u0026")
