// @ts-check
/**
 * What of the tree is drawn, the axis above it, and what keys do in it.
 *
 * @typedef {import('./layout.js').Entry} Entry
 */

export const LINE = 24; // px; every row is a whole number of lines, so nothing jumps
export const WINDOW_ABOVE = 400; // rows; up to here all are in the page, so that the search of the browser works
const PAGE = 11; // rows that a page key goes
const MARGIN = 6; // rows drawn beyond each edge of the window
const LETTER = 0.055; // of the width of the axis that a letter on it takes, where the view is narrow
/** @type {[number, string][]} */
const UNITS = [
  [3600, 'h'],
  [60, 'min'],
];

/** Index of the first entry that reaches below `line`. @param {Entry[]} entries @param {number} line */
export function entryAt(entries, line) {
  let low = 0,
    high = entries.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (entries[mid].top + entries[mid].lines <= line) low = mid + 1;
    else high = mid;
  }
  return low;
}

/** Which entries to draw: [from, to). @param {Entry[]} entries @param {number} scrollTop px @param {number} height px */
export function windowOf(entries, scrollTop, height) {
  if (entries.length <= WINDOW_ABOVE) return [0, entries.length];
  const from = entryAt(entries, Math.floor(scrollTop / LINE)),
    to = entryAt(entries, Math.ceil((scrollTop + height) / LINE));
  return [Math.max(0, from - MARGIN), Math.min(entries.length, to + 1 + MARGIN)];
}

/** Round marks on the time axis, at most four, each with room for its words. @param {number} whole seconds */
export function axis(whole) {
  if (!(whole > 0)) return [];
  const [unit, name] = UNITS.find(([size]) => whole >= 2 * size) ?? [1, 's'];
  const all = whole / unit,
    rough = all / 4,
    ten = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * ten).find((s) => s >= rough) ?? rough;
  const marks = [];
  for (let i = 0; i * step < all; i++) marks.push({ at: (i * step) / all, text: `${Number((i * step).toPrecision(3))} ${name}` });
  return marks.filter((mark) => mark.at + LETTER * mark.text.length <= 1);
}

/** What a key does in the tree. @param {string} key @param {Entry[]} entries @param {number} at */
export function keyed(key, entries, at) {
  const entry = entries[at];
  if (key === 'ArrowDown') return { go: Math.min(entries.length - 1, at + 1) };
  if (key === 'ArrowUp') return { go: Math.max(0, at - 1) };
  if (key === 'PageDown') return { go: Math.min(entries.length - 1, at + PAGE) };
  if (key === 'PageUp') return { go: Math.max(0, at - PAGE) };
  if (key === 'Home') return { go: 0 };
  if (key === 'End') return { go: entries.length - 1 };
  if (key === 'Enter' || key === ' ') return { choose: entry.id };
  if (key === 'Escape') return { choose: null };
  if (key === 'ArrowRight') return entry.kids && !entry.open ? { toggle: entry.id } : { go: entry.kids ? at + 1 : at };
  if (key !== 'ArrowLeft') return null;
  if (entry.open) return { toggle: entry.id };
  for (let i = at - 1; i >= 0; i--) if (entries[i].depth < entry.depth) return { go: i };
  return { go: at };
}
