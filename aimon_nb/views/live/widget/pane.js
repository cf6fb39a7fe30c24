// @ts-check
/** The pane of details around its content: as high as that needs, up to what the reader gave it; full screen. */
import { el, setText } from './dom.js';

const KEY = 'aimon_nb pane'; // a number in the page's own storage
const SHARE = 0.6; // of the window's height, where the reader has said nothing
const LEAST = 120; // px
const STEP = 24; // px that a key moves the grip

/** How high panes may be in this page, as the reader left them; null: he has said nothing. */
function remembered() {
  try {
    return Number(localStorage.getItem(KEY)) || null;
  } catch {
    return null; // a frame without a storage
  }
}

/** @param {number|null} height */
function remember(height) {
  try {
    if (height) localStorage.setItem(KEY, String(height));
    else localStorage.removeItem(KEY);
  } catch {
    // it holds as long as the page
  }
}

/** The frame of the details of a view. */
export class Pane {
  /** @param {HTMLElement} detail */
  constructor(detail) {
    this.root = el('div', 'pane');
    this.grip = el('div', 'grip');
    this.full = el('button', 'act full');
    this.root.append(detail, this.buildBar());
    this.detail = detail;
    /** @type {number|null} */ this.given = remembered();
    this.apply();
  }

  buildBar() {
    const bar = el('div', 'bar'),
      { grip, full } = this;
    grip.setAttribute('role', 'separator');
    grip.setAttribute('aria-orientation', 'horizontal');
    grip.setAttribute('aria-label', 'height of the details');
    grip.title = 'drag to resize; twice: as before';
    grip.tabIndex = 0;
    grip.addEventListener('pointerdown', (event) => this.drag(event));
    grip.addEventListener('dblclick', () => this.give(null));
    grip.addEventListener('keydown', (event) => this.onKey(event));
    full.hidden = !document.fullscreenEnabled;
    full.addEventListener('click', () => (this.isFull ? this.leave() : this.root.requestFullscreen().catch(() => {})));
    this.root.addEventListener('fullscreenchange', () => this.apply());
    bar.append(grip, full);
    return bar;
  }

  get isFull() {
    return document.fullscreenElement === this.root;
  }

  leave() {
    document.exitFullscreen().catch(() => {});
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
    remember(this.given);
    this.apply();
  }

  apply() {
    const { grip, height, isFull } = this;
    this.root.style.setProperty('--pane', this.given == null ? '' : `${height}px`);
    const values = { valuemin: LEAST, valuemax: this.most, valuenow: height };
    for (const [name, value] of Object.entries(values)) grip.setAttribute(`aria-${name}`, String(value));
    grip.hidden = isFull;
    setText(this.full, isFull ? 'leave full screen' : 'full screen');
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
