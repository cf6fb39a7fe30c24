// @ts-check
/**
 * The list of rows: of a large run only those in sight are in the page.
 *
 * @typedef {import('./layout.js').Entry} Entry
 * @typedef {import('./store.js').Run} Run
 */
import { itemName } from './by_item.js';
import { el, setText } from './dom.js';
import { flatten, startsClosed } from './layout.js';
import { RowLine } from './row.js';
import { axis, entryAt, LINE, WINDOW_ABOVE, windowOf } from './window.js';

const MOST_LINES = 12; // the list scrolls inside beyond this
/** What stands first in an opened group, beside what failed. @type {Record<string, string>} */
const ORDERS = { '': 'earliest', slow: 'slow', dear: 'expensive' };

/** Draws entries, follows the newest, and knows which row has the keyboard and which is selected. */
export class TreeList {
  /** @param {Run} run @param {import('./scroll.js').FocusKeeper} keeper @param {() => void} onScrolled */
  constructor(run, keeper, onScrolled) {
    this.run = run;
    this.keeper = keeper;
    this.onScrolled = onScrolled;
    /** @type {Set<string>} */ this.closed = new Set();
    /** @type {Set<string>} */ this.opened = new Set();
    /** @type {Map<string, string>} */ this.orders = new Map(); // of opened groups
    /** @type {string|null} */ this.focused = null;
    /** @type {string|null} */ this.selected = null;
    /** @type {string|null} */ this.lastVisited = null;
    /** @type {Entry[]} */ this.entries = [];
    /** @type {Map<string, RowLine>} */ this.drawn = new Map();
    this.follow = true;
    this.scrolled = false; // by the reader
    this.ownTop = 0; // where the list was scrolled to without him
    this.focusedIndex = this.held = this.lines = this.whole = this.tallest = this.end = this.laidAt = this.layTime = 0;
    this.axisKey = '';
    /** @type {import('./layout.js').Look} */ this.look = {};
    this.root = el('div', 'tree');
    this.axis = el('span', 'axis');
    this.body = el('div', 'body');
    this.pad = el('div', 'pad');
    this.root.setAttribute('role', 'treegrid');
    this.root.append(this.buildHeads(), this.buildBody());
  }

  buildHeads() {
    const group = el('div'),
      heads = el('div', 'heads');
    group.setAttribute('role', 'rowgroup');
    heads.setAttribute('role', 'row');
    this.axis.setAttribute('aria-label', 'timeline');
    heads.append(el('span', '', 'span'), this.axis, el('span', 'num', 'time'), el('span', 'num tokens', 'tokens'), el('span', 'num cost', 'cost'));
    for (const head of heads.children) head.setAttribute('role', 'columnheader');
    group.append(heads);
    return group;
  }

  buildBody() {
    this.body.setAttribute('role', 'presentation');
    this.pad.setAttribute('role', 'rowgroup');
    this.body.append(this.pad);
    this.pad.addEventListener('click', (event) => this.onOrder(event));
    this.body.addEventListener('scroll', () => this.onScroll(), { passive: true });
    return this.body;
  }

  /** A large run is laid out less often while rows come: a tenth of the page's time is enough. */
  get shouldThrottle() {
    const { run, layTime, laidAt } = this;
    return run.open && layTime > 5 && performance.now() - laidAt < 10 * layTime;
  }

  /** @param {import('./layout.js').Look} look */
  layOut(look) {
    this.look = look;
    const begun = performance.now(),
      hold = this.anchor(),
      seen = { ...look, opened: this.opened, orders: this.orders };
    let laid = flatten(this.run.rows, this.closed, seen);
    // The row that the reader is at stays in sight when its like become a group.
    const around = this.lastVisited && laid.entries.find(({ row, open }) => !open && row.members?.some((member) => member.id === this.lastVisited));
    if (around) {
      this.opened.add(around.id);
      laid = flatten(this.run.rows, this.closed, seen);
    }
    this.entries = laid.entries;
    this.lines = laid.lines;
    this.end = 0;
    for (const { row } of laid.entries) this.end = Math.max(this.end, (row.start ?? 0) + (row.dur ?? 0));
    hold();
    this.laidAt = performance.now();
    this.layTime = this.laidAt - begun;
  }

  /** Note which row stands at the upper edge; the function given back says where it stands now, for the reader's place to be held. */
  anchor() {
    const { entries, body } = this,
      first = this.follow || !body.scrollTop ? undefined : entries[entryAt(entries, Math.floor(body.scrollTop / LINE))];
    const before = first?.top ?? 0;
    return () => {
      const now = first && this.entries.find(({ id, row }) => id === first.id || row.members?.some((one) => one.id === first.id));
      this.held = now ? (now.top - before) * LINE : 0;
    };
  }

  paint() {
    const { entries, run, body } = this,
      wanted = Math.min(this.lines, MOST_LINES);
    this.tallest = run.running ? Math.max(this.tallest, wanted) : wanted;
    body.style.height = `${this.tallest * LINE}px`;
    this.pad.style.height = `${this.lines * LINE}px`;
    this.root.setAttribute('aria-rowcount', String(entries.length + 1));
    if (this.held) this.ownTop = body.scrollTop += this.held;
    this.held = 0;
    if (run.running && this.follow && this.lines > MOST_LINES) this.followNewest();
    this.paintScale();
    const [from, to] = windowOf(entries, body.scrollTop, this.tallest * LINE);
    const shown = Array.from({ length: to - from }, (_, i) => from + i),
      at = this.indexOfFocused();
    if (at >= 0 && at < from) shown.unshift(at);
    if (at >= to) shown.push(at);
    this.place(shown);
  }

  followNewest() {
    this.body.scrollTop = this.pad.offsetHeight;
    this.ownTop = this.body.scrollTop;
  }

  /** At the end of the run: a list that nobody has touched stands at its top. */
  backToTop() {
    if (!this.follow || this.scrolled) return;
    this.ownTop = 0;
    this.keeper.scroll(this.body, 0);
  }

  /** Index of the row that keys act on: it stays in the page wherever it is scrolled to, or Tab could not reach the tree. */
  indexOfFocused() {
    if (this.entries[this.focusedIndex]?.id !== this.focused) this.focusedIndex = this.entries.findIndex((one) => one.id === this.focused);
    if (this.focusedIndex < 0 && this.entries.length) {
      this.focusedIndex = 0;
      this.focused = this.entries[0].id;
    }
    return this.focusedIndex;
  }

  paintScale() {
    const { run } = this,
      whole = Math.max(run.now, run.running ? 0 : this.end, 0.001);
    this.whole = whole;
    const marks = axis(whole),
      key = marks.map((mark) => `${mark.text}${mark.at.toFixed(3)}`).join();
    if (key === this.axisKey) return;
    this.axisKey = key;
    while (this.axis.children.length > marks.length) this.axis.lastElementChild?.remove();
    while (this.axis.children.length < marks.length) this.axis.append(el('span'));
    marks.forEach((mark, i) => {
      const at = /** @type {HTMLElement} */ (this.axis.children[i]);
      setText(at, mark.text);
      at.style.left = `${100 * mark.at}%`;
    });
  }

  /** Put the entries of these indexes in the page, in order; elements of rows that left show those that came. @param {number[]} shown */
  place(shown) {
    const keep = new Set(shown.map((i) => this.entries[i].id)),
      /** @type {RowLine[]} */ free = [];
    for (const [id, line] of this.drawn) {
      if (keep.has(id)) continue;
      this.drawn.delete(id);
      free.push(line);
    }
    free.reverse();
    /** @type {Element|null} */
    let next = this.pad.firstElementChild;
    for (const i of shown) {
      const entry = this.entries[i],
        line = this.drawn.get(entry.id) ?? free.pop() ?? new RowLine();
      this.drawn.set(entry.id, line);
      if (next === line.root) next = next.nextElementSibling;
      else this.pad.insertBefore(line.root, next);
      const { run, whole } = this,
        order = `${ORDERS[this.orders.get(entry.id) ?? '']} first`,
        preview = run.previews.get(entry.id),
        item = run.items.get(entry.row.item ?? 0);
      line.show(entry, i, {
        now: run.now,
        whole,
        open: run.open,
        selected: this.selected === entry.id,
        focused: this.focused === entry.id,
        order,
        preview,
        item: item ? itemName(item) : '',
      });
    }
    for (const line of free) line.root.remove();
  }

  onScroll() {
    const { body } = this;
    this.scrolled ||= Math.abs(body.scrollTop - this.ownTop) > 1;
    this.follow = body.scrollTop + body.clientHeight >= body.scrollHeight - LINE;
    if (this.entries.length > WINDOW_ABOVE) this.onScrolled();
  }

  /** Begin anew at the top: what is shown is other than before. */
  restart() {
    this.layTime = this.tallest = 0;
    this.follow = false;
    this.body.scrollTop = 0;
  }

  /** @param {string} id */
  toggle(id) {
    this.layTime = this.tallest = 0;
    this.lastVisited = null;
    this.follow = false;
    const entry = this.entries.find((one) => one.id === id),
      set = entry && startsClosed(entry.row) ? this.opened : this.closed;
    if (!set.delete(id)) set.add(id);
  }

  /** A click on the order of a group lists what is in it in the next one. @param {Event} event */
  onOrder(event) {
    const target = /** @type {HTMLElement} */ (event.target),
      id = target.matches('.order') && target.closest('.row')?.getAttribute('data-id');
    if (!id) return;
    event.stopImmediatePropagation();
    const orders = Object.keys(ORDERS);
    this.orders.set(id, orders[(orders.indexOf(this.orders.get(id) ?? '') + 1) % orders.length]);
    this.layOut(this.look);
    this.paint();
  }

  /** @param {string|null} id */
  select(id) {
    this.selected = this.lastVisited = id;
    this.follow = this.follow && id == null;
  }

  /** @param {Entry} entry */
  visit(entry) {
    this.focused = this.lastVisited = entry.id;
    this.follow = false;
    const top = entry.top * LINE,
      bottom = top + entry.lines * LINE,
      { body } = this;
    if (top < body.scrollTop) body.scrollTop = top;
    else if (bottom > body.scrollTop + body.clientHeight) body.scrollTop = bottom - body.clientHeight;
  }

  /** Give the keyboard to the row that it acts on. */
  focus() {
    this.drawn.get(this.focused ?? '')?.root.focus({ preventScroll: true });
  }
}
