// @ts-check
/** The parts of a view, one below the other; each but the list and the progress is drawn by a component. */
import { drawer, el } from './dom.js';
import { Pane } from './pane.js';

/** Empty elements with their roles. */
export class Parts {
  /** @param {import('./view.js').View} view */
  constructor(view) {
    const { root, list } = view;
    this.head = el('div', 'head');
    this.progress = el('div', 'progress');
    this.rest = el('div', 'rest');
    this.finder = el('div', 'finder');
    this.models = el('div', 'side');
    this.notes = el('div', 'notes');
    this.spoken = el('div', 'said');
    this.pane = new Pane(view);
    this.bar = el('i');
    this.progress.append(this.bar);
    this.finder.hidden = this.models.hidden = true;
    this.spoken.setAttribute('role', 'status');
    this.rest.append(this.finder, list.root, this.models, this.notes, this.pane.root);
    root.append(this.head, this.progress, this.rest, this.spoken);
    this.drawHead = drawer(this.head);
    this.drawFinder = drawer(this.finder);
    this.drawModels = drawer(this.models);
    this.drawNotes = drawer(this.notes);
  }

  /** @param {boolean} running @param {number|null} share of the work that is done, where that is known */
  showProgress(running, share) {
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
