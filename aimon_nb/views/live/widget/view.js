// @ts-check
/**
 * One place in the page that shows a run: components for head, finder, models and details, the list by hand.
 *
 * A view whose place was taken away, by a cleared output or the swap to the saved form, moves
 * into the next place that asks, so scroll position, open rows and focus survive.
 *
 * @typedef {import('./store.js').Run} Run
 */

import { itemName } from './by_item.js';
import { el, html, setText } from './dom.js';
import { Finder } from './finder.js';
import { commas, visible } from './format.js';
import { Head, sumsOf, wentWell } from './head.js';
import { onKey } from './keys.js';
import { Parts } from './parts.js';
import { Place } from './place.js';
import { Quiet } from './quiet.js';
import { FocusKeeper } from './scroll.js';
import { lookup, nothing, sayFound } from './search.js';
import { Side } from './side.js';
import { TreeList } from './tree_list.js';

const TICK = 100; // ms between ticks of running clocks
const QUICK = 1; // seconds; a shorter run shows only its line

/** What a run looks like in one place. */
export class View {
  /** @param {Run} run */
  constructor(run) {
    this.run = run;
    this.root = el('div', 'aimon');
    this.place = new Place(this.root);
    this.keeper = new FocusKeeper(this.root);
    this.quiet = new Quiet(this);
    this.list = new TreeList(run, this.keeper, () => this.request(true));
    /** @type {boolean|null} */ this.fold = null; // null until the reader or the end of the run decides
    this.touched = false;
    this.look = nothing();
    this.found = '';
    this.finds = this.announces = this.news = false;
    /** What stands in place of the tree. @type {'' | 'models' | 'items'} */ this.side = '';
    this.stale = true;
    this.frame = this.timer = 0;
    this.parts = new Parts(this);
    this.listen();
    run.views.add(this);
  }

  listen() {
    const { root, list } = this;
    root.addEventListener('keydown', (event) => onKey(this, event));
    for (const kind of ['pointerdown', 'focusin', 'keydown']) root.addEventListener(kind, () => this.touch(), { passive: true });
    // A wheel that turns over it scrolls the notebook, unless there is something to scroll inside.
    list.body.addEventListener('wheel', () => list.body.scrollHeight > list.body.clientHeight && this.touch(), { passive: true });
    list.pad.addEventListener('click', (event) => this.onClick(event));
    this.parts.head.addEventListener('click', (event) => this.onFold(event));
  }

  touch() {
    this.touched = true;
  }

  /** What the kernel tells of the run; a view is painted once it is known. */
  get header() {
    return /** @type {import('./protocol.js').Header} */ (this.run.header);
  }

  /** Only the line is shown: as decided, or while a run is so young that it may be over at once. */
  get folded() {
    return this.fold ?? (this.run.open && this.run.now < QUICK);
  }

  get empty() {
    for (const row of this.run.rows.values()) if (!row.hidden) return false;
    return true;
  }

  // ---- news from the run ----

  /** @param {boolean} rows @param {boolean} [previews] */
  receive(rows, previews) {
    this.stale ||= rows || (!!previews && !!this.look.text);
    this.request();
  }

  /** @param {string} id @param {boolean} [asked] by a pane, of this row or of one that it is compared with */
  receiveDetail(id, asked) {
    if (asked || id === this.list.selected) this.parts.pane.isStale = true;
    if (this.look.text) this.stale = true;
  }

  /** @param {string} id */
  receiveGrowth(id) {
    if (id === this.list.selected) this.parts.pane.grew = true;
  }

  finish() {
    this.announces = [...this.run.views].find((one) => one.root.isConnected) === this; // one voice a run
    const quick = wentWell(this.header) && this.run.now < QUICK;
    if (quick && this.fold === null && !this.touched) this.fold = true;
    this.list.backToTop();
    this.quiet.watch();
  }

  /** Paint in the next frame; after a mere scroll nothing but the rows. @param {boolean} [scrolled] */
  request(scrolled) {
    this.news ||= !scrolled;
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      if (this.news) this.paint();
      else this.paintRows();
    });
  }

  /** Move into `at`; safe to call again. @param {HTMLElement} at @param {any} [options] */
  mount(at, options) {
    if (options?.open) this.fold = false;
    this.place.enter(at);
    this.keeper.back();
    this.stale = true;
    this.paint();
    if (options?.choices) this.keeper.back();
    this.place.settle(at, !!options?.wait);
    this.tick();
    this.quiet.watch();
  }

  /** Clocks tick while the run runs and the view is in the page. */
  tick() {
    if (this.timer || !this.run.running) return;
    this.timer = setTimeout(() => {
      this.timer = 0;
      if (!this.root.isConnected || !this.run.running) return;
      if (!document.hidden) this.request();
      this.tick();
    }, TICK);
  }

  // ---- painting ----

  paint() {
    this.news = false;
    if (!this.run.header) return;
    if (this.stale && !this.folded && !this.list.shouldThrottle) this.layOut();
    this.paintHead();
    this.paintNotes();
    this.paintRows();
    this.parts.pane.paint();
    if (this.run.running) this.tick();
  }

  layOut() {
    this.stale = false;
    this.list.layOut(lookup(this.look, this.run));
    this.parts.drawSide(html`<${Side} side=${this.side} run=${this.run} onItem=${(/** @type {number} */ item) => this.showItem(item)} />`);
    this.list.layTime += performance.now() - this.list.laidAt; // all of it is what news may cost
  }

  paintHead() {
    const { run, folded, empty, header } = this,
      { running } = run;
    // The keyboard stays in the view when what it was on goes.
    const left = !running && this.parts.isOn('stop');
    const tools = { onFind: () => this.seek(), onSide: (/** @type {any} */ side) => this.swap(side) };
    this.parts.drawHead(html`<${Head} run=${run} folded=${folded} empty=${empty} finds=${this.finds} side=${this.side} ...${tools} />`);
    if (left) this.parts.focusTool('fold');
    this.parts.showProgress(running, header);
    this.list.root.setAttribute('aria-label', `calls of ${visible(header.name)}`);
    if (this.announces) this.announce();
  }

  announce() {
    const { header } = this,
      { 'items-total': items, calls, cost } = sumsOf(header, false);
    this.announces = false;
    const sums = [items, calls, cost].map((part) => part.filter(Boolean).join(' ')).filter(Boolean);
    setText(this.parts.spoken, `${visible(header.name)}: ${[header.status.replace('_', ' '), ...sums].join(', ')}`);
  }

  paintNotes() {
    const { header } = this,
      { cut } = this.run,
      notes = (header.notes ?? []).filter((note) => note !== header.empty);
    const said = [cut ? `${commas(cut)} more rows are kept in the kernel` : '', ...notes].filter(Boolean);
    this.parts.drawNotes(said.map((text) => html`<div class="note">${visible(text)}</div>`));
    this.parts.notes.hidden = !said.length;
  }

  paintRows() {
    const { list, folded, side, look } = this,
      item = this.run.items.get(look.item),
      none = !list.entries.length;
    this.parts.rest.hidden = folded || (none && !this.run.running && this.parts.notes.hidden && !this.finds && !side);
    this.parts.finder.hidden = !this.finds;
    if (this.finds)
      this.parts.drawFinder(
        html`<${Finder} look=${look} found=${this.found} item=${item ? visible(itemName(item)) : ''} onChange=${(/** @type {any} */ change) => this.lookFor(change)} />`,
      );
    list.root.hidden = none || !!side;
    this.parts.side.hidden = !side;
    if (!folded && !list.root.hidden) list.paint();
  }

  // ---- what to look for ----

  /** @param {Partial<import('./search.js').Look>} change */
  lookFor(change) {
    Object.assign(this.look, change);
    this.stale = true;
    this.list.restart();
    this.layOut();
    this.found = sayFound(this.look, this.run, this.list.entries);
    this.paint();
  }

  /** Show or put away the finder; away, everything is shown again. */
  seek() {
    this.finds = !this.finds;
    if (!this.finds) {
      this.lookFor(nothing());
      return this.parts.focusTool('find');
    }
    this.side = '';
    this.paint();
    this.parts.finder.querySelector('input')?.focus({ preventScroll: true });
  }

  /** Show something in place of the tree, or the tree again. @param {'models' | 'items'} side */
  swap(side) {
    this.list.layTime = 0;
    this.side = this.side === side ? '' : side;
    if (this.side) this.finds = false;
    this.stale = true;
    this.paint();
  }

  /** Show the calls of one item. @param {number} item */
  showItem(item) {
    this.side = '';
    this.finds = true;
    this.lookFor({ ...nothing(), item });
    const [only, more] = this.list.entries;
    if (only && !more) this.select(only.id);
  }

  // ---- the reader ----

  /** @param {Event} event */
  onFold(event) {
    this.list.layTime = 0;
    const marked = getSelection(),
      isButton = /** @type {Element} */ (event.target).classList.contains('fold');
    const reads = marked && !marked.isCollapsed && this.parts.head.contains(marked.anchorNode) && !isButton;
    if (this.empty || reads) return; // who marks the words above the tree copies them
    this.fold = !this.folded;
    this.stale = true;
    this.paint();
  }

  /** @param {Event} event */
  onClick(event) {
    const target = /** @type {Element} */ (event.target),
      line = /** @type {HTMLElement|null} */ (target.closest('.row'));
    const entry = line && this.list.entries.find((one) => one.id === line.dataset.id);
    if (!line || !entry) return;
    this.list.focused = entry.id;
    if (entry.kids && target.closest('.twisty')) this.toggle(entry.id);
    else this.select(this.list.selected === entry.id ? null : entry.id);
    line.focus({ preventScroll: true });
  }

  /** @param {string} id */
  toggle(id) {
    this.list.toggle(id);
    this.stale = true;
    this.paint();
    this.list.focus();
  }

  /** @param {string|null} id */
  select(id) {
    if (id?.startsWith('group ')) return this.toggle(id);
    this.list.select(id);
    this.parts.pane.isStale = this.parts.pane.seeks = true;
    this.paint();
  }

  /** @param {number} index */
  go(index) {
    const entry = this.list.entries[index];
    if (!entry) return;
    this.list.visit(entry);
    this.paint();
    this.list.focus();
  }
}
