// @ts-check
/**
 * The tree as a flat list of what is open; no DOM here, so node tests it.
 *
 * @typedef {import('./rows.js').Row} Row
 * @typedef {import('./sums.js').Sum} Sum
 * @typedef {{opened?:Set<string>, orders?:Map<string, string>, find?:(row:Row)=>boolean, order?:string}} Look
 */
import { grouped, ordered, setShapes, summed, times, wordOf } from './groups.js';
import { attemptsFolded, children, NONE } from './rows.js';
import { Sums } from './sums.js';

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
    this.isMember = false; // of the group that it stands in
    /** @type {{bad: string, rest: string}|undefined} */ this.said = undefined;
    /** @type {Sum|null|undefined} */ this.added = undefined;
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
    const { label, outcome, retried, members } = this.row;
    return members ? label : [label, outcome].filter(Boolean).join(' · ') + (retried ? ', retried' : '');
  }

  /** How many it holds, if it is a group. */
  get times() {
    return this.row.members ? times(this.row.members) : '';
  }

  /** What its cost is called where there is no sum. */
  get cost() {
    return this.row.members ? wordOf(this.row.members) : this.row.cost;
  }

  /** The words of its second line: `bad` is its error or how many failed, `rest` what is to be said of its usage and of a group's times. */
  get words() {
    const { members, remark, advice } = this.row;
    this.said ??= members ? summed(members) : { bad: this.error, rest: this.error ? '' : [remark, advice].filter(Boolean).join(' · ') };
    return this.said;
  }

  get why() {
    return [this.words.bad, this.words.rest].filter(Boolean).join(' · ');
  }

  /** The sum of what is below a row that is no call itself. @returns {Sum|null} */
  get sum() {
    const { members, counts } = this.row;
    if (this.added === undefined) this.added = members ? this.sums.of(members) : this.kids && !counts ? this.sums.under(this.row) : null;
    return this.added;
  }
}

/** Whether a row hides what is below it until it is opened: a group, and a call before which others were tried. @param {Row} row */
export const startsClosed = (row) => !!(row.members || row.attempts);

/**
 * The tree as a flat list of what is open.
 * @param {Map<string, Row>} rows @param {Set<string>} closed @param {Look} [look]
 * @returns {{entries: Entry[], lines: number}}
 */
export function flatten(rows, closed, look = {}) {
  const below = attemptsFolded(children(rows)),
    sums = new Sums(below),
    found = look.find ? withAncestors(rows, look.find) : null;
  const list = look.order ? ranked(rows, below, look) : null;
  if (!found && !list) setShapes(rows, below);
  const kidsOf = (/** @type {Row} */ row) => {
    if (list) return NONE;
    if (row.members) return look.opened?.has(row.id) ? ordered(row.members, look.orders?.get(row.id)) : row.members;
    const all = below.get(row.id) ?? NONE,
      kids = found ? all.filter((kid) => found.has(kid.id)) : grouped(row.id, all, rows);
    const { attempts } = row;
    return attempts ? [...(found ? attempts.filter((one) => found.has(one.id)) : attempts), ...kids] : kids;
  };
  const isOpen = (/** @type {Row} */ row) => !!found || (startsClosed(row) ? !!look.opened?.has(row.id) : !closed.has(row.id));
  const top = below.get(null) ?? NONE;
  /** @type {Entry[]} */
  const entries = [];
  const levels = [{ list: list ?? (found ? top.filter((row) => found.has(row.id)) : grouped(null, top, rows)), at: 0, ofGroup: false }];
  let lines = 0;
  for (let level = levels[0]; level; level = levels[levels.length - 1]) {
    const { list, at, ofGroup } = level,
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
    entry.isMember = ofGroup;
    entry.top = lines;
    lines += entry.lines;
    entries.push(entry);
    if (open) levels.push({ list: kids, at: 0, ofGroup: !!row.members });
  }
  return { entries, lines };
}

/** Ids of the rows that are looked for and of all above them. @param {Map<string, Row>} rows @param {(row:Row)=>boolean} find */
function withAncestors(rows, find) {
  const found = new Set();
  for (const row of rows.values()) {
    if (row.hidden || !find(row)) continue;
    const above = (/** @type {Row} */ { last, parent }) => rows.get(last ?? parent ?? '');
    for (let at = /** @type {Row|undefined} */ (row); at && !found.has(at.id); at = above(at)) found.add(at.id);
  }
  return found;
}

/** Steps without steps below by time, or calls by cost, the greatest first. @param {Map<string, Row>} rows @param {Map<string|null, Row[]>} below @param {Look} look */
function ranked(rows, below, look) {
  const dear = look.order === 'dear',
    key = (/** @type {Row} */ row) => (dear ? row.usd : row.dur) ?? -1;
  const list = [...rows.values()].filter(
    (row) => !row.hidden && !row.more && !row.last && (dear ? row.counts : !below.has(row.id)) && (!look.find || look.find(row)),
  );
  return list.sort((a, b) => key(b) - key(a));
}
