// @ts-check
/** What stands in place of the tree: the sums by model, or by the rows of the user's batch. */
import { byItem } from './by_item.js';
import { html } from './dom.js';
import { Items } from './items.js';
import { Models } from './models.js';

/** @param {{side: '' | 'models' | 'items', run: import('./store.js').Run, onItem: (number: number) => void}} props */
export const Side = ({ side, run, onItem }) => {
  if (side === 'models') return html`<${Models} rows=${run.rows} />`;
  return side && html`<${Items} list=${byItem(run.items, run.rows)} onItem=${onItem} />`;
};
