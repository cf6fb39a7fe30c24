// @ts-check
/** Markdown as components: text in elements of ours, no HTML of a model's. Nothing is fetched before a link is clicked twice. */
import { Component, html } from './dom.js';
import { visible } from './format.js';
import { markdown } from './markdown.js';

/** @typedef {import('./markdown.js').Node} Node */

/** @type {Record<string, string>} */
const ROLES = { list: 'list', item: 'listitem', table: 'table', row: 'row', cell: 'cell', quote: 'blockquote', rule: 'separator' };

/** Whether a text may look other than it is written. @param {string} text */
export const isMarked = (text) => /[*_`#|[~]|^ *(?:[-+>]|\d+[.)]) |https?:/m.test(text);

/**
 * A text that was written in Markdown.
 * @extends {Component<{text: string}, {}>}
 */
export class Prose extends Component {
  /** @param {{text: string}} next @override */
  shouldComponentUpdate(next) {
    return next.text !== this.props.text;
  }

  /** @override */
  render() {
    return html`<div class="prose">${markdown(this.props.text).map((one) => drawn(one))}</div>`;
  }
}

/** @param {Node|string} one @param {string[]} [align] of the columns of its table @param {number} [column] @returns {unknown} */
function drawn(one, align = [], column = 0) {
  if (typeof one === 'string') return visible(one);
  const { t, text = '', url = '' } = one,
    inner = one.kids.map((kid, at) => drawn(kid, one.align ?? align, at)),
    name = t === 'head' ? `head-of level${text.length}` : t === 'row' ? 'line-of' : t;
  if (t === 'link') return html`<${Link} url=${url}>${inner}<//>`;
  if (t === 'image') return html`<span class="dim">${`[image${one.kids[0] && ': '}`}${inner}] ${visible(url)}</span>`;
  if (t === 'strong' || t === 'em' || t === 'del') return html`<${t}>${inner}<//>`;
  if (t === 'code') return html`<span class="code">${inner}</span>`;
  if (t === 'item') return html`<div role="listitem" class="li"><span class="dim">${text.length > 1 ? text : '•'}</span><div>${inner}</div></div>`;
  if (t === 'block') return html`<div class="codes">${text && html`<div class="small">${visible(text)}</div>`}<div class="text">${inner}</div></div>`;
  return html`<div class=${name} role=${ROLES[t]} dir="auto" style=${t === 'cell' ? { textAlign: align[column] } : one.align && { gridTemplateColumns: `repeat(${one.align.length}, auto)` }}>${inner}</div>`;
}

/** Where a link may lead: a page or a letter; "" for all else. @param {string} url */
function safe(url) {
  try {
    const { protocol, href } = new URL(url);
    return ['http:', 'https:', 'mailto:'].includes(protocol) ? href : '';
  } catch {
    return '';
  }
}

/**
 * Words that say where they lead when they are clicked, and only then can be followed.
 * @extends {Component<{url: string, children?: any}, {open: boolean}>}
 */
class Link extends Component {
  /** @override */
  state = { open: false };

  /** @override */
  render() {
    const { url, children } = this.props,
      { open } = this.state,
      href = safe(url);
    return html`<button class="link" aria-expanded=${String(open)} onClick=${() => this.setState({ open: !open })}>${children}</button>
      ${open && (href ? html` <a href=${href} target="_blank" rel="noopener noreferrer">${href}</a>` : html` <span class="dim">${visible(url)}</span>`)}`;
  }
}
