// @ts-check
/** The notebook's own scrolling: what the reader looks at stays where it is. */

const FRAMES = 6; // frames in which the notebook may still lay out

/** The element that scrolls the notebook. @param {Element} el @returns {HTMLElement|null} */
function scrolling(el) {
  for (let at = el.parentElement; at; at = at.parentElement) {
    if (at.clientHeight > 200 && at.scrollHeight > at.clientHeight && /auto|scroll/.test(getComputedStyle(at).overflowY)) return at;
  }
  return null;
}

/** The first thing in sight below a view that begins above the screen; null where nothing would jump. @param {HTMLElement} root @param {HTMLElement} scroller */
function below(root, scroller) {
  const screen = scroller.getBoundingClientRect(), own = root.getBoundingClientRect();
  if (own.top >= screen.top - 1) return null;
  return [...document.querySelectorAll('.jp-Notebook .jp-Cell, .jp-Notebook .jp-RenderedHTMLCommon > *')].find((el) => {
    const box = el.getBoundingClientRect();
    return !el.contains(root) && !root.contains(el) && box.height > 0 && box.top >= Math.max(own.bottom - 1, screen.top) && box.top < screen.bottom;
  });
}

/** Note what the reader sees below a view; the function given back, called once the view has another height, holds it there. @param {HTMLElement} root */
export function placeBelow(root) {
  const scroller = scrolling(root), kept = scroller && below(root, scroller);
  if (!kept || !scroller) return () => {};
  const at = kept.getBoundingClientRect().top;
  let expected = 0, frames = 0;
  return function keep() {
    if (frames && scroller.scrollTop !== expected) return; // the reader scrolled
    const moved = kept.isConnected ? kept.getBoundingClientRect().top - at : 0;
    if (Math.abs(moved) >= 1) scroller.scrollTop += moved;
    expected = scroller.scrollTop;
    if (++frames < FRAMES) requestAnimationFrame(keep); // the notebook's own layout is late
  };
}
