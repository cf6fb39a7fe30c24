// @ts-check
/** How a run comes into a place of the page. */
import { adopt } from './choices.js';
import { View } from './view.js';

/** @typedef {import('./store.js').Run} Run */

/** Show a run in an element: by the view that is there, one that lost its place, or a new one. @param {Run} run @param {HTMLElement} at @param {any} [options] */
export function show(run, at, options) {
  const views = [...run.views];
  let view = views.find((one) => one.root.parentElement === at) ?? views.find((one) => one.place.isLost || (run.closed && !one.root.isConnected));
  if (!view) {
    view = new View(run);
    const { header } = run,
      isOld = header?.status === 'ok' && header.started + 1000 * (header.dur ?? 0) < performance.timeOrigin; // over before this page was loaded
    if (isOld && !options?.open && !options?.widget) view.fold = true;
    if (options?.choices) adopt(view, options.choices);
  }
  // A widget that somebody places in a cell is there to be looked at.
  view.mount(at, options?.widget ? { open: !run.running } : options);
}
