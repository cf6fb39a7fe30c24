// @ts-check
/**
 * The pane below the tree: one span in detail.
 *
 * @typedef {import('./protocol.js').Detail} Item
 * @typedef {import('./protocol.js').Turn} Turn
 * @typedef {import('./protocol.js').Frame} Frame
 * @typedef {import('./store.js').Run} Run
 */
import { CallBar } from './copy.js';
import { Component, Copy, html, Table } from './dom.js';
import { commas, visible } from './format.js';
import { TextBlock } from './text_block.js';

const TURNS = 6; // turns of a conversation shown at first
const READ = 2; // of them read at length: what was asked last, and the answer
const BRIEF = 600; // characters of the others shown at first
const LINES_IN = 6; // lines of what was sent shown at first
const LINES_OUT = 30; // and of what came back

/** @param {{id: string, item: Item|undefined, run: Run}} props */
export const Detail = ({ id, item, run }) =>
  item
    ? [
        html`<div key=${`messages ${id}`} tabindex="0"><${CallBar} id=${id} run=${run}><${Messages} item=${item} /><//></div>`,
        html`<div key=${`facts ${id}`} tabindex="0"><${Facts} item=${item} /><${Raw} key=${id} item=${item} run=${run} /></div>`,
      ]
    : html`<div key=${`none ${id}`} class="dim" tabindex="0">${run.missing}</div>`;

/**
 * The conversation, or what went into a step and came out.
 * @extends {Component<{item: Item}, {all: boolean}>}
 */
class Messages extends Component {
  /** @override */
  state = { all: false };

  /** @override */
  render() {
    const { item } = this.props,
      turns = item.messages ?? [],
      early = Math.max(0, turns.length - TURNS),
      from = this.state.all ? 0 : early;
    const brief = (/** @type {Turn} */ turn, /** @type {number} */ at) => at < turns.length - READ || (turn.role === 'input' && turns.length > 1);
    const ending = (/** @type {Turn} */ turn, /** @type {number} */ at) => (at === turns.length - 1 && turn.side === 'out' ? item.ending : '');
    return html`
      ${item.error && html`<div class="failed"><${TextBlock} text=${item.error} what="error" /></div>`}
      ${item.error && item.frames?.length > 0 && html`<${Traceback} frames=${item.frames} />`}
      ${from > 0 && html`<button class="more" onClick=${() => this.setState({ all: true })}>${early} earlier ${early === 1 ? 'message' : 'messages'}</button>`}
      ${turns.slice(from).map((turn, i) => {
        const at = from + i,
          limit = at >= early && brief(turn, at) ? BRIEF : undefined;
        return html`<${TurnBox} key=${at} turn=${turn} text=${turn.text} ending=${ending(turn, at)} limit=${turn.grows ? Infinity : limit} />`;
      })}
      ${!turns.length && !item.error && html`<div class="dim">${visible(item.nothing ?? '')}</div>`}`;
  }
}

/** The way the error took, under the last place in the reader's own code. @param {{frames: Frame[]}} props */
const Traceback = ({ frames }) => {
  const own = frames.filter((frame) => !frame.library).at(-1) ?? frames[frames.length - 1];
  return html`<details class="trace">
    <summary>${commas(frames.length)} ${frames.length === 1 ? 'frame' : 'frames'} · ${visible(own.place)}</summary>
    ${frames.map(
      ({ place, code, library }) => html`<div class=${library ? 'dim' : ''}>
        <div class="small">${visible(place)}</div>
        <div class="text">${visible(code)}</div>
      </div>`,
    )}
  </details>`;
};

/** @extends {Component<{turn: Turn, text: string, ending?: string, limit?: number}, {}>} */
class TurnBox extends Component {
  /** A price that comes late tells every detail anew: what was said is laid out once. @param {any} next */
  shouldComponentUpdate(next) {
    const { turn, text, ending, limit } = this.props;
    return next.turn !== turn || next.text !== text || next.ending !== ending || next.limit !== limit;
  }

  whole = () => {
    const { turn } = this.props,
      calls = turn.calls ?? [];
    return [turn.text, ...calls.map(([name, args]) => `→ ${name}(${args})`)].filter(Boolean).join('\n');
  };

  /** @override */
  render() {
    const { turn, ending, limit } = this.props,
      { side, role, text } = turn,
      calls = turn.calls ?? [],
      ofStep = role === 'input' || role === 'output',
      lines = turn.grows ? undefined : side === 'out' ? LINES_OUT : LINES_IN;
    return html`<div class=${`turn ${side}`}>
      <div class="who">
        <span>${[visible(role), ending].filter(Boolean).join(' · ')}</span>
        <${Copy} text=${this.whole} what=${`the ${role} message`} />
      </div>
      ${(text || !calls.length) && html`<${TextBlock} text=${text || '(empty)'} what=${role} limit=${limit} lines=${lines} bare=${ofStep} />`}
      ${(turn.media ?? []).map((one) => html`<div class="small">${[visible(one.name), visible(one.type), `${commas(one.size)} bytes`, visible(one.missing)].filter(Boolean).join(' · ')}</div>`)}
      ${calls.map(
        ([name, args]) => html`<div class="call">
          <div class="text">→ ${visible(name)}</div>
          <${TextBlock} text=${args} what=${`the arguments of ${name}`} />
        </div>`,
      )}
    </div>`;
  }
}

/** The cells of a table as text. @param {any[][]} lines */
const shown = (lines) => lines.map((cells) => cells.map((cell) => visible(String(cell ?? ''))));

/** Usage, the arithmetic of the cost, and facts. @param {{item: Item}} props */
const Facts = ({ item }) => {
  const { cost } = item,
    parts = cost?.parts ?? [],
    counted = parts.some((part) => part[1]);
  const sums = parts.map((part) => [part[0], part[2] ? `${part[1]} × ${part[2]}` : part[1], part[3]]);
  const notes = [cost && !parts.length ? cost.total : '', cost?.reason, [cost?.source, ...(cost?.assumptions ?? [])].filter(Boolean).join(' · ')];
  const folds = /** @type {[string, any[][]][]} */ ([
    ['parameters', item.parameters ?? []],
    ['more', [...(item.more ?? []), ...(item.attributes ?? [])]],
  ]);
  return html`
    ${!counted && item.usage?.length > 0 && html`<${Table} name="sum" label="tokens" lines=${shown(item.usage)} />`}
    ${cost && parts.length > 0 && html`<${Table} name="sum" label="cost" total=${true} lines=${shown([...sums, [cost.model, counted ? 'per 1M' : '', cost.total]])} />`}
    ${notes.filter(Boolean).map((text) => html`<div class="small">${visible(text ?? '')}</div>`)}
    ${item.facts?.length > 0 && html`<${Table} name="facts" label="facts" lines=${shown(item.facts)} />`}
    ${folds.map(([name, list]) => list.length > 0 && html`<details key=${name}><summary>${name}</summary><${Table} name="facts" label=${name} lines=${shown(list)} /></details>`)}
    ${!!item.tools?.length && html`<details><summary>tools offered</summary>${item.tools.map((tool) => html`<${Offered} tool=${tool} />`)}</details>`}`;
};

/** A tool that was offered. @param {{tool: import('./protocol.js').Tool}} props */
const Offered = ({ tool: { name, description, schema } }) => html`<div class="call">
  <div class="text">${visible(name)}</div>
  ${description && html`<${TextBlock} text=${description} what=${`the description of ${name}`} lines=${LINES_IN} />`}
  ${schema && html`<${TextBlock} text=${schema} what=${`the schema of ${name}`} />`}
</div>`;

/**
 * Request and answer as they crossed the wire; the kernel is asked when it is opened.
 * @extends {Component<{item: Item, run: Run}, {open: boolean}>}
 */
class Raw extends Component {
  /** @override */
  state = { open: false };

  /** @override */
  render() {
    const { item, run } = this.props,
      { open } = this.state;
    if (item.raw != null) return null;
    return html`<details open=${open} onToggle=${(/** @type {any} */ event) => this.setState({ open: event.currentTarget.open })}>
      <summary>as sent</summary>
      ${open && html`<${Crossed} answer=${run.answerTo({ k: 'raw', id: item.id })} />`}
    </details>`;
  }
}

/** @param {{answer: any}} props */
const Crossed = ({ answer }) => {
  if (!answer?.raw) return html`<div class="dim">${answer ? visible(answer.missing) : 'it comes when the kernel is idle'}</div>`;
  const { method, url, sent, body, status, received, answer: text, notes } = answer.raw;
  return html`
    <div class="text">${visible(`${method} ${url}`)}</div>
    <${Table} name="facts" label="headers of the request" lines=${shown(sent)} />
    <${TextBlock} text=${body} what="the request" />
    <div class="text">${visible(`answer ${status ?? ''}`)}</div>
    <${Table} name="facts" label="headers of the answer" lines=${shown(received)} />
    <${TextBlock} text=${text} what="the answer" />
    ${notes.map((/** @type {string} */ note) => html`<div class="small">${visible(note)}</div>`)}`;
};
