// @ts-check
/**
 * What the tree shows, as plain data: no DOM here, so node tests it.
 *
 * @typedef {{id:string, parent:string|null, kind:string, name:string, label:string,
 *   status:string, start:number|null, dur:number|null, tokens:string|null,
 *   cost:string, input:number|null, output:number|null, usd:number|null,
 *   cost_state:string|null, counts:boolean, error:string|null, streaming:boolean,
 *   ttft:number|null, heard:number|null, model:string|null, retried:boolean, item:string|null,
 *   hidden:boolean, more:[number,number]|null, remark:string|null, advice:string|null, members?:Row[]}} Row
 * @typedef {{input:number|null, output:number|null, usd:number|null, doubtful:boolean}} Sum
 * @typedef {{opened?:Set<string>, find?:(row:Row)=>boolean, order?:string}} Look
 */

export const LINE = 24; // px; every row is a whole number of lines, so nothing jumps
export const WINDOW_ABOVE = 400; // rows; up to here all are in the page, so that the browser's own search works
const PAGE = 11; // rows that a page key goes
const MARGIN = 6; // rows drawn beyond each edge of the window
const CUT = 4000; // characters of one message shown at first
const PIECE = 20000; // characters laid out at once
const ALIKE = 5; // identical siblings in a row become one group
const LETTER = 0.055; // of the axis' width that a letter on it takes, where the view is narrow
/** @type {[number, string][]} */
const UNITS = [[3600, 'h'], [60, 'min']];
const CHARACTERS = 4; // a token, roughly: only to say how fast an answer streams
/** @type {Row[]} */
const NONE = [];
export const BAD = ['error', 'lost', 'over_budget', 'killed'];
export const STOPPED = ['interrupted', 'cancelled', 'abandoned'];

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

const COMMAS = new Intl.NumberFormat('en-US'); // made once: it is slow to make
export const commas = (/** @type {number} */ n) => COMMAS.format(n);

/** A clock that ticks ten times a second. @param {number} x */
export const clock = (x) => (x < 9.95 ? `${x.toFixed(1)} s` : seconds(x));

/** Tokens in and out. @param {number|null} input @param {number|null} output */
export function tokens(input, output) {
  if (input != null && output != null) return `${commas(input)} → ${commas(output)}`;
  if (input != null) return commas(input);
  return output != null ? `→ ${commas(output)}` : '';
}

/** What a row says of its tokens. @param {Row} row */
export const counted = (row) => row.tokens ?? tokens(row.input, row.output);

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

/** A row from its values, in the order of `FIELDS` in rows.py; what was left off at the end is null. @param {any[]} v @returns {Row} */
export const unpacked = (v) => ({
  id: v[0], parent: v[1], kind: v[2], name: v[3], label: v[4], status: v[5], start: v[6], dur: v[7], counts: v[8], cost: v[9], streaming: v[10],
  input: v[11] ?? null, output: v[12] ?? null, usd: v[13] ?? null, cost_state: v[14] ?? null, model: v[15] ?? null, error: v[16] ?? null,
  retried: v[17] ?? false, ttft: v[18] ?? null, heard: v[19] ?? null, item: v[20] ?? null, tokens: v[21] ?? null, hidden: v[22] ?? false, more: v[23] ?? null, remark: v[24] ?? null, advice: v[25] ?? null,
});

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

const plus = (/** @type {number|null} */ a, /** @type {number|null} */ b) => (a == null ? b : b == null ? a : a + b);

/** The value below which `share` of the sorted numbers lie. @param {number[]} sorted @param {number} share */
export const percentile = (sorted, share) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];

const plain = (/** @type {Row} */ row) => row.status === 'ok' && !row.error && row.dur != null;
const twins = (/** @type {Row} */ a, /** @type {Row} */ b) => plain(b) && a.name === b.name && a.label === b.label && a.kind === b.kind && a.remark === b.remark;

/** Five or more identical siblings in a row as one row that holds them. @param {Row[]} siblings @returns {Row[]} */
export function grouped(siblings) {
  if (siblings.length < ALIKE) return siblings;
  const list = [];
  for (let from = 0; from < siblings.length; ) {
    const first = siblings[from];
    let to = from + 1;
    if (plain(first)) while (to < siblings.length && twins(first, siblings[to])) to++;
    if (to - from >= ALIKE) list.push(group(siblings.slice(from, to)));
    else for (let i = from; i < to; i++) list.push(siblings[i]);
    from = to;
  }
  return list;
}

/** @param {Row[]} members @returns {Row} */
function group(members) {
  const first = members[0], ends = members.map((m) => (m.start ?? 0) + (m.dur ?? 0));
  const start = members.reduce((low, m) => Math.min(low, m.start ?? 0), Infinity), dur = ends.reduce((a, b) => Math.max(a, b), 0) - start;
  return { ...first, id: `group ${first.id}`, members, start, dur, input: null, output: null, tokens: null, cost: '', counts: false,
    label: [first.label, `× ${commas(members.length)}`].filter(Boolean).join(' · ') };
}

/** How long the members of a group took. @param {Row[]} members */
export function spread(members) {
  const took = members.map((m) => m.dur ?? 0).sort((a, b) => a - b);
  return `each p50 ${seconds(percentile(took, 0.5))} · p95 ${seconds(percentile(took, 0.95))} · max ${seconds(took[took.length - 1])}`;
}

/** How fast an answer streams, in words; "" before its first token. @param {Row} row @param {number} now seconds since the run's start */
export function speed(row, now) {
  if (!row.streaming || row.status !== 'running' || row.ttft == null || !row.heard) return '';
  const since = now - (row.start ?? 0) - row.ttft;
  return since > 0.2 ? `≈ ${commas(Math.round(row.heard / CHARACTERS / since))} tok/s` : '';
}

/** A row where it stands. What is shown only in sight is worked out when it comes in sight: there may be 20,000. */
export class Entry {
  /** @param {Row} row @param {number} depth @param {Row[]} siblings @param {number} at among them @param {Row[]} below @param {boolean} open @param {Sums} sums */
  constructor(row, depth, siblings, at, below, open, sums) {
    this.id = row.id;
    this.row = row;
    this.depth = depth;
    this.siblings = siblings;
    this.at = at;
    this.below = below;
    this.open = open;
    this.sums = sums;
    this.faint = false;
    /** @type {string|undefined} */ this.said = undefined;
    this.top = 0; // lines above it
    this.lines = row.members || row.remark || row.advice || (row.error && this.error) ? 2 : 1;
  }

  get kids() {
    return this.below.length;
  }

  /** Its error, where it is said: on the deepest row that has it, and not where another try followed. */
  get error() {
    const { error } = this.row;
    return error && !this.row.retried && !this.below.some((kid) => kid.error === error) ? error : '';
  }

  get label() {
    return this.row.retried ? `${this.row.label}, retried` : this.row.label;
  }

  /** The words of its second line: its error, or else what is to be said of its usage and of a group's times. */
  get why() {
    const { members, remark, advice } = this.row;
    return (this.said ??= this.error || [remark, members && spread(members), advice].filter(Boolean).join(' · '));
  }

  /** The sum of what is below a row that is no call itself. @returns {Sum|null} */
  get sum() {
    const { members, counts } = this.row;
    return members ? this.sums.of(members) : this.kids && !counts ? this.sums.under(this.row) : null;
  }
}

/** Sums of the counted rows below others, each worked out once. */
class Sums {
  /** @param {Map<string|null, Row[]>} below */
  constructor(below) {
    this.below = below;
    /** @type {Map<string, Sum>} */ this.known = new Map();
  }

  /** @param {Row} row */
  under(row) {
    let all = this.known.get(row.id);
    if (!all) this.known.set(row.id, (all = this.of([row])));
    return all;
  }

  /** @param {Row[]} rows @returns {Sum} */
  of(rows) {
    /** @type {Sum} */
    const all = { input: null, output: null, usd: null, doubtful: false };
    const todo = [...rows];
    for (let row = todo.pop(); row; row = todo.pop()) {
      const known = this.known.get(row.id);
      if (known) add(all, known);
      else {
        if (row.counts) add(all, own(row));
        for (const kid of this.below.get(row.id) ?? NONE) todo.push(kid);
      }
    }
    return all;
  }
}

/**
 * The tree as a flat list of what is open.
 * @param {Map<string, Row>} rows @param {Set<string>} closed @param {Look} [look]
 * @returns {{entries: Entry[], lines: number}}
 */
export function flatten(rows, closed, look = {}) {
  const below = children(rows), sums = new Sums(below), found = look.find ? withAncestors(rows, look.find) : null;
  const ordered = look.order ? ranked(rows, below, look) : null;
  const kidsOf = (/** @type {Row} */ row) => {
    const all = ordered ? NONE : (row.members ?? below.get(row.id) ?? NONE);
    if (!all.length) return NONE;
    return found ? all.filter((kid) => found.has(kid.id)) : row.members ? all : grouped(all);
  };
  const isOpen = (/** @type {Row} */ row) => (row.members ? !!look.opened?.has(row.id) : !!found || !closed.has(row.id));
  const top = below.get(null) ?? NONE;
  /** @type {Entry[]} */
  const entries = [];
  const levels = [{ list: ordered ?? (found ? top.filter((row) => found.has(row.id)) : grouped(top)), at: 0 }];
  let lines = 0;
  for (let level = levels[0]; level; level = levels[levels.length - 1]) {
    const { list, at } = level, row = list[at];
    if (!row) {
      levels.pop();
      continue;
    }
    level.at += 1;
    const kids = kidsOf(row), open = kids.length > 0 && isOpen(row), entry = new Entry(row, levels.length - 1, list, at, kids, open, sums);
    entry.faint = !!look.find && !look.find(row);
    entry.top = lines;
    lines += entry.lines;
    entries.push(entry);
    if (open) levels.push({ list: kids, at: 0 });
  }
  return { entries, lines };
}

/** Ids of the rows that are looked for and of all above them. @param {Map<string, Row>} rows @param {(row:Row)=>boolean} find */
function withAncestors(rows, find) {
  const found = new Set();
  for (const row of rows.values()) {
    if (row.hidden || !find(row)) continue;
    for (let at = /** @type {Row|undefined} */ (row); at && !found.has(at.id); at = at.parent == null ? undefined : rows.get(at.parent)) found.add(at.id);
  }
  return found;
}

/** Steps without steps below by time, or calls by cost, the greatest first. @param {Map<string, Row>} rows @param {Map<string|null, Row[]>} below @param {Look} look */
function ranked(rows, below, look) {
  const dear = look.order === 'dear', key = (/** @type {Row} */ row) => (dear ? row.usd : row.dur) ?? -1;
  const list = [...rows.values()].filter((row) => !row.hidden && !row.more && (dear ? row.counts : !below.has(row.id)) && (!look.find || look.find(row)));
  return list.sort((a, b) => key(b) - key(a));
}

/** @param {Sum} all @param {Sum} one */
function add(all, one) {
  all.input = plus(all.input, one.input);
  all.output = plus(all.output, one.output);
  all.usd = plus(all.usd, one.usd);
  all.doubtful = all.doubtful || one.doubtful;
}

/** What a counted row adds. @param {Row} row @returns {Sum} */
function own(row) {
  const refused = row.cost_state == null && row.status === 'error', known = refused || row.cost_state === 'priced' || row.cost_state === 'free';
  if (!row.counts) return { input: null, output: null, usd: null, doubtful: false };
  return { input: row.input, output: row.output, usd: row.usd, doubtful: row.dur != null && !known };
}

/**
 * Calls, tokens and cost a model, the most expensive first.
 * @param {Map<string, Row>} rows @returns {{model:string, calls:number, errors:number, sum:Sum}[]}
 */
export function byModel(rows) {
  const found = new Map();
  for (const row of rows.values()) {
    if (!row.counts || row.hidden) continue;
    const model = row.model ?? (row.more ? row.name : 'model unknown'), [calls, errors] = row.more ?? [1, row.status === 'error' && !row.retried ? 1 : 0];
    let one = found.get(model);
    if (!one) found.set(model, (one = { model, calls: 0, errors: 0, sum: { input: null, output: null, usd: null, doubtful: false } }));
    one.calls += calls;
    one.errors += errors;
    add(one.sum, own(row));
  }
  const weight = (/** @type {Sum} */ s) => (s.input ?? 0) + (s.output ?? 0);
  return [...found.values()].sort((a, b) => (b.sum.usd ?? -1) - (a.sum.usd ?? -1) || weight(b.sum) - weight(a.sum));
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

/** Round marks on the time axis, at most four, each with room for its words. @param {number} whole seconds */
export function axis(whole) {
  if (!(whole > 0)) return [];
  const [unit, name] = UNITS.find(([size]) => whole >= 2 * size) ?? [1, 's'];
  const all = whole / unit, rough = all / 4, ten = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * ten).find((s) => s >= rough) ?? rough;
  const marks = [];
  for (let i = 0; i * step < all; i++) marks.push({ at: (i * step) / all, text: `${Number((i * step).toPrecision(3))} ${name}` });
  return marks.filter((mark) => mark.at + LETTER * mark.text.length <= 1);
}

/** What a key does in the tree. @param {string} key @param {Entry[]} entries @param {number} at */
export function keyed(key, entries, at) {
  const entry = entries[at];
  if (key === 'ArrowDown') return { go: Math.min(entries.length - 1, at + 1) };
  if (key === 'ArrowUp') return { go: Math.max(0, at - 1) };
  if (key === 'PageDown') return { go: Math.min(entries.length - 1, at + PAGE) };
  if (key === 'PageUp') return { go: Math.max(0, at - PAGE) };
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
