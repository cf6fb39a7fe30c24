// @ts-check
/** The keyboard in a view. */
import { keyed } from './window.js';

const OURS = ['Enter', ' ', 'ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight', 'PageUp', 'PageDown', 'Home', 'End'];

/** @param {import('./view.js').View} view @param {KeyboardEvent} event */
export function onKey(view, event) {
  const { list } = view;
  if (!(/** @type {Element} */ (event.target).closest?.('.row')) || /** @type {Element} */ (event.target).matches('button'))
    return onToolKey(view, event);
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const act = /** @type {any} */ (keyed(event.key, list.entries, Math.max(0, list.indexOfFocused())));
  if (!act) return;
  event.preventDefault();
  event.stopPropagation();
  if ('toggle' in act) view.toggle(act.toggle);
  else if ('choose' in act) view.select(act.choose === list.selected ? null : act.choose);
  else view.go(act.go);
}

/** Outside the tree: the notebook's shortcuts hear nothing that is typed, chosen or scrolled here. @param {import('./view.js').View} view @param {KeyboardEvent} event */
function onToolKey(view, event) {
  const target = /** @type {Element} */ (event.target),
    { key } = event,
    finds = view.parts.finder.contains(target),
    isEntry = target.matches('input, select, textarea');
  if (key === 'Escape' && view.parts.pane.isFull) {
    event.stopPropagation();
    view.parts.pane.leave();
    return;
  }
  const away = key === 'Escape' && (finds || view.parts.pane.root.contains(target)),
    down = key === 'ArrowDown' && finds && target.matches('input');
  if (isEntry || away || OURS.includes(key)) event.stopPropagation();
  if (down) view.go(0);
  else if (away && finds) view.seek();
  else if (away) {
    view.select(null);
    view.list.focus();
  }
  if (down || away) event.preventDefault();
}

/** Which call a key in the details leads to: the one before (-1), after (1), none. @param {KeyboardEvent} event */
export function stepOf({ key, altKey, ctrlKey, metaKey }) {
  if (ctrlKey || metaKey) return 0;
  return (altKey ? { ArrowDown: 1, ArrowUp: -1 }[key] : { j: 1, k: -1 }[key]) ?? 0;
}
