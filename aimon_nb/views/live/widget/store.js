// @ts-check
/**
 * What the page knows of the runs that one model tells of, beyond any view's life.
 *
 * It is in this module's scope alone: a script of the page reaches a run by an event
 * of the run's id, which nobody guesses, and gets nothing back.
 *
 * @typedef {import('./rows.js').Row} Row
 * @typedef {import('./protocol.js').Header} Header
 * @typedef {{header?: Header, rows?: any[], cut?: number, count?: number, whole?: number,
 *   previews?: Record<string, string[]>, new_items?: import('./protocol.js').PackedItem[], items?: Record<string, import('./protocol.js').Detail>, grown?: Record<string, string>}} News
 * @typedef {import('./protocol.js').Answer & {bytes?: DataView}} Answered
 * @typedef {(run: Run, el: HTMLElement, options: any) => void} Show
 */
import { unpackItem } from './by_item.js';
import { choicesOf } from './choices.js';
import { unpackRow, upsert } from './rows.js';

const MOST_RUNS = 200; // runs a page remembers

/** @type {Map<string, Run>} */
export const runs = new Map();

/** What is known of a run; made when it is first heard of. @param {string} id @param {Show} show */
export function runOf(id, show) {
  const run = runs.get(id) ?? new Run(id, show);
  runs.set(id, run);
  for (const [old, other] of runs) {
    if (runs.size <= MOST_RUNS) break;
    if (old !== id && !other.isShown) other.forget();
  }
  return run;
}

/** By which a question and its answer are known. @param {import('./protocol.js').Question} question */
export const questionOf = (question) => {
  const { k, id, media, form, other } = /** @type {any} */ (question);
  return [k, id, media, form, other].join(' ');
};

/** One run: header, rows and details, shared by its views. */
export class Run {
  /** @param {string} id @param {Show} show */
  constructor(id, show) {
    this.id = id;
    this.show = show;
    /** @type {Header|null} */ this.header = null;
    /** @type {Map<string, Row>} */ this.rows = new Map();
    /** @type {Map<string, import('./protocol.js').Detail>} */ this.details = new Map();
    /** @type {Set<import('./view.js').View>} */ this.views = new Set();
    /** @type {Set<string>} */ this.requested = new Set(); // details that the kernel was asked for
    /** @type {[HTMLElement, any][]} */ this.waiting = []; // places that ask for it before anything is known of it
    /** @type {Map<string, string[]>} */ this.previews = new Map(); // what went into rows and came out
    /** @type {Map<string, Answered>} */ this.answers = new Map(); // to questions about spans, by what questionOf gives
    /** @type {Map<number, import('./by_item.js').Item>} */ this.items = new Map(); // rows of the batch, by number
    this.news = 0; // how often the kernel has answered
    this.cut = 0;
    this.count = 0; // messages of rows that came without a gap
    this.zero = 0; // performance.now() at the start of the run
    /** @type {any} */ this.kernel = null; // the connection of the page to it
    /** @type {(() => unknown)|null} */ this.interrupt = null;
    /** @type {((message: import('./protocol.js').Ask) => void)|null} */ this.send = null;
    this.token = {}; // tells its own event from that of another module that knows the run
    this.announced = false;
    this.lost = false; // the kernel that had it is gone
    this.closed = false; // the notebook that showed it was closed
    this.onPlace = (/** @type {any} */ event) => {
      if (event.defaultPrevented) return;
      event.preventDefault();
      const [el, options] = event.detail;
      this.mount(el, options);
    };
    this.onAnnounced = (/** @type {any} */ event) => {
      if (event.detail !== this.token && !this.send) this.yieldPlaces();
    };
    addEventListener(this.event, this.onPlace);
    this.onAsked = (/** @type {any} */ event) => event.preventDefault();
    addEventListener(`${this.event}!`, this.onAnnounced);
    addEventListener(`${this.event}?`, this.onAsked);
  }

  get event() {
    return `aimon_nb:${this.id}`;
  }

  get running() {
    return this.header?.status === 'running';
  }

  /** Whether rows may still come or end. */
  get open() {
    return this.running || !!this.header?.counting;
  }

  /** Why the page has no details of a span. */
  get missing() {
    if (this.lost) return 'details are gone: the kernel was restarted or has ended';
    if (!this.send) return `details are not in this page: %ai_show ${this.id}`;
    return this.running ? 'details come when the cell has ended' : 'details come when the kernel is idle; if it was restarted they are gone';
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

  get isShown() {
    return [...this.views].some((view) => view.root.isConnected);
  }

  /** Show the run in this element, now or once the kernel has told of it. @param {HTMLElement} el @param {any} [options] */
  mount(el, options) {
    if (this.header) return this.show(this, el, options);
    this.waiting.push([el, options]);
    if (this.waiting.length === 1) this.send?.({ k: 'ask' });
  }

  /** Let scripts of saved outputs know that the run is here: they run early when a page loads. */
  announce() {
    if (this.announced) return;
    this.announced = true;
    dispatchEvent(new CustomEvent(`${this.event}!`, { detail: this.token }));
  }

  /** Another module knows the run from a kernel that lives: its view stands where this one's did. */
  yieldPlaces() {
    this.forget();
    for (const view of this.views) {
      const el = view.root.isConnected && view.root.parentElement;
      if (el) dispatchEvent(new CustomEvent(this.event, { cancelable: true, detail: [el, { choices: choicesOf(view) }] }));
    }
  }

  forget() {
    runs.delete(this.id);
    removeEventListener(this.event, this.onPlace);
    removeEventListener(`${this.event}!`, this.onAnnounced);
    removeEventListener(`${this.event}?`, this.onAsked);
  }

  /** @param {import('./protocol.js').ToPage} message @param {DataView[]} [buffers] */
  receive(message, buffers) {
    if (message.k === 'snapshot') this.restore(message.snapshot);
    else if ('missing' in message) this.takeAnswer({ ...message, bytes: buffers?.[0] });
    else if (message.k !== 'end') this.take(message);
    else if (message.total !== this.count) this.send?.({ k: 'hello' });
  }

  /** Take in what is new. @param {News} message */
  take(message) {
    if (message.header) this.receiveHeader(message.header);
    const rows = message.rows && upsert(this.rows, message.rows.map(unpackRow));
    for (const [id, sides] of Object.entries(message.previews ?? {})) this.previews.set(id, sides);
    for (const item of (message.new_items ?? []).map(unpackItem)) this.items.set(item.number, item);
    if (typeof message.cut === 'number') this.cut = message.cut;
    if (message.whole ?? message.count === this.count + 1) this.count = message.whole ?? message.count ?? 0;
    for (const [id, item] of Object.entries(message.items ?? {})) {
      const before = this.details.get(id),
        [messages, parameters, tools] = [
          item.messages ?? before?.messages ?? [],
          item.parameters ?? before?.parameters ?? [],
          item.tools ?? before?.tools ?? [],
        ];
      this.details.set(id, { ...item, messages, parameters, tools });
      const asked = this.requested.delete(id);
      for (const view of this.views) view.receiveDetail(id, asked);
    }
    for (const [id, text] of Object.entries(message.grown ?? {})) {
      const last = this.details.get(id)?.messages?.at(-1);
      if (!last) continue;
      last.text += text;
      last.grows = true;
      for (const view of this.views) view.receiveGrowth(id);
    }
    for (const view of this.views) view.receive(!!rows || !!message.new_items?.length, !!message.previews);
    if (this.header) this.mountWaiting();
  }

  /** Take in what the kernel keeps for pages that were not there; ask for what is missing still. @param {import('./protocol.js').Snapshot} kept */
  restore(kept) {
    if (!kept?.header) return;
    // What came by message is newer: the snapshot fills gaps and ends what was open.
    const rows = (kept.rows ?? []).filter((/** @type {any[]} */ one) => this.rows.get(one[0])?.dur == null);
    const whole = this.count === kept.count;
    this.take({ header: kept.header, rows, cut: whole ? 0 : kept.cut });
    if (!whole) this.send?.({ k: 'hello' });
  }

  /** Its kernel is gone: nothing more will come. */
  markLost() {
    const { header, running } = this;
    this.lost = true;
    this.detach();
    if (header && (running || header.counting))
      this.take({ header: { ...header, status: running ? 'killed' : header.status, dur: this.now, counting: false } });
  }

  /** The kernel tells and hears nothing of it any more. */
  detach() {
    this.send = this.interrupt = null;
    for (const view of this.views) view.receive(false);
  }

  /** Ask the kernel for the details of a span; it answers when no cell runs. @param {string} id */
  request(id) {
    if (!this.send || this.requested.has(id)) return;
    this.requested.add(id);
    this.send({ k: 'want', ids: [id] });
  }

  /** What the kernel answers to a question about a span; undefined until it has: it is asked once. @param {import('./protocol.js').Question} question */
  answerTo(question) {
    const key = questionOf(question),
      known = this.answers.get(key);
    if (known || !this.send || this.requested.has(key)) return known;
    this.requested.add(key);
    this.send(question);
    return undefined;
  }

  /** What the kernel has answered, without asking it. @param {import('./protocol.js').Question} question */
  answered(question) {
    return this.answers.get(questionOf(question));
  }

  /** Ask whatever was answered before: there may be more calls by now. @param {import('./protocol.js').Question} question */
  askAnew(question) {
    this.answers.delete(questionOf(question));
    this.send?.(question);
  }

  /** @param {Answered} answer */
  takeAnswer(answer) {
    this.news += 1;
    this.answers.set(questionOf(answer), answer);
    this.requested.delete(questionOf(answer));
    for (const view of this.views) {
      view.receiveDetail(answer.id);
      view.receive(false);
    }
  }

  /** @param {Header} header */
  receiveHeader(header) {
    const before = this.header,
      wasOpen = this.open;
    // A snapshot may be older than the messages that have come since.
    if (before && before.status !== 'running' && header.status === 'running') return;
    this.header = header;
    const zero = performance.now() - (header.elapsed ?? 0) * 1000;
    // The quickest message is nearest to the truth.
    this.zero = before ? Math.min(this.zero, zero) : zero;
    // Not before all is counted: the first word of the end knows neither sums nor what failed.
    if (wasOpen && !this.open) for (const view of this.views) view.finish();
  }

  mountWaiting() {
    const { waiting } = this;
    this.waiting = [];
    // The notebook takes cells that are out of sight out of the page; their outputs have a place all the same.
    for (const [el, options] of waiting) if (el.isConnected || el.closest('.jp-OutputArea')) this.mount(el, options);
    this.announce();
  }
}
