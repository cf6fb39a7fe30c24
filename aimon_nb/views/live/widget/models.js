// @ts-check
/** Times, tokens and cost by model, in place of the tree. */
import { html } from './dom.js';
import { commas, seconds, tokens, visible } from './format.js';
import { percentile } from './groups.js';
import { byModel, sumCost, WORDS } from './sums.js';

/** @typedef {import('./sums.js').Sum} Sum */

const HEADS = [['model'], ['calls'], ['p50'], ['p95', 'wide'], ['tokens/s', 'wide'], ['tokens'], ['cost']];

const all = (/** @type {Sum} */ sum) => (sum.input ?? 0) + (sum.output ?? 0);

/** @param {{rows: Map<string, import('./rows.js').Row>}} props */
export const Models = ({ rows }) => {
  const list = byModel(rows),
    most = (/** @type {(sum: Sum) => number} */ of) => Math.max(1e-12, ...list.map((one) => of(one.sum)));
  const dearest = most((sum) => sum.usd ?? 0),
    longest = most(all);
  return html`<div class="models" role="table" aria-label="models">
    <div class="line-of heads" role="row">${HEADS.map(([text, name]) => html`<span class=${name} role="columnheader">${text}</span>`)}</div>
    ${list.map(
      ({ model, calls, errors, took, pace, sum }) => html`<div class="line-of" role="row" key=${model}>
        <span class="name" role="rowheader">${visible(model)}</span>
        <span class="num" role="cell">${[commas(calls), errors ? `${commas(errors)} ✕` : ''].filter(Boolean).join(' · ')}</span>
        <span class="num" role="cell">${seconds(percentile(took, 0.5)) || '–'}</span>
        <span class="num wide" role="cell">${seconds(percentile(took, 0.95)) || '–'}</span>
        <span class="num wide" role="cell">${pace == null ? '–' : commas(Math.round(pace))}</span>
        <${Barred} text=${tokens(sum.input, sum.output)} share=${all(sum) / longest} />
        <${Barred} text=${costOf(sum)} share=${(sum.usd ?? 0) / dearest} />
      </div>`,
    )}
    ${!list.length && html`<div class="dim">no model call was heard</div>`}
  </div>`;
};

/** What a sum cost, in a word where there is no amount. @param {Sum} sum */
export function costOf(sum) {
  return sumCost(sum) || WORDS[sum.doubtful];
}

/** A number over its bar. @param {{text: string, share: number}} props share: 0 … 1 */
const Barred = ({ text, share }) =>
  html`<span class="barred" role="cell"><span class="num">${text}</span><i style=${{ width: `${100 * Math.min(1, share)}%` }} /></span>`;
