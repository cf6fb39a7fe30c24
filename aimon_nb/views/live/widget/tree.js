// @ts-check
/**
 * The live tree of a run: plain modules that Python joins into one, no build step.
 *
 * The page keeps every run it has heard in one store (store.js). A place that
 * shows a run holds a view of it; a view whose place was taken away, by a cleared
 * output or the swap to the saved form, moves into the next place that asks, so
 * scroll position, open rows and focus survive.
 *
 * @typedef {import('./layout.js').Row} Row
 * @typedef {import('./layout.js').Entry} Entry
 */
import { BAD, LINE, STOPPED, WINDOW_ABOVE, axis, clock, commas, counted, flatten, keyed, seconds, speed, sumCost, tokens, visible, windowOf } from './layout.js';
import { hearKernel, stopButton } from './kernel.js';
import { copyButton, facts, make, models, said, say } from './panes.js';
import { Hand, placeBelow } from './scroll.js';
import { Run, runOf } from './store.js';

const MOST_LINES = 12; // the list scrolls inside beyond this
const TICK = 100; // ms between ticks of running clocks
const QUICK = 1; // seconds; a shorter run shows only its line
/** @type {Record<string, string>} */
const MARKS = { ok: '✓', error: '✕', interrupted: '◼', cancelled: '◼', abandoned: '◌', lost: '?', over_budget: '◼', killed: '✕' };
const OURS = ['Enter', ' ', 'ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight', 'PageUp', 'PageDown', 'Home', 'End'];
const ORDERS = [['', 'as it ran'], ['slow', 'slow first'], ['dear', 'expensive first']];

/** One place in the page that shows a run. */
class View {
  /** @param {Run} run */
  constructor(run) {
    this.run = run;
    this.closed = new Set();
    this.opened = new Set();
    /** @type {boolean|null} */ this.fold = null; // null until the reader or the end of the run decides
    this.touched = false;
    /** @type {string|null} */ this.active = null;
    /** @type {string|null} */ this.chosen = null;
    /** @type {string|null} */ this.held = null; // the row last gone to
    this.look = { text: '', failed: false, order: '' };
    this.showsModels = false;
    this.follow = true;
    this.stale = this.detailStale = true;
    /** @type {Entry[]} */ this.entries = [];
    /** @type {Map<string, any>} */ this.drawn = new Map();
    this.at = this.lines = this.whole = this.tallest = this.frame = this.timer = this.end = this.laidAt = this.layTime = 0;
    this.announce = this.grew = this.news = false;
    this.axisKey = this.noteKey = '';
    /** @type {string|null} */ this.detailOf = null;
    /** @type {Node[]} */ this.gone = [];
    /** @type {HTMLElement|null} */ this.ghost = null;
    /** @type {Element|null} */ this.area = null;
    /** @type {MutationObserver|null} */ this.outputs = null;
    /** @type {IntersectionObserver|null} */ this.sight = null;
    this.progress = make('div', 'progress');
    this.rest = make('div', 'rest');
    this.finder = make('div', 'finder');
    this.input = /** @type {HTMLInputElement} */ (make('input'));
    this.order = /** @type {HTMLSelectElement} */ (make('select'));
    this.failed = this.button('toggle', 'errors only', () => this.relook({ failed: !this.look.failed }));
    this.found = make('span', 'dim');
    this.tree = make('div', 'tree');
    this.axis = make('span', 'axis');
    this.body = make('div', 'body');
    this.pad = make('div', 'pad');
    this.models = make('div', 'side');
    this.notes = make('div', 'notes');
    this.detail = make('div', 'detail');
    this.spoken = make('div', 'said');
    this.root = this.build();
    this.hand = new Hand(this.root);
    run.views.add(this);
  }

  get header() {
    return this.run.header;
  }

  get running() {
    return this.run.running;
  }

  /** Whether rows may still come or end. */
  get open() {
    return this.running || !!this.header.counting;
  }

  /** Only the line is shown: as decided, or while a run is so young that it may be over at once. */
  get folded() {
    return this.fold ?? (this.running && this.run.now < QUICK);
  }

  /** Whether its place was taken away; a cell that the notebook keeps out of the page still has it. */
  get lost() {
    return !this.root.isConnected && !this.root.closest('.jp-OutputArea');
  }

  // ---- news from the run ----

  /** @param {boolean} rows */
  hear(rows) {
    this.stale ||= rows;
    this.request();
  }

  /** @param {string} id */
  hearDetail(id) {
    if (id === this.chosen) this.detailStale = true;
    if (this.look.text) this.stale = true;
  }

  /** @param {string} id */
  hearGrowth(id) {
    if (id === this.chosen) this.grew = true;
  }

  finished() {
    this.announce = [...this.run.views].find((one) => one.root.isConnected) === this; // one voice a run
    const quick = this.header.status === 'ok' && this.run.now < QUICK;
    if (quick && this.fold === null && !this.touched) this.fold = true;
    this.watchSight();
  }

  /** Paint in the next frame; after a mere scroll nothing but the rows. @param {boolean} [scrolled] */
  request(scrolled) {
    this.news ||= !scrolled;
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      if (this.news) this.paint();
      else this.paintRows();
    });
  }

  // ---- its place ----

  /** Move into `el`; safe to call again. @param {HTMLElement} el @param {any} [options] */
  mount(el, options) {
    const { root } = this;
    this.gather(this.outputs?.takeRecords() ?? []);
    // Lab typesets the place after the view is in it: two dollars would become a formula.
    el.classList.add('aimon-host', 'mathjax_ignore', 'tex2jax_ignore');
    // Lab gives rendered HTML a padding at the right that a widget has not.
    const rendered = /** @type {HTMLElement|null} */ (el.closest('.jp-RenderedHTMLCommon'));
    if (rendered) rendered.style.paddingRight = '0';
    if (options?.open) this.fold = false;
    if (root.parentElement !== el) el.replaceChildren(root); // mount scripts run twice
    this.hand.back();
    this.stale = true;
    this.paint();
    this.watch(el);
    if (options?.wait) this.holdGhost(el);
    this.gone = [];
    this.tick();
    this.watchSight();
  }

  // A cleared output is redrawn in two messages: ours, then the user's. For the
  // frame between them the user's old nodes stay in place, so nothing flickers.

  /** @param {HTMLElement} el */
  watch(el) {
    const area = el.closest('.jp-OutputArea');
    if (area === this.area) return;
    this.outputs?.disconnect();
    this.area = area;
    this.outputs = area ? new MutationObserver((records) => this.gather(records)) : null;
    if (area) this.outputs?.observe(area, { childList: true });
  }

  /** @param {MutationRecord[]} records */
  gather(records) {
    const ours = (/** @type {any} */ n) => n.contains(this.root) || n.classList?.contains('aimon-host') || n.querySelector?.('.aimon-host');
    for (const record of records) {
      this.gone = this.gone.concat([...record.removedNodes].filter((n) => !ours(n)));
      if ([...record.addedNodes].some((n) => !ours(n))) {
        this.ghost?.remove();
        this.ghost = null;
        this.gone = [];
      }
    }
  }

  /** @param {HTMLElement} el */
  holdGhost(el) {
    if (!this.gone.length) return;
    const ghost = (this.ghost = make('div'));
    ghost.style.pointerEvents = 'none';
    ghost.inert = true;
    ghost.append(...this.gone);
    el.append(ghost);
    setTimeout(() => ghost.remove(), 100);
  }

  // ---- quiet: a run that ended well and was not touched folds where nobody looks ----

  get mayFold() {
    return this.fold === null && !this.touched && this.header?.status === 'ok' && !this.empty;
  }

  /** Fold once it is out of the reader's sight. */
  watchSight() {
    this.sight?.disconnect();
    if (this.running || !this.mayFold || typeof IntersectionObserver === 'undefined') return;
    this.sight = new IntersectionObserver((seen) => {
      if (seen.some((one) => !one.isIntersecting) && this.root.isConnected) this.foldQuietly();
    });
    this.sight.observe(this.root);
  }

  /** Fold, and hold what the reader reads below it where it is. */
  foldQuietly() {
    this.sight?.disconnect();
    if (!this.mayFold) return;
    const keep = placeBelow(this.root);
    this.fold = true;
    this.paint();
    keep();
  }

  // ---- building ----

  build() {
    const root = make('div', 'aimon');
    root.addEventListener('keydown', (event) => this.onKey(event));
    for (const kind of ['pointerdown', 'focusin', 'keydown']) root.addEventListener(kind, () => (this.touched = true), { passive: true });
    // A wheel that turns over it scrolls the notebook, unless there is something to scroll inside.
    this.body.addEventListener('wheel', () => (this.touched ||= this.body.scrollHeight > this.body.clientHeight), { passive: true });
    this.progress.append(make('i'));
    this.tree.setAttribute('role', 'treegrid');
    this.tree.append(this.buildHeads(), this.buildBody());
    this.detail.setAttribute('role', 'group');
    this.detail.setAttribute('aria-label', 'details of the selected row');
    this.detail.hidden = true;
    this.spoken.setAttribute('role', 'status');
    this.rest.append(this.buildFinder(), this.tree, this.models, this.notes, this.detail);
    root.append(this.buildHead(), this.progress, this.rest, this.spoken);
    return root;
  }

  buildHead() {
    const head = make('div', 'head'), tools = make('span', 'tools'), parts = /** @type {any} */ ((this.parts = {}));
    const span = (/** @type {string} */ name) => (parts[name.split(' ')[0]] = make('span', name));
    parts.copy = copyButton(() => this.header?.trace ?? '', 'the trace id');
    parts.stop = stopButton(this.run);
    parts.find = this.button('act find', 'find', () => this.seek());
    parts.models = this.button('act', 'models', () => this.swapModels());
    parts.fold = make('button', 'fold', '▾');
    tools.append(span('where dim'), parts.copy, parts.find, parts.models, parts.stop, parts.fold);
    const sums = make('span', 'sums');
    head.append(tools, span('mark'), span('title'), span('clock dim'), sums);
    for (const name of ['calls', 'tokens-total', 'cost', 'reason dim']) sums.append(span(name));
    parts.title.dir = 'auto';
    head.addEventListener('click', (event) => this.onFold(event));
    return head;
  }

  /** @param {string} name @param {string} text @param {() => void} act */
  button(name, text, act) {
    const button = make('button', name, text);
    button.addEventListener('click', (event) => {
      event.stopPropagation();
      act();
    });
    return button;
  }

  buildFinder() {
    const { finder } = this;
    this.input.type = 'search';
    this.input.placeholder = 'names, models, errors, messages';
    this.input.setAttribute('aria-label', 'find rows');
    this.input.addEventListener('input', () => this.relook({ text: this.input.value.trim().toLowerCase() }));
    this.failed.setAttribute('aria-pressed', 'false');
    this.order.setAttribute('aria-label', 'order of rows');
    for (const [value, text] of ORDERS) {
      const option = /** @type {HTMLOptionElement} */ (make('option', '', text));
      option.value = value;
      this.order.append(option);
    }
    this.order.addEventListener('change', () => this.relook({ order: this.order.value }));
    this.found.setAttribute('role', 'status');
    finder.append(this.input, this.failed, this.order, this.found);
    finder.hidden = true;
    return finder;
  }

  buildHeads() {
    const group = make('div'), heads = make('div', 'heads');
    group.setAttribute('role', 'rowgroup');
    heads.setAttribute('role', 'row');
    this.axis.setAttribute('aria-label', 'timeline');
    heads.append(make('span', '', 'span'), this.axis, make('span', 'num', 'time'), make('span', 'num tokens', 'tokens'), make('span', 'num cost', 'cost'));
    for (const head of heads.children) head.setAttribute('role', 'columnheader');
    group.append(heads);
    return group;
  }

  buildBody() {
    this.body.setAttribute('role', 'presentation');
    this.pad.setAttribute('role', 'rowgroup');
    this.body.append(this.pad);
    this.body.addEventListener('scroll', () => this.onScroll(), { passive: true });
    this.pad.addEventListener('click', (event) => this.onClick(event));
    return this.body;
  }

  // ---- painting ----

  paint() {
    this.news = false;
    if (!this.header) return;
    if (this.stale && !this.folded && !this.breathes) this.layOut();
    this.paintHead();
    this.paintNotes();
    this.paintRows();
    if (this.detailStale) this.paintDetail();
    else if (this.grew) this.paintGrowth();
    if (this.running) this.tick();
  }

  /** A large run is laid out less often while rows come: a tenth of the page's time is enough. */
  get breathes() {
    return this.open && this.layTime > 5 && performance.now() - this.laidAt < 10 * this.layTime;
  }

  layOut() {
    const begun = performance.now(), laid = this.unfolded(flatten(this.run.rows, this.closed, this.lookup()));
    this.entries = laid.entries;
    this.lines = laid.lines;
    this.stale = false;
    this.end = 0;
    for (const { row } of laid.entries) this.end = Math.max(this.end, (row.start ?? 0) + (row.dur ?? 0));
    if (this.showsModels) this.models.replaceChildren(models(this.run.rows));
    this.laidAt = performance.now();
    this.layTime = this.laidAt - begun;
  }

  /** The row that the reader is at stays in sight when its like become a group. @param {ReturnType<typeof flatten>} laid */
  unfolded(laid) {
    const around = this.held && laid.entries.find(({ row, open }) => !open && row.members?.some((member) => member.id === this.held));
    if (!around) return laid;
    this.opened.add(around.id);
    return flatten(this.run.rows, this.closed, this.lookup());
  }

  get empty() {
    for (const row of this.run.rows.values()) if (!row.hidden) return false;
    return true;
  }

  paintHead() {
    const h = this.header, p = /** @type {any} */ (this.parts), state = BAD.includes(h.status) ? 'failed' : STOPPED.includes(h.status) ? 'stopped' : '';
    const { empty, folded, running } = this, name = visible(h.name), known = !running && !h.counting;
    p.mark.className = `mark ${running ? 'running' : state}`;
    if (running && !p.mark.firstElementChild) p.mark.replaceChildren(make('span', 'dot'), make('span', 'said', 'running'));
    if (!running) say(p.mark, h.status === 'ok' && !h.calls && h.empty && known ? '○' : h.status === 'ok' ? '✓' : `${MARKS[h.status] ?? '?'} ${h.status.replace('_', ' ')}`);
    say(p.title, name);
    p.title.title = name;
    say(p.clock, running ? clock(this.run.now) : seconds(this.run.now));
    const many = (/** @type {number} */ n, one = '', all = `${one}s`) => (n ? `${commas(n)} ${n === 1 ? one : all}` : '');
    this.two(p.calls, many(h.calls, 'call'), [many(h.errors, 'failed', 'failed'), many(h.retries, 'retried', 'retried')].filter(Boolean).join(' · '));
    this.two(p['tokens-total'], h.tokens ? `${h.tokens} tokens` : '', h.cached);
    this.two(p.cost, h.cost, known || running ? h.cost_note : '…');
    say(p.where, h.trace ? `${h.destination} ${h.trace.slice(0, 8)}` : h.destination);
    p.where.classList.toggle('local', !h.trace && h.destination !== '');
    p.copy.hidden = !h.trace || folded;
    const left = p.stop === document.activeElement && !running;
    p.stop.hidden = !(running && this.run.interrupt);
    if (left) p.fold.focus({ preventScroll: true });
    p.find.hidden = p.models.hidden = folded || empty;
    p.find.setAttribute('aria-pressed', String(!this.finder.hidden));
    p.models.setAttribute('aria-pressed', String(this.showsModels));
    p.fold.hidden = empty;
    say(p.fold, folded ? '▸' : '▾');
    p.fold.setAttribute('aria-expanded', String(!folded));
    p.fold.setAttribute('aria-label', `${name}: ${folded ? 'open' : 'fold'}`);
    say(p.reason, visible((!running && h.error) || (empty ? h.empty : '')));
    p.reason.classList.toggle('failed', !running && !!h.error);
    for (const part of [p.calls, p['tokens-total'], p.cost, p.reason]) part.hidden = !part.textContent;
    p.clock.hidden = known && empty;
    p.where.hidden = p.clock.hidden || (folded && !running);
    this.progress.className = `progress ${running ? (h.progress == null ? 'open' : '') : 'done'}`;
    /** @type {HTMLElement} */ (this.progress.firstElementChild).style.width = h.progress == null ? '' : `${100 * h.progress}%`;
    this.tree.setAttribute('aria-label', `calls of ${name}`);
    if (this.announce && known) {
      this.announce = false;
      const sums = [p.calls, p.cost].map((part) => part.textContent).filter(Boolean);
      say(this.spoken, `${name}: ${[h.status.replace('_', ' '), ...sums].join(', ')}`);
    }
  }

  /** A text and a dim one after it. @param {HTMLElement} el @param {string} text @param {string} dim */
  two(el, text, dim) {
    const both = [text, dim].filter(Boolean).join(' ');
    if (el.textContent === both) return;
    el.textContent = text;
    if (dim) el.append(text ? ' ' : '', make('span', 'dim', dim));
  }

  paintRows() {
    const { entries, folded } = this, none = !entries.length;
    this.rest.hidden = folded || (none && !this.running && !this.noteKey && this.finder.hidden);
    this.tree.hidden = none || this.showsModels;
    this.models.hidden = !this.showsModels;
    if (folded || this.tree.hidden) return;
    const wanted = Math.min(this.lines, MOST_LINES);
    this.tallest = this.running ? Math.max(this.tallest, wanted) : wanted;
    this.body.style.height = `${this.tallest * LINE}px`;
    this.pad.style.height = `${this.lines * LINE}px`;
    this.tree.setAttribute('aria-rowcount', String(entries.length + 1));
    if (this.running && this.follow && this.lines > MOST_LINES) this.body.scrollTop = this.pad.offsetHeight;
    this.paintScale();
    const [from, to] = windowOf(entries, this.body.scrollTop, this.tallest * LINE);
    const shown = Array.from({ length: to - from }, (_, i) => from + i), at = this.activeAt;
    if (at >= 0 && at < from) shown.unshift(at);
    if (at >= to) shown.push(at);
    this.place(shown);
  }

  /** Index of the row that keys act on: it stays in the page wherever it is scrolled to, or Tab could not reach the tree. */
  get activeAt() {
    if (this.entries[this.at]?.id !== this.active) this.at = this.entries.findIndex((e) => e.id === this.active);
    if (this.at < 0 && this.entries.length) this.active = this.entries[(this.at = 0)].id;
    return this.at;
  }

  paintScale() {
    const whole = (this.whole = Math.max(this.run.now, this.running ? 0 : this.end, 0.001));
    const marks = axis(whole), key = marks.map((m) => `${m.text}${m.at.toFixed(3)}`).join();
    if (key === this.axisKey) return;
    this.axisKey = key;
    while (this.axis.children.length > marks.length) this.axis.lastElementChild?.remove();
    while (this.axis.children.length < marks.length) this.axis.append(make('span'));
    marks.forEach((mark, i) => {
      const el = /** @type {HTMLElement} */ (this.axis.children[i]);
      say(el, mark.text);
      el.style.left = `${100 * mark.at}%`;
    });
  }

  /** Put the entries of these indexes in the page, in order; elements of rows that left show those that came. @param {number[]} shown */
  place(shown) {
    const keep = new Set(shown.map((i) => this.entries[i].id)), free = [];
    for (const [id, el] of this.drawn) {
      if (keep.has(id)) continue;
      this.drawn.delete(id);
      free.push(el);
    }
    free.reverse();
    /** @type {Element|null} */
    let next = this.pad.firstElementChild;
    for (const i of shown) {
      const entry = this.entries[i];
      let el = this.drawn.get(entry.id);
      if (!el) this.drawn.set(entry.id, (el = free.pop() ?? this.buildRow()));
      if (next && el === next) next = next.nextElementSibling;
      else this.pad.insertBefore(el, next);
      this.fill(el, entry, i);
    }
    for (const el of free) el.remove();
  }

  buildRow() {
    const el = /** @type {any} */ (make('div', 'row'));
    const name = make('span', 'name'), line = make('span', 'line');
    el.p = { twisty: make('span', 'twisty'), kind: make('span', 'kind'), text: make('span'), label: make('span', 'dim'),
      bar: make('i'), time: make('span', 'num time'), tokens: make('span', 'num tokens'), cost: make('span', 'num cost'), why: make('span', 'why') };
    el.p.twisty.setAttribute('aria-hidden', 'true');
    name.append(el.p.twisty, el.p.kind, el.p.text, ' ', el.p.label);
    line.append(el.p.bar);
    el.p.name = name;
    el.append(name, line, el.p.time, el.p.tokens, el.p.cost);
    for (const cell of el.children) cell.setAttribute('role', 'gridcell');
    el.setAttribute('role', 'row');
    el.p.why.setAttribute('role', 'gridcell');
    return el;
  }

  /** @param {any} el @param {Entry} e @param {number} index */
  fill(el, e, index) {
    const { row, sum } = e, p = el.p, chosen = this.chosen === e.id, ticking = row.status === 'running' && this.open;
    const cost = (sum && sumCost(sum)) || row.cost, said = (sum && tokens(sum.input, sum.output)) || counted(row) || speed(row, this.run.now);
    const key = [e.depth, e.open, e.kids, e.at, e.siblings.length, e.top, e.why, e.label, chosen, ticking, cost, said, index, this.active === e.id].join('|');
    if (el.row !== row || el.key !== key) {
      el.row = row;
      el.key = key;
      el.dataset.id = e.id;
      const bad = BAD.includes(row.status);
      el.className = ['row', row.kind, bad ? 'failed' : '', e.kids ? 'parent' : '', ticking ? 'running' : '', chosen ? 'chosen' : '', e.faint ? 'faint' : '', row.members ? 'group' : ''].filter(Boolean).join(' ');
      el.tabIndex = this.active === e.id ? 0 : -1;
      this.describe(el, e, index, chosen);
      el.style.top = `${e.top * LINE}px`;
      el.style.height = `${e.lines * LINE}px`;
      if (el.depth !== e.depth) el.style.setProperty('--depth', String((el.depth = e.depth))); // a new value restyles all below it
      el.whole = 0;
      say(p.twisty, e.kids ? (e.open ? '▾' : '▸') : '');
      const mark = bad || STOPPED.includes(row.status) ? (MARKS[row.status] ?? '?') : '';
      p.kind.className = `kind ${mark ? 'sign' : row.kind}`;
      say(p.kind, mark);
      say(p.text, visible(row.name));
      say(p.label, `${e.label === row.status ? '· ' : ''}${visible(e.label)}`);
      p.name.title = visible([row.name, e.label].filter(Boolean).join(' · '));
      p.time.classList.toggle('ticks', ticking);
      if (!ticking) say(p.time, seconds(row.dur) || (row.status === 'running' ? 'open' : ''));
      say(p.tokens, said);
      say(p.cost, cost);
      p.cost.classList.toggle('dim', !/[$0-9]/.test(cost));
      say(p.why, visible(e.why));
      p.why.classList.toggle('dim', !e.error);
      p.why.title = visible(e.why);
      if (e.why && !p.why.parentElement) el.append(p.why);
      if (!e.why) p.why.remove();
    }
    if (el.whole !== this.whole) {
      el.whole = this.whole;
      p.bar.style.left = `${(100 * (row.start ?? 0)) / this.whole}%`;
      p.bar.style.width = ticking ? '' : `${(100 * Math.max(0, row.dur ?? 0)) / this.whole}%`;
    }
    if (ticking) say(p.time, clock(Math.max(0, this.run.now - (row.start ?? 0))));
  }

  /** What assistive technology hears of a row. @param {HTMLElement} el @param {Entry} e @param {number} index @param {boolean} chosen */
  describe(el, e, index, chosen) {
    const facts = { 'aria-level': e.depth + 1, 'aria-posinset': e.at + 1, 'aria-setsize': e.siblings.length, 'aria-rowindex': index + 2, 'aria-selected': chosen };
    for (const [name, value] of Object.entries(facts)) el.setAttribute(name, String(value));
    if (e.kids) el.setAttribute('aria-expanded', String(e.open));
    else el.removeAttribute('aria-expanded');
  }

  paintNotes() {
    const h = this.header, notes = (h.notes ?? []).filter((/** @type {string} */ n) => n !== h.empty);
    const { cut } = this.run, said = [cut ? `${commas(cut)} more rows are kept in the kernel` : '', ...notes].filter(Boolean);
    const key = said.join('\n');
    if (key === this.noteKey) return;
    this.noteKey = key;
    this.notes.replaceChildren(...said.map((text) => make('div', 'note', visible(text))));
  }

  /** Clocks tick while the run runs and the view is in the page. */
  tick() {
    if (this.timer || !this.running) return;
    this.timer = setTimeout(() => {
      this.timer = 0;
      if (!this.root.isConnected || !this.running) return;
      if (!document.hidden) this.request();
      this.tick();
    }, TICK);
  }

  // ---- what to look for ----

  lookup() {
    const { text, failed, order } = this.look, { details } = this.run;
    const said = (/** @type {Row} */ row) => (details.get(row.id)?.messages ?? []).some((/** @type {any} */ t) => t.text.toLowerCase().includes(text));
    const named = (/** @type {Row} */ row) => [row.name, row.label, row.error, row.remark].some((part) => part?.toLowerCase().includes(text));
    const find = (/** @type {Row} */ row) => (!failed || BAD.includes(row.status)) && (!text || named(row) || said(row));
    return { opened: this.opened, order, find: text || failed ? find : undefined };
  }

  /** @param {Partial<{text: string, failed: boolean, order: string}>} change */
  relook(change) {
    this.layTime = 0;
    Object.assign(this.look, change);
    this.failed.setAttribute('aria-pressed', String(this.look.failed));
    this.stale = true;
    this.follow = false;
    this.tallest = 0;
    this.body.scrollTop = 0;
    this.paint();
    const { text, failed, order } = this.look, hits = this.entries.filter((e) => !e.faint).length;
    const said = text || failed ? (hits ? `${commas(hits)} found` : 'none found') : order ? `${commas(hits)} rows` : '';
    const apart = text ? this.run.unheard : 0;
    say(this.found, apart ? `${said}; messages of ${commas(apart)} calls are in the kernel, not searched` : said);
  }

  /** Show or put away the finder; away, everything is shown again. */
  seek() {
    this.finder.hidden = !this.finder.hidden;
    if (!this.finder.hidden) {
      this.showsModels = false;
      this.paint();
      this.input.focus({ preventScroll: true });
      return;
    }
    this.input.value = this.order.value = '';
    this.relook({ text: '', failed: false, order: '' });
    /** @type {any} */ (this.parts).find.focus({ preventScroll: true });
  }

  swapModels() {
    this.layTime = 0;
    this.showsModels = !this.showsModels;
    if (this.showsModels) this.finder.hidden = true;
    this.stale = true;
    this.paint();
  }

  // ---- the reader ----

  /** @param {Event} event */
  onFold(event) {
    this.layTime = 0;
    const marked = getSelection(), head = /** @type {Node} */ (event.currentTarget);
    const reads = marked && !marked.isCollapsed && head.contains(marked.anchorNode) && event.target !== /** @type {any} */ (this.parts).fold;
    if (this.empty || reads) return; // who marks the words above the tree copies them
    this.fold = !this.folded;
    this.stale = true;
    this.paint();
  }

  onScroll() {
    const body = this.body;
    this.follow = body.scrollTop + body.clientHeight >= body.scrollHeight - LINE;
    if (this.entries.length > WINDOW_ABOVE) this.request(true);
  }

  /** @param {Event} event */
  onClick(event) {
    const target = /** @type {Element} */ (event.target), el = /** @type {any} */ (target.closest('.row'));
    if (!el) return;
    const entry = this.entries.find((e) => e.id === el.dataset.id);
    if (!entry) return;
    this.active = entry.id;
    if (entry.kids && target.closest('.twisty')) this.toggle(entry.id);
    else this.choose(this.chosen === entry.id ? null : entry.id);
    el.focus({ preventScroll: true });
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    if (!(/** @type {Element} */ (event.target).closest?.('.row'))) return this.onToolKey(event);
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const at = this.activeAt;
    const act = /** @type {any} */ (keyed(event.key, this.entries, Math.max(0, at)));
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    if ('toggle' in act) this.toggle(act.toggle);
    else if ('choose' in act) this.choose(act.choose === this.chosen ? null : act.choose);
    else this.go(act.go);
  }

  /** Keys outside the tree: the notebook's shortcuts hear nothing that is typed, chosen or scrolled here. @param {KeyboardEvent} event */
  onToolKey(event) {
    const target = /** @type {Element} */ (event.target), { key } = event, finds = this.finder.contains(target);
    const away = key === 'Escape' && (finds || this.detail.contains(target)), down = key === 'ArrowDown' && target === this.input;
    if (target === this.input || target === this.order || away || OURS.includes(key)) event.stopPropagation();
    if (down) this.go(0);
    else if (away && finds) this.seek();
    else if (away) this.leaveDetail();
    if (down || away) event.preventDefault();
  }

  leaveDetail() {
    this.choose(null);
    this.drawn.get(this.active ?? '')?.focus({ preventScroll: true });
  }

  /** @param {string} id */
  toggle(id) {
    this.layTime = 0;
    this.held = null;
    const set = id.startsWith('group ') ? this.opened : this.closed; // groups are closed until opened
    if (!set.delete(id)) set.add(id);
    this.stale = true;
    this.tallest = 0;
    this.follow = false;
    this.paint();
    this.drawn.get(this.active ?? '')?.focus({ preventScroll: true });
  }

  /** @param {string|null} id */
  choose(id) {
    if (id?.startsWith('group ')) return this.toggle(id);
    this.chosen = this.held = id;
    this.follow = this.follow && id == null;
    this.detailStale = true;
    this.paint();
  }

  /** @param {number} index */
  go(index) {
    const entry = this.entries[index];
    if (!entry) return;
    this.active = this.held = entry.id;
    this.follow = false;
    const top = entry.top * LINE, bottom = top + entry.lines * LINE, body = this.body;
    if (top < body.scrollTop) body.scrollTop = top;
    else if (bottom > body.scrollTop + body.clientHeight) body.scrollTop = bottom - body.clientHeight;
    this.paint();
    this.drawn.get(entry.id)?.focus({ preventScroll: true });
  }

  paintDetail() {
    this.detailStale = this.grew = false;
    const row = this.chosen ? this.run.rows.get(this.chosen) : null, item = row && this.run.details.get(row.id);
    const tops = [...this.detail.children].map((side) => side.scrollTop), same = this.detailOf === this.chosen;
    this.detailOf = this.chosen;
    this.detail.hidden = !row;
    if (!row) return this.detail.replaceChildren();
    if (!item) this.run.want(row.id);
    this.detail.replaceChildren(...(item ? [said(item), facts(item)] : [make('div', 'dim', this.missing)]));
    [...this.detail.children].forEach((side, i) => {
      /** @type {HTMLElement} */ (side).tabIndex = 0;
      if (same) side.scrollTop = tops[i] ?? 0;
    });
  }

  /** Why there are no details: the kernel has them, and answers when no cell runs. */
  get missing() {
    if (!this.run.send) return `details are not in this page: %ai_show ${this.run.id}`;
    return this.running ? 'details come when the cell has ended' : `details come when the kernel is idle; if it was restarted they are gone`;
  }

  /** The answer that streams grew: its text alone is written, and its end stays in sight. */
  paintGrowth() {
    this.grew = false;
    const last = this.run.details.get(this.chosen ?? '')?.messages.at(-1), side = this.detail.firstElementChild;
    const box = [...(side?.querySelectorAll('.turn') ?? [])].at(-1)?.querySelector('.block > .text:last-child');
    if (!side || !box || !last) return this.paintDetail();
    const atEnd = side.scrollTop + side.clientHeight >= side.scrollHeight - LINE;
    say(box, visible(last.text));
    if (atEnd) side.scrollTop = side.scrollHeight;
  }
}

/** Show a run in an element: by the view that is there, one that lost its place, or a new one. @param {Run} run @param {HTMLElement} el @param {any} [options] */
function show(run, el, options) {
  const views = [...run.views];
  let view = views.find((one) => one.root.parentElement === el) ?? views.find((one) => one.lost);
  if (!view) {
    view = new View(run);
    const h = run.header, old = h?.status === 'ok' && h.started + 1000 * h.dur < performance.timeOrigin; // over before this page was loaded
    if (old && !options?.open) view.fold = true;
  }
  view.mount(el, options);
}

/** One call a widget model: messages are heard from the first, before any view. */
export default () => ({
  /** @param {{model: any}} context */
  initialize({ model }) {
    const run = runOf(model.get('run_id'), show), kernel = model.widget_manager?.kernel;
    run.kernel = kernel;
    if (typeof kernel?.interrupt === 'function') run.interrupt = () => kernel.interrupt();
    hearKernel(kernel);
    if (model.send) run.send = (message) => model.send(message);
    const recall = () => run.recall(model.get('snapshot'));
    recall();
    model.on('change:snapshot', recall);
    model.on('msg:custom', (/** @type {any} */ message) => run.hear(message));
  },
  /** @param {{model: any, el: HTMLElement}} context */
  render({ model, el }) {
    runOf(model.get('run_id'), show).mount(el, { open: !['running', undefined].includes(model.get('snapshot')?.header?.status) });
  },
});
