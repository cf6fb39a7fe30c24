// @ts-check
/** The parts of a view, one below the other; each but the list and the progress is drawn by a component. */
import { drawer, el, setText } from './dom.js';
import { visible } from './format.js';
import { Pane } from './pane.js';

/** Empty elements with their roles. */
export class Parts {
  /** @param {import('./view.js').View} view */
  constructor(view) {
    const { root, list } = view;
    this.head = el('div', 'head');
    this.progress = el('div', 'progress');
    this.pace = el('div', 'pace dim');
    this.rest = el('div', 'rest');
    this.finder = el('div', 'finder');
    this.side = el('div', 'side');
    this.notes = el('div', 'notes');
    this.spoken = el('div', 'said');
    this.pane = new Pane(view);
    this.bar = el('i');
    this.progress.append(this.bar);
    this.finder.hidden = this.side.hidden = true;
    this.spoken.setAttribute('role', 'status');
    this.rest.append(this.finder, list.root, this.side, this.notes, this.pane.root);
    root.append(this.head, this.progress, this.pace, this.rest, this.spoken);
    this.drawHead = drawer(this.head);
    this.drawFinder = drawer(this.finder);
    this.drawSide = drawer(this.side);
    this.drawNotes = drawer(this.notes);
  }

  /** @param {boolean} running @param {import('./protocol.js').Header} header */
  showProgress(running, { progress: share, items }) {
    const [, ...pace] = items ?? [];
    this.pace.hidden = !running || !items?.length;
    setText(this.pace, visible(pace.join(' · ')) || '…');
    this.progress.className = `progress ${running ? (share == null ? 'open' : '') : 'done'}`;
    this.bar.style.width = share == null ? '' : `${100 * share}%`;
  }

  /** Give the keyboard to a button of the head. @param {string} name */
  focusTool(name) {
    /** @type {HTMLElement|null} */ (this.head.querySelector(`.${name}`))?.focus({ preventScroll: true });
  }

  /** Whether the keyboard is on this button of the head. @param {string} name */
  isOn(name) {
    const on = document.activeElement;
    return !!on?.classList.contains(name) && this.head.contains(on);
  }
}
