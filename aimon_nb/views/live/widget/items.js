// @ts-check
/** The rows of the user's batch in place of the tree: what each took, cost, and failed with. */
import { asBefore, inOrder, itemName, widest } from './by_item.js';
import { Component, html } from './dom.js';
import { commas, seconds, tokens, visible } from './format.js';
import { MARKS } from './head.js';
import { costOf } from './models.js';
import { BAD, STOPPED } from './rows.js';
import { LINE } from './window.js';

/** @typedef {import('./by_item.js').ItemSum} ItemSum @typedef {import('./by_item.js').ItemOrder} ItemOrder */

const MOST_LINES = 12; // it scrolls inside beyond this
const MARGIN = 6; // lines drawn beyond each edge
const DRAWN = MOST_LINES + 2 * MARGIN; // elements, which are used again
/** @type {[ItemOrder, string, string][]} */
const HEADS = [
  ['item', 'item', ''],
  ['', 'status', 'state'],
  ['calls', 'calls', 'num'],
  ['time', 'time', 'num wide'],
  ['tokens', 'tokens', 'num wide'],
  ['cost', 'cost', 'num'],
];
/** @type {Record<string, number>} */
const STEPS = { ArrowDown: 1, ArrowUp: -1, PageDown: MOST_LINES - 1, PageUp: 1 - MOST_LINES, Home: -Infinity, End: Infinity };
const FIRST = { '': 'failed first', item: 'as they began' };

/**
 * Of thousands only those in sight are in the page.
 * @extends {Component<{list: ItemSum[], onItem: (number: number) => void}, {order: ItemOrder, top: number, at: number}>}
 */
export class Items extends Component {
  /** @override @type {{order: ItemOrder, top: number, at: number}} `at`: the line that keys act on */
  state = { order: '', top: 0, at: 0 };
  /** @type {HTMLElement|null} */ moved = null; // where a key has led elsewhere
  /** @type {{list: ItemSum[], order: ItemOrder, ordered: ItemSum[], isHeld: boolean|undefined, key: string}|null} */ known = null;
  /** @type {HTMLElement|null} */ body = null;

  onScroll = (/** @type {any} */ event) => {
    const top = Math.floor(event.currentTarget.scrollTop / LINE);
    if (top !== this.state.top) this.setState({ top });
  };

  onBody = (/** @type {any} */ body) => {
    this.body = body;
  };

  onLeave = () => this.known?.isHeld && this.setState({});

  onKey = (/** @type {any} */ event) => {
    const step = STEPS[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const at = Math.max(0, Math.min(this.ordered.length - 1, this.reached + step)),
      body = event.currentTarget,
      lowest = at - (MOST_LINES - 1);
    body.scrollTop = LINE * Math.max(lowest, Math.min(at, Math.round(body.scrollTop / LINE)));
    this.moved = body;
    this.setState({ at, top: Math.floor(body.scrollTop / LINE) });
  };

  /** @override */
  componentDidUpdate() {
    /** @type {HTMLElement|null|undefined} */ (this.moved?.querySelector('[tabindex="0"]'))?.focus({ preventScroll: true });
    this.moved = null;
  }

  /** The line that the keyboard comes to: that where it was, if it is in sight. */
  get reached() {
    const { top, at } = this.state;
    return at >= top && at < top + MOST_LINES ? at : top;
  }

  /** The keyboard or the pointer is on a row: no other is to come below it. */
  get isHeld() {
    return this.body?.matches(':hover, :focus-within');
  }

  get ordered() {
    const { list } = this.props,
      { order } = this.state;
    if (this.known?.list !== list || this.known.order !== order || (this.known.isHeld && !this.isHeld)) {
      const isHeld = this.known?.order === order && this.isHeld;
      this.known = {
        list,
        order,
        isHeld,
        key: `${8 * widest(list)}px`,
        ordered: isHeld ? asBefore(this.known?.ordered ?? [], list) : inOrder(list, order),
      };
    }
    return this.known.ordered;
  }

  /** @override */
  render() {
    const { onItem } = this.props,
      { order, top } = this.state,
      { ordered, reached } = this,
      from = Math.max(0, top - MARGIN),
      shown = inSlots(ordered, from);
    return html`<div class="items" role="table" aria-label="items" aria-rowcount=${ordered.length + 1} style=${{ '--key': this.known?.key }}>
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
      <div class="body" role="presentation" style=${{ height: `${Math.min(MOST_LINES, ordered.length) * LINE}px` }} onScroll=${this.onScroll} onKeyDown=${this.onKey} onMouseLeave=${this.onLeave} onBlurCapture=${this.onLeave} ref=${this.onBody}>
        <div class="pad" role="rowgroup" style=${{ height: `${ordered.length * LINE}px` }}>
          ${shown.map(([one, at]) => html`<${ItemLine} key=${at % DRAWN} one=${one} at=${at} isReached=${at === reached} onItem=${onItem} />`)}
        </div>
      </div>
    </div>`;
  }
}

/** Those in sight, each where its element stands in the page: which then shows another one, and is not moved. @param {ItemSum[]} ordered @param {number} from @returns {[ItemSum, number][]} */
function inSlots(ordered, from) {
  const first = from - (from % DRAWN),
    /** @type {[ItemSum, number][]} */ shown = [];
  for (let slot = first; slot < first + DRAWN; slot++) {
    const at = slot < from ? slot + DRAWN : slot;
    if (at < ordered.length) shown.push([ordered[at], at]);
  }
  return shown;
}

/** @param {{one: ItemSum, at: number, isReached: boolean, onItem: (number: number) => void}} props */
const ItemLine = ({ one, at, isReached, onItem }) => {
  const { status, error, calls, retried, took, sum, number } = one,
    bad = BAD.includes(status),
    said = `${MARKS[status] ?? '…'} ${visible(error) || status}`,
    name = visible(itemName(one));
  return html`<div class=${`item ${bad ? 'failed' : STOPPED.includes(status) ? 'stopped' : ''}`} role="row" aria-rowindex=${at + 2} style=${{ top: `${at * LINE}px` }}>
    <span role="rowheader" title=${name}><button tabindex=${isReached ? 0 : -1} onClick=${() => onItem(number)}>${name}</button></span>
    <span class="state" role="cell" title=${said}>${said}</span>
    <span class="num" role="cell">${commas(calls)}${retried ? html` <span class="dim">· ${commas(retried)} retried</span>` : ''}</span>
    <span class="num wide" role="cell">${seconds(took)}</span>
    <span class="num wide" role="cell">${tokens(sum.input, sum.output)}</span>
    <span class="num" role="cell">${calls ? costOf(sum) : ''}</span>
  </div>`;
};
