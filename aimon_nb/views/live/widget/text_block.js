// @ts-check
/** A text of any length, cut with "show all": as it is written, as Markdown, or as a tree of JSON. */
import { Component, html } from './dom.js';
import { cut, cutLines, pieces } from './format.js';
import { JsonTree, parsed } from './json_tree.js';
import { Piece, ShowAll } from './pieces.js';
import { isMarked, Prose } from './prose.js';

const PROSE_LIMIT = 200_000; // characters laid out as Markdown

/** How a text can be shown beside as it is written: `json`, `prose`, or "". @param {string} text */
export const formOf = (text) => (parsed(text) !== undefined ? 'json' : text.length <= PROSE_LIMIT && isMarked(text) ? 'prose' : '');

/**
 * `limit`: characters, `lines`: lines shown at first. `bare`: the names of its JSON value are lines, without a fold around them.
 * `form`: what it is shown as; JSON as a tree where nothing else is said.
 * @extends {Component<{text: string, what: string, limit?: number, lines?: number, bare?: boolean, form?: string}, {all: boolean}>}
 */
export class TextBlock extends Component {
  /** @override */
  state = { all: false };

  /** @override */
  render() {
    const { text, what, limit, lines, bare, form = 'json' } = this.props,
      { all } = this.state,
      value = form === 'json' && !all ? parsed(text) : undefined;
    if (value !== undefined) return html`<div class="block"><${JsonTree} value=${value} limit=${limit} bare=${bare} /></div>`;
    if (all && form !== 'prose') return html`<div class="block">${pieces(text).map((piece) => html`<${Piece} text=${piece} />`)}</div>`;
    const few = cutLines(text, all ? Infinity : lines),
      shown = cut(few.text, all ? Infinity : limit),
      isCut = few.left > 0 || shown.left > 0;
    return html`<div class="block">
      <${form === 'prose' ? Prose : Piece} text=${shown.text + (shown.left ? '…' : '')} />
      ${isCut && html`<${ShowAll} text=${text} what=${what} lines=${shown.left ? 0 : few.left} onClick=${() => this.setState({ all: true })} />`}
    </div>`;
  }
}
