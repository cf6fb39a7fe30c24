// @ts-check
/** The rows of the user's batch in place of the tree: what each took, cost, and failed with. */
import { inOrder, itemName } from './by_item.js';
import { Component, html } from './dom.js';
import { commas, seconds, tokens, visible } from './format.js';
import { MARKS } from './head.js';
import { costOf } from './models.js';
import { BAD, STOPPED } from './rows.js';
import { LINE } from './window.js';

/** @typedef {import('./by_item.js').ItemSum} ItemSum @typedef {import('./by_item.js').ItemOrder} ItemOrder */

const MOST_LINES = 12; // it scrolls inside beyond this
const MARGIN = 6; // lines drawn beyond each edge
/** @type {[ItemOrder, string, string][]} */
const HEADS = [
  ['item', 'item', ''],
  ['', 'status', 'state'],
  ['calls', 'calls', 'num'],
  ['time', 'time', 'num wide'],
  ['tokens', 'tokens', 'num wide'],
  ['cost', 'cost', 'num'],
];
const FIRST = { '': 'failed first', item: 'as they began' };

/**
 * Of thousands only those in sight are in the page.
 * @extends {Component<{list: ItemSum[], onItem: (number: number) => void}, {order: ItemOrder, top: number}>}
 */
export class Items extends Component {
  /** @override @type {{order: ItemOrder, top: number}} */
  state = { order: '', top: 0 };
  /** @type {{list: ItemSum[], order: ItemOrder, ordered: ItemSum[]}|null} */ known = null;

  onScroll = (/** @type {any} */ event) => {
    const top = Math.floor(event.currentTarget.scrollTop / LINE);
    if (top !== this.state.top) this.setState({ top });
  };

  get ordered() {
    const { list } = this.props,
      { order } = this.state;
    if (this.known?.list !== list || this.known.order !== order) this.known = { list, order, ordered: inOrder(list, order) };
    return this.known.ordered;
  }

  /** @override */
  render() {
    const { onItem } = this.props,
      { order, top } = this.state,
      { ordered } = this,
      from = Math.max(0, top - MARGIN),
      shown = ordered.slice(from, top + MOST_LINES + MARGIN);
    return html`<div class="items" role="table" aria-label="items" aria-rowcount=${ordered.length + 1}>
      <div class="heads" role="row">
        ${HEADS.map(
          ([
            by,
            text,
            name,
          ]) => html`<span class=${name} role="columnheader" aria-sort=${by === order ? (by in FIRST ? 'ascending' : 'descending') : 'none'}>
            <button aria-pressed=${String(by === order)} title=${FIRST[/** @type {''} */ (by)] ?? 'largest first'} onClick=${() => this.setState({ order: by })}>${text}</button>
          </span>`,
        )}
      </div>
      <div class="body" role="presentation" style=${{ height: `${Math.min(MOST_LINES, ordered.length) * LINE}px` }} onScroll=${this.onScroll}>
        <div class="pad" role="rowgroup" style=${{ height: `${ordered.length * LINE}px` }}>
          ${shown.map((one, at) => html`<${ItemLine} key=${one.number} one=${one} at=${from + at} onItem=${onItem} />`)}
        </div>
      </div>
    </div>`;
  }
}

/** @param {{one: ItemSum, at: number, onItem: (number: number) => void}} props */
const ItemLine = ({ one, at, onItem }) => {
  const { status, error, calls, retried, took, sum, number } = one,
    bad = BAD.includes(status),
    said = `${MARKS[status] ?? '…'} ${visible(error) || status}`,
    name = visible(itemName(one));
  return html`<div class=${`item ${bad ? 'failed' : STOPPED.includes(status) ? 'stopped' : ''}`} role="row" aria-rowindex=${at + 2} style=${{ top: `${at * LINE}px` }}>
    <span role="rowheader" title=${name}><button title=${`calls of ${name}`} onClick=${() => onItem(number)}>${name}</button></span>
    <span class="state" role="cell" title=${said}>${said}</span>
    <span class="num" role="cell">${commas(calls)}${retried ? html` <span class="dim">· ${commas(retried)} retried</span>` : ''}</span>
    <span class="num wide" role="cell">${seconds(took)}</span>
    <span class="num wide" role="cell">${tokens(sum.input, sum.output)}</span>
    <span class="num" role="cell">${calls ? costOf(sum) : ''}</span>
  </div>`;
};
