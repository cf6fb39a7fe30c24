// @ts-check
/**
 * What rows add up to.
 *
 * @typedef {import('./rows.js').Row} Row
 * @typedef {{input:number|null, output:number|null, usd:number|null, doubtful:number}} Sum `doubtful`: index into `WORDS`, from `RUNNING` on its `usd` is not all
 */
import { money } from './format.js';
import { NONE } from './rows.js';

export const WORDS = ['$0', 'free', '', 'no usage', 'unpriced']; // what stands for no amount: all was refused, known, running …
const FREE = 1;
const RUNNING = 2;
const plus = (/** @type {number|null} */ a, /** @type {number|null} */ b) => (a == null ? b : b == null ? a : a + b);

/** @returns {Sum} */
export const noSum = () => ({ input: null, output: null, usd: null, doubtful: 0 });

/** Sums of the counted rows below others, each worked out once. */
export class Sums {
  /** @param {Map<string|null, Row[]>} below */
  constructor(below) {
    this.below = below;
    /** @type {Map<string, Sum>} */ this.known = new Map();
  }

  /** @param {Row} row */
  under(row) {
    let all = this.known.get(row.id);
    if (!all) {
      all = this.of([row]);
      this.known.set(row.id, all);
    }
    return all;
  }

  /** @param {Row[]} rows @returns {Sum} */
  of(rows) {
    const all = noSum();
    const todo = [...rows];
    for (let row = todo.pop(); row; row = todo.pop()) {
      const known = this.known.get(row.id);
      if (known) add(all, known);
      else {
        if (row.counts) add(all, own(row));
        for (const kid of this.below.get(row.id) ?? NONE) todo.push(kid);
        // The attempts before a call are none of its own sums, and in those above it.
        if (row.attempts) todo.push(...row.attempts);
      }
    }
    return all;
  }
}

/** @param {Sum} all @param {Sum} one */
export function add(all, one) {
  all.input = plus(all.input, one.input);
  all.output = plus(all.output, one.output);
  all.usd = plus(all.usd, one.usd);
  all.doubtful = Math.max(all.doubtful, one.doubtful);
}

/** What a counted row adds. @param {Row} row @returns {Sum} */
export function own(row) {
  if (!row.counts) return noSum();
  const { input, output, usd, cost_state: state, status, dur } = row,
    refused = state == null && status === 'error', // it costs nothing
    unknown = state === 'no_usage' ? 3 : 4,
    doubtful = refused ? 0 : state === 'priced' || state === 'free' ? FREE : dur == null ? RUNNING : unknown;
  return { input, output, usd: refused ? 0 : usd, doubtful };
}

/**
 * Calls, times, tokens and cost a model, the most expensive first: `took` are the seconds of calls that were answered, sorted,
 * `pace` the output tokens a second of those that tell both; null where none does.
 * @param {Map<string, Row>} rows @returns {{model:string, calls:number, errors:number, took:number[], pace:number|null, sum:Sum}[]}
 */
export function byModel(rows) {
  const found = new Map();
  for (const row of rows.values()) {
    if (!row.counts || row.hidden) continue;
    const model = row.model ?? (row.more ? row.name : 'model unknown'),
      [calls, errors] = row.more ?? [1, row.status === 'error' && !row.retried ? 1 : 0];
    const one = found.get(model) ?? {
      model,
      calls: 0,
      errors: 0,
      took: [],
      written: 0,
      writing: 0,
      pace: null,
      sum: noSum(),
    };
    found.set(model, one);
    one.calls += calls;
    one.errors += errors;
    add(one.sum, own(row));
    if (row.more || row.status !== 'ok' || row.dur == null) continue;
    one.took.push(row.dur);
    if (row.output == null || !(row.dur > 0)) continue;
    one.written += row.output;
    one.writing += row.dur;
    one.pace = one.written / one.writing;
  }
  for (const { took } of found.values()) took.sort((/** @type {number} */ a, /** @type {number} */ b) => a - b);
  const weight = (/** @type {Sum} */ s) => (s.input ?? 0) + (s.output ?? 0);
  return [...found.values()].sort((a, b) => (b.sum.usd ?? -1) - (a.sum.usd ?? -1) || weight(b.sum) - weight(a.sum));
}

/** A sum's cost in words; "" where nothing is known of it. @param {Sum} sum */
export function sumCost(sum) {
  if (!sum.usd) return '';
  if (sum.doubtful <= RUNNING) return money(sum.usd);
  return sum.usd >= 0.00001 ? `≥ ${money(sum.usd)}` : '> $0';
}
