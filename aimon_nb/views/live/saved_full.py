"""The one saved form that holds prompts and answers: `--save full`.

Its script carries the renderer and the run's rows and details, so that the whole
view opens where scripts run, with the kernel and the network dead. Where they do
not run, the static tree it stands on is all there is.
"""

from __future__ import annotations

from typing import NamedTuple

from aimon_nb.model import Run
from aimon_nb.views.present import detail, formatting, rows
from aimon_nb.views.present.conversation import Turn
from aimon_nb.views.present.media_view import MediaItem
from aimon_nb.views.static import html

# Bytes of rows; those beyond are counted in the view.
ROWS_LIMIT = 1_000_000
# Bytes of prompts, answers and facts.
DETAILS_LIMIT = 2_000_000
# Characters of one message.
TEXT_LIMIT = 20_000

# A page that knows the run has it whole, and folds it as it does. Scripts may run twice.
_OPEN = """\
(async () => {
const saved = %s, places = [...document.querySelectorAll(%s)], opened = %s;
const event = (el, open) =>
  new CustomEvent(`aimon_nb:${saved.run_id}`, {cancelable: true, detail: [el, {open}]});
const unknown = places.filter((el) => dispatchEvent(event(el, opened)));
if (!unknown.length) return;
const style = document.getElementById('aimon_nb-style')
  ?? document.head.appendChild(document.createElement('style'));
style.id = 'aimon_nb-style';
style.textContent = saved.css;
const listeners = {};
const model = {get: (key) => saved[key], on: (event, call) => (listeners[event] = call)};
const url = URL.createObjectURL(new Blob([saved.esm], {type: 'text/javascript'}));
(await import(url)).default().initialize({model});
listeners['msg:custom']({k: 'details', run_id: saved.run_id, items: saved.items});
for (const el of unknown) dispatchEvent(event(el, true));
})()"""


def script(run: Run, mount_id: str, *, opened: bool = False) -> str:
    """Return the script that opens the whole view over the element of this id."""
    from aimon_nb.views.live.widget import script as page

    snapshot = rows.snapshot(run, ROWS_LIMIT)
    details = _details(run)
    if details.omitted:
        omitted = formatting.count(details.omitted, "prompt")
        note = f"{omitted} not in this file: over {DETAILS_LIMIT:,} bytes"
        snapshot["header"]["notes"].append(note)
    saved = {"run_id": run.run_id, "snapshot": snapshot, "items": details.items}
    saved |= {"esm": page.joined_script(), "css": page.style()}
    body = _OPEN % (html.js_literal(saved), html.selector(mount_id), html.js_literal(opened))
    return f"<script>{body}</script>"


class _Details(NamedTuple):
    """Details by span id, in reading order, as far as they fit; and how many did not."""

    items: dict[str, detail.Detail]
    omitted: int


def _details(run: Run) -> _Details:
    items: dict[str, detail.Detail] = {}
    room, omitted = DETAILS_LIMIT, 0
    for _, span in run.walk():
        item = detail.detail(span)
        if span.item is not None:
            # A key may be a name or an address: the file has what a saved tree has of it.
            saved = ["item", span.item.saved_key]
            for pairs in (item["facts"], item["more"]):
                pairs[:] = [saved if pair[0] == "item" else pair for pair in pairs]
        item["messages"] = [_cut(turn) for turn in item["messages"] or ()]
        size = len(html.js_literal(item))
        if size > room:
            omitted += 1
            continue
        room -= size
        items[span.span_id] = item
    return _Details(items, omitted)


def _cut(turn: Turn) -> Turn:
    calls = [[name, _short(text)] for name, text in turn["calls"]]
    media: list[MediaItem] = [{**one, "missing": "not kept in this file"} for one in turn["media"]]
    return {**turn, "text": _short(turn["text"]), "calls": calls, "media": media}


def _short(text: str) -> str:
    more = len(text) - TEXT_LIMIT
    return text if more <= 0 else f"{text[:TEXT_LIMIT]}… ({more:,} more characters are not kept)"
