// @ts-check
/** A run that ended well and was not touched folds where nobody looks. */
import { wentWell } from './head.js';
import { anchorBelow } from './scroll.js';

/** Watches whether a view is in the reader's sight. */
export class Quiet {
  /** @param {import('./view.js').View} view */
  constructor(view) {
    this.view = view;
    /** @type {IntersectionObserver|null} */ this.sight = null;
  }

  get mayFold() {
    const { fold, touched, run, empty } = this.view;
    return fold === null && !touched && run.header && wentWell(run.header) && !empty;
  }

  /** Fold once it is out of sight. */
  watch() {
    const { view } = this;
    this.sight?.disconnect();
    if (view.run.open || !this.mayFold || typeof IntersectionObserver === 'undefined') return;
    this.sight = new IntersectionObserver((seen) => {
      if (seen.some((one) => !one.isIntersecting) && view.root.isConnected) this.fold();
    });
    this.sight.observe(view.root);
  }

  /** Fold, and hold what the reader reads below it where it is. */
  fold() {
    this.sight?.disconnect();
    if (!this.mayFold) return;
    const keep = anchorBelow(this.view.root);
    this.view.fold = true;
    this.view.paint();
    keep();
  }
}
