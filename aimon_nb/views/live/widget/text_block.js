// @ts-check
/** A text of any length, cut with "show all"; JSON as a tree that folds. */
import { Component, html } from './dom.js';
import { commas, cut, cutLines, pieces, visible } from './format.js';

const ONE_LINE = 80; // characters of a list that stands on a line
const DEEP = 2; // levels of a JSON value that stand open
const MANY = 50; // names of a value that is opened only by hand
const JSON_LIMIT = 200_000; // characters of JSON laid out as a tree

/** One laid-out piece of a text. @param {{text: string}} props */
const Piece = ({ text }) => html`<div class="text" dir="auto">${visible(text)}</div>`;

/** @param {{text: string, what: string, lines?: number, onClick: () => void}} props */
const ShowAll = ({ text, what, lines, onClick }) =>
  html`<button class="more" aria-label=${`show all of ${visible(what)}`} onClick=${onClick}>
    ${lines ? `${commas(lines)} more ${lines === 1 ? 'line' : 'lines'}` : `show all ${commas(text.length)} characters`}
  </button>`;

/**
 * `limit`: characters, `lines`: lines shown at first. `bare`: the names of its JSON value are lines, without a fold around them.
 * @extends {Component<{text: string, what: string, limit?: number, lines?: number, bare?: boolean}, {all: boolean}>}
 */
export class TextBlock extends Component {
  /** @override */
  state = { all: false };

  /** @override */
  render() {
    const { text, what, limit, lines, bare } = this.props;
    if (this.state.all) return html`<div class="block">${pieces(text).map((piece) => html`<${Piece} text=${piece} />`)}</div>`;
    const value = parsed(text);
    if (value !== undefined) return html`<div class="block"><${Parsed} value=${value} limit=${limit} bare=${bare} /></div>`;
    const few = cutLines(text, lines),
      shown = cut(few.text, limit),
      isCut = few.left > 0 || shown.left > 0;
    return html`<div class="block">
      <${Piece} text=${shown.text + (shown.left ? '…' : '')} />
      ${isCut && html`<${ShowAll} text=${text} what=${what} lines=${shown.left ? 0 : few.left} onClick=${() => this.setState({ all: true })} />`}
    </div>`;
  }
}

/** Arguments by name are lines; a list, or what is large, folds as a whole. @param {{value: any, limit?: number, bare?: boolean}} props */
const Parsed = ({ value, limit, bare }) => {
  const names = bare && !Array.isArray(value) ? Object.keys(value) : [];
  if (!names.length || names.length > MANY) return html`<${Json} name="" value=${value} depth=${0} limit=${limit} />`;
  return names.map((name) => html`<${Json} key=${name} name=${name} value=${value[name]} depth=${1} limit=${limit} />`);
};

/** The value of a text that is a JSON object or list. @param {string} text */
function parsed(text) {
  if (!/^\s*[[{]/.test(text) || text.length > JSON_LIMIT) return undefined;
  try {
    const value = JSON.parse(text);
    return Object.keys(value).length ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The start of a text, on a line. @param {string} text */
const brief = (text) => visible(text.length > 60 ? `${text.slice(0, 59)}…` : text);

/** A list of a few words and numbers, on one line; undefined for others. @param {any} value */
function onOneLine(value) {
  const isLong = (/** @type {any} */ one) => (one !== null && typeof one === 'object') || String(one).length > ONE_LINE;
  if (!Array.isArray(value) || value.length > ONE_LINE || value.some(isLong)) return undefined;
  const text = `[${value.map((one) => JSON.stringify(one)).join(', ')}]`;
  return text.length > ONE_LINE ? undefined : text;
}

/** A JSON value. @param {{name: string, value: any, depth: number, limit?: number}} props */
const Json = ({ name, value, depth, limit }) => {
  const lead = name && `${visible(name)}: `,
    text = onOneLine(value);
  if (text === undefined && value !== null && typeof value === 'object')
    return html`<${Fold} lead=${lead} value=${value} depth=${depth} limit=${limit} />`;
  return html`<${Leaf} lead=${lead} name=${name} text=${text ?? String(value)} limit=${limit} />`;
};

/** @extends {Component<{lead: string, name: string, text: string, limit?: number}, {all: boolean}>} */
class Leaf extends Component {
  /** @override */
  state = { all: false };

  /** @override */
  render() {
    const { lead, name, text, limit } = this.props,
      shown = cut(text, limit);
    if (this.state.all) return html`<div>${pieces(lead + text).map((piece) => html`<${Piece} text=${piece} />`)}</div>`;
    const line = html`<div class="text json" dir="auto"><span class="dim">${lead}</span>${visible(shown.text + (shown.left ? '…' : ''))}</div>`;
    if (!shown.left) return line;
    return html`<div>${line}<${ShowAll} text=${text} what=${name || 'the value'} onClick=${() => this.setState({ all: true })} /></div>`;
  }
}

/**
 * An object or a list that folds, built as far as it is opened.
 * @extends {Component<{lead: string, value: any, depth: number, limit?: number}, {open: boolean}>}
 */
class Fold extends Component {
  names = Object.keys(this.props.value);
  /** @override */
  state = { open: this.props.depth < DEEP && this.names.length <= MANY };
  opened = this.state.open;

  onToggle = (/** @type {any} */ event) => {
    event.stopPropagation();
    this.setState({ open: event.currentTarget.open });
  };

  /** @override */
  render() {
    const { lead, value, depth, limit } = this.props,
      { open } = this.state,
      list = Array.isArray(value);
    this.names = Object.keys(value);
    this.opened ||= open;
    const title = lead + (list ? `[${commas(this.names.length)}]` : `{${brief(this.names.join(', '))}}`);
    return html`<details class="json" open=${open} onToggle=${this.onToggle}>
      <summary>${title}</summary>
      ${this.opened && this.names.map((name) => html`<${Json} key=${name} name=${list ? '' : name} value=${value[name]} depth=${depth + 1} limit=${limit} />`)}
    </details>`;
  }
}
