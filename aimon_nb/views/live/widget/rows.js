// @ts-check
/**
 * Rows as the kernel tells them, by id, and what each says of itself.
 *
 * @typedef {{id:string, parent:string|null, kind:string, name:string, label:string,
 *   status:string, start:number|null, dur:number|null, tokens:string|null,
 *   cost:string, input:number|null, output:number|null, usd:number|null,
 *   cost_state:string|null, counts:boolean, error:string|null, streaming:boolean,
 *   ttft:number|null, heard:number|null, model:string|null, retried:boolean, item:number|null,
 *   hidden:boolean, more:[number,number]|null, remark:string|null, advice:string|null,
 *   outcome:string|null, tries:[number,number]|null, members?:Row[], attempts?:Row[], last?:string,
 *   own:number, alike:number, shape:number, quiet:boolean, fails:boolean, parts:boolean}} Row
 */
import { commas, tokens } from './format.js';

const CHARACTERS = 4; // a token, roughly: only to say how fast an answer streams
export const BAD = ['error', 'lost', 'over_budget', 'killed'];
export const STOPPED = ['interrupted', 'cancelled', 'abandoned'];
/** @type {Row[]} */
export const NONE = [];
export const ALONE = -1; // the shape of a row that stands for itself

/** A row from its values, in the order of `FIELDS` in rows.py; what was left off at the end is null. @param {any[]} v @returns {Row} */
export const unpackRow = (v) => ({
  id: v[0],
  parent: v[1],
  kind: v[2],
  name: v[3],
  label: v[4],
  status: v[5],
  start: v[6],
  dur: v[7],
  counts: v[8],
  cost: v[9],
  streaming: v[10],
  input: v[11] ?? null,
  output: v[12] ?? null,
  usd: v[13] ?? null,
  cost_state: v[14] ?? null,
  model: v[15] ?? null,
  error: v[16] ?? null,
  retried: v[17] ?? false,
  ttft: v[18] ?? null,
  heard: v[19] ?? null,
  item: v[20] ?? null,
  tokens: v[21] ?? null,
  hidden: v[22] ?? false,
  more: v[23] ?? null,
  remark: v[24] ?? null,
  advice: v[25] ?? null,
  outcome: v[26] ?? null,
  tries: v[27] ?? null,
  // Until it is laid out.
  own: ALONE,
  alike: ALONE,
  shape: ALONE,
  quiet: false,
  fails: false,
  parts: false,
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

/** Which of two began first; one whose start nobody knows stands last. @param {Row} a @param {Row} b */
const byStart = (a, b) => Math.sign((a.start ?? Number.MAX_VALUE) - (b.start ?? Number.MAX_VALUE));

/** Children by shown parent, in the order of their starts; a row whose parent is not here hangs at the top. @param {Map<string, Row>} rows */
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
  // What ended at once may be told before what began earlier, and waits for its price.
  for (const list of below.values()) if (list.some((row, at) => at > 0 && byStart(list[at - 1], row) > 0)) list.sort(byStart);
  return below;
}

/** The attempts at one request as one row, the last of them, where the first began. @param {Map<string|null, Row[]>} below */
export function attemptsFolded(below) {
  for (const [parent, list] of below) {
    if (!list.some((row) => row.tries)) continue;
    /** @type {Map<number, Row[]>} */
    const groups = new Map();
    for (const row of list) if (row.tries) groups.set(row.tries[0], [...(groups.get(row.tries[0]) ?? []), row]);
    /** @type {Map<Row, Row|null>} */
    const shown = new Map();
    for (const attempts of groups.values()) {
      const last = attempts.reduce((a, b) => ((b.tries?.[1] ?? 1) > (a.tries?.[1] ?? 1) ? b : a));
      last.attempts = attempts.length > 1 ? attempts.filter((row) => row !== last) : undefined;
      for (const row of attempts) shown.set(row, null);
      for (const row of last.attempts ?? NONE) row.last = last.id;
      shown.set(attempts[0], last);
    }
    below.set(
      parent,
      list.map((row) => shown.get(row) ?? (shown.has(row) ? null : row)).filter((row) => row !== null),
    );
  }
  return below;
}

/** What a row says of its tokens. @param {Row} row */
export const counted = (row) => row.tokens ?? tokens(row.input, row.output);

/** How fast an answer streams, in words; "" before its first token. @param {Row} row @param {number} now seconds since the run's start */
export function speed(row, now) {
  if (!row.streaming || row.status !== 'running' || row.ttft == null || !row.heard) return '';
  const since = now - (row.start ?? 0) - row.ttft;
  return since > 0.2 ? `≈ ${commas(Math.round(row.heard / CHARACTERS / since))} tok/s` : '';
}
