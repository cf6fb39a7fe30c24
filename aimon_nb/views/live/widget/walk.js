// @ts-check
/**
 * From one call to the next in the order in which they are shown. No DOM here, so node tests it.
 *
 * @typedef {import('./rows.js').Row} Row
 * @typedef {import('./layout.js').Entry} Entry
 */
import { grouped, ordered } from './groups.js';
import { startsClosed } from './layout.js';
import { attemptsFolded, children, NONE } from './rows.js';

const isCall = (/** @type {Row} */ row) => row.counts && !row.more;

/** @type {WeakMap<Entry[], Row[]>} */
const known = new WeakMap();

/** All rows in that order, also those that closed rows hide: of the attempts at a request the last comes first, as it stands above the others. @param {Entry[]} entries @param {Map<string, Row>} rows */
function walked(entries, rows) {
  const found = known.get(entries) ?? [];
  if (found.length || !entries.length) return found;
  const below = attemptsFolded(children(rows));
  for (const { row, open, kids } of entries) {
    const todo = [row];
    for (let one = todo.pop(); one; one = todo.pop()) {
      found.push(one);
      if (open || !kids) continue;
      // As they are listed once it is opened.
      const inner = one.members ? ordered(one.members) : [...(one.attempts ?? NONE), ...grouped(one.id, below.get(one.id) ?? NONE, rows)];
      for (let at = inner.length - 1; at >= 0; at -= 1) todo.push(inner[at]);
    }
  }
  known.set(entries, found);
  return found;
}

/** The call before (-1) or after (1) a row; undefined: there is none. @param {Entry[]} entries @param {Map<string, Row>} rows @param {string|null} id @param {number} by */
export function callBeside(entries, rows, id, by) {
  const all = walked(entries, rows);
  for (let at = all.findIndex((row) => row.id === id) + by; all[at]; at += by) if (isCall(all[at])) return all[at];
  return undefined;
}

/** Which of how many calls it is: `[3, 14]`; the first is 0 for what is none. @param {Entry[]} entries @param {Map<string, Row>} rows @param {string|null} id */
export function placeOf(entries, rows, id) {
  const calls = walked(entries, rows).filter(isCall);
  return [calls.findIndex((row) => row.id === id) + 1, calls.length];
}

/** Open the rows that hide one, and give its entry. @param {import('./tree_list.js').TreeList} list @param {string} id */
export function reveal(list, id) {
  const { rows } = list.run,
    path = new Set();
  for (let at = rows.get(id); at && !path.has(at.id); at = rows.get(at.last ?? at.parent ?? '')) path.add(at.id);
  for (let left = 2 * path.size; left > 0; left -= 1) {
    const entry = list.entries.find((one) => one.id === id),
      hides = list.entries.find(({ row, open, kids }) => kids && !open && (row.members?.some((one) => path.has(one.id)) || path.has(row.id)));
    if (entry || !hides) return entry;
    if (startsClosed(hides.row)) list.opened.add(hides.id);
    else list.closed.delete(hides.id);
    list.layOut(list.look);
  }
  return undefined;
}
