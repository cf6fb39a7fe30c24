// @ts-check
/** What to look for in the tree, and in which order. */
import { html } from './dom.js';
import { Tool } from './head.js';

const ORDERS = [
  ['', 'as it ran'],
  ['slow', 'slow first'],
  ['dear', 'expensive first'],
];

/** @param {{look: import('./search.js').Look, found: string, item: string, onChange: (change: Partial<import('./search.js').Look>) => void}} props */
export const Finder = ({ look, found, item, onChange }) => {
  const typed = (/** @type {any} */ event) => onChange({ typed: event.currentTarget.value, text: event.currentTarget.value.trim().toLowerCase() });
  return html`
    <input type="search" placeholder="names, models, errors, messages" aria-label="find rows" value=${look.typed} onInput=${typed} />
    ${item && html`<button class="toggle" aria-pressed="true" title="of all items" onClick=${() => onChange({ item: 0 })}>item ${item} ✕</button>`}
    <${Tool} name="toggle" pressed=${look.failed} onClick=${() => onChange({ failed: !look.failed })}>errors only<//>
    <select aria-label="order of rows" value=${look.order} onChange=${(/** @type {any} */ event) => onChange({ order: event.currentTarget.value })}>
      ${ORDERS.map(([value, text]) => html`<option value=${value}>${text}</option>`)}
    </select>
    <span class="dim" role="status">${found}</span>`;
};
