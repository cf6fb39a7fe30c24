// @ts-check
/**
 * Equal siblings as one row, whatever stands between them: as groups.py folds the saved form.
 *
 * @typedef {import('./rows.js').Row} Row
 */
import { commas, seconds } from './format.js';
import { ALONE, BAD, NONE, STOPPED } from './rows.js';

const ALIKE = 5; // equal siblings that become one row
const REMARKS = 2; // of the remarks of the members of a group, so many are said
const CELLS = 60; // of a strip
const OUTCOMES = ['ok', 'open', 'retried', 'stopped', 'err']; // the worst comes last

/** The value below which `share` of the sorted numbers lie. @param {number[]} sorted @param {number} share */
export const percentile = (sorted, share) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];

/** Whether it failed for good: no other attempt followed. @param {Row} row */
export const failed = (row) => BAD.includes(row.status) && !row.retried;

/** Numbers for the shapes of a run's rows, which stay while it is shown: groups are known by them. @type {WeakMap<Map<string, Row>, Map<string, number>>} */
const known = new WeakMap();

/** Give rows their shapes: what equal siblings share. @param {Map<string, Row>} rows @param {Map<string|null, Row[]>} below */
export function setShapes(rows, below) {
  const numbers = known.get(rows) ?? new Map();
  known.set(rows, numbers);
  const number = (/** @type {string} */ key) => {
    let found = numbers.get(key);
    if (found === undefined) {
      found = numbers.size;
      numbers.set(key, found);
    }
    return found;
  };
  const order = [...(below.get(null) ?? NONE)];
  for (let at = 0; at < order.length; at++) for (const kid of below.get(order[at].id) ?? NONE) order.push(kid);
  // What is below a row comes before it.
  for (let at = order.length - 1; at >= 0; at--) {
    const row = order[at],
      kids = below.get(row.id);
    if (row.own === ALONE) row.own = number(`${row.kind}\n${row.name}\n${row.label}`);
    row.quiet = row.status === 'ok' ? !row.error : row.retried && row.status === 'error';
    row.fails = failed(row);
    row.alike = row.own;
    row.parts = !!kids;
    if (kids) {
      row.alike = number(`${row.own}: ${shapesOf(kids)}`);
      for (const kid of kids) {
        row.quiet &&= kid.quiet;
        row.fails ||= kid.fails;
      }
    }
    row.shape = row.remark && !row.retried ? number(`${row.alike}: ${row.remark}`) : row.alike;
  }
}

/** @param {Row[]} kids */
function shapesOf(kids) {
  const { shape } = kids[0];
  return kids.every((kid) => kid.shape === shape) ? shape : [...new Set(kids.map((kid) => kid.shape))].sort().join();
}

/** Five or more equal siblings as one row that holds them, where the first of them stands. @param {string|null} parent @param {Row[]} siblings @param {Map<string, Row>} rows @returns {Row[]} */
export function grouped(parent, siblings, rows) {
  if (siblings.length < ALIKE) return siblings;
  const { shape: first, own: name } = siblings[0];
  // Mostly they are all alike.
  if (siblings.every((row) => row.shape === first && row.quiet && !row.retried)) return [group(`group ${parent ?? ''} ${name}`, siblings)];
  if (!mayGroup(siblings)) return siblings;
  const home = homes(siblings),
    joins = crowds(parent, siblings, rows);
  /** @type {Map<number, Row[]>} */
  const sets = new Map();
  for (const row of siblings) {
    const shape = shapeOf(row, home, joins),
      set = sets.get(shape);
    if (set) set.push(row);
    else sets.set(shape, [row]);
  }
  sets.delete(ALONE);
  /** @type {Map<Row, Row>} */
  const groupOf = new Map();
  for (const [shape, members] of sets) {
    // Another attempt at a request is no request more.
    if (members.length < ALIKE || members.filter((row) => !row.retried).length < ALIKE) continue;
    const { own } = members[0];
    const one = group(`group ${parent ?? ''} ${(home.get(own) ?? own) === shape ? own : `${own}/${shape}`}`, members);
    for (const row of members) groupOf.set(row, one);
  }
  return groupOf.size ? [...new Set(siblings.map((row) => groupOf.get(row) ?? row))] : siblings;
}

/** Whether so many have one name: what else they must share costs more to find out. @param {Row[]} siblings */
function mayGroup(siblings) {
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (const { own } of siblings) {
    const count = (counts.get(own) ?? 0) + 1;
    if (count >= ALIKE) return true;
    counts.set(own, count);
  }
  return false;
}

/** The shape of the first that ended well, for those that look the same so far. @param {Row[]} siblings */
function homes(siblings) {
  /** @type {Map<number, number>} */
  const home = new Map();
  for (const { quiet, shape, alike, own } of siblings) {
    if (!quiet) continue;
    for (const like of [alike, own]) if (!home.has(like)) home.set(like, shape);
  }
  return home;
}

/** Of which steps so many have run at once that none of them stands for itself; that stays so. @param {string|null} parent @param {Row[]} siblings @param {Map<string, Row>} rows */
function crowds(parent, siblings, rows) {
  const numbers = known.get(rows) ?? new Map(),
    running = new Map();
  for (const row of siblings) if (row.status === 'running' && !row.counts) running.set(row.own, (running.get(row.own) ?? 0) + 1);
  for (const [own, n] of running) if (n >= ALIKE) numbers.set(`crowd ${parent} ${own}`, numbers.size);
  return (/** @type {Row} */ row) => numbers.has(`crowd ${parent} ${row.own}`);
}

/** What a row is put together by; `ALONE` if it stands for itself. @param {Row} row @param {Map<number, number>} home @param {(row: Row) => boolean} joins */
function shapeOf(row, home, joins) {
  const { own, alike, shape } = row;
  if (row.quiet) return shape;
  if (row.fails && row.parts) return ALONE;
  if (row.status === 'running') return row.counts || joins(row) ? (home.get(own) ?? own) : ALONE;
  return row.parts ? ALONE : (home.get(alike) ?? alike);
}

/** @param {string} id @param {Row[]} members @returns {Row} */
function group(id, members) {
  const first = members.find((row) => row.status === 'ok') ?? members[0],
    runs = members.some((row) => row.status === 'running');
  let start = Infinity,
    end = 0;
  for (const row of members) {
    start = Math.min(start, (row.attempts?.[0] ?? row).start ?? 0);
    end = Math.max(end, (row.start ?? 0) + (row.dur ?? 0));
  }
  const bare = { remark: null, advice: null, outcome: null, error: null, tokens: null, input: null, output: null, attempts: undefined };
  return {
    ...first,
    ...bare,
    id,
    members,
    start,
    dur: runs ? null : end - start,
    status: runs ? 'running' : first.status,
    cost: '',
    counts: false,
  };
}

/** The word that stands for the cost of them all; "" where they have several. @param {Row[]} members */
export function wordOf(members) {
  const words = new Set(members.map((row) => (row.status === 'error' ? '' : row.cost)).filter(Boolean));
  const [word] = words;
  return words.size === 1 && !/[$0-9]/.test(word) ? word : '';
}

/** How many requests a group holds: `× 300`; where none was sent, how many there are. @param {Row[]} members */
export const times = (members) => {
  const asked = members.filter((row) => !row.retried);
  return `× ${commas(asked.filter((row) => row.outcome !== 'refused').length || asked.length)}`;
};

/** What came of the members of a group, how long each took, what is to be said of their usage. @param {Row[]} members */
export function summed(members) {
  /** @type {Map<string, number>} */
  const others = new Map();
  let bad = 0,
    retried = 0;
  for (const row of members) {
    if (failed(row) && row.status === 'error') bad += 1;
    else if (row.retried) retried += 1;
    else if (row.status !== 'ok') others.set(row.status, (others.get(row.status) ?? 0) + 1);
    if (row.status === 'ok') retried += row.attempts?.length ?? 0;
  }
  const took = members.flatMap((row) => (row.status === 'ok' && row.dur != null ? [row.dur] : [])).sort((a, b) => a - b);
  const remarks = [...new Set(members.map((row) => (row.retried ? '' : row.remark)).filter(Boolean))].slice(0, REMARKS);
  const parts = [
    retried && `${commas(retried)} retried`,
    ...[...others].map(([status, n]) => `${commas(n)} ${status.replace('_', ' ')}`),
    took.length && `each p50 ${seconds(percentile(took, 0.5))} · p95 ${seconds(percentile(took, 0.95))} · max ${seconds(took[took.length - 1])}`,
    ...remarks,
    ...members.map((row) => row.advice),
  ];
  return { bad: bad ? `${commas(bad)} failed` : '', rest: parts.filter(Boolean).join(' · ') };
}

/** How members ended, in the order of their starts, as a background: of those that share a cell the worst. @param {Row[]} members */
export function strip(members) {
  const cells = Math.min(CELLS, members.length),
    /** @type {string[]} */ stops = [];
  for (let cell = 0; cell < cells; cell++) {
    let worst = 0;
    for (let at = Math.floor((cell * members.length) / cells); at < Math.floor(((cell + 1) * members.length) / cells); at++)
      worst = Math.max(worst, gravity(members[at]));
    const [from, to] = [cell, cell + 0.75].map((x) => `${((100 * x) / cells).toFixed(2)}%`),
      next = `${((100 * (cell + 1)) / cells).toFixed(2)}%`;
    stops.push(`var(--${OUTCOMES[worst]}) ${from} ${to}`, `transparent ${to} ${next}`);
  }
  return `linear-gradient(90deg, ${stops.join()})`;
}

/** @param {Row} row index into `OUTCOMES` */
function gravity(row) {
  if (failed(row)) return 4;
  if (STOPPED.includes(row.status)) return 3;
  return row.status === 'running' ? 1 : row.attempts || row.retried ? 2 : 0;
}

/** Members as they are listed: the failed first, then as they began, by time or by cost. @param {Row[]} members @param {string} [order] */
export function ordered(members, order) {
  const key = (/** @type {Row} */ row) => (order === 'dear' ? row.usd : row.dur) ?? -1,
    bad = members.filter(failed),
    rest = members.filter((row) => !failed(row));
  if (order) for (const list of [bad, rest]) list.sort((a, b) => key(b) - key(a));
  return [...bad, ...rest];
}
