// @ts-check
/**
 * The tree as a flat list of what is open; no DOM here, so node tests it.
 *
 * @typedef {import('./rows.js').Row} Row
 * @typedef {import('./sums.js').Sum} Sum
 * @typedef {{opened?:Set<string>, find?:(row:Row)=>boolean, order?:string}} Look
 */
import { commas, seconds } from './format.js';
import { children, NONE } from './rows.js';
import { Sums } from './sums.js';

const ALIKE = 5; // identical siblings in a row become one group

/** The value below which `share` of the sorted numbers lie. @param {number[]} sorted @param {number} share */
export const percentile = (sorted, share) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];

const plain = (/** @type {Row} */ row) => row.status === 'ok' && !row.error && row.dur != null;
const twins = (/** @type {Row} */ a, /** @type {Row} */ b) =>
  plain(b) && a.name === b.name && a.label === b.label && a.kind === b.kind && a.remark === b.remark;

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
  const first = members[0],
    ends = members.map((m) => (m.start ?? 0) + (m.dur ?? 0));
  const start = members.reduce((low, m) => Math.min(low, m.start ?? 0), Infinity),
    dur = ends.reduce((a, b) => Math.max(a, b), 0) - start;
  return {
    ...first,
    id: `group ${first.id}`,
    members,
    start,
    dur,
    input: null,
    output: null,
    tokens: null,
    cost: '',
    counts: false,
    label: [first.label, `× ${commas(members.length)}`].filter(Boolean).join(' · '),
  };
}

/** How long the members of a group took. @param {Row[]} members */
export function spread(members) {
  const took = members.map((m) => m.dur ?? 0).sort((a, b) => a - b);
  return `each p50 ${seconds(percentile(took, 0.5))} · p95 ${seconds(percentile(took, 0.95))} · max ${seconds(took[took.length - 1])}`;
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
    this.said ??= this.error || [remark, members && spread(members), advice].filter(Boolean).join(' · ');
    return this.said;
  }

  /** The sum of what is below a row that is no call itself. @returns {Sum|null} */
  get sum() {
    const { members, counts } = this.row;
    return members ? this.sums.of(members) : this.kids && !counts ? this.sums.under(this.row) : null;
  }
}

/**
 * The tree as a flat list of what is open.
 * @param {Map<string, Row>} rows @param {Set<string>} closed @param {Look} [look]
 * @returns {{entries: Entry[], lines: number}}
 */
export function flatten(rows, closed, look = {}) {
  const below = children(rows),
    sums = new Sums(below),
    found = look.find ? withAncestors(rows, look.find) : null;
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
    const { list, at } = level,
      row = list[at];
    if (!row) {
      levels.pop();
      continue;
    }
    level.at += 1;
    const kids = kidsOf(row),
      open = kids.length > 0 && isOpen(row),
      entry = new Entry(row, levels.length - 1, list, at, kids, open, sums);
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
    for (let at = /** @type {Row|undefined} */ (row); at && !found.has(at.id); at = at.parent == null ? undefined : rows.get(at.parent))
      found.add(at.id);
  }
  return found;
}

/** Steps without steps below by time, or calls by cost, the greatest first. @param {Map<string, Row>} rows @param {Map<string|null, Row[]>} below @param {Look} look */
function ranked(rows, below, look) {
  const dear = look.order === 'dear',
    key = (/** @type {Row} */ row) => (dear ? row.usd : row.dur) ?? -1;
  const list = [...rows.values()].filter(
    (row) => !row.hidden && !row.more && (dear ? row.counts : !below.has(row.id)) && (!look.find || look.find(row)),
  );
  return list.sort((a, b) => key(b) - key(a));
}
