// @ts-check
/**
 * The pane below the tree: one span in detail.
 *
 * @typedef {import('./protocol.js').Detail} Item
 * @typedef {import('./protocol.js').Turn} Turn
 * @typedef {import('./protocol.js').Frame} Frame
 */
import { Component, Copy, html, Table } from './dom.js';
import { commas, visible } from './format.js';
import { TextBlock } from './text_block.js';

const TURNS = 6; // turns of a conversation shown at first
const READ = 2; // of them read at length: what was asked last, and the answer
const BRIEF = 600; // characters of the others shown at first
const LINES_IN = 6; // lines of what was sent shown at first
const LINES_OUT = 30; // and of what came back

/** @param {{id: string, item: Item|undefined, missing: string}} props */
export const Detail = ({ id, item, missing }) =>
  item
    ? [
        html`<div key=${`messages ${id}`} tabindex="0"><${Messages} item=${item} /></div>`,
        html`<div key=${`facts ${id}`} tabindex="0"><${Facts} item=${item} /></div>`,
      ]
    : html`<div key=${`none ${id}`} class="dim" tabindex="0">${missing}</div>`;

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
    ${item.tools?.length > 0 && html`<div class="small">${visible(`tools offered: ${item.tools.join(', ')}`)}</div>`}`;
};
