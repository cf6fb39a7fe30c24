// @ts-check
/**
 * One line of the tree, an element that is used again for another row.
 *
 * @typedef {import('./layout.js').Entry} Entry
 * @typedef {{now: number, whole: number, open: boolean, selected: boolean, focused: boolean, order: string, preview?: string[], item: string}} Look
 */
import { el, setText } from './dom.js';
import { clock, seconds, tokens, visible } from './format.js';
import { failed, strip } from './groups.js';
import { MARKS } from './head.js';
import { BAD, counted, STOPPED, speed } from './rows.js';
import { sumCost } from './sums.js';
import { LINE } from './window.js';

/** Put an element behind another, or away. @param {Element} el @param {boolean} is @param {Element} after */
function place(el, is, after) {
  if (!is) el.remove();
  else if (el.previousElementSibling !== after) after.after(el);
}

/** An empty line. */
export class RowLine {
  constructor() {
    const name = el('span', 'name'),
      line = el('span', 'line');
    this.root = el('div', 'row');
    this.twisty = el('span', 'twisty');
    this.kind = el('span', 'kind');
    this.text = el('span');
    this.label = el('span', 'dim');
    this.times = el('b');
    this.preview = el('span', 'preview');
    // Whatever its direction, what is beside it stays in place.
    this.given = el('bdi');
    this.came = el('bdi');
    this.arrow = el('span', '', '→');
    this.bar = el('i');
    this.strip = el('span', 'strip');
    this.order = el('button', 'order');
    this.order.title = 'another order';
    this.time = el('span', 'num time');
    this.tokens = el('span', 'num tokens');
    this.cost = el('span', 'num cost');
    this.why = el('span', 'why');
    this.bad = el('span', 'bad');
    this.rest = el('span', 'dim');
    this.name = name;
    this.key = '';
    this.depth = -1;
    this.whole = 0;
    /** @type {import('./rows.js').Row|null} */ this.row = null;
    /** @type {string[]|undefined} */ this.previewed = undefined;
    this.twisty.setAttribute('aria-hidden', 'true');
    name.append(this.twisty, this.kind, this.text, ' ', this.label, ' ', this.times, ' ', this.preview);
    line.append(this.bar);
    this.why.append(this.bad, this.rest);
    this.preview.append(this.given, ' ', this.arrow, ' ', this.came);
    this.root.append(name, line, this.time, this.tokens, this.cost);
    for (const cell of this.root.children) cell.setAttribute('role', 'gridcell');
    this.root.setAttribute('role', 'row');
    this.why.setAttribute('role', 'gridcell');
  }

  /** Show an entry; what did not change is not touched. @param {Entry} entry @param {number} index @param {Look} look */
  show(entry, index, look) {
    const { row, sum } = entry,
      ticks = row.status === 'running' && look.open;
    const cost = (sum && sumCost(sum)) || entry.cost,
      said = (sum && tokens(sum.input, sum.output)) || counted(row) || speed(row, look.now);
    const { depth, open, kids, at, siblings, top, why, label, faint } = entry,
      { preview, order, item } = look;
    // All that `fill` and `describe` read, beside the row itself.
    const key = [
      depth,
      open,
      kids,
      at,
      siblings.length,
      top,
      why,
      label,
      faint,
      look.selected,
      look.focused,
      ticks,
      cost,
      said,
      index,
      order,
      item,
    ].join('|');
    if (this.row !== row || this.key !== key || this.previewed !== preview) {
      this.row = row;
      this.key = key;
      this.previewed = preview;
      this.fill(entry, ticks, look, cost, said);
      this.describe(entry, index, look.selected);
    }
    if (this.whole !== look.whole) {
      this.whole = look.whole;
      this.bar.style.left = `${(100 * (row.start ?? 0)) / look.whole}%`;
      this.bar.style.width = ticks ? '' : `${(100 * Math.max(0, row.dur ?? 0)) / look.whole}%`;
    }
    if (ticks) setText(this.time, clock(Math.max(0, look.now - (row.start ?? 0))));
  }

  /** @param {Entry} entry @param {boolean} ticks @param {Look} look @param {string} cost @param {string} said */
  fill(entry, ticks, look, cost, said) {
    const { row, words } = entry,
      { root } = this,
      { members } = row,
      bad = BAD.includes(row.status),
      mark = bad || STOPPED.includes(row.status) ? (MARKS[row.status] ?? '?') : '';
    const flags = {
      failed: failed(row),
      retried: row.retried,
      parent: entry.kids && !row.attempts,
      running: ticks,
      chosen: look.selected,
      faint: entry.faint,
      group: members,
    };
    root.dataset.id = entry.id;
    root.className = ['row', row.kind, ...Object.entries(flags).map(([name, is]) => (is ? name : ''))].filter(Boolean).join(' ');
    root.tabIndex = this.order.tabIndex = look.focused ? 0 : -1;
    root.style.top = `${entry.top * LINE}px`;
    root.style.height = `${entry.lines * LINE}px`;
    if (this.depth !== entry.depth) root.style.setProperty('--depth', String(entry.depth)); // a new value restyles all below it
    this.depth = entry.depth;
    this.whole = 0;
    setText(this.twisty, entry.kids ? (entry.open ? '▾' : '▸') : '');
    this.kind.className = `kind ${mark ? 'sign' : row.kind}`;
    setText(this.kind, mark);
    // Of many calls of one function it is the item that tells them apart.
    const name = entry.isMember && look.item ? `item ${look.item}` : row.name;
    setText(this.text, visible(name));
    setText(this.label, `${entry.label === row.status ? '· ' : ''}${visible(entry.label)}`);
    this.name.title = visible([row.name, look.item && `item ${look.item}`, entry.label, entry.times].filter(Boolean).join(' · '));
    setText(this.times, entry.times);
    const [given, came] = look.preview ?? ['', ''];
    setText(this.given, visible(given));
    setText(this.came, visible(came));
    this.preview.hidden = !look.preview;
    this.arrow.hidden = !came;
    this.preview.title = visible([given, came && `→ ${came}`].filter(Boolean).join('\n'));
    if (members) this.strip.style.background = strip(members);
    place(this.strip, !!members, this.bar);
    place(this.order, !!members && entry.open, this.rest);
    setText(this.order, look.order);
    this.time.classList.toggle('ticks', ticks);
    if (!ticks) setText(this.time, seconds(row.dur) || (row.status === 'running' ? 'open' : ''));
    setText(this.tokens, said);
    setText(this.cost, cost);
    this.cost.classList.toggle('dim', !/[$0-9]/.test(cost));
    setText(this.bad, visible(words.bad));
    setText(this.rest, visible(words.rest && words.bad ? ` · ${words.rest}` : words.rest));
    this.why.title = visible(entry.why);
    place(this.why, !!entry.why, this.cost);
  }

  /** What assistive technology hears of it. @param {Entry} entry @param {number} index @param {boolean} selected */
  describe(entry, index, selected) {
    const { root } = this,
      { depth, at, siblings, kids, open } = entry;
    const facts = {
      'aria-level': depth + 1,
      'aria-posinset': at + 1,
      'aria-setsize': siblings.length,
      'aria-rowindex': index + 2,
      'aria-selected': selected,
    };
    for (const [name, value] of Object.entries(facts)) root.setAttribute(name, String(value));
    if (kids) root.setAttribute('aria-expanded', String(open));
    else root.removeAttribute('aria-expanded');
  }
}
