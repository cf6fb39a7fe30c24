// @ts-check
/** The element that a view stands in, and the output around it. */
import { el } from './dom.js';

const GHOST = 100; // ms after which cleared output goes, whatever comes

/** A cleared output is redrawn in two messages: ours, then the user's. For the frame between them the user's old nodes stay in place, so nothing flickers. */
export class Place {
  /** @param {HTMLElement} root the view's own */
  constructor(root) {
    this.root = root;
    /** @type {Node[]} */ this.gone = [];
    /** @type {HTMLElement|null} */ this.ghost = null;
    /** @type {Element|null} */ this.area = null;
    /** @type {MutationObserver|null} */ this.outputs = null;
  }

  /** Whether it was taken away; a cell that the notebook keeps out of the page still has it. */
  get isLost() {
    return !this.root.isConnected && !this.root.closest('.jp-OutputArea');
  }

  /** Stand in this element; safe to call again. @param {HTMLElement} at */
  enter(at) {
    this.gather(this.outputs?.takeRecords() ?? []);
    // Lab typesets the place after the view is in it: two dollars would become a formula.
    at.classList.add('aimon-host', 'mathjax_ignore', 'tex2jax_ignore');
    // Lab gives rendered HTML a padding at the right that a widget has not.
    const rendered = /** @type {HTMLElement|null} */ (at.closest('.jp-RenderedHTMLCommon'));
    if (rendered) rendered.style.paddingRight = '0';
    if (this.root.parentElement !== at) at.replaceChildren(this.root); // mount scripts run twice
  }

  /** Look at the output from now on. @param {HTMLElement} at @param {boolean} wait whether the user's output, which was cleared, is still to come */
  settle(at, wait) {
    this.watch(at);
    if (wait) this.holdGhost(at);
    this.gone = [];
  }

  /** @param {HTMLElement} at */
  watch(at) {
    const area = at.closest('.jp-OutputArea');
    if (area === this.area) return;
    this.outputs?.disconnect();
    this.area = area;
    this.outputs = area ? new MutationObserver((records) => this.gather(records)) : null;
    if (area) this.outputs?.observe(area, { childList: true });
  }

  /** @param {MutationRecord[]} records */
  gather(records) {
    const ours = (/** @type {any} */ node) =>
      node.contains(this.root) || node.classList?.contains('aimon-host') || node.querySelector?.('.aimon-host');
    for (const record of records) {
      this.gone = this.gone.concat([...record.removedNodes].filter((node) => !ours(node)));
      if ([...record.addedNodes].some((node) => !ours(node))) {
        this.ghost?.remove();
        this.ghost = null;
        this.gone = [];
      }
    }
  }

  /** @param {HTMLElement} at */
  holdGhost(at) {
    if (!this.gone.length) return;
    const ghost = el('div');
    this.ghost = ghost;
    ghost.style.pointerEvents = 'none';
    ghost.inert = true;
    ghost.append(...this.gone);
    at.append(ghost);
    setTimeout(() => ghost.remove(), GHOST);
  }
}
