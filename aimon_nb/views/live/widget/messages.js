// @ts-check
/**
 * The conversation of a call, or what went into a step and came out.
 *
 * @typedef {import('./protocol.js').Detail} Item
 * @typedef {import('./protocol.js').Turn} Turn
 * @typedef {import('./store.js').Run} Run
 */
import { continued } from './continued.js';
import { CopyBox } from './copy.js';
import { Diff } from './diff.js';
import { Component, Copy, html } from './dom.js';
import { commas, visible } from './format.js';
import { MediaBox } from './media.js';
import { remember, remembered } from './memory.js';
import { formOf, TextBlock } from './text_block.js';

const TURNS = 6; // turns of a conversation shown at first
const READ = 2; // of them read at length: what was asked last, and the answer
const BRIEF = 600; // characters of the others shown at first
const ASKED = 900; // of what was asked last: it may be one long line
const LINES_IN = 6; // lines of what was sent shown at first
const LINES_OUT = 30; // and of what came back
const GROWTH = 1.4; // by which messages take more of a full screen, as often as they fit
const MOST = 100; // times as long as in the pane
const CHOICE = 'raw'; // which kinds of text the reader wants as they are written

/** @typedef {Record<string, boolean>} Raw prompts (`in`), answers (`out`) and `json` as they are written */

/** @extends {Component<{run: Run, item: Item, acts: import('./copy.js').Acts, full: boolean, label: string, after?: any, children?: any}, {all: boolean, room: number, raw: Raw}>} */
export class Messages extends Component {
  /** @override */
  state = { all: false, room: 1, raw: { in: true, out: false, json: false, ...remembered(CHOICE) } };
  /** @type {HTMLElement|null} */ box = null;
  isFitted = false;
  last = 1; // the greatest room in which all was seen at once
  /** @type {Turn[]} */ seen = []; // those whose turns before are known
  before = 0;
  lacks = '';
  sizes = new ResizeObserver(() => this.refit());

  onBox = (/** @type {HTMLElement|null} */ box) => {
    this.box = box;
  };

  /** @override */
  componentDidMount() {
    this.sizes.observe(/** @type {HTMLElement} */ (this.box));
    this.fit();
  }

  /** @override */
  componentDidUpdate() {
    this.fit();
  }

  /** @override */
  componentWillUnmount() {
    this.sizes.disconnect();
  }

  /** The screen is another one. */
  refit() {
    this.isFitted = false;
    this.last = 1;
    this.setState({ room: 1 });
  }

  /** In full screen long messages take the room that is left. */
  fit() {
    const { box, isFitted } = this,
      { room } = this.state;
    if (isFitted || !box || !this.props.full) return;
    const fits = box.scrollHeight <= box.clientHeight;
    if (fits) this.last = room;
    this.isFitted = !fits || room > MOST || !box.querySelector('.more');
    const next = this.isFitted ? this.last : room * GROWTH;
    if (next !== room) this.setState({ room: next });
  }

  /** How many turns the call before had already; looked up once it is in the page. @param {Turn[]} turns */
  shared(turns) {
    const { run, item } = this.props;
    if (this.seen !== turns || this.lacks) {
      const { shared, lacks } = continued(run, item.id);
      this.seen = turns;
      this.before = shared;
      this.lacks = lacks;
      if (lacks) run.request(lacks);
    }
    return this.before;
  }

  onRaw = (/** @type {string} */ kind) => {
    const raw = { ...this.state.raw, [kind]: !this.state.raw[kind] };
    remember(CHOICE, raw);
    this.setState({ raw });
  };

  /** @override */
  render() {
    const { run, item, acts, label, after, children } = this.props,
      { all, room, raw } = this.state,
      turns = item.messages ?? [],
      shared = this.shared(turns),
      early = shared || Math.max(0, turns.length - TURNS),
      from = all ? 0 : early;
    const brief = (/** @type {Turn} */ turn, /** @type {number} */ at) => at < turns.length - READ || (turn.role === 'input' && turns.length > 1);
    const ending = (/** @type {Turn} */ turn, /** @type {number} */ at) => (at === turns.length - 1 && turn.side === 'out' ? item.ending : '');
    const many = `${commas(early)} ${shared ? '' : 'earlier '}${early === 1 ? 'message' : 'messages'}${shared ? ' as in the call before' : ''}`;
    const side = (/** @type {any} */ what) =>
      html`<div ref=${this.onBox} tabindex="0" role="group" aria-label=${label}><${CopyBox} acts=${acts} />${what}</div>`;
    if (acts.compares) return side(html`<${Diff} id=${item.id} run=${run} />`);
    return side(html`
      ${children}
      ${from > 0 && html`<button class="more" onClick=${() => this.setState({ all: true })}>${many}</button>`}
      ${turns.slice(from).map((turn, i) => {
        const at = from + i,
          limit = at >= early && brief(turn, at) ? BRIEF * room : turn.side === 'in' && turns.length > 1 ? ASKED * room : undefined,
          lines = (turn.side === 'out' ? LINES_OUT : LINES_IN) * room;
        return html`<${TurnBox}
          key=${at}
          turn=${turn}
          text=${turn.text}
          ending=${ending(turn, at)}
          age=${at < shared ? 'old' : shared && turn.side === 'in' ? 'new' : ''}
          limit=${turn.grows ? Infinity : limit}
          lines=${turn.grows ? Infinity : Math.floor(lines)}
          raw=${raw}
          run=${run}
          id=${item.id}
          news=${turn.media?.length ? run.news : 0}
          onRaw=${this.onRaw}
        />`;
      })}
      ${!turns.length && !item.error && html`<div class="dim">${visible(item.nothing ?? '')}</div>`}
      ${after}`);
  }
}

/** @typedef {{turn: Turn, text: string, ending: string, age: string, limit?: number, lines: number, raw: Raw, onRaw: (kind: string) => void,
 *   run: Run, id: string, news: number}} TurnProps */

/** @extends {Component<TurnProps, {}>} */
class TurnBox extends Component {
  /** A price that comes late tells every detail anew: what was said is laid out once. @param {any} next @override */
  shouldComponentUpdate(next) {
    return Object.entries(this.props).some(([name, value]) => next[name] !== value);
  }

  whole = () => {
    const { turn } = this.props,
      calls = turn.calls ?? [];
    return [turn.text, ...calls.map(([name, args]) => `→ ${name}(${args})`)].filter(Boolean).join('\n');
  };

  /** @override */
  render() {
    const { turn, ending, age, limit, lines, raw, onRaw, run, id, news } = this.props,
      { side, role, text } = turn,
      calls = turn.calls ?? [],
      ofStep = role === 'input' || role === 'output',
      form = text || !calls.length ? formOf(text) : 'json',
      kind = form === 'prose' ? side : form;
    return html`<div class=${`turn ${side} ${age}`}>
      <div class="who">
        <span>${[visible(role), visible(ending)].filter(Boolean).join(' · ')}${age === 'new' && html` · <span class="new">new</span>`}</span>
        ${form && html`<button class="copy" aria-pressed=${String(raw[kind])} aria-label=${`raw text of the ${visible(role)} message`} onClick=${() => onRaw(kind)}>raw</button>`}
        <${Copy} text=${this.whole} what=${`the ${visible(role)} message`} />
      </div>
      ${(text || !(calls.length || turn.media?.length)) && html`<${TextBlock} text=${text || '(empty)'} what=${role} limit=${limit} lines=${lines} bare=${ofStep} form=${raw[kind] ? '' : form} />`}
      ${(turn.media ?? []).map((one) => html`<${MediaBox} key=${one.id} run=${run} id=${id} one=${one} news=${news} />`)}
      ${calls.map(
        ([name, args]) => html`<div class="call">
          <div class="text">→ ${visible(name)}</div>
          <${TextBlock} text=${args} what=${`the arguments of ${name}`} form=${raw.json ? '' : 'json'} />
        </div>`,
      )}
    </div>`;
  }
}
