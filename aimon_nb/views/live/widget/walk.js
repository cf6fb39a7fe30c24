// @ts-check
/** From one call to the next in the order in which they are shown. No DOM here, so node tests it. */

/** @typedef {import('./rows.js').Row} Row */

/** All rows in that order, those of closed groups with them. @param {import('./layout.js').Entry[]} entries */
const walked = (entries) => entries.flatMap(({ row, open }) => (row.members && !open ? row.members : [row]));
const isCall = (/** @type {Row} */ row) => row.counts && !row.more;

/** The call before (-1) or after (1) a row; undefined: there is none. @param {import('./layout.js').Entry[]} entries @param {string|null} id @param {number} by */
export function callBeside(entries, id, by) {
  const rows = walked(entries);
  for (let at = rows.findIndex((row) => row.id === id) + by; rows[at]; at += by) if (isCall(rows[at])) return rows[at];
  return undefined;
}

/** Which of how many calls it is: `[3, 14]`; the first is 0 for what is none. @param {import('./layout.js').Entry[]} entries @param {string|null} id */
export function placeOf(entries, id) {
  const calls = walked(entries).filter(isCall);
  return [calls.findIndex((row) => row.id === id) + 1, calls.length];
}
