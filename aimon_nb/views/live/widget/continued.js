// @ts-check
/** Which call a call goes on from: an agent's second chat repeats the whole first. No DOM here, so node tests it. */

/** @typedef {import('./protocol.js').Turn} Turn */

const LOOKED_AT = 300; // calls before it

/** What a turn holds beside its text. @param {Turn} turn */
const parts = ({ calls = [], media = [] }) => String([...calls, ...media.map((one) => [one.type, one.size, one.name])]);
/** @param {Turn} a @param {Turn} b */
const same = (a, b) => a.text === b.text && a.role === b.role && parts(a) === parts(b);

/**
 * How many of a call's messages were in the nearest call before it that had all of its own in common with it, its answer with them.
 * `lacks`: the nearest call of the same parent whose messages the page does not have.
 * @param {import('./store.js').Run} run @param {string} id @returns {{shared: number, lacks: string}}
 */
export function continued({ rows, details }, id) {
  const row = rows.get(id),
    own = (details.get(id)?.messages ?? []).filter((turn) => turn.side === 'in');
  let lacks = '';
  if (!row?.counts || own.length < 2) return { shared: 0, lacks };
  const start = row.start ?? 0,
    before = [...rows.values()].filter((one) => one.counts && !one.hidden && one.id !== id && (one.start ?? Infinity) <= start);
  before.sort((a, b) => (b.start ?? 0) - (a.start ?? 0));
  for (const one of before.slice(0, LOOKED_AT)) {
    const turns = details.get(one.id)?.messages,
      sent = turns?.filter((turn) => turn.side === 'in').length ?? 0;
    if (!turns) lacks ||= one.parent === row.parent ? one.id : '';
    if (!turns || !sent || sent >= own.length) continue;
    let shared = 0;
    while (shared < turns.length && shared < own.length && same(turns[shared], own[shared])) shared += 1;
    if (shared >= sent) return { shared, lacks: '' };
  }
  return { shared: 0, lacks };
}
