// @ts-check
/**
 * The rows of the user's batch, each with what its calls add up to. No DOM here, so node tests it.
 *
 * @typedef {import('./rows.js').Row} Row
 * @typedef {import('./sums.js').Sum} Sum
 * @typedef {{number: number, key: string, status: string, repeat: number, error: string, more?: import('./protocol.js').PackedSums}} Item
 * @typedef {Item & {calls: number, retried: number, took: number|null, sum: Sum}} ItemSum
 * @typedef {'' | 'item' | 'calls' | 'time' | 'tokens' | 'cost'} ItemOrder
 */
import { BAD, STOPPED } from './rows.js';
import { add, own } from './sums.js';

/** @type {import('./protocol.js').PackedSums} */
const NOTHING = [0, 0, null, null, null, null, 0];

/** An item from its values, as present/items.py has them. @param {import('./protocol.js').PackedItem} values @returns {Item} */
export const unpackItem = ([number, key, status, repeat, error, more]) => ({ number, key, status, repeat: repeat ?? 1, error: error ?? '', more });

/** What a reader calls an item. @param {Item} item */
export const itemName = ({ key, repeat }) => `${key || '(empty)'}${repeat > 1 ? ` (${repeat})` : ''}`;

/** The characters of the longest name; those that are none of ours count twice. @param {Item[]} list */
export const widest = (list) => list.reduce((most, one) => Math.max(most, itemName(one).replace(/[^ -ÿ]/g, 'xx').length), 4);

const rank = (/** @type {Item} */ { status }) => (BAD.includes(status) ? 0 : STOPPED.includes(status) ? 1 : 2);

/**
 * Each item with its calls, tokens, cost and the seconds of its calls together; one whose call failed for good has failed.
 * @param {Map<number, Item>} items @param {Map<string, Row>} rows @returns {ItemSum[]}
 */
export function byItem(items, rows) {
  /** @type {Map<number, ItemSum>} */
  const found = new Map();
  for (const [number, item] of items) {
    const [calls, retried, took, input, output, usd, doubtful] = item.more ?? NOTHING;
    found.set(number, { ...item, calls, retried, took, sum: { input, output, usd, doubtful } });
  }
  const repaired = new Set();
  for (const { tries, status, retried } of rows.values()) if (tries && status === 'ok' && !retried) repaired.add(tries[0]);
  for (const row of rows.values()) {
    const one = row.item == null || row.hidden || !row.counts ? undefined : found.get(row.item);
    if (!one) continue;
    one.calls += 1;
    if (row.retried && repaired.has(row.tries?.[0])) one.retried += 1;
    if (row.dur != null) one.took = (one.took ?? 0) + row.dur;
    add(one.sum, own(row));
    if (!BAD.includes(row.status) || row.retried || rank(one) < 2 || one.status === 'running') continue;
    one.status = 'error';
    one.error = row.error ?? '';
  }
  return [...found.values()];
}

/** @type {Record<string, (one: ItemSum) => number>} */
const WEIGHTS = {
  calls: (one) => one.calls,
  time: (one) => one.took ?? -1,
  tokens: (one) => (one.sum.input ?? 0) + (one.sum.output ?? 0),
  cost: (one) => one.sum.usd ?? -1,
};

/** Each where it was, and what is new below. @param {ItemSum[]} ordered @param {ItemSum[]} list as they are now */
export function asBefore(ordered, list) {
  const now = new Map(list.map((one) => [one.number, one])),
    numbers = new Set([...ordered, ...list].map((one) => one.number));
  return [...numbers].flatMap((number) => now.get(number) ?? []);
}

/** In an order: the largest first, or as they began; by default what failed comes first. @param {ItemSum[]} list @param {ItemOrder} order */
export function inOrder(list, order) {
  const of = order === '' ? (/** @type {ItemSum} */ one) => -rank(one) : WEIGHTS[order];
  return of ? [...list].sort((a, b) => of(b) - of(a) || a.number - b.number) : list;
}
