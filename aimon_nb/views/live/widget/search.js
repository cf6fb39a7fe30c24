// @ts-check
/**
 * What the reader looks for in a run.
 *
 * @typedef {import('./rows.js').Row} Row
 * @typedef {{typed: string, text: string, failed: boolean, order: string, item: number}} Look item: whose calls; 0: all
 */
import { itemName } from './by_item.js';
import { commas } from './format.js';
import { BAD } from './rows.js';

/** @returns {Look} */
export const nothing = () => ({ typed: '', text: '', failed: false, order: '', item: 0 });

/** What to show of a run, for the list. @param {Look} look @param {import('./store.js').Run} run @returns {import('./layout.js').Look} */
export function lookup({ text, failed, order, item }, { details, previews, items }) {
  const said = (/** @type {Row} */ row) => (details.get(row.id)?.messages ?? []).some((turn) => turn.text.toLowerCase().includes(text));
  const keyOf = (/** @type {Row} */ row) => {
    const known = row.item == null ? undefined : items.get(row.item);
    return known && itemName(known);
  };
  const named = (/** @type {Row} */ row) =>
    [row.name, row.label, row.outcome, row.error, row.remark, row.advice, keyOf(row), ...(previews.get(row.id) ?? [])].some((part) =>
      part?.toLowerCase().includes(text),
    );
  const find = (/** @type {Row} */ row) =>
    (!item || row.item === item) && (!failed || (BAD.includes(row.status) && !row.retried)) && (!text || named(row) || said(row));
  return { order, find: text || failed || item ? find : undefined };
}

/** How many rows were found, in words. @param {Look} look @param {import('./store.js').Run} run @param {import('./layout.js').Entry[]} entries */
export function sayFound({ text, failed, order, item }, run, entries) {
  const hits = entries.filter((entry) => !entry.faint).length,
    apart = text ? run.unheard : 0;
  const said = text || failed || item ? (hits ? `${commas(hits)} found` : 'none found') : order ? `${commas(hits)} rows` : '';
  return apart ? `${said}; messages of ${commas(apart)} calls are in the kernel, not searched` : said;
}
