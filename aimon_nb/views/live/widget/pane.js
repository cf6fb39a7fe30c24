// @ts-check
/** The pane of details around its content: as high as that needs, up to what the reader gave it; full screen. */
import { ActButtons, Acts } from './copy.js';
import { Detail } from './detail.js';
import { drawer, el, html } from './dom.js';
import { commas, visible } from './format.js';
import { stepOf } from './keys.js';
import { remember, remembered } from './memory.js';
import { callBeside, placeOf, reveal } from './walk.js';
import { LINE } from './window.js';

const KEY = 'pane'; // under which its height is remembered
const SHARE = 0.6; // of the height of the window, where the reader has said nothing
const LEAST = 120; // px
const STEP = 24; // px that a key moves the grip

/** What stands above the details: in full screen of what they are, what can be done with a call, and the ways to those beside. @param {any} props */
const Bar = ({ row, acts, at, calls, full, onStep, onFull }) => html`
  ${full && html`<span class="what" dir="auto">${visible(row.name)} <span class="dim">${visible(row.label)}</span></span>`}
  ${acts.any && html`<${ActButtons} acts=${acts} />`}
  ${
    calls > 1 &&
    html`<span class="steps dim">
      <button class="act" aria-label="previous call" aria-keyshortcuts="k" title="previous call: k, or Alt ↑" onClick=${() => onStep(-1)}>‹ k</button>
      <span>${at ? `call ${commas(at)} of ${commas(calls)}` : `${commas(calls)} calls`}</span>
      <button class="act" aria-label="next call" aria-keyshortcuts="j" title="next call: j, or Alt ↓" onClick=${() => onStep(1)}>j ›</button>
    </span>`
  }
  <button class="act full" hidden=${!document.fullscreenEnabled} onClick=${onFull}>${full ? 'leave full screen' : 'full screen'}</button>`;

/** The frame of the details of a view. */
export class Pane {
  /** @param {import('./view.js').View} view */
  constructor(view) {
    this.view = view;
    this.root = el('div', 'pane');
    this.bar = el('div', 'bar');
    this.detail = el('div', 'detail');
    this.grip = el('div', 'grip');
    this.drawBar = drawer(this.bar);
    this.draw = drawer(this.detail);
    this.acts = new Acts(() => {
      this.isStale = true;
      this.paint();
    });
    this.isStale = true; // what it shows has changed
    this.grew = false; // the answer that it shows has grown
    this.seeks = false; // whether its reader has asked for it, who then is to see it
    this.root.hidden = true;
    this.root.setAttribute('role', 'group');
    this.root.setAttribute('aria-label', 'details of the selected row');
    this.root.append(this.bar, this.detail, this.grip);
    this.root.addEventListener('fullscreenchange', () => this.onFull());
    // Notebook 7 takes letters for its shortcuts before any element of the page hears of them.
    view.root.addEventListener('focusin', () => addEventListener('keydown', this.onStepKey, true));
    view.root.addEventListener('focusout', () => removeEventListener('keydown', this.onStepKey, true));
    /** @type {number|null} */ this.given = remembered(KEY);
    this.buildGrip();
    this.apply();
  }

  onStepKey = (/** @type {KeyboardEvent} */ event) => {
    const at = /** @type {Element} */ (event.target),
      by = stepOf(event),
      { list } = this.view,
      onRow = list.selected && list.body.contains(at);
    if (!by || !(onRow || this.root.contains(at)) || at.matches('input, select, textarea')) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.step(by);
    if (onRow) list.focus();
  };

  /** Draw what has changed of the selected row. */
  paint() {
    const { view, detail, isFull, isStale, grew } = this,
      { run, list } = view,
      id = list.selected,
      row = id == null ? null : run.rows.get(id),
      item = row && run.details.get(row.id);
    if (!isStale && !grew) return;
    const side = detail.firstElementChild,
      atEnd = !!side && side.scrollTop + side.clientHeight >= side.scrollHeight - LINE;
    this.isStale = id != null && !row; // it is still to come
    this.grew = false;
    this.root.hidden = !row;
    if (row && !item) run.request(row.id);
    this.acts.show(run, item ? id : null);
    const [at, calls] = placeOf(list.entries, run.rows, id),
      label = row && visible([row.name, row.label, at && `call ${at} of ${calls}`].filter(Boolean).join(', '));
    this.drawBar(
      row &&
        html`<${Bar} row=${row} acts=${this.acts} at=${at} calls=${calls} full=${isFull} onStep=${(/** @type {number} */ by) => this.step(by)} onFull=${() => this.swapFull()} />`,
    );
    this.draw(row && html`<${Detail} run=${run} row=${row} item=${item} acts=${this.acts} full=${isFull} label=${label} />`);
    // The end of an answer that streams stays in sight.
    if (grew && !isStale && atEnd && side) side.scrollTop = side.scrollHeight;
    if (this.seeks && item) this.comeIntoSight();
  }

  /** Below a tree at the end of the window only its edge would be seen; the row stays in sight, too. */
  comeIntoSight() {
    this.seeks = false;
    for (const one of [this.root, this.view.list.drawn.get(this.view.list.selected ?? '')?.root]) one?.scrollIntoView({ block: 'nearest' });
  }

  /** Show the call before (-1) or after (1); the keyboard stays in the part that it was in. @param {number} by */
  step(by) {
    const { view, detail } = this,
      { list } = view,
      next = callBeside(list.entries, list.run.rows, list.selected, by),
      side = [...detail.children].findIndex((one) => one.contains(document.activeElement));
    if (!next) return;
    const entry = reveal(list, next.id);
    if (entry) list.visit(entry);
    view.select(next.id);
    if (side >= 0) /** @type {HTMLElement} */ (detail.children[side] ?? detail.firstElementChild)?.focus({ preventScroll: true });
  }

  buildGrip() {
    const { grip } = this;
    grip.setAttribute('role', 'separator');
    grip.setAttribute('aria-orientation', 'horizontal');
    grip.setAttribute('aria-label', 'height of the details');
    grip.title = 'drag to resize; twice: as before';
    grip.tabIndex = 0;
    grip.addEventListener('pointerdown', (event) => this.drag(event));
    grip.addEventListener('dblclick', () => this.give(null));
    grip.addEventListener('keydown', (event) => this.onKey(event));
  }

  get isFull() {
    return document.fullscreenElement === this.root;
  }

  swapFull() {
    if (this.isFull) this.leave();
    else this.root.requestFullscreen().catch(() => {});
  }

  leave() {
    document.exitFullscreen().catch(() => {});
  }

  onFull() {
    this.apply();
    this.isStale = true;
    this.paint();
  }

  get most() {
    return Math.max(LEAST, Math.round(innerHeight * 0.9));
  }

  /** How high it may be. */
  get height() {
    return Math.min(this.most, Math.max(LEAST, this.given ?? Math.round(innerHeight * SHARE)));
  }

  /** @param {number|null} height */
  give(height) {
    this.given = height == null ? null : Math.round(Math.min(this.most, Math.max(LEAST, height)));
    remember(KEY, this.given);
    this.apply();
  }

  apply() {
    const { grip, height, isFull } = this;
    this.root.style.setProperty('--pane', this.given == null ? '' : `${height}px`);
    const values = { valuemin: LEAST, valuemax: this.most, valuenow: height };
    for (const [name, value] of Object.entries(values)) grip.setAttribute(`aria-${name}`, String(value));
    grip.hidden = isFull;
  }

  /** @param {PointerEvent} event */
  drag(event) {
    const from = event.clientY,
      before = Math.min(this.height, this.detail.offsetHeight);
    const move = (/** @type {PointerEvent} */ moved) => this.give(before + moved.clientY - from);
    event.preventDefault();
    this.grip.focus({ preventScroll: true });
    this.grip.setPointerCapture(event.pointerId);
    this.grip.addEventListener('pointermove', move);
    this.grip.addEventListener('lostpointercapture', () => this.grip.removeEventListener('pointermove', move), { once: true });
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const by = { ArrowUp: -STEP, ArrowDown: STEP }[event.key];
    if (!by) return;
    event.preventDefault();
    this.give(this.height + by);
  }
}
