// @ts-check
/**
 * What the reader has opened, closed, selected and looked for in a view, for one that comes in its stead: plain data, without any prompt.
 *
 * @typedef {import('./view.js').View} View
 */

/** @param {View} view */
export function choicesOf({ fold, finds, side, look, list }) {
  const { closed, opened, orders, selected, focused, lastVisited, follow, body } = list;
  return { own: { fold, finds, side, look }, ofList: { closed, opened, orders, selected, focused, lastVisited, follow }, top: body.scrollTop };
}

/** @param {View} view @param {ReturnType<typeof choicesOf>} choices */
export function adopt(view, { own, ofList, top }) {
  Object.assign(view, own);
  Object.assign(view.list, ofList);
  view.list.ownTop = top;
  view.keeper.tops.set(view.list.body, top);
}
