// @ts-check
/** What the reader looks at, and works at, stays where it is. */

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
  const screen = scroller.getBoundingClientRect(),
    own = root.getBoundingClientRect();
  if (own.top >= screen.top - 1) return null;
  return [...document.querySelectorAll('.jp-Notebook .jp-Cell, .jp-Notebook .jp-RenderedHTMLCommon > *')].find((el) => {
    const box = el.getBoundingClientRect();
    return !el.contains(root) && !root.contains(el) && box.height > 0 && box.top >= Math.max(own.bottom - 1, screen.top) && box.top < screen.bottom;
  });
}

/** Note what the reader sees below a view; the function given back, called once the view has another height, holds it there. @param {HTMLElement} root */
export function anchorBelow(root) {
  const scroller = scrolling(root),
    kept = scroller && below(root, scroller);
  if (!kept || !scroller) return () => {};
  const at = kept.getBoundingClientRect().top;
  let expected = 0,
    frames = 0;
  return function keep() {
    if (frames && scroller.scrollTop !== expected) return; // the reader scrolled
    const moved = kept.isConnected ? kept.getBoundingClientRect().top - at : 0;
    if (Math.abs(moved) >= 1) scroller.scrollTop += moved;
    expected = scroller.scrollTop;
    if (++frames < FRAMES) requestAnimationFrame(keep); // the layout of the notebook is late
  };
}

/** What the reader has in hand inside an element, which a page forgets when it moves: how its parts are scrolled, and the focus. */
export class FocusKeeper {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    /** @type {Map<Element, number>} */ this.tops = new Map();
    /** @type {HTMLElement|null} */ this.focused = null;
    root.addEventListener('scroll', ({ target }) => this.tops.set(/** @type {Element} */ (target), /** @type {Element} */ (target).scrollTop), {
      capture: true,
      passive: true,
    });
    root.addEventListener('focusin', ({ target }) => (this.focused = /** @type {HTMLElement} */ (target)));
    root.addEventListener('focusout', () => setTimeout(() => this.left()));
  }

  /** Scroll a part to where it shall be now, and after a move that comes before the page has told of it. @param {HTMLElement} el @param {number} top */
  scroll(el, top) {
    el.scrollTop = top;
    this.tops.set(el, top);
  }

  /** The focus went elsewhere; not so if its place was taken away. */
  left() {
    if (this.root.isConnected && !this.root.contains(document.activeElement)) this.focused = null;
  }

  /** Put it back, in another place. */
  back() {
    for (const [el, top] of this.tops) {
      if (!this.root.contains(el)) this.tops.delete(el);
      else if (el.scrollTop !== top) el.scrollTop = top;
    }
    const free = !document.activeElement || document.activeElement === document.body;
    if (this.focused && free) this.focused.focus({ preventScroll: true });
  }
}
