// @ts-check
/** Request and answer as they crossed the wire; the kernel is asked when this is opened. */
import { Component, Copy, html, Table } from './dom.js';
import { shown } from './facts.js';
import { visible } from './format.js';
import { TextBlock } from './text_block.js';

/** @typedef {{item: import('./protocol.js').Detail, run: import('./store.js').Run}} Props */

const LINES = 20; // of a body shown at first

/** @extends {Component<Props, {open: boolean}>} */
export class Sent extends Component {
  /** @override */
  state = { open: false };

  onToggle = (/** @type {any} */ event) => this.setState({ open: event.currentTarget.open });

  /** @override */
  render() {
    const { item, run } = this.props,
      { open } = this.state;
    if (item.raw != null) return null;
    return html`<details class="sent" open=${open} onToggle=${this.onToggle}>
      <summary>as sent</summary>
      ${open && html`<${Crossed} answer=${run.answerTo({ k: 'raw', id: item.id })} missing=${run.missing} />`}
    </details>`;
  }
}

/** @param {{answer: any, missing: string}} props */
const Crossed = ({ answer, missing }) => {
  if (!answer?.raw) return html`<div class="dim">${visible(answer?.missing ?? missing)}</div>`;
  const { method, url, sent, body, status, received, answer: text, notes } = answer.raw;
  return html`
    <${Half} title=${`${method} ${url}`} headers=${sent} body=${body} what="the request" />
    <${Half} title=${`answer ${status ?? ''}`} headers=${received} body=${text} what="the answer" />
    ${notes.map((/** @type {string} */ note) => html`<div class="small">${visible(note)}</div>`)}`;
};

/** @param {{title: string, headers: string[][], body: string, what: string}} props */
const Half = ({ title, headers, body, what }) => html`<div class="turn">
  <div class="who"><span>${visible(title)}</span><${Copy} text=${() => body} what=${`${what} as sent`} /></div>
  ${headers.length > 0 && html`<${Table} name="facts" label=${`headers of ${what}`} lines=${shown(headers)} />`}
  ${body && html`<${TextBlock} text=${body} what=${what} lines=${LINES} />`}
</div>`;
