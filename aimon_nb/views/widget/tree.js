// @ts-check
/**
 * The live tree of a run: one plain module, no build step.
 *
 * The page keeps every run it has heard in one store, by run id, with ONE root
 * element a run; `mount` moves that element, so scroll position, open rows and
 * focus survive a cleared output and the swap to the saved form.
 *
 * Whatever a model wrote is hostile text: it reaches the page by textContent only.
 *
 * @typedef {{id:string, parent:string|null, kind:string, name:string, label:string,
 *   status:string, start:number|null, dur:number|null, time:string, tokens:string,
 *   cost:string, input:number|null, output:number|null, usd:number|null,
 *   cost_state:string|null, counts:boolean, error:string|null, streaming:boolean,
 *   asked:number|null, hidden:boolean}} Row
 * @typedef {{id:string, row:Row, depth:number, kids:number, open:boolean, pos:number,
 *   of:number, top:number, lines:number, why:string, label:string, sum:Sum|null}} Entry
 * @typedef {{input:number|null, output:number|null, usd:number|null, doubtful:boolean}} Sum
 * @typedef {{side:string, role:string, text:string, calls:[string,string][]}} Turn
 */

const KEY = Symbol.for('aimon_nb');
const LINE = 24; // px; every row is a whole number of lines, so nothing jumps
const MOST_LINES = 12; // the list scrolls inside beyond this
const WINDOW_ABOVE = 2000; // rows; up to here all are in the page, so that Find works
const MARGIN = 10; // rows drawn beyond each edge of the window
const CUT = 4000; // characters of one message shown at first
const PIECE = 20000; // characters laid out at once
const TURNS = 6; // turns of a conversation shown at first
const NEAR = 32; // later siblings searched for a retry
const TICK = 100; // ms between ticks of running clocks
const MOST_RUNS = 200; // runs a page remembers
const BAD = ['error', 'lost', 'over_budget', 'killed'];
const STOPPED = ['interrupted', 'cancelled', 'abandoned'];
const MARKS = { ok: '✓', error: '✕', interrupted: '◼', cancelled: '◼', abandoned: '◌', lost: '?', over_budget: '◼', killed: '✕' };

// ---- pure part: no DOM, tested from node -------------------------------------

/** A length of time as `words.seconds` writes it. @param {number|null} x */
export function seconds(x) {
  if (x == null || Number.isNaN(x)) return '';
  if (x < 0.005) return '< 0.01 s';
  if (x < 9.995) return `${x.toFixed(2)} s`;
  if (x < 59.95) return `${x.toFixed(1)} s`;
  if (x < 99.5) return `${x.toFixed(0)} s`;
  const all = Math.round(x), minutes = Math.floor(all / 60), two = (/** @type {number} */ n) => String(n).padStart(2, '0');
  return minutes < 60 ? `${minutes} m ${two(all % 60)} s` : `${Math.floor(minutes / 60)} h ${two(minutes % 60)} m`;
}

const commas = (/** @type {number} */ n) => n.toLocaleString('en-US');

/** A clock that ticks ten times a second. @param {number} x */
export const clock = (x) => (x < 9.95 ? `${x.toFixed(1)} s` : seconds(x));

/** Tokens in and out. @param {number|null} input @param {number|null} output */
export function tokens(input, output) {
  if (input != null && output != null) return `${commas(input)} → ${commas(output)}`;
  if (input != null) return commas(input);
  return output != null ? `→ ${commas(output)}` : '';
}

/** US dollars. @param {number|null} x */
export function money(x) {
  if (x == null) return '';
  if (x === 0) return '$0';
  if (x < 0.0001) return '< $0.0001';
  const four = x.toFixed(4);
  if (Number(four) < 1) return `$${four}`;
  return `$${x.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

/** Control and direction characters, spelled out. @param {string} text */
export function visible(text) {
  return text.replace(
    // eslint-disable-next-line no-control-regex
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
    (c) => {
      const code = c.charCodeAt(0);
      return code < 0x20 ? String.fromCharCode(0x2400 + code) : `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
    },
  );
}

/** The start of a text and how many characters were left out. @param {string} text */
export function cut(text, limit = CUT) {
  if (text.length <= limit) return { text, left: 0 };
  return { text: text.slice(0, limit), left: text.length - limit };
}

/** A long text in pieces that a page can lay out one by one, at line ends where there are any. @param {string} text */
export function pieces(text, size = PIECE) {
  const found = [];
  for (let at = 0; at < text.length; ) {
    const end = text.lastIndexOf('\n', at + size);
    const next = at + size >= text.length ? text.length : end > at ? end + 1 : at + size;
    found.push(text.slice(at, text[next - 1] === '\n' && next < text.length ? next - 1 : next));
    at = next;
  }
  return found;
}

/** Put rows in by id; a known row is replaced and keeps its place. @param {Map<string, Row>} rows @param {Row[]} fresh */
export function upsert(rows, fresh) {
  let changed = false;
  for (const row of fresh) {
    if (!row || typeof row.id !== 'string') continue;
    rows.set(row.id, row);
    changed = true;
  }
  return changed;
}

/** Children by shown parent; a row whose parent is not here hangs at the top. @param {Map<string, Row>} rows */
export function children(rows) {
  /** @type {Map<string|null, Row[]>} */
  const below = new Map();
  for (const row of rows.values()) {
    if (row.hidden) continue;
    const parent = row.parent != null && row.parent !== row.id && rows.get(row.parent) && !rows.get(row.parent)?.hidden ? row.parent : null;
    const list = below.get(parent);
    if (list) list.push(row);
    else below.set(parent, [row]);
  }
  return below;
}

/** Whether a later sibling sent the very same request. @param {Row} row @param {Row[]} siblings @param {number} at */
export function retried(row, siblings, at) {
  if (row.status !== 'error' || row.asked == null) return false;
  return siblings.slice(at + 1, at + 1 + NEAR).some((s) => s.asked === row.asked);
}

const plus = (/** @type {number|null} */ a, /** @type {number|null} */ b) => (a == null ? b : b == null ? a : a + b);

/**
 * The tree as a flat list of what is open, and the sums of all that is below.
 * @param {Map<string, Row>} rows @param {Set<string>} closed
 * @returns {{entries: Entry[], lines: number}}
 */
export function flatten(rows, closed) {
  const below = children(rows);
  /** @type {Entry[]} */
  const entries = [];
  let lines = 0;
  /** @type {[Row, number, Row[], number][]} */
  const todo = [];
  const push = (/** @type {Row[]} */ list, /** @type {number} */ depth) => {
    for (let i = list.length - 1; i >= 0; i--) todo.push([list[i], depth, list, i]);
  };
  const sums = totals(below);
  push(below.get(null) ?? [], 0);
  for (let next = todo.pop(); next; next = todo.pop()) {
    const [row, depth, siblings, at] = next, kids = below.get(row.id) ?? [];
    const open = kids.length > 0 && !closed.has(row.id), again = retried(row, siblings, at);
    const label = again ? `${row.label}, retried` : row.label;
    const why = row.error && !again && !kids.some((k) => k.error === row.error) ? row.error : '';
    const tall = why ? 2 : 1;
    entries.push({ id: row.id, row, depth, kids: kids.length, open, pos: at + 1, of: siblings.length, top: lines, lines: tall,
      why, label, sum: kids.length && !row.counts ? (sums.get(row.id) ?? null) : null });
    lines += tall;
    if (open) push(kids, depth + 1);
  }
  return { entries, lines };
}

/** Sums of counted rows below every row. @param {Map<string|null, Row[]>} below */
export function totals(below) {
  /** @type {Map<string, Sum>} */
  const sums = new Map();
  /** @type {Row[]} */
  const order = [], todo = [...(below.get(null) ?? [])];
  for (let row = todo.pop(); row; row = todo.pop()) {
    order.push(row);
    todo.push(...(below.get(row.id) ?? []));
  }
  for (const row of order.reverse()) {
    const own = row.counts, known = row.cost_state === 'priced' || row.cost_state === 'free';
    const sum = { input: own ? row.input : null, output: own ? row.output : null, usd: own ? row.usd : null, doubtful: own && row.dur != null && !known };
    for (const kid of below.get(row.id) ?? []) {
      const s = sums.get(kid.id);
      if (!s) continue;
      sum.input = plus(sum.input, s.input);
      sum.output = plus(sum.output, s.output);
      sum.usd = plus(sum.usd, s.usd);
      sum.doubtful = sum.doubtful || s.doubtful;
    }
    sums.set(row.id, sum);
  }
  return sums;
}

/** A sum's cost in words. @param {Sum} sum */
export function sumCost(sum) {
  if (!sum.usd) return '';
  if (!sum.doubtful) return money(sum.usd);
  return sum.usd >= 0.0001 ? `≥ ${money(sum.usd)}` : '> $0';
}

/** Index of the first entry that reaches below `line`. @param {Entry[]} entries @param {number} line */
export function entryAt(entries, line) {
  let low = 0, high = entries.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (entries[mid].top + entries[mid].lines <= line) low = mid + 1;
    else high = mid;
  }
  return low;
}

/** Which entries to draw: [from, to). @param {Entry[]} entries @param {number} scrollTop px @param {number} height px */
export function windowOf(entries, scrollTop, height) {
  if (entries.length <= WINDOW_ABOVE) return [0, entries.length];
  const from = entryAt(entries, Math.floor(scrollTop / LINE)), to = entryAt(entries, Math.ceil((scrollTop + height) / LINE));
  return [Math.max(0, from - MARGIN), Math.min(entries.length, to + 1 + MARGIN)];
}

/** Round marks on the time axis, at most four. @param {number} whole seconds */
export function axis(whole) {
  if (!(whole > 0)) return [];
  const rough = whole / 4, ten = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * ten).find((s) => s >= rough) ?? rough;
  const marks = [];
  for (let i = 0; i * step < whole * 0.93; i++) marks.push(i * step);
  return marks.map((x) => ({ at: x / whole, text: x === 0 ? '0 s' : `${Number(x.toPrecision(3))} s` }));
}

/** What a key does in the tree. @param {string} key @param {Entry[]} entries @param {number} at */
export function keyed(key, entries, at) {
  const entry = entries[at];
  if (key === 'ArrowDown') return { go: Math.min(entries.length - 1, at + 1) };
  if (key === 'ArrowUp') return { go: Math.max(0, at - 1) };
  if (key === 'Home') return { go: 0 };
  if (key === 'End') return { go: entries.length - 1 };
  if (key === 'Enter' || key === ' ') return { choose: entry.id };
  if (key === 'Escape') return { choose: null };
  if (key === 'ArrowRight') return entry.kids && !entry.open ? { toggle: entry.id } : { go: entry.kids ? at + 1 : at };
  if (key !== 'ArrowLeft') return null;
  if (entry.open) return { toggle: entry.id };
  for (let i = at - 1; i >= 0; i--) if (entries[i].depth < entry.depth) return { go: i };
  return { go: at };
}

// ---- the page's store ---------------------------------------------------------

/** @returns {{runs: Map<string, RunView>}} */
function store() {
  const page = /** @type {any} */ (globalThis);
  return (page[KEY] ??= { runs: new Map() });
}

/** The view of a run, made on first hearing. @param {string} id */
function runView(id) {
  const { runs } = store();
  let view = runs.get(id);
  if (!view) runs.set(id, (view = new RunView(id)));
  for (const [old, other] of runs) {
    if (runs.size <= MOST_RUNS) break;
    if (!other.root?.isConnected && old !== id) runs.delete(old);
  }
  return view;
}

/** An element with a class and text. @param {string} tag @param {string} [name] @param {string|null} [text] */
function make(tag, name, text) {
  const el = document.createElement(tag);
  if (name) el.className = name;
  if (text != null) el.textContent = text;
  return el;
}

/** Set text only where it differs. @param {Element} el @param {string} text */
function say(el, text) {
  if (el.textContent !== text) el.textContent = text;
}

/** @param {string} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const box = document.createElement('textarea');
    box.value = text;
    document.body.append(box);
    box.select();
    document.execCommand('copy');
    box.remove();
  }
}

/** A button that copies and says so. @param {() => string} text @param {string} what */
function copyButton(text, what) {
  const button = make('button', 'copy', 'copy');
  button.setAttribute('aria-label', `copy ${what}`);
  button.addEventListener('click', async (event) => {
    event.stopPropagation();
    await copy(text());
    button.textContent = 'copied';
    setTimeout(() => (button.textContent = 'copy'), 1200);
  });
  return button;
}

/** Everything the page knows of one run, and its one root element. */
class RunView {
  /** @param {string} id */
  constructor(id) {
    this.id = id;
    /** @type {any} */ this.header = null;
    /** @type {Map<string, Row>} */ this.rows = new Map();
    /** @type {Map<string, any>} */ this.details = new Map();
    this.closed = new Set();
    this.cut = 0;
    this.folded = false;
    /** @type {string|null} */ this.active = null;
    /** @type {string|null} */ this.chosen = null;
    this.follow = true;
    this.stale = true;
    /** @type {Entry[]} */ this.entries = [];
    /** @type {Map<string, any>} */ this.drawn = new Map();
    this.lines = 0;
    this.tallest = 0;
    this.frame = 0;
    this.timer = 0;
    this.zero = 0; // performance.now() at the start of the run
    /** @type {(() => unknown)|null} */ this.interrupt = null;
    /** @type {HTMLElement|null} */ this.root = null;
  }

  get running() {
    return this.header?.status === 'running';
  }

  /** Seconds since the start, by the page's own clock, set by the kernel's. */
  get now() {
    return this.running ? Math.max(0, (performance.now() - this.zero) / 1000) : (this.header?.dur ?? this.header?.elapsed ?? 0);
  }

  /** Take in a message or a snapshot. @param {any} message */
  hear(message) {
    if (!message || (message.run_id && message.run_id !== this.id)) return;
    if (message.header) this.hearHeader(message.header);
    if (message.rows && upsert(this.rows, message.rows)) this.stale = true;
    if (typeof message.cut === 'number') this.cut = message.cut;
    for (const [id, item] of Object.entries(message.items ?? {})) {
      this.details.set(id, item);
      if (id === this.chosen) this.detailStale = true;
    }
    this.request();
  }

  /** @param {any} header */
  hearHeader(header) {
    const before = this.header;
    // A snapshot trait may be older than the messages that have come since.
    if (before && before.status !== 'running' && header.status === 'running') return;
    this.header = header;
    const zero = performance.now() - (header.elapsed ?? 0) * 1000;
    // The quickest message is nearest to the truth.
    this.zero = before ? Math.min(this.zero, zero) : zero;
    if (before?.status === 'running' && !this.running) this.announce = true;
  }

  request() {
    if (!this.root || this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.paint();
    });
  }

  /** Move the view into `el`; safe to call again. @param {HTMLElement} el @param {{wait?: unknown}} [options] */
  mount(el, options) {
    const root = (this.root ??= this.build());
    this.gather(this.outputs?.takeRecords() ?? []);
    const top = this.body.scrollTop;
    el.classList.add('aimon-host');
    if (root.parentElement !== el) el.replaceChildren(root); // mount scripts run twice
    this.stale = true;
    this.paint();
    this.body.scrollTop = top;
    this.watch(el);
    if (options?.wait) this.holdGhost(el);
    this.gone = [];
    this.tick();
  }

  // A cleared output is redrawn in two messages: ours, then the user's. For the
  // frame between them the user's old nodes stay in place, so nothing flickers.

  /** @param {HTMLElement} el */
  watch(el) {
    const area = el.closest('.jp-OutputArea');
    if (area === this.area) return;
    this.outputs?.disconnect();
    this.area = area;
    this.outputs = area ? new MutationObserver((records) => this.gather(records)) : null;
    if (area) this.outputs?.observe(area, { childList: true });
  }

  /** @param {MutationRecord[]} records */
  gather(records) {
    const ours = (/** @type {any} */ n) => n.contains(this.root) || n.classList?.contains('aimon-host') || n.querySelector?.('.aimon-host');
    for (const record of records) {
      this.gone = (this.gone ?? []).concat([...record.removedNodes].filter((n) => !ours(n)));
      if ([...record.addedNodes].some((n) => !ours(n))) {
        this.ghost?.remove();
        this.ghost = null;
        this.gone = [];
      }
    }
  }

  /** @param {HTMLElement} el */
  holdGhost(el) {
    if (!this.gone?.length) return;
    const ghost = (this.ghost = make('div'));
    ghost.style.pointerEvents = 'none';
    ghost.inert = true;
    ghost.append(...this.gone);
    el.append(ghost);
    setTimeout(() => ghost.remove(), 100);
  }

  // ---- building ----

  build() {
    const root = make('div', 'aimon');
    root.addEventListener('keydown', (event) => this.onKey(event));
    this.head = this.buildHead();
    this.progress = make('div', 'progress');
    this.progress.append(make('i'));
    this.tree = make('div', 'tree');
    this.tree.setAttribute('role', 'treegrid');
    this.tree.append(this.buildHeads(), this.buildBody());
    this.notes = make('div', 'notes');
    this.detail = make('div', 'detail');
    this.detail.setAttribute('role', 'group');
    this.detail.setAttribute('aria-label', 'details of the selected row');
    this.detail.hidden = true;
    this.spoken = make('div', 'said');
    this.spoken.setAttribute('role', 'status');
    this.rest = make('div', 'rest');
    this.rest.append(this.tree, this.notes, this.detail);
    root.append(this.head, this.progress, this.rest, this.spoken);
    return root;
  }

  buildHead() {
    const head = make('div', 'head'), parts = /** @type {any} */ ((this.parts = {}));
    const names = ['mark', 'title', 'clock dim', 'calls', 'tokens-total', 'cost', 'reason dim', 'space', 'where dim'];
    for (const name of names) head.append((parts[name.split(' ')[0]] = make('span', name)));
    parts.title.dir = 'auto';
    parts.copy = copyButton(() => this.header?.trace ?? '', 'the trace id');
    parts.stop = make('button', 'stop', 'Stop');
    parts.stop.addEventListener('click', (/** @type {Event} */ event) => this.onStop(event));
    parts.fold = make('button', 'fold', '▾');
    head.append(parts.copy, parts.stop, parts.fold);
    head.addEventListener('click', () => this.onFold());
    return head;
  }

  buildHeads() {
    const group = make('div'), heads = make('div', 'heads');
    group.setAttribute('role', 'rowgroup');
    heads.setAttribute('role', 'row');
    this.axis = make('span', 'axis');
    this.axis.setAttribute('aria-label', 'timeline');
    heads.append(make('span', '', 'span'), this.axis, make('span', 'num', 'time'), make('span', 'num tokens', 'tokens'), make('span', 'num', 'cost'));
    for (const head of heads.children) head.setAttribute('role', 'columnheader');
    group.append(heads);
    return group;
  }

  buildBody() {
    this.body = make('div', 'body');
    this.pad = make('div', 'pad');
    this.body.setAttribute('role', 'presentation');
    this.pad.setAttribute('role', 'rowgroup');
    this.body.append(this.pad);
    this.body.addEventListener('scroll', () => this.onScroll(), { passive: true });
    this.pad.addEventListener('click', (event) => this.onClick(event));
    return this.body;
  }

  // ---- painting ----

  paint() {
    if (!this.root || !this.header) return;
    if (this.stale) {
      const laid = flatten(this.rows, this.closed);
      this.entries = laid.entries;
      this.lines = laid.lines;
      this.stale = false;
    }
    this.paintHead();
    this.paintRows();
    this.paintNotes();
    if (this.detailStale) this.paintDetail();
    if (this.running) this.tick();
  }

  paintHead() {
    const h = this.header, p = /** @type {any} */ (this.parts), state = BAD.includes(h.status) ? 'failed' : STOPPED.includes(h.status) ? 'stopped' : '';
    p.mark.className = `mark ${this.running ? 'running' : state}`;
    if (this.running && !p.mark.firstElementChild) p.mark.replaceChildren(make('span', 'dot'), make('span', 'said', 'running'));
    if (!this.running) say(p.mark, h.status === 'ok' && !h.calls && h.empty ? '○' : h.status === 'ok' ? '✓' : `${MARKS[h.status] ?? '?'} ${h.status.replace('_', ' ')}`);
    say(p.title, visible(h.name));
    p.title.title = visible(h.name);
    say(p.clock, this.running ? clock(this.now) : seconds(this.now));
    this.two(p.calls, h.calls ? `${commas(h.calls)} ${h.calls === 1 ? 'call' : 'calls'}` : '', h.errors ? `${commas(h.errors)} ${h.errors === 1 ? 'error' : 'errors'}` : '');
    this.two(p['tokens-total'], h.tokens ? `${h.tokens} tokens` : '', h.cached);
    this.two(p.cost, h.cost, h.cost_note);
    say(p.where, h.trace ? `${h.destination} ${h.trace.slice(0, 8)}` : h.destination);
    p.where.classList.toggle('local', h.destination === 'local');
    p.copy.hidden = !h.trace;
    p.stop.hidden = !(this.running && this.interrupt);
    p.fold.hidden = !this.entries.length;
    say(p.fold, this.folded ? '▸' : '▾');
    p.fold.setAttribute('aria-expanded', String(!this.folded));
    p.fold.setAttribute('aria-label', `${visible(h.name)}: ${this.folded ? 'open' : 'fold'}`);
    say(p.reason, this.entries.length ? '' : visible(h.empty));
    for (const part of [p.calls, p['tokens-total'], p.cost, p.reason]) part.hidden = !part.textContent;
    p.clock.hidden = p.where.hidden = !this.running && !this.entries.length;
    this.progress.className = `progress ${this.running ? (h.progress == null ? 'open' : '') : 'done'}`;
    /** @type {HTMLElement} */ (this.progress.firstElementChild).style.width = h.progress == null ? '' : `${100 * h.progress}%`;
    this.tree.setAttribute('aria-label', `calls of ${visible(h.name)}`);
    if (this.announce) {
      this.announce = false;
      say(this.spoken, `${visible(h.name)}: ${h.status.replace('_', ' ')}, ${h.calls} calls, ${h.cost}`);
    }
  }

  /** A text and a dim one after it. @param {HTMLElement} el @param {string} text @param {string} dim */
  two(el, text, dim) {
    const both = [text, dim].filter(Boolean).join(' ');
    if (el.textContent === both) return;
    el.textContent = text;
    if (dim) el.append(text ? ' ' : '', make('span', 'dim', dim));
  }

  paintRows() {
    const { entries, root } = this, none = !entries.length;
    if (!root) return;
    root.classList.toggle('empty', none);
    this.rest.hidden = this.folded;
    this.tree.hidden = none;
    if (none || this.folded) return;
    const wanted = Math.min(this.lines, MOST_LINES);
    this.tallest = this.running ? Math.max(this.tallest, wanted) : wanted;
    this.body.style.height = `${this.tallest * LINE}px`;
    this.pad.style.height = `${this.lines * LINE}px`;
    this.tree.setAttribute('aria-rowcount', String(entries.length + 1));
    if (this.running && this.follow && this.lines > MOST_LINES) this.body.scrollTop = this.pad.offsetHeight;
    this.paintScale();
    const [from, to] = windowOf(entries, this.body.scrollTop, this.tallest * LINE);
    this.place(entries.slice(from, to), from);
  }

  paintScale() {
    let whole = this.now;
    if (!this.running) for (const { row } of this.entries) whole = Math.max(whole, (row.start ?? 0) + (row.dur ?? 0));
    whole = Math.max(whole, 0.001);
    this.pad.style.setProperty('--whole', String(whole));
    const marks = axis(whole), key = marks.map((m) => `${m.text}${m.at.toFixed(3)}`).join();
    if (key === this.axisKey) return;
    this.axisKey = key;
    while (this.axis.children.length > marks.length) this.axis.lastElementChild?.remove();
    while (this.axis.children.length < marks.length) this.axis.append(make('span'));
    marks.forEach((mark, i) => {
      const el = /** @type {HTMLElement} */ (this.axis.children[i]);
      say(el, mark.text);
      el.style.left = `${100 * mark.at}%`;
    });
  }

  /** Put the elements of these entries in the page, in order. @param {Entry[]} shown @param {number} from */
  place(shown, from) {
    if (!this.entries.some((e) => e.id === this.active)) this.active = this.entries[0]?.id ?? null;
    const keep = new Set(shown.map((e) => e.id));
    for (const [id, el] of this.drawn) {
      if (keep.has(id)) continue;
      el.remove();
      this.drawn.delete(id);
    }
    /** @type {Element|null} */
    let next = this.pad.firstElementChild;
    shown.forEach((entry, i) => {
      let el = this.drawn.get(entry.id);
      if (!el) this.drawn.set(entry.id, (el = this.buildRow()));
      if (el === next) next = next.nextElementSibling;
      else this.pad.insertBefore(el, next);
      this.fill(el, entry, from + i);
    });
  }

  buildRow() {
    const el = /** @type {any} */ (make('div', 'row'));
    const name = make('span', 'name'), line = make('span', 'line');
    el.p = { twisty: make('span', 'twisty'), kind: make('span', 'kind'), text: make('span'), label: make('span', 'dim'),
      bar: make('i'), time: make('span', 'num time'), tokens: make('span', 'num tokens'), cost: make('span', 'num cost'), why: make('span', 'why') };
    el.p.twisty.setAttribute('aria-hidden', 'true');
    name.append(el.p.twisty, el.p.kind, el.p.text, ' ', el.p.label);
    line.append(el.p.bar);
    el.p.name = name;
    el.append(name, line, el.p.time, el.p.tokens, el.p.cost);
    for (const cell of el.children) cell.setAttribute('role', 'gridcell');
    el.setAttribute('role', 'row');
    el.p.why.setAttribute('role', 'gridcell');
    return el;
  }

  /** @param {any} el @param {Entry} e @param {number} index */
  fill(el, e, index) {
    const { row, sum } = e, p = el.p, chosen = this.chosen === e.id, ticking = row.status === 'running' && this.running;
    const cost = (sum && sumCost(sum)) || row.cost, counted = (sum && tokens(sum.input, sum.output)) || row.tokens;
    const key = [e.depth, e.open, e.kids, e.pos, e.of, e.top, e.why, e.label, chosen, ticking, cost, counted, index, this.active === e.id].join('|');
    if (el.row !== row || el.key !== key) {
      el.row = row;
      el.key = key;
      el.dataset.id = e.id;
      const bad = BAD.includes(row.status);
      el.className = ['row', row.kind, bad ? 'failed' : '', e.kids ? 'parent' : '', ticking ? 'running' : '', chosen ? 'chosen' : ''].filter(Boolean).join(' ');
      el.tabIndex = this.active === e.id ? 0 : -1;
      this.describe(el, e, index, chosen);
      el.style.cssText = `top:${e.top * LINE}px;height:${e.lines * LINE}px;--depth:${e.depth};--start:${row.start ?? 0};--took:${row.dur ?? 0}`;
      say(p.twisty, e.kids ? (e.open ? '▾' : '▸') : '');
      const mark = bad || STOPPED.includes(row.status) ? (MARKS[row.status] ?? '?') : '';
      p.kind.className = `kind ${mark ? 'sign' : row.kind}`;
      say(p.kind, mark);
      say(p.text, visible(row.name));
      say(p.label, `${e.label === row.status ? '· ' : ''}${visible(e.label)}`);
      p.name.title = visible([row.name, e.label].filter(Boolean).join(' · '));
      p.time.classList.toggle('ticks', ticking);
      if (!ticking) say(p.time, row.time || (row.status === 'running' ? 'open' : ''));
      say(p.tokens, counted);
      say(p.cost, cost);
      p.cost.classList.toggle('dim', !/[$0-9]/.test(cost));
      say(p.why, visible(e.why));
      p.why.title = visible(e.why);
      if (e.why && !p.why.parentElement) el.append(p.why);
      if (!e.why) p.why.remove();
    }
    if (ticking) say(p.time, clock(Math.max(0, this.now - (row.start ?? 0))));
  }

  /** What assistive technology hears of a row. @param {HTMLElement} el @param {Entry} e @param {number} index @param {boolean} chosen */
  describe(el, e, index, chosen) {
    const facts = { 'aria-level': e.depth + 1, 'aria-posinset': e.pos, 'aria-setsize': e.of, 'aria-rowindex': index + 2, 'aria-selected': chosen };
    for (const [name, value] of Object.entries(facts)) el.setAttribute(name, String(value));
    if (e.kids) el.setAttribute('aria-expanded', String(e.open));
    else el.removeAttribute('aria-expanded');
  }

  paintNotes() {
    const h = this.header, notes = (h.notes ?? []).filter((/** @type {string} */ n) => n !== h.empty);
    const said = [this.cut ? `${commas(this.cut)} more rows are kept in the kernel` : '', ...notes].filter(Boolean);
    const key = said.join('\n');
    if (key === this.noteKey) return;
    this.noteKey = key;
    this.notes.replaceChildren(...said.map((text) => make('div', 'note', visible(text))));
  }

  /** Clocks tick while the run runs and the view is in the page. */
  tick() {
    if (this.timer || !this.running) return;
    this.timer = setTimeout(() => {
      this.timer = 0;
      if (!this.root?.isConnected || !this.running) return;
      if (!document.hidden) this.request();
      this.tick();
    }, TICK);
  }

  // ---- the reader ----

  /** @param {Event} event */
  onStop(event) {
    event.stopPropagation();
    const stop = /** @type {any} */ (this.parts).stop;
    stop.textContent = 'stopping…';
    stop.disabled = true;
    Promise.resolve(this.interrupt?.()).catch(() => {
      stop.textContent = 'Stop';
      stop.disabled = false;
    });
  }

  onFold() {
    if (!this.entries.length || String(getSelection() ?? '')) return;
    this.folded = !this.folded;
    this.paint();
  }

  onScroll() {
    const body = this.body;
    this.follow = body.scrollTop + body.clientHeight >= body.scrollHeight - LINE;
    if (this.entries.length > WINDOW_ABOVE) this.request();
  }

  /** @param {Event} event */
  onClick(event) {
    const target = /** @type {Element} */ (event.target), el = /** @type {any} */ (target.closest('.row'));
    if (!el) return;
    const entry = this.entries.find((e) => e.id === el.dataset.id);
    if (!entry) return;
    this.active = entry.id;
    if (entry.kids && target.closest('.twisty')) this.toggle(entry.id);
    else this.choose(this.chosen === entry.id ? null : entry.id);
    el.focus({ preventScroll: true });
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const row = /** @type {Element} */ (event.target).closest?.('.row');
    if (!row) {
      // Keys in our buttons are ours too: the notebook's shortcuts must not hear them.
      if (['Enter', ' '].includes(event.key)) event.stopPropagation();
      return;
    }
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const at = this.entries.findIndex((e) => e.id === this.active);
    const act = /** @type {any} */ (keyed(event.key, this.entries, Math.max(0, at)));
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    if ('toggle' in act) this.toggle(act.toggle);
    else if ('choose' in act) this.choose(act.choose === this.chosen ? null : act.choose);
    else this.go(act.go);
  }

  /** @param {string} id */
  toggle(id) {
    if (!this.closed.delete(id)) this.closed.add(id);
    this.stale = true;
    this.tallest = 0;
    this.follow = false;
    this.paint();
    this.drawn.get(this.active)?.focus({ preventScroll: true });
  }

  /** @param {string|null} id */
  choose(id) {
    this.chosen = id;
    this.follow = this.follow && id == null;
    this.detailStale = true;
    this.paint();
  }

  /** @param {number} index */
  go(index) {
    const entry = this.entries[index];
    if (!entry) return;
    this.active = entry.id;
    this.follow = false;
    const top = entry.top * LINE, bottom = top + entry.lines * LINE, body = this.body;
    if (top < body.scrollTop) body.scrollTop = top;
    else if (bottom > body.scrollTop + body.clientHeight) body.scrollTop = bottom - body.clientHeight;
    this.paint();
    this.drawn.get(entry.id)?.focus({ preventScroll: true });
  }

  paintDetail() {
    this.detailStale = false;
    const row = this.chosen ? this.rows.get(this.chosen) : null;
    this.detail.hidden = !row;
    if (!row) return this.detail.replaceChildren();
    const item = this.details.get(row.id);
    this.detail.replaceChildren(...(item ? [said(item, row), facts(item)] : [make('div', 'dim', this.running ? 'details follow' : `details are kept in the kernel: %ai_show`)]));
    for (const side of this.detail.children) /** @type {HTMLElement} */ (side).tabIndex = 0;
  }
}

// ---- the detail pane ------------------------------------------------------------

/** The conversation. @param {any} item @param {Row} row */
function said(item, row) {
  const pane = make('div'), /** @type {Turn[]} */ turns = item.messages ?? [];
  if (item.error) {
    const error = make('div', 'failed');
    error.append(block(item.error, 'error'));
    pane.append(error);
  }
  const early = turns.slice(0, Math.max(0, turns.length - TURNS));
  if (early.length) {
    const more = make('button', 'more', `${early.length} earlier ${early.length === 1 ? 'message' : 'messages'}`);
    more.addEventListener('click', () => more.replaceWith(...early.map((t) => turn(t))));
    pane.append(more);
  }
  pane.append(...turns.slice(early.length).map((t, i) => turn(t, i === turns.length - early.length - 1 && t.side === 'out' ? item.ending : '')));
  if (!turns.length && !item.error) pane.append(make('div', 'dim', row.counts ? 'no messages were heard' : 'no messages: this is a step, not a call'));
  return pane;
}

/** @param {Turn} t @param {string} [ending] */
function turn(t, ending) {
  const el = make('div', 'turn'), top = make('div', 'who');
  const whole = [t.text, ...(t.calls ?? []).map(([name, args]) => `→ ${name}(${args})`)].filter(Boolean).join('\n');
  top.append(make('span', '', [visible(t.role), ending].filter(Boolean).join(' · ')), copyButton(() => whole, `the ${t.role} message`));
  el.append(top, block(whole || '(empty)', t.role));
  return el;
}

/** Text of any length, cut with "show all". @param {string} text @param {string} what */
function block(text, what) {
  const box = make('div'), shown = cut(text);
  box.append(part(shown.text + (shown.left ? '…' : '')));
  if (shown.left) {
    const all = make('button', 'more', `show all ${commas(text.length)} characters`);
    all.setAttribute('aria-label', `show all of ${what}`);
    all.addEventListener('click', () => box.replaceChildren(...pieces(text).map((piece) => part(piece))));
    box.append(all);
  }
  return box;
}

/** One laid-out piece of a text. @param {string} text */
function part(text) {
  const pre = make('pre', '', visible(text));
  pre.dir = 'auto';
  return pre;
}

/** Usage, the arithmetic of the cost, and facts. @param {any} item */
function facts(item) {
  const pane = make('div'), c = item.cost;
  if (c?.parts?.length) {
    const sums = c.parts.map((/** @type {string[]} */ p) => [p[0], p[2] ? `${p[1]} × ${p[2]}` : p[1], p[3]]);
    const sum = table('sum', [...sums, [c.model, 'per 1M', c.total]]);
    sum.querySelector('tr:last-child')?.classList.add('total');
    pane.append(sum);
  } else if (item.usage?.length) pane.append(table('sum', item.usage));
  const lines = [c && !c.parts?.length ? c.total : '', c?.reason, [c?.source, ...(c?.assumptions ?? [])].filter(Boolean).join(' · ')].filter(Boolean);
  for (const text of lines) pane.append(make('div', 'small', visible(text)));
  pane.append(table('facts', item.facts ?? []));
  for (const [name, list] of [['parameters', item.parameters], ['more', [...(item.more ?? []), ...(item.attributes ?? [])]]]) {
    if (!list?.length) continue;
    const more = make('details');
    more.append(make('summary', '', name), table('facts', list));
    pane.append(more);
  }
  if (item.tools?.length) pane.append(make('div', 'small', visible(`tools offered: ${item.tools.join(', ')}`)));
  return pane;
}

/** @param {string} name @param {string[][]} lines */
function table(name, lines) {
  const el = make('table', name);
  const body = make('tbody');
  for (const [head, ...cells] of lines) {
    const tr = make('tr'), th = make('th', '', visible(String(head)));
    th.setAttribute('scope', 'row');
    tr.append(th, ...cells.map((cell) => make('td', '', visible(String(cell ?? '')))));
    body.append(tr);
  }
  el.append(body);
  return el;
}

/** One call a widget model: messages are heard from the first, before any view. */
export default () => ({
  /** @param {{model: any}} context */
  initialize({ model }) {
    const view = runView(model.get('run_id'));
    const kernel = model.widget_manager?.kernel;
    if (typeof kernel?.interrupt === 'function') view.interrupt = () => kernel.interrupt();
    const recall = () => {
      const kept = model.get('snapshot');
      if (!kept?.header) return;
      // What came by message is newer: the snapshot fills gaps and ends what was open.
      const rows = (kept.rows ?? []).filter((/** @type {Row} */ row) => view.rows.get(row.id)?.dur == null);
      view.hear({ ...kept, rows });
    };
    recall();
    model.on('change:snapshot', recall);
    model.on('msg:custom', (/** @type {any} */ message) => view.hear(message));
  },
  /** @param {{model: any, el: HTMLElement}} context */
  render({ model, el }) {
    runView(model.get('run_id')).mount(el);
  },
});
