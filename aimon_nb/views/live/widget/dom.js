// @ts-check
/**
 * Elements by hand, for the list of rows, and components for all else.
 *
 * Whatever a model wrote is hostile text: it reaches the page as text, never as HTML.
 * No table, pre or code elements: a notebook has styles of its own for those.
 */

import htm from './vendor/htm.js';
import { Component, h, render } from './vendor/preact.js';

export { Component };
export const html = htm.bind(h);

/** An element with a class and text. @param {string} tag @param {string} [name] @param {string|null} [text] */
export function el(tag, name, text) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text != null) made.textContent = text;
  return made;
}

/** Set text only where it differs. @param {Element} at @param {string} text */
export function setText(at, text) {
  if (at.textContent !== text) at.textContent = text;
}

/** A function that draws components into an element. What they were given is kept here: the element itself leads to none of it. @param {Element} at */
export function drawer(at) {
  const place = {
    nodeType: 1,
    namespaceURI: at.namespaceURI,
    ownerDocument: document,
    firstChild: null,
    insertBefore: (/** @type {Node} */ node, /** @type {Node|null} */ before) => at.insertBefore(node, before),
  };
  return (/** @type {unknown} */ what) => render(what, place);
}

/** Put a text on the clipboard; whether the page may. @param {string} text */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const box = document.createElement('textarea');
    box.value = text;
    document.body.append(box);
    box.select();
    const copied = document.execCommand('copy');
    box.remove();
    return copied;
  }
}

/**
 * A button that copies and says so.
 * @extends {Component<{text: () => string, what: string, hidden?: boolean}, {copied: boolean}>}
 */
export class Copy extends Component {
  /** @override */
  state = { copied: false };

  onClick = async (/** @type {Event} */ event) => {
    event.stopPropagation();
    await copy(this.props.text());
    this.setState({ copied: true });
    setTimeout(() => this.setState({ copied: false }), 1200);
  };

  /** @override */
  render() {
    const { what, hidden } = this.props;
    return html`<button class="copy" aria-label=${`copy ${what}`} hidden=${!!hidden} onClick=${this.onClick}>${this.state.copied ? 'copied' : 'copy'}</button>`;
  }
}

/** A list of names and values: elements with roles, not a table. @param {{name: string, label: string, lines: any[][], total?: boolean}} props */
export const Table = ({ name, label, lines, total }) => html`
  <div class=${name} role="table" aria-label=${label}>
    ${lines.map((cells, at) => html`<${Line} cells=${cells} total=${total && at === lines.length - 1} />`)}
  </div>`;

/** One line of a table; its first cell is the head. @param {{cells: any[], total?: boolean}} props */
const Line = ({ cells, total }) => html`
  <div class=${total ? 'line-of total' : 'line-of'} role="row">
    ${cells.map((cell, at) => html`<span role=${at ? 'cell' : 'rowheader'}>${cell}</span>`)}
  </div>`;
