// @ts-check
/** A JSON value as a tree that folds. */
import { Component, html } from './dom.js';
import { commas, cut, pieces, visible } from './format.js';
import { Piece, ShowAll } from './pieces.js';

const ONE_LINE = 80; // characters of a list that stands on a line
const DEEP = 2; // levels of a JSON value that stand open
const MANY = 50; // names of a value that is opened only by hand
const JSON_LIMIT = 200_000; // characters of JSON laid out as a tree

/** A number as it is written where JavaScript would write it otherwise: `1.0`, or more digits than it has. */
class Exact {
  /** @param {string} source */
  constructor(source) {
    this.source = source;
  }
}

/** @param {string} _ @param {any} value @param {{source: string}} [context] absent in older browsers */
const exact = (_, value, context) => (typeof value === 'number' && context && context.source !== String(value) ? new Exact(context.source) : value);

/** The value of a text that is a JSON object or list; undefined for others. @param {string} text */
export function parsed(text) {
  if (!/^\s*[[{]/.test(text) || text.length > JSON_LIMIT) return undefined;
  try {
    const value = JSON.parse(text, /** @type {any} */ (exact));
    return Object.keys(value).length ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Arguments by name are lines; a list, or what is large, folds as a whole. @param {{value: any, limit?: number, bare?: boolean}} props */
export const JsonTree = ({ value, limit, bare }) => {
  const names = bare && !Array.isArray(value) ? Object.keys(value) : [];
  if (!names.length || names.length > MANY) return html`<${Json} name="" value=${value} depth=${0} limit=${limit} bare=${bare} />`;
  return names.map((name) => html`<${Json} key=${name} name=${name} value=${value[name]} depth=${1} limit=${limit} bare=${bare} />`);
};

/** The start of a text, on a line. @param {string} text */
const brief = (text) => visible(text.length > 60 ? `${text.slice(0, 59)}…` : text);

/** What stands for an object, a secret, or what was left out in the arguments of a step is no text. @param {any} value */
const standsIn = (value) => /^(<.*>|\[filtered\]|… [\d,]+ more)$/s.test(value);

/** How much of a list or an object is here, if not all: its copy ends with how many were left out. @param {any} value */
function shownOf(value) {
  const list = Array.isArray(value),
    left = /^(?:… )?([\d,]+) more$/.exec(list ? value.at(-1) : value['…'])?.[1],
    shown = Object.keys(value).length - 1;
  return left && `${commas(shown)} shown of ${commas(shown + Number(left.replaceAll(',', '')))}`;
}

/** A value as JSON writes it, but a text with its line ends. @param {any} value */
const written = (value) => (value instanceof Exact ? value.source : typeof value === 'string' ? `"${value}"` : String(value));

/** A list of a few words and numbers, on one line; undefined for others. @param {any} value @param {boolean} [bare] */
function onOneLine(value, bare) {
  const isLong = (/** @type {any} */ one) => isInner(one) || String(one).length > ONE_LINE;
  if (!Array.isArray(value) || value.length > ONE_LINE || value.some(isLong)) return undefined;
  const text = `[${value.map((one) => (bare && standsIn(one) ? one : typeof one === 'string' ? JSON.stringify(one) : written(one))).join(', ')}]`;
  return text.length > ONE_LINE ? undefined : text;
}

const isInner = (/** @type {any} */ value) => value !== null && typeof value === 'object' && !(value instanceof Exact);

/** A JSON value. @param {{name: string, value: any, depth: number, limit?: number, bare?: boolean}} props */
const Json = ({ name, value, depth, limit, bare }) => {
  const lead = name && `${visible(name)}: `,
    text = onOneLine(value, bare);
  if (text === undefined && isInner(value)) return html`<${Fold} lead=${lead} value=${value} depth=${depth} limit=${limit} bare=${bare} />`;
  const isBare = bare && standsIn(value),
    kind = text !== undefined || isBare ? '' : typeof value === 'string' ? 'str' : 'num';
  return html`<${Leaf} lead=${lead} name=${name} kind=${kind} text=${text ?? (isBare ? value : written(value))} limit=${limit} />`;
};

/** @extends {Component<{lead: string, name: string, kind: string, text: string, limit?: number}, {all: boolean}>} */
class Leaf extends Component {
  /** @override */
  state = { all: false };

  /** @override */
  render() {
    const { lead, name, kind, text, limit } = this.props,
      shown = cut(text, limit);
    if (this.state.all) return html`<div>${pieces(lead + text).map((piece) => html`<${Piece} text=${piece} />`)}</div>`;
    const line = html`<div class="text json" dir="auto"><span class="dim">${lead}</span><span class=${kind}>${visible(shown.text + (shown.left ? '…' : ''))}</span></div>`;
    if (!shown.left) return line;
    return html`<div>${line}<${ShowAll} text=${text} what=${name || 'the value'} onClick=${() => this.setState({ all: true })} /></div>`;
  }
}

/**
 * An object or a list that folds, built as far as it is opened.
 * @extends {Component<{lead: string, value: any, depth: number, limit?: number, bare?: boolean}, {open: boolean}>}
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
    const { lead, value, depth, limit, bare } = this.props,
      { open } = this.state,
      list = Array.isArray(value);
    this.names = Object.keys(value);
    this.opened ||= open;
    const some = bare && shownOf(value),
      title = list ? `[${some || commas(this.names.length)}]` : `{${some ? `${some}: ` : ''}${brief(this.names.join(', '))}}`;
    return html`<details class="json" open=${open} onToggle=${this.onToggle}>
      <summary>${lead + title}</summary>
      ${this.opened && this.names.map((name) => html`<${Json} key=${name} name=${list ? '' : name} value=${value[name]} depth=${depth + 1} limit=${limit} bare=${bare} />`)}
    </details>`;
  }
}
