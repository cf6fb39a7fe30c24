// @ts-check
/**
 * What the page knows of every run it has heard, by run id, beyond any view's life.
 *
 * @typedef {import('./layout.js').Row} Row
 */
import { unpacked, upsert } from './layout.js';

const KEY = Symbol.for('aimon_nb');
const MOST_RUNS = 200; // runs a page remembers

/**
 * `waiting` holds places that asked for a run before its model was here: scripts
 * of saved outputs run early when a page loads.
 *
 * @returns {{runs: Map<string, Run>, waiting: [string, HTMLElement, any][], kernels: WeakSet<object>}}
 */
export function store() {
  const page = /** @type {any} */ (globalThis), it = (page[KEY] ??= {});
  it.runs ??= new Map();
  it.waiting ??= [];
  it.kernels ??= new WeakSet();
  return it;
}

/** What is known of a run; made on first hearing. @param {string} id @param {(run: Run, el: HTMLElement, options: any) => void} show */
export function runOf(id, show) {
  const { runs } = store();
  let run = runs.get(id);
  if (!run) runs.set(id, (run = new Run(id, show)));
  for (const [old, other] of runs) {
    if (runs.size <= MOST_RUNS) break;
    if (old !== id && ![...other.views].some((view) => view.root.isConnected)) runs.delete(old);
  }
  return run;
}

/** One run: header, rows and details, shared by its views. */
export class Run {
  /** @param {string} id @param {(run: Run, el: HTMLElement, options: any) => void} show */
  constructor(id, show) {
    this.id = id;
    this.show = show;
    /** @type {any} */ this.header = null;
    /** @type {Map<string, Row>} */ this.rows = new Map();
    /** @type {Map<string, any>} */ this.details = new Map();
    /** @type {Set<any>} */ this.views = new Set();
    /** @type {Set<string>} */ this.wanted = new Set(); // details that the kernel was asked for
    this.cut = 0;
    this.count = 0; // messages of rows that came without a gap
    this.zero = 0; // performance.now() at the start of the run
    /** @type {any} */ this.kernel = null; // the page's connection to it
    /** @type {(() => unknown)|null} */ this.interrupt = null;
    /** @type {((message: any) => void)|null} */ this.send = null;
  }

  get running() {
    return this.header?.status === 'running';
  }

  /** Seconds since the start, by the page's own clock, set by the kernel's. */
  get now() {
    return this.running ? Math.max(0, (performance.now() - this.zero) / 1000) : (this.header?.dur ?? this.header?.elapsed ?? 0);
  }

  /** How many calls the page knows by their row alone. */
  get unheard() {
    let n = 0;
    for (const row of this.rows.values()) if (row.counts && !row.hidden && !this.details.has(row.id)) n += 1;
    return n;
  }

  /** Show the run in this element; what saved outputs call. @param {HTMLElement} el @param {any} [options] */
  mount(el, options) {
    this.show(this, el, options);
  }

  /** Take in a message or a snapshot. @param {any} message */
  hear(message) {
    if (!message || (message.run_id && message.run_id !== this.id)) return;
    if (message.header) this.hearHeader(message.header);
    const rows = message.rows && upsert(this.rows, message.rows.map(unpacked));
    if (typeof message.cut === 'number') this.cut = message.cut;
    if (message.whole ?? message.count === this.count + 1) this.count = message.whole ?? message.count;
    for (const [id, item] of Object.entries(message.items ?? {})) {
      const messages = item.messages ?? this.details.get(id)?.messages ?? [];
      this.details.set(id, { ...item, messages });
      this.wanted.delete(id);
      for (const view of this.views) view.hearDetail(id);
    }
    for (const [id, text] of Object.entries(message.grown ?? {})) {
      const last = this.details.get(id)?.messages.at(-1);
      if (!last) continue;
      last.text += text;
      for (const view of this.views) view.hearGrowth(id);
    }
    for (const view of this.views) view.hear(!!rows);
    if (this.header) this.takeWaiting();
  }

  /** Take in what a model keeps for pages that were not there; ask for what is missing still. @param {any} kept */
  recall(kept) {
    if (!kept?.header) return;
    // What came by message is newer: the snapshot fills gaps and ends what was open.
    const rows = (kept.rows ?? []).filter((/** @type {any[]} */ one) => this.rows.get(one[0])?.dur == null);
    const whole = this.count === kept.count;
    this.hear({ header: kept.header, rows, cut: whole ? 0 : kept.cut });
    if (!whole) this.send?.({ k: 'hello' });
  }

  /** Its kernel is gone: nothing more will come. */
  lose() {
    const { header, running } = this;
    if (running || header?.counting) this.hear({ header: { ...header, status: running ? 'killed' : header.status, dur: this.now, counting: false } });
  }

  /** Ask the kernel for the details of a span; it answers when no cell runs. @param {string} id */
  want(id) {
    if (!this.send || this.wanted.has(id)) return;
    this.wanted.add(id);
    this.send({ k: 'want', ids: [id] });
  }

  /** @param {any} header */
  hearHeader(header) {
    const before = this.header;
    // A snapshot trait may be older than the messages that have come since.
    if (before && before.status !== 'running' && header.status === 'running') return;
    this.header = header;
    const zero = performance.now() - (header.elapsed ?? 0) * 1000;
    // The quickest message is nearest to the truth.
    this.zero = before ? Math.min(this.zero, zero) : zero;
    if (before?.status === 'running' && !this.running) for (const view of this.views) view.finished();
  }

  takeWaiting() {
    const page = store(), mine = page.waiting.filter(([id]) => id === this.id);
    if (!mine.length) return;
    page.waiting = page.waiting.filter(([id]) => id !== this.id);
    // The notebook takes cells that are out of sight out of the page; their outputs have a place all the same.
    for (const [, el, options] of mine) if (el.isConnected || el.closest('.jp-OutputArea')) this.mount(el, options);
  }
}
